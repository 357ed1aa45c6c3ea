"""What both voice benchmarks share: stub speech without delay, and the plain livekit pipeline.

The plain pipeline is livekit-agents as its own console example builds it (one AgentSession with
detector, ears, model, voice), with the same stubs, so that what differs is ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession, stt
from livekit.agents.language import LanguageCode
from livekit.agents.voice import io

from agents.voice.agent_manager import AgentManager
from agents.voice.detector import load_detector, load_plugins
from agents.voice.options import VoiceOptions
from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubEngine, StubHost, StubModel, StubSink, StubTTS, ticket
from agents.voice.types import AudioCleared, SpeakerRole, SpeechChanged, VoiceBriefing

ENDPOINTING_SECONDS = 0.5
QUESTION = "I liked the delivery, it came right on time."
INTERRUPTION = "Please stop talking, I want to say something now."
REPLY = "Thank you. And what would you say about the price of it, compared with what you expected?"

load_plugins()
detector = load_detector()


class Lane:
    """One conversation of either kind, and when things happened in it."""

    async def start(self) -> None: ...
    def push(self, pcm: bytes) -> None: ...
    async def stop(self) -> None: ...

    first_sounds: list[float]
    ducks: list[float]
    cuts: list[float]


class OurLane(Lane):
    """A conversation of Parley's AgentManager, browser audio."""

    def __init__(self, manager: AgentManager, engine: StubEngine) -> None:
        self._manager = manager
        engine.words = ["words"] * 1000
        self._sink = StubSink()
        self._sink.on_publish = self._note
        self.first_sounds, self.ducks, self.cuts = [], [], []

    async def start(self) -> None:
        host = StubHost(greeting=None, answers=[REPLY] * 1000)
        self._voice = await self._manager.start(ticket(), VoiceBriefing(), self._sink, host)

    def push(self, pcm: bytes) -> None:
        link = self._voice.audio
        if link is not None:
            link.push(pcm)

    async def stop(self) -> None:
        await self._manager.stop(self._voice.session_id)

    def _note(self, event: Any) -> None:
        now = time.monotonic()
        if isinstance(event, SpeechChanged) and event.is_speaking:
            (self.ducks if event.role is SpeakerRole.USER else self.first_sounds).append(now)
        elif isinstance(event, AudioCleared):
            self.cuts.append(now)


class _PlainEars(stt.STT[Any]):
    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))

    async def _recognize_impl(self, buffer: Any, **options: Any) -> stt.SpeechEvent:
        words = [stt.SpeechData(language=LanguageCode("en"), text="words")]
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=words)


class _PlainMicrophone(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="plain")
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()

    async def __anext__(self) -> rtc.AudioFrame:
        pcm = await self.frames.get()
        return rtc.AudioFrame(pcm, 16_000, 1, len(pcm) // 2)


class _PlainSpeaker(io.AudioOutput):
    """Plays into nothing, at the pace of time."""

    def __init__(self, on_start: Callable[[], None], on_cut: Callable[[], None]) -> None:
        super().__init__(
            label="plain",
            capabilities=io.AudioOutputCapabilities(pause=False),
            sample_rate=24_000,
        )
        self._on_start = on_start
        self._on_cut = on_cut
        self._started: float | None = None
        self._seconds = 0.0
        self._ending: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if self._started is None:
            self._started = time.monotonic()
            self._on_start()
            self.on_playback_started(created_at=time.time())
        self._seconds += frame.duration

    def flush(self) -> None:
        super().flush()
        if self._started is not None:
            left = self._started + self._seconds - time.monotonic()
            self._ending = asyncio.get_running_loop().call_later(left, self._end, False)

    def clear_buffer(self) -> None:
        if self._started is not None:
            self._on_cut()
            self._end(True)

    def _end(self, interrupted: bool) -> None:
        if self._ending is not None:
            self._ending.cancel()
        if self._started is None:
            return
        played = min(self._seconds, time.monotonic() - self._started)
        self._started, self._seconds = None, 0.0
        self.on_playback_finished(playback_position=played, interrupted=interrupted)


class PlainLane(Lane):
    """livekit-agents alone."""

    def __init__(self) -> None:
        self.first_sounds, self.ducks, self.cuts = [], [], []

    async def start(self) -> None:
        self._microphone = _PlainMicrophone()
        self._session: AgentSession[Any] = AgentSession(
            stt=_PlainEars(),
            vad=detector,
            llm=StubModel(*[REPLY] * 1000),
            tts=StubTTS(StubEngine()),
            turn_handling={
                "turn_detection": "vad",
                "endpointing": {"mode": "fixed", "min_delay": ENDPOINTING_SECONDS},
                "interruption": {"enabled": True, "mode": "vad"},
            },
            aec_warmup_duration=None,
            user_away_timeout=None,
        )
        self._session.on("user_state_changed", self._user_state)
        self._session.input.audio = self._microphone
        self._session.output.audio = _PlainSpeaker(
            lambda: self.first_sounds.append(time.monotonic()),
            lambda: self.cuts.append(time.monotonic()),
        )
        await self._session.start(Agent(instructions=""), record=False, session_host=False)

    def push(self, pcm: bytes) -> None:
        self._microphone.frames.put_nowait(pcm)

    async def stop(self) -> None:
        await self._session.aclose()

    def _user_state(self, event: Any) -> None:
        if event.new_state == "speaking":
            self.ducks.append(time.monotonic())


def make_manager() -> tuple[AgentManager, StubEngine]:
    """Return a manager with stub speech and room for every conversation of a benchmark."""
    options = VoiceOptions(
        endpointing_seconds=ENDPOINTING_SECONDS,
        nudge_seconds=3600,
        idle_seconds=3600,
        max_agents=1000,
        max_agents_per_company=1000,
    )
    manager, engine = AgentManager(options, detector), StubEngine()
    manager.use_engine(engine)
    return manager, engine


def voiced_span(pcm: bytes) -> tuple[float, float]:
    """Return where a sentence begins and ends in its sound, in seconds, by its loudness."""
    samples = np.abs(np.frombuffer(pcm, np.int16).astype(np.int32))
    loud = np.flatnonzero(samples > 600)
    return float(loud[0]) / 16_000, float(loud[-1]) / 16_000


async def feed(lanes: list[Any], pcm: bytes, *, stagger: bool = False) -> float:
    """Push sound to all lanes at real pace, 20 ms at a time; return when it began."""
    began = time.monotonic()
    step = 640
    for at in range(0, len(pcm), step):
        for number, lane in enumerate(lanes):
            start = (at + number * 32_000) % len(pcm) if stagger else at
            lane.push(pcm[start : start + step])
        ahead = began + (at + step) / 32_000 - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
    return began


def question() -> bytes:
    """Return the sound of a person's turn."""
    return sounds.say(QUESTION)


def interruption() -> bytes:
    """Return the sound of a person who cuts the agent short."""
    return sounds.say(INTERRUPTION)


def quiet(seconds: float) -> bytes:
    """Return silence."""
    return sounds.quiet(seconds)
