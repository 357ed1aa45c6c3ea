"""A visitor's right over their answer: a copy of everything, and erasing it. Also retention.

Owns what goes and what stays. What was said goes, everywhere; what was paid stays in the ledger
under ids that name nobody; of answers only keyed hashes of their grams stay, so that an erased
answer cannot be sold twice (the consent text says so).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from core import audit, clock
from core.errors import ConflictError
from core.models import IdempotencyRecord
from sessions.models import EndReason, SegmentRole
from sessions.services.endings import end_session
from sessions.services.transcripts import erase_conversation
from surveys.models import (
    AnswerGram,
    Appeal,
    EvaluationRecord,
    Payout,
    PayoutState,
    ResponseState,
    Survey,
    SurveyResponse,
)
from surveys.selectors.responses import evaluations_of, transcript_of
from surveys.services import evaluation, insights, payouts, videos
from surveys.services.announcements import announce_erased
from surveys.services.results import decimal_amount, present_result
from webhooks.services.privacy import forget_subject

CLOSED_STATES = (ResponseState.COMPLETED, ResponseState.ENDED_UNPAID)
PURGE_BATCH = 200
KEPT_NOTE = (
    "The payment stays in the books without your words or your device, your wallet keeps its "
    "credit, and coded fingerprints of long answers stay so that the same answer is not paid twice."
)
ERASED_REASON = "The answer was erased before a person had looked at it."


def export_response(response: SurveyResponse) -> dict[str, Any]:
    """Return everything held about one answer, for the person who gave it.

    The agent's private briefing, keyed hashes and what a reviewer wrote are not about the person
    and stay out.
    """
    payout = Payout.objects.filter(response=response).first()
    return {
        "session_id": response.voice_session.public_id,
        "survey_id": response.survey.public_id,
        "survey_title": response.version.title,
        "company": response.survey.company.name,
        "started_at": clock.rfc3339(response.created_at),
        "consented_at": clock.rfc3339(response.consented_at) if response.consented_at else None,
        "consent_text": response.version.consent_text,
        "language": response.voice_session.language,
        "attributes": response.attributes,
        "transcript": [
            {
                "role": segment.role,
                "text": segment.text,
                "at_seconds": round(segment.at_seconds, 3),
                "created_at": clock.rfc3339(segment.created_at),
                "is_late": segment.is_late,
            }
            for segment in transcript_of(response)
        ],
        "result": present_result(response),
        "evaluations": [
            {
                "score": record.score,
                "notes": record.notes,
                "marks": record.marks,
                "rubric_version": record.rubric_version,
                "source": record.source,
                "created_at": clock.rfc3339(record.created_at),
            }
            for record in evaluations_of(response)
        ],
        "appeal_text": Appeal.objects.filter(response=response)
        .values_list("text", flat=True)
        .first(),
        "payment": None
        if payout is None
        else {
            "transaction_id": payout.transaction_id,
            "amount": decimal_amount(payout.amount_minor, payout.currency),
            "currency": payout.currency,
            "state": payout.state,
            "created_at": clock.rfc3339(payout.created_at),
        },
        "wallet_id": response.wallet.public_id,
        "kept_after_erasing": KEPT_NOTE,
    }


def erase_response(*, response: SurveyResponse, by_retention: bool = False) -> SurveyResponse:
    """Erase what a person said, exactly once; repeating it changes nothing.

    A conversation that still runs ends without pay and its reservation is released. An answer
    that is just being scored is scored first, so that earned pay is not lost. A payout a person
    has yet to look at is cancelled: there is nothing left to look at. Pay that was approved or
    made stays.

    Raises:
        ConflictError: the answer is being scored this moment; try again.

    One transaction, after the scoring that may be due.
    """
    if response.state == ResponseState.EVALUATING:
        evaluation.evaluate_due(response=response)
    with transaction.atomic():
        # The session's row is the first lock of everything that ends a conversation.
        session = end_session(voice_session=response.voice_session, reason=EndReason.ERASED)
        row = (
            SurveyResponse.objects.select_for_update(of=("self",))
            .select_related("survey__company", "voice_session", "version", "wallet")
            .get(pk=response.pk)
        )
        if row.state == ResponseState.ERASED:
            return row
        if row.state not in CLOSED_STATES:
            raise ConflictError(
                "evaluation_running",
                "This answer is being scored this moment. Ask for erasure again in a few seconds.",
            )
        _cancel_held_payout(row)
        said = [one.text for one in transcript_of(row) if one.role == SegmentRole.USER]
        videos.forget_quotes(survey=row.survey, said=said)
        erase_conversation(voice_session=session)
        _erase_rows(row)
        forget_subject([session.public_id])
        audit.record_event(
            actor="system" if by_retention else "respondent",
            action="response.erased",
            object_ref=session.public_id,
            company=row.survey.company,
            note="retention period over" if by_retention else "",
        )
        insights.forget_answer(response=row)
        announce_erased(row)
    return row


def _cancel_held_payout(response: SurveyResponse) -> None:
    held = Payout.objects.filter(response=response, state=PayoutState.HELD).first()
    if held is not None:
        payouts.cancel_payout(payout=held, actor=None, reason=ERASED_REASON)


def _erase_rows(response: SurveyResponse) -> None:
    session_id = response.voice_session.public_id
    EvaluationRecord.objects.filter(response=response).delete()
    # The hash stays and its way back to the person goes.
    AnswerGram.objects.filter(response=response).update(response=None)
    Appeal.objects.filter(response=response).update(text="", resolution_note="")
    IdempotencyRecord.objects.filter(path__startswith=f"/session/{session_id}/").delete()
    response.state = ResponseState.ERASED
    response.erased_at = clock.now()
    response.result = None
    response.attributes = {}
    response.device_hash = ""
    response.ip_hash = ""
    response.evaluation_due_at = None
    response.save(
        update_fields=[
            "state",
            "erased_at",
            "result",
            "attributes",
            "device_hash",
            "ip_hash",
            "evaluation_due_at",
        ]
    )


def retention_days_of(survey: Survey) -> int:
    """Return how long answers to a survey are kept: its own setting, else its company's."""
    return survey.retention_days or survey.company.retention_days


def purge_expired(*, limit: int = PURGE_BATCH) -> int:
    """Erase answers whose retention period is over; return how many. Safe to run twice.

    One transaction an answer; at most ``limit`` of them, the oldest of each survey first.
    """
    now = clock.now()
    purged = 0
    surveys = Survey.objects.select_related("company").filter(responses__state__in=CLOSED_STATES)
    for survey in surveys.distinct():
        expired = (
            SurveyResponse.objects.filter(
                survey=survey,
                state__in=CLOSED_STATES,
                created_at__lt=now - timedelta(days=retention_days_of(survey)),
            )
            .select_related("survey__company", "voice_session", "version", "wallet")
            .order_by("created_at")[: max(0, limit - purged)]
        )
        for response in expired:
            erase_response(response=response, by_retention=True)
            purged += 1
    return purged
