"""Done: end the conversation, have it scored once, answer with the stored result.

Owns what `complete` promises (any number of calls, one evaluation, one payout, one answer) and
what hangs on the end of a survey's conversation. The scoring itself is in
`surveys.services.evaluation`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from agents.interview.types import InterviewState, Question, QuestionStatus
from core import clock
from core.errors import ConflictError, GoneError
from core.jobs import nudge
from sessions.models import EndReason, SegmentSource, VoiceSession
from sessions.services.endings import end_session
from sessions.services.transcripts import ClaimedLine, store_claimed_transcript
from sessions.services.turns import wait_for_pending_reply
from surveys.models import ResponseState, SurveyResponse
from surveys.selectors.responses import has_visitor_words, response_of_session
from surveys.services import evaluation, funnel, reservations
from surveys.services.claims import assign_questions

logger = logging.getLogger(__name__)

EVALUATE_JOB = "surveys.evaluate"
POLL_SECONDS = 0.04
"""How often a caller looks whether somebody else's evaluation is there."""
SETTLE_SECONDS = 0.4
"""Kept back from the evaluator's deadline for writing the result."""


_MOVING_FIELDS = (
    "state",
    "fence",
    "done_at",
    "evaluation_due_at",
    "result",
    "score",
    "is_flagged",
    "transcript_source",
)
"""What may change while a call waits; the rest is read once."""


@dataclass(slots=True)
class _Ending:
    """What a call hands to the listener that runs inside the transaction it has opened."""

    response: SurveyResponse
    is_leased: bool = False
    """The listener moved the answer on and took the lease for this call."""


_ending: ContextVar[_Ending | None] = ContextVar("_ending", default=None)


@dataclass(frozen=True, slots=True)
class Completion:
    """Where an answer stands after `complete_response`."""

    response: SurveyResponse
    is_ready: bool
    """False: another call or worker is still scoring it; ask again in a moment."""


def complete_response(
    *,
    voice_session: VoiceSession,
    claim: Sequence[ClaimedLine] = (),
    claimed_by_company: bool = False,
    deadline_seconds: float | None = None,
) -> Completion:
    """End a survey conversation as done and return its scored answer.

    Safe to call any number of times and at once: one call scores, the others wait for it until
    the deadline. A call that comes after the end, however it came, finds the stored result.

    Args:
        voice_session: the conversation, freshly read.
        claim: a transcript that came with the request; used only when the server heard nothing.
        claimed_by_company: the claim came with the company's own key.
        deadline_seconds: for everything together; by default SURVEY_COMPLETE_SECONDS.

    Raises:
        NotFoundError: the conversation belongs to no survey.
        ConflictError: it ended without Done, so there is nothing to pay.
        GoneError: it was erased.

    Ending is one short transaction, settling another; the evaluator runs between them. A process
    killed anywhere leaves a row that the sweep evaluates.
    """
    ends_at = clock.monotonic() + (
        settings.SURVEY_COMPLETE_SECONDS if deadline_seconds is None else deadline_seconds
    )
    response = response_of_session(voice_session)
    fence: int | None = None
    if response.state == ResponseState.OPEN:
        if voice_session.reply_due_at is not None:
            wait_for_pending_reply(
                voice_session=voice_session,
                seconds=min(settings.SURVEY_FINAL_SEGMENT_SECONDS, ends_at - clock.monotonic()),
            )
        if _end_as_done(response, claim, claimed_by_company):
            fence = response.fence
        else:
            response.refresh_from_db(fields=_MOVING_FIELDS)
    _refuse_unscorable(response)
    while response.state == ResponseState.EVALUATING:
        if fence is None:
            fence = evaluation.claim_evaluation(response)
        left = ends_at - clock.monotonic()
        if fence is not None:
            is_settled = _evaluate(response, fence, max(0.1, left - SETTLE_SECONDS))
            if is_settled is None:
                return Completion(response, is_ready=False)
            if is_settled:
                break
            fence = None
        elif left <= 0:
            return Completion(response, is_ready=False)
        else:
            time.sleep(min(POLL_SECONDS, left))
        response.refresh_from_db(fields=_MOVING_FIELDS)
        _refuse_unscorable(response)
    return Completion(response, is_ready=True)


def _evaluate(response: SurveyResponse, fence: int, deadline_seconds: float) -> bool | None:
    """Score an answer this call holds the lease of.

    Returns:
        True when it is settled, False when somebody else took over, None when it failed and is
        due again.
    """
    try:
        return evaluation.evaluate_claimed(
            response=response, fence=fence, deadline_seconds=deadline_seconds
        )
    except Exception:
        # The row says what is due and the sweep comes back to it: nothing said is lost, and the
        # visitor is told to ask again rather than shown an error.
        logger.exception("response.evaluation_failed")
        return None


def _end_as_done(
    response: SurveyResponse, claim: Sequence[ClaimedLine], claimed_by_company: bool
) -> bool:
    """End the conversation and take the evaluation's lease; False when somebody else has it."""
    ending = _Ending(response)
    token = _ending.set(ending)
    try:
        with transaction.atomic():
            if claim:
                _adopt_claim(response, claim, claimed_by_company)
            end_session(voice_session=response.voice_session, reason=EndReason.DONE)
    finally:
        _ending.reset(token)
    return ending.is_leased


def _adopt_claim(
    response: SurveyResponse, claim: Sequence[ClaimedLine], claimed_by_company: bool
) -> None:
    """Store a transcript that came with the request, if the server heard nothing itself."""
    # The session's row is the first lock of everything that ends a conversation.
    row = VoiceSession.objects.select_for_update().get(pk=response.voice_session_id)
    if row.is_ended or has_visitor_words(row):
        return
    source = SegmentSource.COMPANY_CLAIM if claimed_by_company else SegmentSource.VISITOR_CLAIM
    questions = [Question.from_json(item) for item in response.version.questions]
    store_claimed_transcript(
        voice_session=row,
        lines=assign_questions(claim, questions=questions, language=row.language),
        source=source,
    )
    # A company whose survey does not take transcripts is believed no more than its visitor.
    is_trusted = claimed_by_company and response.survey.accept_client_transcript
    response.transcript_source = source if is_trusted else SegmentSource.VISITOR_CLAIM
    response.save(update_fields=["transcript_source"])


def _refuse_unscorable(response: SurveyResponse) -> None:
    if response.state == ResponseState.ERASED:
        raise GoneError(
            "session_erased", "This conversation was erased at its person's wish. Nothing is left."
        )
    if response.state == ResponseState.ENDED_UNPAID:
        response.voice_session.refresh_from_db(fields=["end_reason"])
        raise ConflictError(
            "session_ended_unpaid",
            "This conversation ended without Done, so it is not paid. Start a new one.",
            extra={"end_reason": response.voice_session.end_reason},
        )


# --- listeners of sessions.hooks -------------------------------------------------------------


def note_session_ended(voice_session: VoiceSession) -> None:
    """Follow the end of a conversation; runs inside the transaction that ended it.

    Done and the time limit lead to an evaluation that is paid. Every other end frees the
    reservation and the respondent's place at once, and is evaluated for the company only.
    """
    open_ones = SurveyResponse.objects.filter(voice_session=voice_session, state=ResponseState.OPEN)
    if voice_session.is_finished:
        survey_id = _begin_evaluation(open_ones)
    else:
        survey_id = _end_unpaid(open_ones, voice_session)
    if survey_id is None:
        return
    steps = [funnel.question_step(key) for key in _questions_reached(voice_session)]
    if voice_session.is_finished:
        steps.append("done")
    funnel.count_steps(survey_id=survey_id, steps=steps)
    if voice_session.end_reason not in (EndReason.DONE, EndReason.ERASED):
        # Done is evaluated by the call that ended it; should that die, the sweep finds the row.
        nudge(EVALUATE_JOB, voice_session.public_id)


def _begin_evaluation(open_ones: QuerySet[SurveyResponse]) -> int | None:
    """Move the open answer on to its evaluation; return its survey's key, None without one.

    Where `complete_response` waits for it, its lease is taken by the same statement: what is
    written is then known without reading.
    """
    now = clock.now()
    written = {
        "state": ResponseState.EVALUATING,
        "done_at": now,
        "evaluation_due_at": now,
    }
    ending = _ending.get()
    if ending is None:
        survey_id: int | None = open_ones.values_list("survey_id", flat=True).first()
        return survey_id if open_ones.update(**written) else None
    response = ending.response
    # An open answer is nobody's to claim, so its fence is what was read with it.
    leased = evaluation.lease_fields(response)
    mine = open_ones.filter(pk=response.pk, fence=response.fence)
    if not mine.update(**written, **leased):
        return None
    for name, value in (written | leased).items():
        setattr(response, name, value)
    ending.is_leased = True
    return response.survey_id


def _end_unpaid(open_ones: QuerySet[SurveyResponse], voice_session: VoiceSession) -> int | None:
    response = open_ones.select_for_update(of=("self",)).select_related("survey").first()
    if response is None:
        return None
    now = clock.now()
    response.done_at = now
    if voice_session.end_reason != EndReason.ERASED:
        response.evaluation_due_at = now
    response.state = ResponseState.ENDED_UNPAID
    response.holds_respondent_slot = False
    response.save(update_fields=["done_at", "evaluation_due_at", "state", "holds_respondent_slot"])
    reservations.release(response=response)
    return response.survey_id


def note_participation(voice_session: VoiceSession) -> None:
    """Take a lapsed reservation again before a visitor goes on talking for nothing.

    Raises:
        BudgetExhaustedError: the money is gone; the visitor is told before they speak.
    """
    response = SurveyResponse.objects.filter(
        voice_session=voice_session, state=ResponseState.OPEN
    ).first()
    if response is not None:
        reservations.renew(response=response)


def _questions_reached(voice_session: VoiceSession) -> list[str]:
    if voice_session.interview_state is None:
        return []
    state = InterviewState.from_json(voice_session.interview_state)
    return [
        entry.question_id for entry in state.progress if entry.status is not QuestionStatus.OPEN
    ]
