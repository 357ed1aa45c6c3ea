"""Reads of answers: by the company that asked, by the session, or by the visitor's receipt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Avg, Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.models import Company
from core import clock, tokens
from core.errors import AuthenticationFailedError, NotFoundError
from sessions.models import SegmentRole, TranscriptSegment, VoiceSession
from surveys.models import (
    AnswerGram,
    EvaluationRecord,
    PayoutState,
    ResponseState,
    Survey,
    SurveyResponse,
    Wallet,
)

WITH_ROWS = ("voice_session", "survey__company", "version", "payout", "wallet")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a survey's completed answers come to. Amounts in minor units of its currency."""

    completed: int
    flagged: int
    average_score: float | None
    average_payment_minor: float | None
    paid_minor: int


def response_of_session(voice_session: VoiceSession) -> SurveyResponse:
    """Return the answer that hangs on a conversation.

    Raises:
        NotFoundError: the conversation belongs to no survey.
    """
    found = list(
        SurveyResponse.objects.filter(voice_session=voice_session).select_related(
            "survey__company", "version"
        )[:1]
    )
    if not found:
        raise NotFoundError("survey_session_not_found", "This session belongs to no survey.")
    # The caller has the conversation's row; reading it once more would cost a wider join.
    found[0].voice_session = voice_session
    return found[0]


def response_of_company(company: Company, session_id: str) -> SurveyResponse:
    """Return an answer to one of the company's surveys by its session id.

    Raises:
        NotFoundError: there is none, or it is another company's; the two read the same.
    """
    response = (
        SurveyResponse.objects.filter(survey__company=company, voice_session__public_id=session_id)
        .select_related(*WITH_ROWS)
        .first()
    )
    if response is None:
        raise NotFoundError("session_not_found", "There is no session with this id.")
    return response


def response_for_receipt(session_id: str, receipt_token: str) -> SurveyResponse:
    """Return the answer a receipt belongs to.

    Raises:
        AuthenticationFailedError: the receipt is wrong, another session's, or expired.
    """
    response = (
        SurveyResponse.objects.filter(receipt_digest=tokens.digest(receipt_token))
        .select_related(*WITH_ROWS)
        .first()
    )
    if (
        response is None
        or response.voice_session.public_id != session_id
        or response.receipt_expires_at <= clock.now()
    ):
        raise AuthenticationFailedError(
            "invalid_receipt",
            "This receipt does not open this session. Send the receipt_token that the start of "
            "the session answered with as 'Authorization: Bearer'; it is valid for 90 days.",
        )
    return response


def responses_of(
    survey: Survey,
    *,
    states: Sequence[str] = (),
    flagged: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[SurveyResponse]:
    """Return a survey's answers, newest first, with what a list shows of them."""
    found = SurveyResponse.objects.filter(survey=survey).select_related(*WITH_ROWS)
    if states:
        found = found.filter(state__in=states)
    if flagged is not None:
        found = found.filter(is_flagged=flagged)
    if since is not None:
        found = found.filter(created_at__gte=since)
    if until is not None:
        found = found.filter(created_at__lt=until)
    return found.order_by("-created_at", "-pk")


def answers_of_wallet(wallet: Wallet, *, limit: int) -> list[SurveyResponse]:
    """Return the answers whose pay goes to a wallet, or went to one merged into it, newest first.

    With all that `payment_view` reads. Erased ones are gone.
    """
    return list(
        SurveyResponse.objects.filter(Q(wallet=wallet) | Q(wallet__merged_into=wallet))
        .exclude(state=ResponseState.ERASED)
        .select_related("survey__company", "version", "voice_session", "payout", "appeal")
        .order_by("-created_at", "-pk")[:limit]
    )


def transcript_of(response: SurveyResponse) -> list[TranscriptSegment]:
    """Return everything said in an answer's conversation, in order."""
    return list(
        TranscriptSegment.objects.filter(voice_session_id=response.voice_session_id).order_by(
            "position"
        )
    )


def transcripts_of(responses: Iterable[SurveyResponse]) -> dict[int, list[TranscriptSegment]]:
    """Return voice session key to its segments for several answers, in one query."""
    wanted = [response.voice_session_id for response in responses]
    found: dict[int, list[TranscriptSegment]] = {key: [] for key in wanted}
    for segment in TranscriptSegment.objects.filter(voice_session_id__in=wanted).order_by(
        "voice_session_id", "position"
    ):
        found[segment.voice_session_id].append(segment)
    return found


def has_visitor_words(voice_session: VoiceSession) -> bool:
    """Tell whether the server's own record holds anything the visitor said in time."""
    return TranscriptSegment.objects.filter(
        voice_session=voice_session, role=SegmentRole.USER, is_late=False
    ).exists()


def paying_evaluation(response: SurveyResponse) -> EvaluationRecord | None:
    """Return the evaluation an answer's pay was computed from, else its latest."""
    return (
        EvaluationRecord.objects.filter(response=response)
        .order_by("-is_paying", "-created_at", "-pk")
        .first()
    )


def evaluations_of(response: SurveyResponse) -> QuerySet[EvaluationRecord]:
    """Return every evaluation of an answer, newest first."""
    return EvaluationRecord.objects.filter(response=response).order_by("-created_at", "-pk")


def totals_of(survey: Survey) -> Totals:
    """Return counts and averages over a survey's completed answers, erased ones left out.

    Payments are what was promised or paid: an answer without pay counts as 0, and so does a
    payout that is held, as nobody has promised it yet, or was rejected, cancelled, reversed or
    failed.
    """
    not_promised = (
        PayoutState.HELD,
        PayoutState.REJECTED,
        PayoutState.CANCELLED,
        PayoutState.FAILED,
        PayoutState.REVERSED,
    )
    row = SurveyResponse.objects.filter(survey=survey, state=ResponseState.COMPLETED).aggregate(
        completed=Count("pk"),
        flagged=Count("pk", filter=Q(is_flagged=True)),
        average_score=Avg("score"),
        paid=Coalesce(Sum("payout__amount_minor", filter=~Q(payout__state__in=not_promised)), 0),
    )
    completed = row["completed"]
    return Totals(
        completed=completed,
        flagged=row["flagged"],
        average_score=row["average_score"],
        average_payment_minor=row["paid"] / completed if completed else None,
        paid_minor=row["paid"],
    )


class GramCandidate(NamedTuple):
    """An earlier answer that shares grams with one of those asked about."""

    answer_index: int
    reference: str
    response_key: int | None
    """None once the answer is erased."""
    gram_count: int
    """Distinct grams of the whole earlier answer."""
    shared: int


def gram_candidates(
    survey: Survey,
    answers: Sequence[Sequence[int]],
    *,
    exclude: SurveyResponse,
    least: int,
    limit: int,
) -> list[GramCandidate]:
    """Return earlier answers of a survey that share grams with some answers, most shared first.

    Args:
        answers: for each answer the hashes to look for.
        exclude: whose own answers are left out.
        least: how many an answer must share.
        limit: how many rows at most, for all answers together.

    One statement by the index on survey and gram, for however many answers: a visitor waits.
    """
    asked = [(index, gram) for index, grams in enumerate(answers) for gram in grams]
    if not asked:
        return []
    table = connection.ops.quote_name(AnswerGram._meta.db_table)
    values = ", ".join(["(%s, %s)"] * len(asked))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH asked (answer_index, gram) AS (VALUES {values}) "  # noqa: S608  # nothing from outside: a table name and placeholders
            "SELECT asked.answer_index, stored.answer_ref, stored.response_id, "
            "stored.gram_count, COUNT(*) "
            f"FROM asked JOIN {table} stored "
            "ON stored.survey_id = %s AND stored.gram = asked.gram "
            "WHERE stored.response_id IS NULL OR stored.response_id <> %s "
            "GROUP BY asked.answer_index, stored.answer_ref, stored.response_id, stored.gram_count "
            "HAVING COUNT(*) >= %s ORDER BY COUNT(*) DESC, stored.answer_ref LIMIT %s",
            [*(value for pair in asked for value in pair), survey.pk, exclude.pk, least, limit],
        )
        return [GramCandidate(*row) for row in cursor.fetchall()]


def erased_sketch_rows(survey: Survey, references: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return reference, gram and gram count of those of these answers that are erased."""
    if not references:
        return []
    return list(
        AnswerGram.objects.filter(
            survey=survey, answer_ref__in=references, response__isnull=True
        ).values_list("answer_ref", "gram", "gram_count")
    )


def visitor_texts_of(survey: Survey, response_keys: Iterable[int]) -> list[tuple[str, str]]:
    """Return segment id and text of what visitors said in some of a survey's answers."""
    wanted = list(response_keys)
    if not wanted:
        return []
    return list(
        TranscriptSegment.objects.filter(
            voice_session__survey_response__in=wanted,
            voice_session__survey_response__survey=survey,
            role=SegmentRole.USER,
            is_late=False,
        ).values_list("public_id", "text")
    )


def visitor_segments_of(survey: Survey, response_keys: Iterable[int]) -> list[TranscriptSegment]:
    """Return what visitors said in some of a survey's answers, each with its conversation."""
    wanted = list(response_keys)
    if not wanted:
        return []
    return list(
        TranscriptSegment.objects.filter(
            voice_session__survey_response__in=wanted,
            voice_session__survey_response__survey=survey,
            role=SegmentRole.USER,
            is_late=False,
        ).select_related("voice_session")
    )


def has_met_company(company: Company, *, device_hash: str) -> bool:
    """Tell whether a device has started a survey of this company before."""
    return SurveyResponse.objects.filter(survey__company=company, device_hash=device_hash).exists()
