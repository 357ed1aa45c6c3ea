"""Reads of what voice left behind: recordings, waits, use and cost of one conversation.

The caller has found the conversation for whoever asks; everything here is scoped to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from core.errors import NotFoundError
from sessions.models import (
    LatencyKind,
    SessionRecording,
    VoiceLatency,
    VoiceSession,
    VoiceUsage,
)


class RecordingNotFoundError(NotFoundError):
    """The conversation has no such recording."""

    def __init__(self) -> None:
        super().__init__("recording_not_found", "This conversation has no such recording.")


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """The waits of one kind."""

    kind: LatencyKind
    count: int
    p50_ms: int
    p95_ms: int


def list_recordings(voice_session: VoiceSession) -> list[SessionRecording]:
    """Return the recordings in order, those being erased left out."""
    found = voice_session.recordings.filter(erase_requested_at__isnull=True)
    return list(found.select_related("voice_session").order_by("fence"))


def find_recording(voice_session: VoiceSession, public_id: str) -> SessionRecording:
    """Return one recording of the conversation.

    Raises:
        RecordingNotFoundError: it has none of this id, or it is being erased.
    """
    found = voice_session.recordings.filter(
        public_id=public_id, erase_requested_at__isnull=True
    ).first()
    if found is None:
        raise RecordingNotFoundError
    return found


def list_usage(voice_session: VoiceSession) -> list[VoiceUsage]:
    """Return what was used, one row a model and life of the agent."""
    return list(voice_session.voice_usage.order_by("fence", "part", "model"))


def sum_cost_micros(usage: Sequence[VoiceUsage]) -> int | None:
    """Return the cost in millionths of a dollar; None when a price is not known."""
    total = 0
    for row in usage:
        if row.cost_micros is None:
            return None
        total += row.cost_micros
    return total


def summarise_latencies(voice_session: VoiceSession) -> list[LatencySummary]:
    """Return median and 95th percentile of each kind of wait, by nearest rank."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    rows = VoiceLatency.objects.filter(voice_session=voice_session)
    for kind, milliseconds in rows.values_list("kind", "milliseconds"):
        by_kind[kind].append(milliseconds)
    return [
        LatencySummary(
            kind, len(by_kind[kind]), _rank(by_kind[kind], 0.50), _rank(by_kind[kind], 0.95)
        )
        for kind in LatencyKind
        if by_kind[kind]
    ]


def _rank(values: Sequence[int], share: float) -> int:
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]
