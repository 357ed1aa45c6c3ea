"""Reads of surveys. Every query is scoped: to a company, or by a publishable key."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from django.db.models import Count, Q, QuerySet

from accounts.models import Company
from core.errors import AuthenticationFailedError, NotFoundError
from surveys.models import FunnelCounter, ResponseState, Survey, SurveyStatus, SurveyVersion


def surveys_of(company: Company) -> QuerySet[Survey]:
    """Return a company's surveys, newest first, with version and count of completed answers."""
    return (
        Survey.objects.filter(company=company)
        .select_related("company", "current_version")
        .annotate(
            completed_count=Count("responses", filter=Q(responses__state=ResponseState.COMPLETED)),
            started_count=Count("responses"),
        )
        .order_by("-created_at", "-pk")
    )


def open_survey_for(company: Company, language: str) -> Survey | None:
    """Return the newest open survey in a language, else the newest of all; None without one.

    Args:
        company: whose; only its twenty newest are looked at.
        language: a tag; its family decides.
    """
    listed = list(surveys_of(company).filter(status=SurveyStatus.ACTIVE)[:20])
    family = language.partition("-")[0]
    for survey in listed:
        version = survey.current_version
        if version and any(tag.partition("-")[0] == family for tag in version.languages):
            return survey
    return listed[0] if listed else None


def survey_of(company: Company, survey_id: str) -> Survey:
    """Return one survey of the company.

    Raises:
        NotFoundError: there is none, or it is another company's; the two read the same.
    """
    survey = (
        Survey.objects.filter(company=company, public_id=survey_id)
        .select_related("company", "current_version")
        .first()
    )
    if survey is None:
        raise NotFoundError("survey_not_found", "There is no survey with this id.")
    return survey


def survey_for_key(survey_id: str, publishable_key: str) -> Survey:
    """Return the survey a publishable key opens.

    Raises:
        NotFoundError: there is no such survey.
        AuthenticationFailedError: the key is missing or belongs to another survey.
    """
    survey = (
        Survey.objects.filter(public_id=survey_id)
        .select_related("company", "current_version")
        .first()
    )
    if survey is None:
        raise NotFoundError("survey_not_found", "There is no survey with this id.")
    if not publishable_key:
        raise AuthenticationFailedError(
            "publishable_key_missing",
            "Send the survey's publishable key: header X-Publishable-Key, or publishable_key in "
            "the body. It stands on the install page and in the answer of /survey/create.",
        )
    if not hmac.compare_digest(publishable_key.encode(), survey.publishable_key.encode()):
        raise AuthenticationFailedError(
            "publishable_key_invalid",
            "This publishable key does not belong to this survey. Copy it from the install page.",
        )
    return survey


def public_survey(survey_id: str) -> Survey | None:
    """Return a survey by its public id alone, for its hosted page and its allow-list."""
    return (
        Survey.objects.filter(public_id=survey_id)
        .select_related("company", "current_version")
        .first()
    )


def allowed_origins(survey_id: str) -> Sequence[str] | None:
    """Return a survey's allow-list (empty means any), or None when there is no such survey."""
    row: Sequence[str] | None = (
        Survey.objects.filter(public_id=survey_id).values_list("allowed_origins", flat=True).first()
    )
    return row


def versions_of(survey: Survey) -> QuerySet[SurveyVersion]:
    """Return the frozen versions of a survey, newest first."""
    return SurveyVersion.objects.filter(survey=survey).order_by("-number")


def funnel_of(survey: Survey) -> dict[str, int]:
    """Return step to count over all days of a survey."""
    totals: dict[str, int] = {}
    for step, count in FunnelCounter.objects.filter(survey=survey).values_list("step", "count"):
        totals[step] = totals.get(step, 0) + count
    return totals
