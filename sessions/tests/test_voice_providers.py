"""Providers that fail, through the real OpenAI plugins and the socket a browser uses.

Sentences are spoken at the pace of speech and failing takes its time, so all cases are held side
by side: each conversation has a key of its own, by which the server knows its script.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from agents.voice import failures
from agents.voice.agent_manager import AgentManager
from agents.voice.options import read_options
from agents.voice.tests import sounds
from agents.voice.tests.talks import tasks_left
from core.live.threads import in_thread
from sessions.models import SessionStatus, TranscriptSegment, VoiceSession
from sessions.services import voices
from sessions.tests.sockets import socket_of
from sessions.voice.runner import VoiceRunner, use_runner
from tests.fakes.speech_server import shared_speech_server

pytestmark = pytest.mark.django_db(transaction=True)
CEILING_SECONDS = 25.0
"""Far beyond what it takes: a machine under load is slow, not wrong."""
SENTENCE = "By bus to work."


@pytest.fixture(scope="module")
def detector():
    from agents.voice.detector import load_detector, load_plugins

    load_plugins()
    return load_detector()


@pytest.fixture
def provider(settings):
    server = shared_speech_server()
    server.forget()
    settings.VOICE_IN_PROCESS = settings.VOICE_OFFERED = True
    settings.VOICE_ENGINE = "openai"
    settings.VOICE_RECORDING = False
    settings.LLM_ENABLED = True
    settings.OPENAI_BASE_URL = server.base_url
    return server


class Managers:
    """What a runner needs of a manager; each conversation has one with its own options."""

    def __init__(self):
        self.of_session = {}

    async def start(self, ticket, *arguments):
        return await self.of_session[ticket.session_id].start(ticket, *arguments)

    async def stop(self, session_id):
        return await self.of_session[session_id].stop(session_id)


async def listen_until(socket, event_type, *, sentence, **fields):
    """Send a microphone's sound at real pace, again and again, until the event comes.

    Without a sentence it is the silence of someone who only listens.
    """
    speaking = asyncio.create_task(_send_sound(socket, sentence), name="test.speaking")
    try:
        async with asyncio.timeout(CEILING_SECONDS):
            while True:
                event = await _next_event(socket)
                if event["type"] == event_type and fields.items() <= event.items():
                    return event
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)


async def _next_event(socket):
    while True:
        output = await socket.line.output_queue.get()
        assert output["type"] == "websocket.send", output
        if output.get("text"):
            event = json.loads(output["text"])
            socket.seen.append(event)
            return event


async def _send_sound(socket, sentence):
    sound = (sounds.say(sentence) if sentence else b"") + sounds.quiet(0.6)
    while True:
        for at in range(0, len(sound), 1280):
            await socket.line.send_to(bytes_data=sound[at : at + 1280])
            await asyncio.sleep(0.04)


EARS = {
    "ears-429": {"status": 429},
    "ears-500": {"status": 500},
    "ears-garbage": {"garbage": True},
    "ears-never": {"seconds": 30.0},
}
# Who hears no question says nothing: these have to show without a word of theirs.
VOICES = {
    "voice-429": {"status": 429},
    "voice-500": {"status": 500},
    "voice-garbage": {"garbage": True},
    "voice-never": {"seconds": 30.0},
    "voice-silent": {"silent": True},
}


@pytest.mark.slow
async def test_a_provider_that_fails_is_said_and_typing_goes_on(
    start_interview, provider, detector, monkeypatch
):
    monkeypatch.setattr(failures, "TRIAL_AFTER_SECONDS", 0.1)
    before = {id(task) for task in asyncio.all_tasks()}
    options = replace(read_options(), attempt_seconds=0.4, nudge_seconds=600.0)
    managers = Managers()
    runner = VoiceRunner(managers)
    use_runner(runner)
    held = []
    for case in EARS | VOICES:
        interview = await in_thread(start_interview)()
        managers.of_session[interview.session.public_id] = AgentManager(
            replace(options, api_key=case), detector
        )
        if case in EARS:
            provider.script("speech", hum=0.2, api_key=case, times=500)
            provider.script("transcriptions", **EARS[case], api_key=case, times=500)
        else:
            provider.script("speech", **VOICES[case], api_key=case, times=500)
        held.append(hold(case, interview))

    outcomes = await asyncio.gather(*held, return_exceptions=True)

    await runner.stop_all()
    for manager in managers.of_session.values():
        await manager.aclose()
    failed = {
        case: outcome
        for case, outcome in zip(EARS | VOICES, outcomes, strict=True)
        if outcome is not None
    }
    assert failed == {}
    left = await tasks_left(before)
    assert [name for name in left if "voice" in name.lower()] == []


async def hold(case, interview):
    """Talk to a provider that fails until it is given up, then go on by typing."""
    await in_thread(voices.switch_transport)(
        voice_session=interview.session, transport="browser_audio"
    )
    socket = socket_of(interview)
    await socket.open()
    sentence = SENTENCE if case in EARS else ""

    error = await listen_until(socket, "error", code="speech_unavailable", sentence=sentence)

    # A process that is killed now comes back to a conversation that is typed.
    row = await in_thread(VoiceSession.objects.get)(pk=interview.session.pk)
    assert (row.mode, row.transport) == ("text", "typing")
    assert error["title"]
    words = {"speech_retrying", "speech_unavailable"}
    assert {e["code"] for e in socket.seen if e["type"] == "error"} == words
    await socket.send(type="say", text="By bus, every day.", client_id="typed-1")
    async with asyncio.timeout(CEILING_SECONDS):
        while True:
            event = await _next_event(socket)
            if event["type"] == "transcript" and event["role"] == "agent" and event["final"]:
                said = [e.get("text") for e in socket.seen if e["type"] == "transcript"]
                if "By bus, every day." in said:
                    break
        while row.leased_until is not None:
            await asyncio.sleep(0.02)
            await in_thread(row.refresh_from_db)()
    await socket.leave()
    kept = await in_thread(list)(
        TranscriptSegment.objects.filter(voice_session=row).values_list("role", "text")
    )
    assert row.status == SessionStatus.ACTIVE
    # The question stands as it was written, not as one that was cut.
    assert kept[0][0] == "agent"
    assert kept[0][1].endswith("How do you get to work?")
    assert ("user", "By bus, every day.") in kept
    assert kept[-1][0] == "agent"
