"""The one thing other apps may ask about a survey: whether it takes answers, and for what.

Scoped by the survey's own key: whoever links a survey to something of theirs has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from surveys.models import ResponseState, Survey, SurveyResponse, SurveyStatus


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


def feedback_offer(survey_pk: int | None, person: User) -> FeedbackOffer | None:
    """Return the offer of a linked survey, or None while it takes no answers of this person.

    Args:
        survey_pk: primary key from the row that links it; None for no link.
        person: who would be asked; nobody is asked twice whose answer is known.
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
    answered = SurveyResponse.objects.filter(
        Q(wallet__user=person) | Q(wallet__merged_into__user=person),
        survey=survey,
        holds_respondent_slot=True,
    ).exclude(state=ResponseState.OPEN)
    if answered.exists():
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
