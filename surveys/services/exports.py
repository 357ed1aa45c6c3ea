"""A survey's answers as rows to take away: CSV with one answer a row, JSON lines with everything.

Owns the columns. Streams: nothing here holds more than a batch of answers in memory. A
respondent is a number within the file, never a key that joins two exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from agents.interview.types import Question
from core import clock
from sessions.models import SegmentRole, TranscriptSegment
from surveys.models import (
    EvaluationRecord,
    ResponseState,
    Survey,
    SurveyResponse,
)
from surveys.selectors.responses import responses_of, transcripts_of
from surveys.selectors.surveys import versions_of
from surveys.services.results import decimal_amount

BATCH = 100
EXPORTED_STATES = (ResponseState.COMPLETED, ResponseState.ENDED_UNPAID)

_FIXED = (
    "session_id",
    "state",
    "started_at",
    "done_at",
    "language",
    "version",
    "score",
    "flags",
    "payment_state",
    "payment_amount",
    "currency",
    "transcript_source",
)


def csv_header(survey: Survey) -> list[str]:
    """Return the column names: the fixed ones, then one a question ever asked, by its text."""
    return [*_FIXED, *(question.text for question in _questions_ever(survey))]


def csv_rows(survey: Survey) -> Iterator[list[object]]:
    """Yield one row an answer, newest first; the visitor's words on a question in its column."""
    columns = [question.id for question in _questions_ever(survey)]
    for response, segments, _record in _answers(survey):
        words = _words_by_question(segments)
        yield [*_fixed_cells(response), *(words.get(key, "") for key in columns)]


def jsonl_rows(survey: Survey) -> Iterator[dict[str, Any]]:
    """Yield one object an answer, newest first, with transcript and evaluation."""
    for response, segments, record in _answers(survey):
        yield {
            **dict(zip(_FIXED, _fixed_cells(response), strict=True)),
            "flags": (response.result or {}).get("flags", []),
            "attributes": response.attributes,
            "consented_at": clock.rfc3339(response.consented_at) if response.consented_at else None,
            "questions": response.version.questions,
            "transcript": [
                {
                    "turn_id": segment.public_id,
                    "role": segment.role,
                    "text": segment.text,
                    "at_seconds": round(segment.at_seconds, 3),
                    "question_id": segment.question_id or None,
                    "source": segment.source,
                    "is_late": segment.is_late,
                }
                for segment in segments
            ],
            "evaluation": None
            if record is None
            else {
                "score": record.score,
                "band": record.band,
                "marks": record.marks,
                "flags": record.flags,
                "notes": record.notes,
                "rubric_version": record.rubric_version,
                "source": record.source,
            },
        }


def _answers(
    survey: Survey,
) -> Iterator[tuple[SurveyResponse, list[TranscriptSegment], EvaluationRecord | None]]:
    found = responses_of(survey, states=EXPORTED_STATES).iterator(chunk_size=BATCH)
    while batch := list(islice(found, BATCH)):
        transcripts = transcripts_of(batch)
        records: dict[int, EvaluationRecord] = {}
        # Oldest first, so that the paying record, else the latest, is what stays.
        for record in EvaluationRecord.objects.filter(response__in=batch).order_by(
            "is_paying", "created_at", "pk"
        ):
            records[record.response_id] = record
        for response in batch:
            yield response, transcripts[response.voice_session_id], records.get(response.pk)


def _fixed_cells(response: SurveyResponse) -> Sequence[object]:
    payout = getattr(response, "payout", None)
    currency = response.survey.currency
    return [
        response.voice_session.public_id,
        response.state,
        clock.rfc3339(response.created_at),
        clock.rfc3339(response.done_at) if response.done_at else None,
        response.voice_session.language,
        response.version.number,
        response.score,
        " ".join((response.result or {}).get("flags", [])),
        payout.state if payout else None,
        decimal_amount(payout.amount_minor if payout else 0, currency),
        currency,
        response.transcript_source,
    ]


def _words_by_question(segments: Sequence[TranscriptSegment]) -> dict[str, str]:
    words: dict[str, list[str]] = {}
    for segment in segments:
        if segment.role == SegmentRole.USER and not segment.is_late:
            words.setdefault(segment.question_id, []).append(segment.text)
    return {key: "\n".join(texts) for key, texts in words.items()}


def _questions_ever(survey: Survey) -> list[Question]:
    """Return the questions of all versions, the present ones first."""
    found: dict[str, Question] = {}
    for version in versions_of(survey):
        for item in version.questions:
            found.setdefault(item["id"], Question.from_json(item))
    return list(found.values())
