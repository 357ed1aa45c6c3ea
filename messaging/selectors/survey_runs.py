"""Which surveys a company's contacts may open, and where a contact stands in one."""

from __future__ import annotations

from messaging.models import LIVE_RUN_STATES, SurveyKeyword, SurveyRun
from surveys.models import SurveyStatus


def keywords_of(company_id: int) -> list[SurveyKeyword]:
    """Return the words that open a survey that is open now."""
    return list(
        SurveyKeyword.objects.filter(
            company_id=company_id,
            is_active=True,
            survey__status=SurveyStatus.ACTIVE,
            survey__company_id=company_id,
        )
        .select_related("survey__current_version", "survey__company")
        .order_by("id")
    )


def live_run_of(contact_id: int) -> SurveyRun | None:
    """Return the survey the contact is in, if any."""
    return (
        SurveyRun.objects.filter(contact_id=contact_id, state__in=LIVE_RUN_STATES)
        .select_related("survey__current_version", "survey__company")
        .first()
    )


def runs_of(contact_id: int) -> list[SurveyRun]:
    """Return the contact's runs, newest first."""
    return list(
        SurveyRun.objects.filter(contact_id=contact_id)
        .select_related("survey__current_version", "response")
        .order_by("-id")[:10]
    )
