"""The one thing other apps may ask about a survey: whether it takes answers, and for what.

Scoped by the survey's own key: whoever links a survey to something of theirs has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from surveys.models import Survey, SurveyStatus


@dataclass(frozen=True, slots=True)
class FeedbackOffer:
    """A paid interview somebody can be invited to."""

    title: str
    url: str
    max_minutes: int
    pay_min_minor: int
    pay_max_minor: int
    currency: str
    """ISO 4217 code."""
    is_play_money: bool


def feedback_offer(survey_pk: int | None) -> FeedbackOffer | None:
    """Return the offer of a linked survey, or None while it takes no answers.

    Args:
        survey_pk: primary key from the row that links it; None for no link.
    """
    if survey_pk is None:
        return None
    survey = (
        Survey.objects.filter(pk=survey_pk, status=SurveyStatus.ACTIVE)
        .select_related("current_version", "company")
        .first()
    )
    if survey is None or survey.current_version is None:
        return None
    version = survey.current_version
    return FeedbackOffer(
        title=version.title,
        url=reverse("survey_hosted", args=[survey.public_id]),
        max_minutes=version.max_minutes,
        pay_min_minor=version.payment_min_minor,
        pay_max_minor=version.payment_max_minor,
        currency=survey.currency,
        is_play_money=survey.company.is_demo,
    )
