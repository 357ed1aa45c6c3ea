"""A budget above a company's funds: told before a survey is opened and after, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Company, User
from core.errors import ConflictError
from core.models import AuditEvent
from surveys.models import Survey, SurveyStatus
from surveys.selectors.money import available_minor
from surveys.services.funding import fund_company
from surveys.services.surveys import change_status, update_survey
from surveys.tests.builders import Visitor, make_survey
from surveys.tests.test_console_surveys import post

pytestmark = pytest.mark.django_db
BrowserOf = Callable[[User], Client]


def notice_of(browser: Client, survey: Survey) -> tuple[str, ...] | None:
    """Return tone, title, text and way out of the notice about money; None without one."""
    page = browser.get(f"/console/surveys/{survey.public_id}/").content.decode()
    found = re.search(
        r'notice--(warn|bad)".*?notice__title">([^<]*)</p>\s*<p>([^<]*)</p>'
        r'(?:.{0,200}?notice__action">.*?href="([^"]*)")?',
        page,
        re.DOTALL,
    )
    return None if found is None else tuple(part or "" for part in found.groups())


def line_of(browser: Client, survey: Survey) -> str:
    page = browser.get(f"/console/surveys/{survey.public_id}/").content.decode()
    [line] = re.findall(r"<p class=\"small\">(The money at hand[^<]*)</p>", page)
    return str(line)


def test_a_budget_above_the_funds_is_told_before_opening_and_after(
    acme: Company, ana: User, beto: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme, funding_minor=24_500, max_responses=250, budget=5000, status="draft")
    browser = browser_of(ana)
    assert notice_of(browser, survey) == (
        "warn",
        "Budget $5,000.00, your balance covers 12 answers",
        "$4,755.00 of the budget is not there yet. Once open, it is taken from money you add "
        "later, before newer surveys get any, until you close this survey or lower its budget.",
        "/console/ledger/",
    )
    change_status(survey=survey, status=SurveyStatus.ACTIVE)
    Visitor(survey).start()

    warned = notice_of(browser, survey)
    assert warned is not None
    assert warned[1] == "Budget $5,000.00, your balance covers 11 more answers"
    assert warned[2].startswith("$4,755.00 of the budget is not there yet. It is taken from money")
    told = notice_of(browser_of(beto), survey)
    assert told is not None
    assert (told[2].endswith("An owner adds funds."), told[3]) == (True, "")

    # As told: what is added goes to the older survey, and closing it gives the money back.
    younger = make_survey(acme, funding_minor=0)
    fund_company(company=acme, amount_minor=10_000, currency="USD")
    assert (available_minor(survey), available_minor(younger)) == (32_500, 0)
    assert line_of(browser, survey) == (
        "The money at hand covers 16 more answers at the highest pay."
    )
    update_survey(survey=survey, fields={"budget": 345})
    assert notice_of(browser, survey) is None
    fund_company(company=acme, amount_minor=10_000, currency="USD")
    assert available_minor(younger) == 10_000
    change_status(survey=survey, status=SurveyStatus.CLOSED)
    page = browser.get(f"/console/surveys/{survey.public_id}/").content.decode()
    assert "money at hand" not in page


@pytest.mark.parametrize("funding_minor", [0, 1999])
def test_a_survey_without_money_for_one_answer_is_not_opened(
    acme: Company, ana: User, browser_of: BrowserOf, funding_minor: int
) -> None:
    survey = make_survey(acme, funding_minor=funding_minor, status="draft")
    browser = browser_of(ana)
    shown = f"${funding_minor / 100:.2f}"
    assert notice_of(browser, survey) == (
        "bad",
        "Budget $200.00, your balance covers no answer",
        f"{shown} is at hand and one answer may earn $20.00. It cannot be opened until funds are "
        "added.",
        "/console/ledger/",
    )

    answer = browser.post(
        f"/console/surveys/{survey.public_id}/status/", {"status": "active"}, follow=True
    )

    assert f"It cannot be opened: {shown} is free for it" in answer.content.decode()
    survey.refresh_from_db()
    assert (survey.status, available_minor(survey)) == (SurveyStatus.DRAFT, 0)
    assert not AuditEvent.objects.filter(action="survey.active").exists()

    fund_company(company=acme, amount_minor=2000 - funding_minor, currency="USD")
    change_status(survey=survey, status=SurveyStatus.ACTIVE)
    assert line_of(browser, survey) == "The money at hand covers 1 more answer at the highest pay."


def test_save_and_open_without_money_keeps_a_draft_and_says_why(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    answer = post(browser, "surveys/new/", do="start")
    survey = Survey.objects.get()
    assert survey.status == SurveyStatus.DRAFT
    page = browser.get(answer["Location"]).content.decode()
    assert "Saved as a draft. It cannot be opened: €0.00 is free for it" in page


def test_a_budget_that_is_used_up_asks_to_be_raised(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme, budget=20)
    Visitor(survey).start()
    found = notice_of(browser_of(ana), survey)
    assert found == (
        "bad",
        "The budget of $20.00 is promised or paid in full",
        "$0.00 is at hand and one answer may earn $20.00. New visitors are turned away until the "
        "budget is raised.",
        f"/console/surveys/{survey.public_id}/edit/",
    )
    change_status(survey=survey, status=SurveyStatus.PAUSED)
    with pytest.raises(ConflictError) as refused:
        change_status(survey=survey, status=SurveyStatus.ACTIVE)
    assert refused.value.code == "funds_missing"


def test_an_unpaid_survey_needs_no_money(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    unpaid: dict[str, Any] = {"payment_min": 0, "payment_max": 0, "budget": 0}
    survey = make_survey(acme, funding_minor=0, status="draft", **unpaid)
    change_status(survey=survey, status=SurveyStatus.ACTIVE)
    assert notice_of(browser_of(ana), survey) is None
