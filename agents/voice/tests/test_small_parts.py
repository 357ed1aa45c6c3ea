"""What stands alone: listeners' sounds, prices, recording, microphone, the choice of engine."""

from __future__ import annotations

import numpy as np
import pytest

from agents.voice import engines, get_manager
from agents.voice import recorder as recorder_module
from agents.voice.backchannels import is_turn
from agents.voice.browser import MicrophoneInput
from agents.voice.engines import available_transports, choose_engine
from agents.voice.options import read_options
from agents.voice.prices import merge_prices, price_usage
from agents.voice.recorder import Recorder
from agents.voice.tests import sounds
from agents.voice.tests.stubs import tone
from agents.voice.types import (
    INPUT_RATE,
    OUTPUT_RATE,
    EngineKind,
    TransportKind,
    VoiceUnavailableError,
)


@pytest.mark.parametrize(
    ("text", "seconds", "over", "expected"),
    [
        ("", 1.0, False, False),
        ("...", 1.0, False, False),
        ("mhm", 0.3, False, True),
        ("mhm", 0.3, True, False),
        ("Yeah, okay.", 0.9, True, False),
        ("sí claro", 0.7, True, False),
        ("stop", 0.3, True, True),
        ("¡Espere!", 0.4, True, True),
        ("no", 0.2, True, True),
        ("brick", 0.3, True, False),
        ("brick", 0.3, False, True),
        ("yeah but the price", 1.2, True, True),
        ("the", None, True, False),
    ],
)
def test_what_is_a_turn(text, seconds, over, expected):
    assert is_turn(text, speech_seconds=seconds, is_over_agent=over) is expected


def test_prices_are_summed_and_unknown_models_marked():
    chat = price_usage(
        kind="llm", provider="openai", model="gpt-4o-mini", input_tokens=1_000_000, output_tokens=0
    )
    ears = price_usage(
        kind="stt", provider="openai", model="gpt-4o-mini-transcribe", audio_seconds=60
    )
    free = price_usage(kind="tts", provider="local", model="espeak-ng", audio_seconds=600)
    unknown = price_usage(kind="llm", provider="openai", model="house-model", input_tokens=10)

    assert (chat.cost_micros, ears.cost_micros, free.cost_micros) == (150_000, 3_000, 0)
    assert (chat.is_priced, free.is_priced, unknown.is_priced) == (True, True, False)


def test_an_administrators_prices_replace_the_table_model_by_model(settings):
    settings.VOICE_PRICES = {
        "gpt-4o-mini": {"input": 0.3, "output": 1.2},
        "house-ears": {"minute": 0.01},
        "house-voice": {"characters": 20},
    }
    prices = read_options().prices

    def cost(kind, model, **used):
        return price_usage(
            kind=kind, provider="openai", model=model, prices=prices, **used
        ).cost_micros

    assert cost("llm", "gpt-4o-mini", input_tokens=1000, output_tokens=1000) == 1_500
    assert cost("stt", "house-ears", audio_seconds=90) == 15_000
    assert cost("tts", "house-voice", characters=500) == 10_000
    assert cost("stt", "whisper-1", audio_seconds=60) == 6_000
    assert merge_prices({})["gpt-4o"].input_per_1000 == 2_500


class Tape:
    def __init__(self, fails=False):
        self.pcm = b""
        self.closed = None
        self.fails = fails

    def write(self, pcm):
        if self.fails:
            raise OSError("full")
        self.pcm += pcm

    def close(self, *, seconds):
        self.closed = seconds


async def test_a_recording_holds_both_voices_at_their_times(monkeypatch):
    moment = 50.0
    monkeypatch.setattr(recorder_module.clock, "monotonic", lambda: moment)
    tape = Tape()
    recorder = Recorder(tape)
    spoken = tone(0.5)
    recorder.add_agent(spoken)
    moment += 0.3
    # What was just heard began 0.2 s ago.
    recorder.add_microphone(sounds.noise(0.2, 3000))

    seconds = await recorder.aclose()

    samples = np.frombuffer(tape.pcm, np.int16).astype(int)
    assert tape.closed == seconds == len(samples) / OUTPUT_RATE == 0.5
    heard = np.flatnonzero(samples - np.frombuffer(spoken, np.int16))
    assert heard[0] / OUTPUT_RATE == pytest.approx(0.1, abs=0.001)
    assert heard[-1] / OUTPUT_RATE == pytest.approx(0.3, abs=0.001)
    assert np.abs(samples).max() > 7000


async def test_what_was_dropped_is_not_in_the_recording(monkeypatch):
    moments = iter([50.0, 50.0, 50.0, 50.1, 50.1, 50.1])
    monkeypatch.setattr(recorder_module.clock, "monotonic", lambda: next(moments))
    recorder = Recorder(Tape())
    recorder.add_agent(tone(0.4))
    recorder.cut_agent()

    assert await recorder.aclose() == pytest.approx(0.1, abs=0.001)


async def test_a_storage_that_fails_costs_the_recording_only():
    recorder = Recorder(Tape(fails=True))
    recorder.add_agent(tone(0.4))

    assert await recorder.aclose() == 0.0


class Ear:
    def __init__(self):
        self.now = 50.0
        self.overflows = 0
        self.heard = 0
        self.microphone = MicrophoneInput(
            on_overflow=self.overflow, on_sound=self.take, now=lambda: self.now
        )

    def overflow(self):
        self.overflows += 1

    def take(self, pcm):
        self.heard += len(pcm)


async def test_the_microphone_takes_sound_at_the_pace_of_time():
    ear = Ear()
    second = bytes(INPUT_RATE * 2)

    for _ in range(10):
        ear.microphone.push(second)
    assert ear.heard == len(second)
    assert ear.overflows == 1

    ear.now += 3600.0
    for _ in range(10):
        ear.microphone.push(second)
    assert ear.heard <= len(second) * 3.1


async def test_the_microphone_is_deaf_when_told_and_ends_when_closed():
    ear = Ear()
    ear.microphone.is_deaf = True
    ear.microphone.push(b"\x01\x00" * 320)
    ear.microphone.is_deaf = False
    ear.microphone.push(b"\x02\x00" * 320 + b"\x09")
    ear.microphone.close()
    ear.microphone.push(b"\x03\x00" * 320)

    frame = await anext(ear.microphone)
    assert bytes(frame.data) == b"\x02\x00" * 320
    with pytest.raises(StopAsyncIteration):
        await anext(ear.microphone)


@pytest.mark.parametrize(
    ("wanted", "has_key", "language", "expected"),
    [
        ("auto", True, "fr", EngineKind.OPENAI),
        ("auto", False, "en", EngineKind.LOCAL),
        ("auto", False, "en-GB", EngineKind.LOCAL),
        ("auto", False, "es", EngineKind.NONE),
        ("local", True, "en", EngineKind.LOCAL),
        ("openai", False, "en", EngineKind.NONE),
        ("none", True, "en", EngineKind.NONE),
    ],
)
def test_the_engine_follows_settings_and_language(settings, wanted, has_key, language, expected):
    settings.VOICE_ENGINE, settings.LLM_ENABLED = wanted, has_key

    assert choose_engine(language) is expected


def test_transports_are_offered_best_first(settings):
    settings.VOICE_ENGINE, settings.LLM_ENABLED, settings.VOICE_OFFERED = "auto", False, True
    settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY = "ws://127.0.0.1:1", "key"
    settings.LIVEKIT_API_SECRET = "secret"

    assert available_transports("en") == (
        TransportKind.LIVEKIT,
        TransportKind.BROWSER_AUDIO,
        TransportKind.TYPING,
    )
    assert available_transports("es") == (TransportKind.TYPING,)
    settings.LIVEKIT_API_SECRET = ""
    assert available_transports("en")[0] is TransportKind.BROWSER_AUDIO


def test_without_the_packages_there_is_no_offline_voice(settings, monkeypatch):
    settings.VOICE_ENGINE, settings.LLM_ENABLED = "auto", False
    monkeypatch.setattr(engines, "has_local_engine", lambda: False)

    assert choose_engine("en") is EngineKind.NONE


def test_a_process_that_loaded_no_speech_says_so(monkeypatch):
    monkeypatch.setattr("agents.voice._detector", None)

    with pytest.raises(VoiceUnavailableError) as refused:
        get_manager()

    assert refused.value.code == "voice_not_loaded"
