"""Where a live agent's events go: to the pages as events, to the rows as facts.

Owns the translation of `agents.voice.types` into events and service calls. Starts nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from prometheus_client import Counter

from agents.voice.types import (
    AgentCaption,
    AgentSpoken,
    AgentStateChanged,
    AudioCleared,
    AudioEnded,
    DurableEvent,
    InterimTranscript,
    OutgoingAudio,
    SpeechChanged,
    SpeechGivenUp,
    TranscriptDropped,
    TurnLatency,
    UsageMeasured,
    VoiceEnded,
    VoiceEvent,
    VoiceFault,
)
from core.live import apublish_ephemeral, publish_ephemeral
from core.live.threads import in_thread
from sessions import payloads
from sessions.models import LatencyKind, SegmentRole, UsagePart, VoiceSession
from sessions.services import voices
from sessions.voice.host import SpokenConversation
from sessions.voice.relay import AudioRelay

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 400
CLOSE_SECONDS: Final = 2.0

dropped_events_total = Counter(
    "parley_voice_dropped_events_total", "Voice events nobody could be shown in time."
)

_LATENCIES: Final[tuple[tuple[str, LatencyKind], ...]] = (
    ("total", LatencyKind.FIRST_AUDIO),
    ("transcription", LatencyKind.TRANSCRIPTION),
    ("reply", LatencyKind.REPLY),
    ("speech", LatencyKind.VOICE),
    ("barge_in", LatencyKind.SILENCE),
)


class TranscriptSink:
    """Implements `agents.voice.types.VoiceSink` for one life of one agent."""

    def __init__(
        self,
        voice_session: VoiceSession,
        *,
        fence: int,
        host: SpokenConversation,
        relay: AudioRelay | None,
        on_ended: Callable[[VoiceEnded], None],
    ) -> None:
        self._pk = voice_session.pk
        self._stream = voice_session.stream_name
        self._fence = fence
        self._host = host
        self._relay = relay
        self._on_ended = on_ended
        self._waiting: asyncio.Queue[tuple[str, Mapping[str, Any]] | None] = asyncio.Queue(
            MAX_WAITING
        )
        # One after the other: captions and states mean something in their order only.
        self._publishing = asyncio.create_task(self._publish_in_order())

    # --- pages ----------------------------------------------------------------------------------

    def publish(self, event: VoiceEvent) -> None:
        """Show an event to whoever looks now."""
        if isinstance(event, InterimTranscript):
            self._show_words(SegmentRole.USER, event.segment_id, event.text)
        elif isinstance(event, TranscriptDropped):
            self._show_words(SegmentRole.USER, event.segment_id, "")
        elif isinstance(event, AgentCaption):
            self._show_words(SegmentRole.AGENT, event.segment_id, event.text)
        elif isinstance(event, SpeechChanged):
            self._tell(payloads.SPEECH, {"role": str(event.role), "speaking": event.is_speaking})
        elif isinstance(event, AgentStateChanged):
            self._tell(payloads.AGENT_STATE, {"state": str(event.state)})
        elif isinstance(event, AudioCleared):
            self._tell(payloads.AUDIO_CLEAR, {"generation": event.generation})
        elif isinstance(event, AudioEnded):
            self._tell(
                payloads.AUDIO_END,
                {
                    "segment_id": event.segment_id,
                    "segment": event.segment,
                    "generation": event.generation,
                },
            )
        elif isinstance(event, VoiceFault):
            self._tell("error", {"code": str(event.code), "title": event.title})

    def send_audio(self, audio: OutgoingAudio) -> None:
        """Send sound to the socket that plays it."""
        if self._relay is not None:
            self._relay.take(audio)

    def _show_words(self, role: SegmentRole, segment_id: str, text: str) -> None:
        self._tell(
            payloads.TRANSCRIPT,
            {"segment_id": segment_id, "role": str(role), "text": text, "final": False},
        )

    def _tell(self, kind: str, payload: Mapping[str, Any]) -> None:
        try:
            self._waiting.put_nowait((kind, payload))
        except asyncio.QueueFull:
            # The channel layer is away. What is dropped here nobody would read later.
            dropped_events_total.inc()

    async def _publish_in_order(self) -> None:
        while (waiting := await self._waiting.get()) is not None:
            kind, payload = waiting
            await apublish_ephemeral(stream=self._stream, type=kind, payload=payload)

    async def close(self) -> None:
        """Publish what waits and end; nothing is shown after it."""
        while self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)
        await asyncio.wait({self._publishing}, timeout=CLOSE_SECONDS)
        self._publishing.cancel()

    # --- rows -----------------------------------------------------------------------------------

    async def store(self, event: DurableEvent) -> None:
        """Write an event down."""
        if isinstance(event, AgentSpoken):
            await in_thread(self._store_spoken)(event)
        elif isinstance(event, UsageMeasured):
            await in_thread(self._store_usage)(event)
        elif isinstance(event, SpeechGivenUp):
            await in_thread(voices.go_on_typing)(voice_session_pk=self._pk, fence=self._fence)
        else:
            await in_thread(self._store_usage)(event.usage)
            self._on_ended(event)

    def _store_spoken(self, event: AgentSpoken) -> None:
        if event.started_offset_seconds is not None:
            self._host.offsets[event.segment_id] = event.started_offset_seconds
        if event.is_from_model:
            voices.store_model_reply(
                voice_session_pk=self._pk,
                segment_id=event.segment_id,
                text=event.text,
                interrupted=event.interrupted,
                latency_ms=None
                if event.latency.total is None
                else max(0, round(event.latency.total * 1000)),
            )
        voices.record_latencies(
            voice_session_pk=self._pk, figures=_figures(event.segment_id, event.latency)
        )
        if not event.is_from_model and event.segment_id not in self._host.said_again:
            segment = voices.settle_spoken_segment(
                segment_id=event.segment_id,
                heard_text=event.text,
                interrupted=event.interrupted,
            )
            if segment is not None and not event.interrupted:
                # Captions have grown over the words pages had before: now they stand in full.
                publish_ephemeral(
                    stream=self._stream,
                    type=payloads.TRANSCRIPT,
                    payload=payloads.segment_payload(segment),
                )

    def _store_usage(self, event: UsageMeasured) -> None:
        voices.record_usage(
            voice_session_pk=self._pk,
            fence=self._fence,
            figures=[
                voices.UsageFigure(
                    part=UsagePart(used.kind),
                    provider=used.provider,
                    model=used.model,
                    input_tokens=used.input_tokens,
                    output_tokens=used.output_tokens,
                    character_count=used.characters,
                    audio_seconds=used.audio_seconds,
                    cost_micros=used.cost_micros if used.is_priced else None,
                )
                for used in event.models
            ],
        )


def _figures(segment_id: str, latency: TurnLatency) -> list[voices.LatencyFigure]:
    found = []
    for name, kind in _LATENCIES:
        seconds = getattr(latency, name)
        if seconds is not None:
            found.append(voices.LatencyFigure(kind, round(seconds * 1000), segment_id))
    return found
