"""Transcripts that come from elsewhere, and transcripts that have to go.

Owns claimed transcripts and erasure. The server's own record is written by `turns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from core.live import erase_streams
from core.text import clean_text
from sessions import limits
from sessions.models import (
    EndReason,
    SegmentRole,
    SegmentSource,
    TranscriptSegment,
    VoiceSession,
)
from sessions.services.conversations import lock_session
from sessions.services.endings import end_session
from sessions.services.recordings import request_erasure

CLAIMED_LINE_LENGTH = 8_000


@dataclass(frozen=True, slots=True)
class ClaimedLine:
    """One utterance somebody says was made."""

    role: SegmentRole
    text: str
    at_seconds: float = 0.0
    question_id: str = ""


def store_claimed_transcript(
    *, voice_session: VoiceSession, lines: Sequence[ClaimedLine], source: SegmentSource
) -> list[TranscriptSegment]:
    """Store a transcript the server did not record itself, unless the visitor has spoken here.

    Args:
        lines: in order; empty ones are left out, long ones cut at 8,000 characters.
        source: whose claim it is, `VISITOR_CLAIM` or `COMPANY_CLAIM`.

    Returns:
        The stored segments; none when the server has a visitor's turn of its own, which always
        wins, or when a claim is stored already. Agent segments of the server stay in front.
        Joins the caller's transaction. No event is published: nobody watches a claim happen.
    """
    if source not in (SegmentSource.VISITOR_CLAIM, SegmentSource.COMPANY_CLAIM):
        raise ValueError("a claimed transcript is claimed by the visitor or the company")
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        if row.segments.filter(role=SegmentRole.USER).exists():
            return []
        last = row.segments.order_by("-position").values_list("position", flat=True).first() or 0
        segments: list[TranscriptSegment] = []
        for line in lines:
            cleaned = clean_text(line.text, CLAIMED_LINE_LENGTH)
            if not cleaned.text:
                continue
            segments.append(
                TranscriptSegment(
                    voice_session=row,
                    position=last + len(segments) + 1,
                    role=line.role,
                    source=source,
                    text=cleaned.text,
                    question_id=line.question_id,
                    at_seconds=max(0.0, line.at_seconds),
                    had_hidden_text=cleaned.hidden_count > limits.HIDDEN_CHARACTERS_BY_ACCIDENT,
                )
            )
        TranscriptSegment.objects.bulk_create(segments)
        row.turn_version += len(segments)
        row.save(update_fields=["turn_version"])
    return segments


def erase_conversation(*, voice_session: VoiceSession) -> None:
    """Erase what was said and everything private, ending the conversation first if need be.

    Segments, recordings, live events, briefing, interview state and system prompt go; the row
    stays as a bare fact with its times. Its token opens nothing from then on and open sockets are
    closed. Joins the caller's transaction; idempotent.
    """
    with transaction.atomic():
        end_session(voice_session=voice_session, reason=EndReason.ERASED)
        row = lock_session(voice_session.pk)
        row.segments.all().delete()
        request_erasure(voice_session=row)
        row.end_reason = EndReason.ERASED
        row.system_prompt = ""
        row.briefing = None
        row.interview_state = None
        row.save(update_fields=["end_reason", "system_prompt", "briefing", "interview_state"])
        erase_streams([row.stream_name])
