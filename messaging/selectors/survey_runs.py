"""Which surveys a company's contacts may open, and where a contact stands in one."""

from __future__ import annotations

from core.remembered import Remembered
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


def _read_codes(company_id: int) -> frozenset[str]:
    return frozenset(keyword.code for keyword in keywords_of(company_id))


_codes_of = Remembered(_read_codes)


def is_code(company_id: int, text: str) -> bool:
    """Tell whether a message is nothing but a word that opens a survey, written as such.

    In capitals or with a digit, as a poster shows it: "coffee" in small letters is asked of a
    shop more often than meant as a code. A word is known some seconds after it was saved.
    """
    word = text.strip().strip("\"'.!“”")
    if not word or " " in word or not (word.isupper() or any(one.isdigit() for one in word)):
        return False
    code = "".join(one for one in word.upper() if one.isalnum())
    return code in _codes_of(company_id)


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
