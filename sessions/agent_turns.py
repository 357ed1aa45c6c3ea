"""A stored transcript as the agents know it. Knows no agent and no service."""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.types import Role, Turn
from agents.voice.types import HistoryTurn, SpeakerRole
from sessions.models import SegmentSource, TranscriptSegment


def to_turn(segment: TranscriptSegment) -> Turn:
    """Return a stored segment as the agents know it."""
    started = None
    if segment.typing_seconds is not None:
        started = max(0.0, segment.at_seconds - segment.typing_seconds)
    return Turn(
        id=segment.public_id,
        role=Role(segment.role),
        text=segment.text,
        at_seconds=segment.at_seconds,
        started_seconds=started,
        question_id=segment.question_id or None,
        is_typed=segment.source != SegmentSource.SPOKEN,
        is_late=segment.is_late,
        had_hidden_text=segment.had_hidden_text,
    )


def to_turns(segments: Sequence[TranscriptSegment]) -> tuple[Turn, ...]:
    """Return stored segments, in their order, as the agents know them."""
    return tuple(to_turn(segment) for segment in segments)


def to_history(segments: Sequence[TranscriptSegment]) -> tuple[HistoryTurn, ...]:
    """Return what was said before as a spoken agent knows it, late turns left out."""
    return tuple(
        HistoryTurn(SpeakerRole(segment.role), segment.text)
        for segment in segments
        if not segment.is_late
    )
