"""A stored transcript as the agents know it. Knows no agent and no service."""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.types import Role, Turn
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
