"""A LiveKit server that dies in the middle of a spoken conversation, and comes back.

The server is each test's own; `make test-services` builds its program. What is recognised is a
stand-in's; the rooms, the agent's session and the detector are real.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
from pathlib import Path

import pytest
from livekit import api, rtc

from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubHost
from agents.voice.tests.talks import OPTIONS, Scene
from agents.voice.types import (
    SpeakerRole,
    SpeechChanged,
    TransportKind,
    VisitorTurn,
    VoiceEnd,
    VoiceErrorCode,
    VoiceFault,
)
from scripts.services.livekit import API_KEY, VERSION, LiveKitService

ROOT = Path(__file__).resolve().parents[3]
HOME = Path(os.environ.get("TEST_SERVICES_HOME", "") or ROOT / "var" / "services")
PERSON = "visitor-1"
ROOM = "room-1"
RATE = 16_000
PIECE = RATE // 50
QUESTION = "What do you use it for, who else does, and what would you miss most if it went away?"
AGENT_SPEAKS = SpeechChanged(SpeakerRole.AGENT, True)
GIVES_UP_SECONDS = 60
"""livekit's client joins again ten times, with pauses that take it some 20 to 30 seconds."""

pytestmark = [
    pytest.mark.slow,  # As long as livekit's client tries again.
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
    # The server outlives the object that started it, which is what Popen warns of.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.skipif(
        not (HOME / "bin" / f"livekit-server-{VERSION}").is_file(),
        reason="no LiveKit server: Go or its module proxy is missing",
    ),
]


class MortalServer(LiveKitService):
    """One that can crash: asked to stop, it would wait for everybody to leave."""

    def kill(self) -> None:
        pid = int((Path(self.require_state().folder) / "livekit.pid").read_text(encoding="ascii"))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def server(tmp_path):
    (tmp_path / "bin").symlink_to(HOME / "bin")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    made = MortalServer(tmp_path, {LiveKitService.port_variable: port})
    made.start()
    yield made
    if made.is_running():
        made.kill()


@pytest.fixture
async def scene(detector, server):
    found = server.variables()
    made = Scene(
        detector,
        dataclasses.replace(
            OPTIONS,
            livekit_url=found["TEST_LIVEKIT_URL"],
            livekit_api_key=API_KEY,
            livekit_api_secret=found["TEST_LIVEKIT_API_SECRET"],
        ),
    )
    yield made
    await made.manager.aclose()


def start_talk(scene, **changes):
    return scene.start_talk(
        transport=TransportKind.LIVEKIT,
        room_name=ROOM,
        participant_identity=PERSON,
        **changes,
    )


class Person:
    """Somebody with a microphone that is on all the time."""

    def __init__(self, options):
        self._options = options
        self._room = rtc.Room()
        self._speech = asyncio.Queue()
        self._speaking = None

    async def join(self):
        """Enter, and wait until the agent listens."""
        grants = api.VideoGrants(room_join=True, room=ROOM)
        token = api.AccessToken(API_KEY, self._options.livekit_api_secret)
        token = token.with_identity(PERSON).with_grants(grants).to_jwt()
        await self._room.connect(self._options.livekit_url, token)
        source = rtc.AudioSource(RATE, 1)
        published = await self._room.local_participant.publish_track(
            rtc.LocalAudioTrack.create_audio_track("microphone", source),
            rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
        )
        self._speaking = asyncio.create_task(self._speak(source))
        await asyncio.wait_for(published.wait_for_subscription(), 30)

    def say(self, text):
        self._speech.put_nowait(sounds.say(text))

    async def leave(self):
        self._speaking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._speaking
        await self._room.disconnect()

    async def _speak(self, source):
        while True:
            sound = bytes(PIECE * 2) if self._speech.empty() else self._speech.get_nowait()
            for at in range(0, len(sound) - PIECE * 2 + 1, PIECE * 2):
                piece = sound[at : at + PIECE * 2]
                await source.capture_frame(rtc.AudioFrame(piece, RATE, 1, PIECE))


async def is_understood(scene, talk, person, text):
    """Say a sentence; it must become a turn."""
    scene.engine.words = [text]
    person.say(text)
    await talk.until(lambda: text in [turn.text for turn in talk.host.turns], 20)


def typed(text):
    return VisitorTurn(f"seg_{text}", text, is_typed=True, client_id=text)


def lines(talk):
    return [(line.text, line.interrupted) for line in talk.sink.spoken]


def faults(talk):
    return [fault.code for fault in talk.sink.events(VoiceFault)]


async def test_an_agent_hears_again_when_the_server_is_back_soon(scene, server):
    talk = await start_talk(scene)
    person = Person(scene.options)
    await person.join()
    await is_understood(scene, talk, person, "I use it every day.")

    server.kill()
    await talk.until(lambda: VoiceErrorCode.ROOM_RECONNECTING in faults(talk))
    await person.leave()
    await talk.voice.say_text(VisitorTurn("seg_typed", "I type meanwhile.", client_id="typed-1"))
    await asyncio.to_thread(server.start)
    person = Person(scene.options)
    await person.join()
    await is_understood(scene, talk, person, "Now I speak again.")

    assert [turn.text for turn in talk.host.turns] == [
        "I use it every day.",
        "I type meanwhile.",
        "Now I speak again.",
    ]
    assert talk.sink.ended is None
    await person.leave()


async def test_an_agent_whose_room_is_lost_ends_and_another_one_can_enter_it(scene, server):
    talk = await start_talk(scene, host=StubHost(greeting="Hi.", answers=[QUESTION]))
    person = Person(scene.options)
    await person.join()
    await is_understood(scene, talk, person, "I use it every day.")
    await talk.until(lambda: talk.sink.events(SpeechChanged)[-1:] == [AGENT_SPEAKS], 10)

    server.kill()
    await person.leave()
    await talk.until(lambda: talk.sink.ended is not None, GIVES_UP_SECONDS)

    assert talk.sink.ended.reason is VoiceEnd.ROOM_LOST
    # In the middle of the question the sound went away; who goes on by typing reads all of it.
    asked = talk.sink.spoken[-1]
    assert (asked.text, asked.interrupted) == (QUESTION, False)
    assert faults(talk) == [VoiceErrorCode.ROOM_RECONNECTING]
    await asyncio.to_thread(server.start)
    again = await start_talk(scene, session_id=talk.voice.session_id)
    person = Person(scene.options)
    await person.join()
    await is_understood(scene, again, person, "Now I speak again.")
    await person.leave()


async def test_what_a_room_without_the_person_was_told_stays_to_be_read(scene):
    talk = await start_talk(scene, host=StubHost(greeting="Hi.", answers=[QUESTION, "Thanks."]))

    await talk.voice.say_text(typed("I type"))
    await talk.until(lambda: talk.host.calls == ["open", "reply"])
    await asyncio.sleep(0.5)
    await talk.voice.say_text(typed("and again"))
    await talk.until_quiet(2)
    person = Person(scene.options)
    await person.join()
    await talk.until_quiet(3)

    assert lines(talk) == [("Hi.", False), (QUESTION, False), ("Thanks.", False)]
    await person.leave()


async def test_a_sentence_a_dead_server_cut_stays_whole_when_the_person_types(scene, server):
    talk = await start_talk(scene, host=StubHost(greeting=QUESTION))
    person = Person(scene.options)
    await person.join()
    await talk.until(lambda: talk.sink.events(SpeechChanged)[-1:] == [AGENT_SPEAKS], 10)

    server.kill()
    await talk.until(lambda: VoiceErrorCode.ROOM_RECONNECTING in faults(talk))
    assert talk.sink.spoken == []
    await talk.voice.say_text(typed("I type meanwhile."))
    await talk.until_quiet(1)

    assert lines(talk)[0] == (QUESTION, False)
    await person.leave()
