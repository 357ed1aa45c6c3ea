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


def merge_turns(segments: Sequence[TranscriptSegment]) -> tuple[Turn, ...]:
    """Return the transcript with what a visitor sent in one go as one turn.

    Somebody who sends three short messages has taken one turn; it goes by the id of its last.
    """
    merged: list[Turn] = []
    for segment in segments:
        turn = to_turn(segment)
        if merged and merged[-1].role is Role.USER and turn.role is Role.USER:
            before = merged.pop()
            turn = Turn(
                id=turn.id,
                role=turn.role,
                text=f"{before.text}\n{turn.text}",
                at_seconds=turn.at_seconds,
                started_seconds=before.started_seconds,
                question_id=turn.question_id,
                is_typed=turn.is_typed,
                had_hidden_text=before.had_hidden_text or turn.had_hidden_text,
            )
        merged.append(turn)
    return tuple(merged)
