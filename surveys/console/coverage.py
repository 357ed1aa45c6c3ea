"""What the console says of how far a survey's money reaches, before it is opened and after.

Owns those words. The figures are `surveys.selectors.money.coverage_of`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from core.money import format_money
from surveys.models import SurveyStatus
from surveys.selectors.money import CompanyFunds, SurveyMoney, coverage_of


@dataclass(frozen=True, slots=True)
class CoverageView:
    """One line for the budget's card; a notice where the owner has something to do."""

    line: str
    tone: str
    """Of the notice; empty for none."""
    title: str
    text: str
    url: str
    action: str


def draw_coverage(row: SurveyMoney, funds: CompanyFunds, may_fund: bool) -> CoverageView | None:
    """Return what to say of a survey's money; None where there is nothing to say."""
    coverage = coverage_of(row, funds)
    version = row.survey.current_version
    if coverage is None or version is None:
        return None
    currency, is_draft = row.survey.currency, row.survey.status == SurveyStatus.DRAFT
    budget = format_money(row.survey.budget_minor, currency)
    at_hand = format_money(coverage.at_hand_minor, currency)
    highest = format_money(version.payment_max_minor, currency)
    noun = "answer" if coverage.answers == 1 else "answers"
    count = f"{coverage.answers} {noun}" if is_draft else f"{coverage.answers} more {noun}"
    line = f"The money at hand covers {count} at the highest pay."
    is_used_up = not coverage.unfunded_minor
    if not coverage.answers:
        is_open = row.survey.status == SurveyStatus.ACTIVE
        title = f"Budget {budget}, your balance covers no answer"
        if is_used_up:
            title = f"The budget of {budget} is promised or paid in full"
        text = f"{at_hand} is at hand and one answer may earn {highest}. "
        text += "New visitors are turned away" if is_open else "It cannot be opened"
        text += " until the budget is raised." if is_used_up else " until funds are added."
    elif not is_used_up:
        title = f"Budget {budget}, your balance covers {count}"
        text = (
            f"{format_money(coverage.unfunded_minor, currency)} of the budget is not there yet. "
            f"{'Once open, it' if is_draft else 'It'} is taken from money you add later, before "
            "newer surveys get any, until you close this survey or lower its budget."
        )
    else:
        return CoverageView(line, "", "", "", "", "")
    tone = "warn" if coverage.answers else "bad"
    edit = reverse("console:survey_edit", args=[row.survey.public_id])
    if is_used_up:
        return CoverageView(line, tone, title, text, edit, "Raise the budget")
    if not may_fund:
        return CoverageView(line, tone, title, f"{text} An owner adds funds.", "", "")
    return CoverageView(line, tone, title, text, reverse("console:ledger"), "Add funds")
