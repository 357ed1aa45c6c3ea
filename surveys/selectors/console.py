"""Reads that only the console's pages need, each within one company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.models import Company
from agents.interview.types import AnswerSample
from sessions.models import EndReason, SegmentRole, SessionStatus, TranscriptSegment
from surveys.models import (
    Appeal,
    EvaluationRecord,
    FunnelCounter,
    InsightReport,
    PayoutState,
    ResponseState,
    Survey,
    SurveyResponse,
)
from surveys.selectors.surveys import surveys_of

WORTHLESS_STATES = (
    PayoutState.REJECTED,
    PayoutState.CANCELLED,
    PayoutState.FAILED,
    PayoutState.REVERSED,
)
"""Payouts that cost the company nothing."""
BANDS = ((0, 24), (25, 49), (50, 69), (70, 84), (85, 100))
"""Ranges of scores the console sorts answers into, both ends included."""
CLOSED_ANSWERS_MAX = 5000


def surveys_with_spend(company: Company, *, status: str = "", words: str = "") -> QuerySet[Survey]:
    """Return a company's surveys, newest first, with answers counted and pay added up.

    Each row carries ``started_count``, ``completed_count``, ``usable_count`` (completed and not
    flagged) and ``spent_minor`` (payouts that were not taken back or refused).

    Args:
        status: only this status; empty for all.
        words: only surveys whose title contains this.
    """
    found = surveys_of(company)
    if status:
        found = found.filter(status=status)
    if words:
        found = found.filter(current_version__title__icontains=words)
    return found.annotate(
        usable_count=Count(
            "responses",
            filter=Q(responses__state=ResponseState.COMPLETED, responses__is_flagged=False),
        ),
        spent_minor=Coalesce(
            Sum(
                "responses__payout__amount_minor",
                filter=~Q(responses__payout__state__in=WORTHLESS_STATES),
            ),
            0,
        ),
    )


def survey_choices(company: Company) -> list[tuple[str, str]]:
    """Return id and title of a company's surveys, newest first, for a choice."""
    return list(
        Survey.objects.filter(company=company)
        .order_by("-created_at", "-pk")
        .values_list("public_id", "current_version__title")
    )


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """What narrows the list of sessions; empty and None mean all."""

    survey_id: str = ""
    state: str = ""
    band: int | None = None
    """Index into `BANDS`."""
    flagged: bool | None = None
    language: str = ""
    since: date | None = None
    until: date | None = None


def sessions_of(company: Company, narrowed: SessionFilter) -> QuerySet[SurveyResponse]:
    """Return the answers to a company's surveys, newest first, with what a list shows."""
    found = SurveyResponse.objects.filter(survey__company=company)
    if narrowed.survey_id:
        found = found.filter(survey__public_id=narrowed.survey_id)
    if narrowed.state:
        found = found.filter(state=narrowed.state)
    if narrowed.band is not None:
        low, high = BANDS[narrowed.band]
        found = found.filter(score__gte=low, score__lte=high)
    if narrowed.flagged is not None:
        found = found.filter(is_flagged=narrowed.flagged)
    if narrowed.language:
        found = found.filter(voice_session__language=narrowed.language)
    if narrowed.since is not None:
        found = found.filter(created_at__date__gte=narrowed.since)
    if narrowed.until is not None:
        found = found.filter(created_at__date__lte=narrowed.until)
    return found.select_related("voice_session", "survey", "version", "payout").order_by(
        "-created_at", "-pk"
    )


def languages_of(company: Company) -> list[str]:
    """Return the languages a company's surveys were answered in."""
    return list(
        SurveyResponse.objects.filter(survey__company=company)
        .order_by("voice_session__language")
        .values_list("voice_session__language", flat=True)
        .distinct()
    )


def running_sessions(company: Company, *, limit: int) -> list[SurveyResponse]:
    """Return the company's conversations that go on right now, latest sign of life first."""
    return list(
        SurveyResponse.objects.filter(
            survey__company=company,
            voice_session__status__in=(SessionStatus.ACTIVE, SessionStatus.PAUSED),
        )
        .select_related("voice_session", "version")
        .order_by("-voice_session__last_activity_at", "-pk")[:limit]
    )


def latest_findings(company: Company, *, limit: int) -> list[InsightReport]:
    """Return the company's reports that say something, the newest first."""
    return list(
        InsightReport.objects.filter(survey__company=company, sessions_used__gt=0)
        .select_related("survey__current_version")
        .order_by("-updated_at", "-pk")[:limit]
    )


def score_counts(survey: Survey) -> dict[int, int]:
    """Return score to number of completed answers."""
    return dict(
        SurveyResponse.objects.filter(
            survey=survey, state=ResponseState.COMPLETED, score__isnull=False
        )
        .order_by("score")
        .values_list("score")
        .annotate(total=Count("pk"))
    )


def completed_by_day(survey: Survey) -> list[tuple[date, int]]:
    """Return day and how many reached Done on it, oldest first."""
    return list(
        FunnelCounter.objects.filter(survey=survey, step="done")
        .order_by("day")
        .values_list("day", "count")
    )


def closed_answers(survey: Survey, question_ids: Sequence[str]) -> list[AnswerSample]:
    """Return what unflagged, completed answers said to these questions, newest answers first."""
    if not question_ids:
        return []
    rows = (
        TranscriptSegment.objects.filter(
            voice_session__survey_response__survey=survey,
            voice_session__survey_response__state=ResponseState.COMPLETED,
            voice_session__survey_response__is_flagged=False,
            role=SegmentRole.USER,
            is_late=False,
            question_id__in=question_ids,
        )
        .order_by("-voice_session_id", "position")
        .values_list("voice_session__public_id", "public_id", "question_id", "text")
    )
    return [AnswerSample(*row) for row in rows[:CLOSED_ANSWERS_MAX]]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the widget has reported of a survey."""

    shown: int
    last_day: date


def sightings_of(company: Company) -> dict[int, Sighting]:
    """Return survey key to how often its widget was shown and when last."""
    rows = (
        FunnelCounter.objects.filter(survey__company=company, step="shown")
        .order_by()
        .values_list("survey_id")
        .annotate(total=Sum("count"), last=Max("day"))
    )
    return {survey: Sighting(shown=total, last_day=last) for survey, total, last in rows}


def appeal_of(response: SurveyResponse) -> Appeal | None:
    """Return the one appeal against an answer, if there is one."""
    return Appeal.objects.filter(response=response).select_related("resolved_by").first()


def evaluations_of_response(response: SurveyResponse) -> list[EvaluationRecord]:
    """Return an answer's evaluations, the one that was paid by first, then the newest."""
    return list(
        EvaluationRecord.objects.filter(response=response).order_by(
            "-is_paying", "-created_at", "-pk"
        )
    )


def is_erased(response: SurveyResponse) -> bool:
    """Tell whether the words of an answer are gone."""
    return (
        response.state == ResponseState.ERASED
        or response.voice_session.end_reason == EndReason.ERASED
    )
