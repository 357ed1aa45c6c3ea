"""Stand-ins of a conversation: a host, a sink, and speech that takes no time.

`StubEngine` "recognises" what the test queued and "speaks" a tone as long as the words would
take, so that what livekit's own session does between the two is real.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit.agents import APIStatusError, llm, stt, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

from agents.voice.hearing import Recognised, UtteranceSTT, VadTap
from agents.voice.types import (
    INPUT_RATE,
    OUTPUT_RATE,
    AgentLine,
    AgentSpoken,
    ConversationOverError,
    EngineKind,
    TransportKind,
    VisitorTurn,
    VoiceEnded,
    VoiceTicket,
)
from core.ids import new_id

CHARACTERS_PER_SECOND = 28
"""Twice as fast as people speak: tests wait for every sentence."""


def tone(seconds: float, rate: int = OUTPUT_RATE) -> bytes:
    """Return an even sound."""
    times = np.arange(int(seconds * rate)) / rate
    return (np.sin(times * 2 * np.pi * 220) * 6000).astype(np.int16).tobytes()


@dataclass
class StubHost:
    """Greets, answers each turn with the next line, ends when told."""

    greeting: str | None = "Hello, how was it?"
    answers: list[str] = field(default_factory=list)
    turns: list[VisitorTurn] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    is_over: bool = False
    closes_after: int | None = None
    fails: list[Exception] = field(default_factory=list)
    delay: float = 0.0

    async def open(self) -> AgentLine | None:
        self.calls.append("open")
        return None if self.greeting is None else AgentLine(self.greeting, new_id("seg"))

    async def take_turn(self, turn: VisitorTurn) -> bool:
        if self.is_over:
            raise ConversationOverError
        if self.fails:
            raise self.fails.pop(0)
        if any(turn.client_id and turn.client_id == known.client_id for known in self.turns):
            return False
        self.turns.append(turn)
        return True

    async def reply(self) -> AgentLine | None:
        return await self._next("reply")

    async def record_answer(self, question_id: str) -> AgentLine | None:
        return await self._next("record_answer")

    async def next_question(self) -> AgentLine | None:
        return await self._next("next_question")

    async def finish_survey(self) -> AgentLine | None:
        return await self._next("finish_survey")

    async def _next(self, call: str) -> AgentLine:
        self.calls.append(call)
        await asyncio.sleep(self.delay)
        text = self.answers.pop(0) if self.answers else "I see."
        closing = self.closes_after is not None and len(self.turns) >= self.closes_after
        return AgentLine(text, new_id("seg"), is_closing=closing)


class StubSink:
    """Keeps everything with its time."""

    def __init__(self) -> None:
        self.published: list[tuple[float, Any]] = []
        self.audio: list[tuple[float, Any]] = []
        self.stored: list[Any] = []
        self.on_publish: Callable[[Any], None] = lambda event: None

    def publish(self, event: Any) -> None:
        self.published.append((time.monotonic(), event))
        self.on_publish(event)

    def send_audio(self, audio: Any) -> None:
        self.audio.append((time.monotonic(), audio))

    async def store(self, event: Any) -> None:
        self.stored.append(event)

    def events(self, kind: type) -> list[Any]:
        return [event for _, event in self.published if isinstance(event, kind)]

    def times(self, kind: type) -> list[float]:
        return [moment for moment, event in self.published if isinstance(event, kind)]

    @property
    def spoken(self) -> list[AgentSpoken]:
        return [event for event in self.stored if isinstance(event, AgentSpoken)]

    @property
    def ended(self) -> VoiceEnded | None:
        found = [event for event in self.stored if isinstance(event, VoiceEnded)]
        return found[-1] if found else None


class StubUtterance:
    def __init__(self, engine: StubEngine, on_interim: Callable[[str], None]) -> None:
        self._engine = engine
        self._on_interim = on_interim
        self._seconds = 0.0
        self._told = False

    def push(self, pcm: bytes) -> None:
        self._seconds += len(pcm) / (INPUT_RATE * 2)
        if not self._told and self._seconds > 0.6 and self._engine.words:
            self._told = True
            self._on_interim(self._engine.words[0].split(" ")[0])

    async def finish(self) -> Recognised:
        self._engine.heard_seconds.append(self._seconds)
        if self._engine.hearing_fails:
            self._engine.hearing_fails -= 1
            raise APIStatusError("scripted", status_code=500, retryable=False)
        await asyncio.sleep(self._engine.hearing_delay)
        return Recognised(self._engine.words.pop(0) if self._engine.words else "")

    def cancel(self) -> None:
        self._engine.cancelled += 1


class StubEngine:
    """Ears that hear what was queued, and a voice that hums; neither takes any time."""

    def __init__(self, kind: EngineKind = EngineKind.LOCAL) -> None:
        self.kind = kind
        self.words: list[str] = []
        self.heard_seconds: list[float] = []
        self.spoken: list[str] = []
        self.hearing_fails = 0
        self.speaking_fails = 0
        self.is_mute = False
        self.hearing_delay = 0.0
        self.speaking_delay = 0.0
        self.cancelled = 0
        self.is_closed = False
        self.model: llm.LLM[Any] | None = None

    def make_stt(self, language: str, tap: VadTap, on_restart: Callable[[], None]) -> stt.STT[Any]:
        return UtteranceSTT(
            tap=tap,
            open_utterance=lambda on_interim: StubUtterance(self, on_interim),
            language=language,
            model="stub",
            provider="local",
        )

    def make_tts(self, language: str, on_restart: Callable[[], None]) -> tts.TTS[Any]:
        return StubTTS(self)

    def make_llm(self) -> llm.LLM[Any] | None:
        return self.model

    async def warm(self) -> None:
        return None

    async def aclose(self) -> None:
        self.is_closed = True


class StubTTS(tts.TTS[Any]):
    def __init__(self, engine: StubEngine) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=OUTPUT_RATE,
            num_channels=1,
        )
        self.engine = engine

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _StubSpeech(self, text, conn_options)


class _StubSpeech(tts.ChunkedStream):
    def __init__(self, owner: StubTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._engine = owner.engine

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        engine = self._engine
        if engine.speaking_fails:
            engine.speaking_fails -= 1
            raise APIStatusError("scripted", status_code=500, retryable=False)
        engine.spoken.append(self.input_text)
        await asyncio.sleep(engine.speaking_delay)
        output_emitter.initialize(
            request_id=new_id("hum"), sample_rate=OUTPUT_RATE, num_channels=1, mime_type="audio/pcm"
        )
        seconds = max(0.1, len(self.input_text) / CHARACTERS_PER_SECOND)
        sound = bytes(int(seconds * OUTPUT_RATE) * 2) if engine.is_mute else tone(seconds)
        output_emitter.push(sound)
        output_emitter.flush()


class StubModel(llm.LLM[Any]):
    """Answers what was queued: words, or calls of tools; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[llm.ChatContext] = []
        self.offered: list[list[str]] = []

    @property
    def model(self) -> str:
        return "gpt-4o-mini"

    @property
    def provider(self) -> str:
        return "stub"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **options: Any,
    ) -> llm.LLMStream:
        return _StubStream(self, chat_ctx, tools or [], conn_options)


class _StubStream(llm.LLMStream):
    def __init__(
        self,
        owner: StubModel,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(owner, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._owner = owner

    async def _run(self) -> None:
        self._owner.asked.append(self._chat_ctx.copy())
        self._owner.offered.append([tool.id for tool in self._tools])
        answer = self._owner.answers.pop(0) if self._owner.answers else "Yes."
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            call = llm.FunctionToolCall(
                name=answer["tool"], arguments=answer.get("arguments", "{}"), call_id=new_id("call")
            )
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
            self._event_ch.send_nowait(llm.ChatChunk(id="stub", delta=delta))
        else:
            for word in answer.split(" "):
                delta = llm.ChoiceDelta(role="assistant", content=word + " ")
                self._event_ch.send_nowait(llm.ChatChunk(id="stub", delta=delta))
        usage = llm.CompletionUsage(completion_tokens=5, prompt_tokens=20, total_tokens=25)
        self._event_ch.send_nowait(llm.ChatChunk(id="stub", usage=usage))


def ticket(session_id: str = "", company: str = "acme", **changes: Any) -> VoiceTicket:
    """Return a ticket for browser audio by the stub engine."""
    values: dict[str, Any] = {
        "session_id": session_id or new_id("session"),
        "company_key": company,
        "transport": TransportKind.BROWSER_AUDIO,
        "engine": EngineKind.LOCAL,
    }
    return VoiceTicket(**{**values, **changes})
