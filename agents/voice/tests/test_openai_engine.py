"""The real OpenAI plugins against a local server with their wire format.

The server is in a process of its own; its recogniser and voice are small, so where words are
compared they are scripted. Providers that fail: sessions/tests/test_voice_providers.py.
"""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from agents.voice.agent_manager import AgentManager
from agents.voice.engines.openai import OpenAIEngine, _RepeatedUtterance, voiced_seconds
from agents.voice.options import VoiceOptions
from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubHost, StubSink, ticket, tone
from agents.voice.tests.talks import OPTIONS, Talk
from agents.voice.types import (
    EngineKind,
    InterimTranscript,
    ReplySource,
    VoiceBriefing,
    VoiceErrorCode,
    VoiceFault,
)
from tests.fakes.speech_server import shared_speech_server


@pytest.fixture
def server():
    running = shared_speech_server()
    running.forget()
    # Only the test that looks at the voice has a real one make its sound.
    running.script("speech", hum=0.2)
    return running


@pytest.fixture
def talk_to(detector, server):
    """Return a function that starts a conversation with the real plugins."""
    managers = []

    async def start(*, host=None, briefing=None, **changes):
        values = {"base_url": server.base_url, "nudge_seconds": 600.0, "attempt_seconds": 4.0}
        options = VoiceOptions(**{**values, **changes})
        manager = AgentManager(options, detector)
        managers.append(manager)
        sink, host = StubSink(), host or StubHost(greeting="Hello.")
        used = ticket(engine=EngineKind.OPENAI)
        voice = await manager.start(used, briefing or VoiceBriefing(), sink, host)
        return Talk(manager, voice, host, sink)

    return start


async def test_a_turn_by_the_real_plugins(talk_to, server):
    server.script("transcriptions", "the delivery was", times=1)
    server.script("transcriptions", "the delivery was late", times=8)
    talk = await talk_to(host=StubHost(greeting="Hello.", answers=["Thank you."]))
    await talk.until_quiet(1)

    await talk.speak("The delivery was late.")
    await talk.until_quiet(2)
    await talk.manager.aclose()

    assert [turn.text for turn in talk.host.turns] == ["the delivery was late"]
    assert talk.sink.events(InterimTranscript)[0].text == "the delivery was"
    spoken = server.requests("speech")[-1]
    assert (spoken["input"], spoken["response_format"]) == ("Thank you.", "pcm")
    assert spoken["voice"] == OPTIONS.tts_voice
    heard = server.requests("transcriptions")[-1]
    assert heard["model"] == "gpt-4o-mini-transcribe"
    assert heard["language"] == "en"
    usage = {model.kind: model for model in talk.sink.ended.usage.models}
    # What was asked for the interim words is paid for as well.
    assert usage["stt"].audio_seconds > 1.0
    assert usage["stt"].cost_micros > 0
    assert usage["tts"].is_priced
    assert sum(len(audio.pcm) for _, audio in talk.sink.audio) > 10_000


async def test_a_model_streams_a_plain_chat(talk_to, server):
    server.script("transcriptions", "tell me a joke", times=8)
    server.script("chat", "No jokes today.")
    server.script("speech", hum=0.2)
    briefing = VoiceBriefing(instructions="Be brief.", reply_source=ReplySource.MODEL)
    talk = await talk_to(briefing=briefing)
    await talk.until_quiet(1)

    await talk.speak("Tell me a joke.")
    await talk.until_quiet(2)
    await talk.manager.aclose()

    assert talk.sink.spoken[1].text == "No jokes today."
    messages = server.requests("chat")[-1]["messages"]
    assert messages[0]["content"] == "Be brief."
    assert messages[-1] == {"role": "user", "content": "tell me a joke"}
    llm = next(model for model in talk.sink.ended.usage.models if model.kind == "llm")
    assert (llm.model, llm.input_tokens) == ("gpt-4o-mini", 11)


async def test_what_models_write_for_noise_is_dropped(server):
    engine = OpenAIEngine(VoiceOptions(base_url=server.base_url, interim_seconds=0.0))
    stt = engine.make_stt("en", None, lambda: None)
    for sound, answer, expected in (
        (sounds.quiet(1.0), "Thank you.", ""),
        (sounds.cough(), "Thank you.", ""),
        (sounds.say("Thank you very much for everything."), "Thank you.", "Thank you."),
    ):
        server.script("transcriptions", answer)
        utterance = stt.open_utterance(lambda text: None)
        assert isinstance(utterance, _RepeatedUtterance)
        utterance.push(sound)
        assert (await utterance.finish()).text == expected
    await engine.aclose()


def test_loudness_is_measured_by_stretches():
    assert voiced_seconds(b"") == 0.0
    assert voiced_seconds(sounds.quiet(1.0)) == 0.0
    assert voiced_seconds(tone(0.5, 16_000)) == pytest.approx(0.5, abs=0.03)
    assert voiced_seconds(np.full(100, 9000, np.int16).tobytes()) == 0.0


async def test_a_voice_that_never_answers_is_given_up(talk_to, server):
    server.forget()
    server.script("speech", seconds=30.0, times=6)
    talk = await talk_to(attempt_seconds=0.3)

    await talk.until_quiet(1, seconds=10)
    await asyncio.sleep(0)
    assert talk.sink.spoken[0].text == "Hello."
    assert talk.sink.spoken[0].played_seconds == 0.0
    assert talk.sink.events(VoiceFault)[0].code is VoiceErrorCode.SPEECH_RETRYING
    await talk.manager.aclose()
