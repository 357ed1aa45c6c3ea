"""The console's first page: what needs somebody, and what is new."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import CompanyRequest
from core.money import format_money
from surveys.console.doors import for_researchers, is_owner, render_page
from surveys.models import Survey, SurveyStatus
from surveys.selectors.console import latest_findings, running_sessions, surveys_with_spend
from surveys.selectors.money import (
    CompanyFunds,
    ReviewItem,
    SurveyMoney,
    coverage_of,
    funds_of,
    review_queue,
)
from webhooks.models import WebhookEndpoint
from webhooks.selectors.endpoints import stopped_endpoints

SHOWN_SURVEYS = 5
LOW_SHARE = 5
"""Below one part in five of a survey's budget it is running out."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs somebody."""

    tone: str
    icon: str
    title: str
    text: str
    url: str
    action: str


@for_researchers
@require_safe
def home(request: CompanyRequest) -> HttpResponse:
    """Show what needs attention, what runs, and the latest findings."""
    surveys = list(surveys_with_spend(request.company))
    funds = funds_of(request.company)
    waiting = review_queue(request.company, limit=50)
    matters = []
    if waiting:
        matters.append(_waiting_matter(len(waiting), _open_appeals(waiting)))
    if is_owner(request):
        matters += [_stopped_matter(endpoint) for endpoint in stopped_endpoints(request.company)]
    matters += [
        matter
        for one in funds
        for row in one.surveys
        if (matter := _budget_matter(row, one)) is not None
    ]
    matters += [_full_matter(survey) for survey in surveys if _is_full(survey)]
    return render_page(
        request,
        "home",
        {
            "surveys": surveys[:SHOWN_SURVEYS],
            "survey_count": len(surveys),
            "open_count": sum(survey.status == SurveyStatus.ACTIVE for survey in surveys),
            "answer_count": sum(_count(survey, "completed_count") for survey in surveys),
            "funds": funds,
            "matters": matters,
            "running": running_sessions(request.company, limit=5),
            "findings": latest_findings(request.company, limit=3),
        },
    )


def _stopped_matter(endpoint: WebhookEndpoint) -> Matter:
    return Matter(
        tone="bad",
        icon="send",
        title="Nothing is sent to a webhook endpoint any more",
        text=f"{endpoint.url} took nothing for days. What happened meanwhile can be sent again.",
        url=reverse("console:webhook", args=[endpoint.public_id]),
        action="Open",
    )


def _open_appeals(waiting: list[ReviewItem]) -> int:
    return sum(item.appeal is not None and item.appeal.resolved_at is None for item in waiting)


def _count(survey: Survey, name: str) -> int:
    count: int = getattr(survey, name)
    return count


def _waiting_matter(count: int, appeals: int) -> Matter:
    noun = "answer waits" if count == 1 else "answers wait"
    text = "Held payouts pay nobody until a person has looked."
    if appeals:
        text = f"{appeals} of them {'is an appeal' if appeals == 1 else 'are appeals'}. {text}"
    return Matter(
        tone="warn",
        icon="shield",
        title=f"{count if count < 50 else '50 or more'} {noun} for your decision",
        text=text,
        url=reverse("console:review_queue"),
        action="Review",
    )


def _budget_matter(row: SurveyMoney, funds: CompanyFunds) -> Matter | None:
    """Return what to do about the budget of an open survey, if something is to be done."""
    version = row.survey.current_version
    if row.survey.status != SurveyStatus.ACTIVE or version is None:
        return None
    title, currency = version.title, row.survey.currency
    left = format_money(row.budget_minor, currency)
    coverage = coverage_of(row, funds)
    # A budget that is not filled yet gains nothing by being raised.
    is_short = coverage is not None and coverage.unfunded_minor > 0
    url = reverse("console:ledger")
    if not is_short:
        url = reverse("console:survey_edit", args=[row.survey.public_id])
    action = "Add funds" if is_short else "Raise the budget"
    if row.budget_minor < version.payment_max_minor:
        return Matter(
            tone="bad",
            icon="coin",
            title=f"“{title}” has no money for another answer",
            text=f"{left} is free and one answer may earn "
            f"{format_money(version.payment_max_minor, currency)}. New visitors are turned away.",
            url=url,
            action=action,
        )
    if row.budget_minor * LOW_SHARE < row.survey.budget_minor:
        answers = row.budget_minor // max(1, version.payment_max_minor)
        return Matter(
            tone="warn",
            icon="coin",
            title=f"The budget of “{title}” is running out",
            text=f"{left} is free: enough for {answers} more at the highest pay.",
            url=url,
            action=action,
        )
    return None


def _is_full(survey: Survey) -> bool:
    return (
        survey.status == SurveyStatus.ACTIVE
        and _count(survey, "completed_count") >= survey.max_responses
    )


def _full_matter(survey: Survey) -> Matter:
    title = survey.current_version.title if survey.current_version else ""
    return Matter(
        tone="info",
        icon="check",
        title=f"“{title}” has all the answers you asked for",
        text="Close it to get what is left of its budget back, or raise the number of answers.",
        url=reverse("console:survey_detail", args=[survey.public_id]),
        action="Open",
    )
