"""Scores an answer and settles it: evaluation, payout, grams and insights in one transaction.

Owns the lease on a response while it is scored. What a score is worth is computed by
`agents.interview.evaluation.pay`, what becomes of the money by `surveys.services.payouts`.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from agents.interview.evaluation.builtin import BuiltinEvaluator
from agents.interview.evaluation.pay import pay_minor, score_to_band
from agents.interview.factory import get_evaluator
from agents.interview.integrity.checks import check_integrity
from agents.interview.types import (
    Evaluation,
    EvaluationRequest,
    Flag,
    FlagKind,
    Question,
    Role,
    Turn,
)
from agents.llm.allowance import may_call_model
from core import clock, lease
from core.retry import backoff_seconds
from sessions.agent_turns import to_turn
from surveys.models import EvaluationRecord, ResponseState, SurveyResponse
from surveys.selectors.responses import transcript_of
from surveys.services import duplicates, insights, payouts
from surveys.services.announcements import announce_completed

logger = logging.getLogger(__name__)

LEASE_SECONDS = 20.0
"""Longer than any evaluation may take: the deadline of `complete` is 5 s."""
WORKER_DEADLINE_SECONDS = 10.0
RETRY_BASE_SECONDS = 2.0
RETRY_CAP_SECONDS = 300.0


_SETTLED_FIELDS = ("reservation_state", "reserved_minor", "transcript_source")
"""What `payouts.create_payout` decides by, and others may write meanwhile."""


@dataclass(frozen=True, slots=True)
class _Assessment:
    evaluation: Evaluation
    flags: tuple[Flag, ...]
    grams: tuple[duplicates.AnswerGrams, ...]


def claim_evaluation(response: SurveyResponse) -> int | None:
    """Take the lease on a response that waits for its evaluation.

    Returns:
        The fence to name when settling, or None: nothing is due, or somebody else is at it.

    One conditional UPDATE; joins the caller's transaction where there is one.
    """
    return lease.claim(
        SurveyResponse.objects.filter(
            pk=response.pk,
            evaluation_due_at__isnull=False,
            state__in=(ResponseState.EVALUATING, ResponseState.ENDED_UNPAID),
        ),
        owner=_worker_name(),
        seconds=LEASE_SECONDS,
    )


def lease_fields(response: SurveyResponse) -> dict[str, Any]:
    """Return what to write to a row nobody else may claim yet, so that its lease is ours."""
    return {
        "lease_owner": _worker_name(),
        "leased_until": clock.now() + timedelta(seconds=LEASE_SECONDS),
        "fence": response.fence + 1,
    }


def _worker_name() -> str:
    return f"{os.getpid()}:{secrets.token_hex(4)}"


def evaluate_due(*, response: SurveyResponse) -> bool:
    """Score a response that waits for it, as a worker does; tell whether this call did.

    Safe to run twice and at the same time.
    """
    fence = claim_evaluation(response)
    if fence is None:
        return False
    return evaluate_claimed(
        response=response, fence=fence, deadline_seconds=WORKER_DEADLINE_SECONDS
    )


def evaluate_claimed(*, response: SurveyResponse, fence: int, deadline_seconds: float) -> bool:
    """Score and settle a response whose lease this call holds; tell whether it was response.

    The agent and the checks run outside of any transaction. Settling is one transaction whose
    first statement names the fence, so a call that was overtaken writes nothing. An exception
    puts the row back with a growing pause and goes on to the caller.
    """
    try:
        assessment = _assess(response, deadline_seconds)
    except Exception:
        _put_back(response, fence)
        raise
    with transaction.atomic():
        return _settle(response, fence, assessment)


def _assess(response: SurveyResponse, deadline_seconds: float) -> _Assessment:
    segments = transcript_of(response)
    turns = _without_notice(response, tuple(to_turn(segment) for segment in segments))
    questions = tuple(Question.from_json(item) for item in response.version.questions)
    request = EvaluationRequest(
        questions=questions,
        turns=turns,
        language=response.voice_session.language,
        objective=response.version.objective,
    )
    evaluator = get_evaluator() if may_call_model(response.survey.company) else BuiltinEvaluator()
    evaluation = evaluator.evaluate(request, deadline_seconds=deadline_seconds)
    flags = check_integrity(questions=questions, turns=turns)
    grams = duplicates.grams_of_segments(segments)
    return _Assessment(
        evaluation=evaluation,
        flags=_add_duplicates(flags, duplicates.find_duplicates(response=response, grams=grams)),
        grams=grams,
    )


def _without_notice(response: SurveyResponse, turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return the turns without the consent text the agent read out where no page had shown it.

    What an agent says first counts less when the visitor says it too. A legal notice is nobody's
    hint: the same answers must be worth the same whether a page or the agent showed it.
    """
    notice = str((response.voice_session.briefing or {}).get("opening_notice") or "")
    if not notice:
        return turns
    return tuple(
        replace(turn, text=turn.text.replace(notice, "", 1).strip())
        if turn.role is Role.AGENT and notice in turn.text
        else turn
        for turn in turns
    )


def _add_duplicates(flags: Sequence[Flag], segment_ids: Sequence[str]) -> tuple[Flag, ...]:
    if not segment_ids:
        return tuple(flags)
    found = Flag(
        kind=FlagKind.DUPLICATE_ACROSS_SESSIONS,
        detail="Nearly the same words were given in another session of this survey.",
        turn_ids=tuple(segment_ids),
    )
    return (*flags, found)


def _settle(response: SurveyResponse, fence: int, assessment: _Assessment) -> bool:
    now = clock.now()
    evaluation, flags = assessment.evaluation, assessment.flags
    mine = SurveyResponse.objects.filter(pk=response.pk, fence=fence)
    released: dict[str, Any] = {
        "evaluation_due_at": None,
        "lease_owner": "",
        "leased_until": None,
        "evaluated_at": now,
        "score": evaluation.score,
        "is_flagged": bool(flags),
        "result": result_of(response, evaluation=evaluation, flags=flags),
    }
    paid = mine.filter(state=ResponseState.EVALUATING)
    # Settling reads of the row what it was read with: one statement finds whether that holds and
    # takes the row. Where a sweep freed the reservation meanwhile, the payout reads it anew.
    is_unchanged = bool(
        paid.filter(**{name: getattr(response, name) for name in _SETTLED_FIELDS}).update(
            state=ResponseState.COMPLETED, **released
        )
    )
    is_paid = is_unchanged or bool(paid.update(state=ResponseState.COMPLETED, **released))
    if not is_paid and not mine.filter(
        state=ResponseState.ENDED_UNPAID, evaluation_due_at__isnull=False
    ).update(**released):
        return False
    # The caller goes on with its object: it now says what the row says.
    for name, value in released.items():
        setattr(response, name, value)
    if is_paid:
        response.state = ResponseState.COMPLETED
    record = _write_record(response, evaluation, flags, is_paying=is_paid)
    # Nobody can have appealed against a score that was not there: no need to look.
    SurveyResponse._meta.get_field("appeal").set_cached_value(response, None)
    duplicates.store_grams(response=response, grams=assessment.grams)
    if not is_paid:
        return True
    payouts.create_payout(
        response=response,
        evaluation=evaluation,
        flags=flags,
        amount_minor=pay_minor(
            evaluation.score,
            response.version.payment_min_minor,
            response.version.payment_max_minor,
            evaluation.has_required_evidence,
        ),
    )
    announce_completed(response)
    if not flags:
        insights.request_refresh(survey=response.survey)
    logger.info(
        "response.completed",
        extra={
            "session_id": response.voice_session.public_id,
            "score": record.score,
            "source": record.source,
            "flag_count": len(flags),
        },
    )
    return True


def _write_record(
    response: SurveyResponse, evaluation: Evaluation, flags: Sequence[Flag], *, is_paying: bool
) -> EvaluationRecord:
    return EvaluationRecord.objects.create(
        response=response,
        is_paying=is_paying,
        score=evaluation.score,
        band=score_to_band(evaluation.score),
        marks=[marks_json(marks) for marks in evaluation.questions],
        flags=[
            {"kind": flag.kind.value, "detail": flag.detail, "turn_ids": list(flag.turn_ids)}
            for flag in flags
        ],
        notes=evaluation.notes,
        rubric_version=evaluation.rubric_version,
        source=evaluation.source,
        raw=evaluation.raw,
    )


def _put_back(response: SurveyResponse, fence: int) -> None:
    pause = backoff_seconds(fence, base=RETRY_BASE_SECONDS, cap=RETRY_CAP_SECONDS)
    SurveyResponse.objects.filter(pk=response.pk, fence=fence).update(
        lease_owner="",
        leased_until=None,
        evaluation_due_at=clock.now() + timedelta(seconds=pause),
    )


def marks_json(marks: Any) -> dict[str, Any]:
    """Return the marks of one question as JSON, quotes included (for the company's eyes)."""
    found = asdict(marks)
    for mark in found["marks"]:
        mark["dimension"] = str(mark["dimension"])
    return dict(found)


def result_of(
    response: SurveyResponse, *, evaluation: Evaluation, flags: Sequence[Flag]
) -> dict[str, Any]:
    """Return the part of the visitor's answer that never changes; money is added when it is read.

    Of a flag the visitor learns its kind, never which words raised it.
    """
    return {
        "score": evaluation.score,
        "band": score_to_band(evaluation.score),
        "evaluation_notes": evaluation.notes,
        "evaluation_source": evaluation.source,
        "has_required_evidence": evaluation.has_required_evidence,
        "questions": [
            {
                "question_id": marks.question_id,
                "marks": {str(mark.dimension): mark.value for mark in marks.marks},
                "note": marks.note,
            }
            for marks in evaluation.questions
        ],
        "flags": sorted({flag.kind.value for flag in flags}),
    }


def rescore_response(
    *, response: SurveyResponse, deadline_seconds: float = 30.0
) -> EvaluationRecord:
    """Score an answer again, for comparison: adds a record and changes no payout and no result."""
    assessment = _assess(response, deadline_seconds)
    return _write_record(response, assessment.evaluation, assessment.flags, is_paying=False)


def due_session_ids(*, limit: int = 100) -> list[str]:
    """Return the public ids of sessions whose answers wait for a score and nobody is at them."""
    now = clock.now()
    return list(
        SurveyResponse.objects.filter(
            lease.unclaimed(),
            evaluation_due_at__lte=now,
            state__in=(ResponseState.EVALUATING, ResponseState.ENDED_UNPAID),
        )
        .order_by("evaluation_due_at")
        .values_list("voice_session__public_id", flat=True)[:limit]
    )
