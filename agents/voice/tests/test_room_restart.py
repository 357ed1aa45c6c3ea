"""A LiveKit server that dies in the middle of a spoken conversation, and comes back.

The server is each test's own; `make test-services` builds its program. What is recognised is a
stand-in's; the rooms, the agent's session and the detector are real.
"""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from livekit import api

from agents.voice.tests.rooms import Person, mortal_server, server_marks
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
from scripts.services.livekit import API_KEY

PERSON = "visitor-1"
ROOM = "room-1"
QUESTION = "What do you use it for, who else does, and what would you miss most if it went away?"
AGENT_SPEAKS = SpeechChanged(SpeakerRole.AGENT, True)
GIVES_UP_SECONDS = 60
"""livekit's client joins again ten times, with pauses that take it some 20 to 30 seconds."""

pytestmark = server_marks


@pytest.fixture
def server(tmp_path):
    with mortal_server(tmp_path) as made:
        yield made


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


async def join(scene):
    """Let the person enter, and wait until the agent listens."""
    options = scene.options
    grants = api.VideoGrants(room_join=True, room=ROOM)
    token = api.AccessToken(API_KEY, options.livekit_api_secret)
    person = Person()
    await person.join(options.livekit_url, token.with_identity(PERSON).with_grants(grants).to_jwt())
    return person


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
    person = await join(scene)
    await is_understood(scene, talk, person, "I use it every day.")

    server.kill()
    await talk.until(lambda: VoiceErrorCode.ROOM_RECONNECTING in faults(talk))
    await person.leave()
    await talk.voice.say_text(VisitorTurn("seg_typed", "I type meanwhile.", client_id="typed-1"))
    await asyncio.to_thread(server.start)
    person = await join(scene)
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
    person = await join(scene)
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
    person = await join(scene)
    await is_understood(scene, again, person, "Now I speak again.")
    await person.leave()


async def test_what_a_room_without_the_person_was_told_stays_to_be_read(scene):
    talk = await start_talk(scene, host=StubHost(greeting="Hi.", answers=[QUESTION, "Thanks."]))

    await talk.voice.say_text(typed("I type"))
    await talk.until(lambda: talk.host.calls == ["open", "reply"])
    await asyncio.sleep(0.5)
    await talk.voice.say_text(typed("and again"))
    await talk.until_quiet(2)
    person = await join(scene)
    await talk.until_quiet(3)

    assert lines(talk) == [("Hi.", False), (QUESTION, False), ("Thanks.", False)]
    await person.leave()


async def test_a_sentence_a_dead_server_cut_stays_whole_when_the_person_types(scene, server):
    talk = await start_talk(scene, host=StubHost(greeting=QUESTION))
    person = await join(scene)
    await talk.until(lambda: talk.sink.events(SpeechChanged)[-1:] == [AGENT_SPEAKS], 10)

    server.kill()
    await talk.until(lambda: VoiceErrorCode.ROOM_RECONNECTING in faults(talk))
    assert talk.sink.spoken == []
    await talk.voice.say_text(typed("I type meanwhile."))
    await talk.until_quiet(1)

    assert lines(talk)[0] == (QUESTION, False)
    await person.leave()
