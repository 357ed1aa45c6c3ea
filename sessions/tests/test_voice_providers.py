"""Providers that fail, through the real OpenAI plugins and the socket a browser uses.

Sentences are spoken at the pace of speech, so each case takes some seconds.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from agents.voice.agent_manager import AgentManager
from agents.voice.options import read_options
from agents.voice.tests import sounds
from agents.voice.tests.talks import tasks_left
from core.live.threads import in_thread
from sessions.models import SessionStatus, TranscriptSegment, VoiceSession
from sessions.services import voices
from sessions.tests.sockets import socket_of
from sessions.voice.runner import VoiceRunner, use_runner
from tests.fakes.speech_server import SpeechServer

pytestmark = pytest.mark.django_db(transaction=True)
CEILING_SECONDS = 60.0
"""Far beyond what it takes: a machine under load is slow, not wrong."""
SENTENCE = "I take the bus to work."


@pytest.fixture(scope="module")
def detector():
    from agents.voice.detector import load_detector, load_plugins

    load_plugins()
    return load_detector()


@pytest.fixture
def provider(settings):
    with SpeechServer() as server:
        settings.VOICE_IN_PROCESS = settings.VOICE_OFFERED = True
        settings.VOICE_ENGINE = "openai"
        settings.VOICE_RECORDING = False
        settings.LLM_ENABLED = True
        settings.OPENAI_BASE_URL = server.base_url
        yield server


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
    sound = (sounds.say(sentence) if sentence else b"") + sounds.quiet(1.2)
    while True:
        for at in range(0, len(sound), 1280):
            await socket.line.send_to(bytes_data=sound[at : at + 1280])
            await asyncio.sleep(0.04)


@pytest.mark.parametrize(
    ("route", "fault", "sentence"),
    [
        ("transcriptions", {"status": 429}, SENTENCE),
        ("transcriptions", {"status": 500}, SENTENCE),
        ("transcriptions", {"garbage": True}, SENTENCE),
        ("transcriptions", {"seconds": 3.0}, SENTENCE),
        # Who hears no question says nothing: it has to show without a word of theirs.
        ("speech", {"status": 500}, ""),
        ("speech", {"silent": True}, ""),
    ],
    ids=["ears-429", "ears-500", "ears-garbage", "ears-never", "voice-500", "voice-silent"],
)
async def test_a_provider_that_fails_is_said_and_typing_goes_on(
    interview, provider, detector, route, fault, sentence
):
    provider.script(route, times=500, **fault)
    before = {id(task) for task in asyncio.all_tasks()}
    options = replace(read_options(), attempt_seconds=0.7, nudge_seconds=600.0)
    runner = VoiceRunner(AgentManager(options, detector))
    use_runner(runner)
    await in_thread(voices.switch_transport)(
        voice_session=interview.session, transport="browser_audio"
    )
    socket = socket_of(interview)
    await socket.open()

    error = await listen_until(socket, "error", code="speech_unavailable", sentence=sentence)
    # The agent stays a moment longer, for a sentence whose words are still on their way.
    async with asyncio.timeout(CEILING_SECONDS):
        while True:
            row = await in_thread(VoiceSession.objects.get)(pk=interview.session.pk)
            if row.mode == "text":
                break
            await asyncio.sleep(0.05)
    await socket.send(type="say", text="By bus, every day.", client_id="typed-1")
    async with asyncio.timeout(CEILING_SECONDS):
        while True:
            event = await _next_event(socket)
            if event["type"] == "transcript" and event["role"] == "agent" and event["final"]:
                said = [e.get("text") for e in socket.seen if e["type"] == "transcript"]
                if "By bus, every day." in said:
                    break
    await socket.leave()
    await runner.stop_all()
    row = await in_thread(VoiceSession.objects.get)(pk=interview.session.pk)
    kept = await in_thread(list)(
        TranscriptSegment.objects.filter(voice_session=row).values_list("role", "text")
    )

    assert error["title"]
    assert (row.mode, row.transport, row.status) == ("text", "typing", SessionStatus.ACTIVE)
    assert row.leased_until is None
    assert ("user", "By bus, every day.") in kept
    assert kept[-1][0] == "agent"
    left = await tasks_left(before)
    assert [name for name in left if "voice" in name.lower()] == []
