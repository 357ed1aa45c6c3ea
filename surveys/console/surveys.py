"""Pages of surveys: the list, the builder, one survey with its funnel, its versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import CompanyRequest
from agents.interview.evaluation.pay import pay_minor
from core import money
from core.errors import ConflictError, InvalidInputError
from surveys.console.builder_form import (
    KINDS,
    PROBES,
    Builder,
    QuestionRow,
    empty_builder,
    read_builder,
    survey_builder,
)
from surveys.console.coverage import draw_coverage
from surveys.console.doors import for_researchers, is_owner, read_word, render_page
from surveys.console.figures import (
    draw_days,
    draw_funnel,
    draw_pay_curve,
    draw_scores,
    pay_curve_path,
)
from surveys.console.paging import cut_page
from surveys.console.versions import compare_versions
from surveys.models import Survey, SurveyStatus
from surveys.selectors.console import completed_by_day, score_counts, surveys_with_spend
from surveys.selectors.money import CompanyFunds, funds_of
from surveys.selectors.responses import totals_of
from surveys.selectors.surveys import funnel_of, survey_of, versions_of
from surveys.services.definitions import PAYMENT_MAX_MINOR, QUESTIONS_MAX
from surveys.services.surveys import (
    change_status,
    create_survey,
    current_version,
    duplicate_survey,
    update_survey,
)

STATUS_WORDS = {
    SurveyStatus.ACTIVE: "{title} is open: visitors can start now.",
    SurveyStatus.PAUSED: "{title} is paused. Conversations that run go on to their end.",
    SurveyStatus.CLOSED: "{title} is closed. Its free budget is back in your funds.",
}

PAY_EXAMPLES = (("Below 25", 0), ("25 to 54", 50), ("70", 70), ("85", 85), ("100", 100))
"""Scores whose pay the builder shows."""


def survey_tabs(survey: Survey, current: str) -> list[tuple[str, str, bool]]:
    """Return the ways between the pages of one survey."""
    pages = [
        ("Overview", "survey_detail"),
        ("Findings", "survey_insights"),
        ("Versions", "survey_versions"),
        ("Try it", "survey_preview"),
    ]
    tabs = [
        (label, reverse(f"console:{name}", args=[survey.public_id]), name == current)
        for label, name in pages
    ]
    sessions = f"{reverse('console:session_list')}?survey={survey.public_id}"
    install = f"{reverse('console:install')}?survey={survey.public_id}"
    return [*tabs[:1], ("Sessions", sessions, False), *tabs[1:], ("Install", install, False)]


@for_researchers
@require_safe
def survey_list(request: CompanyRequest) -> HttpResponse:
    """List the company's surveys with what they brought and what they cost."""
    status = request.GET.get("status", "")
    if status not in SurveyStatus.values:
        status = ""
    words = read_word(request.GET, "q")
    page = cut_page(surveys_with_spend(request.company, status=status, words=words), request.GET)
    return render_page(
        request,
        "survey_list",
        {
            "page": page,
            "status": status,
            "words": words,
            "statuses": SurveyStatus.choices,
            "is_narrowed": bool(status or words),
        },
    )


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def survey_new(request: CompanyRequest) -> HttpResponse:
    """Show the builder for a new survey, and create it."""
    if request.method != "POST":
        return _show_builder(request, empty_builder())
    builder = read_builder(request.POST, is_new=True)
    action = request.POST.get("do", "")
    if builder.change_rows(action):
        return _show_builder(request, builder)
    raw = builder.to_raw(is_new=True) | {"status": SurveyStatus.DRAFT}
    try:
        survey = create_survey(company=request.company, fields=raw, created_by=request.user)
    except InvalidInputError as error:
        builder.show_problems(error)
        return _show_builder(request, builder, status=422)
    if action != "start":
        messages.success(request, "Saved as a draft. Nobody sees it until you open it.")
        return redirect("console:survey_detail", survey.public_id)
    try:
        change_status(survey=survey, status=SurveyStatus.ACTIVE, actor=request.user)
    except ConflictError as error:
        messages.warning(request, f"Saved as a draft. {error.detail}")
    else:
        messages.success(request, "Your survey is open. Install it on your website next.")
    return redirect("console:survey_detail", survey.public_id)


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def survey_edit(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Show the builder for a survey that exists, and change it."""
    survey = survey_of(request.company, survey_id)
    if survey.status == SurveyStatus.CLOSED:
        messages.error(request, "A closed survey cannot be changed. Duplicate it to go on.")
        return redirect("console:survey_detail", survey.public_id)
    if request.method != "POST":
        return _show_builder(request, survey_builder(survey), survey=survey)
    builder = read_builder(request.POST, is_new=False)
    if builder.change_rows(request.POST.get("do", "")):
        return _show_builder(request, builder, survey=survey)
    number = current_version(survey).number
    if request.POST.get("version", "") != str(number):
        builder.form.add_error(
            None,
            "Somebody saved another version while you were writing. What you typed is below; save "
            "again to put it in place of theirs.",
        )
        return _show_builder(request, builder, survey=survey, status=409)
    try:
        survey = update_survey(
            survey=survey, fields=builder.to_raw(is_new=False), actor=request.user
        )
    except (InvalidInputError, ConflictError) as error:
        builder.show_problems(error)
        return _show_builder(request, builder, survey=survey, status=422)
    if current_version(survey).number != number:
        messages.success(
            request, f"Saved as version {number + 1}. Conversations that run keep version {number}."
        )
    else:
        messages.success(request, "Saved.")
    return redirect("console:survey_detail", survey.public_id)


def _show_builder(
    request: CompanyRequest, builder: Builder, *, survey: Survey | None = None, status: int = 200
) -> HttpResponse:
    form = builder.form
    currency = survey.currency if survey else str(form["currency"].value() or "USD")
    if currency not in money.CURRENCIES:
        currency = "USD"
    funds = _funds_in(request, currency)
    own = next((one for one in funds.surveys if survey and one.survey.pk == survey.pk), None)
    minimum, maximum = _pay_range(
        form["payment_min"].value(), form["payment_max"].value(), currency
    )
    crumbs = [("Surveys", reverse("console:survey_list"))]
    if survey is not None:
        title = current_version(survey).title
        crumbs.append((title, reverse("console:survey_detail", args=[survey.public_id])))
    return render_page(
        request,
        "survey_builder",
        {
            "crumbs": [*crumbs, ("Edit" if survey else "New survey", "")],
            "builder": builder,
            "form": form,
            "rows": builder.rows,
            "blank_row": QuestionRow(),
            "kinds": KINDS,
            "probes": PROBES,
            "questions_max": QUESTIONS_MAX,
            "survey": survey,
            "version": current_version(survey).number if survey else "",
            "currency": currency,
            "curve_path": pay_curve_path(minimum, maximum),
            "curve_pay": [
                (words, score, pay_minor(score, minimum, maximum, True))
                for words, score in PAY_EXAMPLES
            ],
            "curve_top": maximum,
            "funds": funds,
            "own_minor": own.held_minor if own else 0,
            "builder_settings": {
                "currency": currency,
                "decimals": money.exponent(currency),
                "questionsMax": QUESTIONS_MAX,
                "tryUrl": reverse("console:survey_try"),
            },
        },
        status=status,
    )


def _pay_range(low: Any, high: Any, currency: str) -> tuple[int, int]:
    """Return a range that can be drawn from whatever was typed."""

    def read(text: Any) -> int:
        try:
            return min(max(0, money.to_minor(str(text or "0"), currency)), PAYMENT_MAX_MINOR)
        except ValueError:
            return 0

    minimum = read(low)
    return minimum, max(minimum, read(high))


def _funds_in(request: CompanyRequest, currency: str) -> CompanyFunds:
    found = [one for one in funds_of(request.company) if one.currency == currency]
    return found[0] if found else CompanyFunds(currency, 0, 0, ())


@for_researchers
@require_safe
def survey_detail(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Show one survey: where it stands, its funnel, what an answer costs."""
    survey = survey_of(request.company, survey_id)
    version = current_version(survey)
    totals = totals_of(survey)
    usable = totals.completed - totals.flagged
    days = completed_by_day(survey)
    funds = _funds_in(request, survey.currency)
    row = next((one for one in funds.surveys if one.survey.pk == survey.pk), None)
    return render_page(
        request,
        "survey_detail",
        {
            "crumbs": [("Surveys", reverse("console:survey_list")), (version.title, "")],
            "survey": survey,
            "version": version,
            "tabs": survey_tabs(survey, "survey_detail"),
            "totals": totals,
            "usable": usable,
            "cost_minor": round(totals.paid_minor / usable) if usable else None,
            "average_minor": None
            if totals.average_payment_minor is None
            else round(totals.average_payment_minor),
            "money": row,
            "coverage": None
            if row is None or totals.completed >= survey.max_responses
            else draw_coverage(row, funds, is_owner(request)),
            "funnel": draw_funnel(funnel_of(survey), version.questions),
            "scores": draw_scores(score_counts(survey)),
            "days": draw_days(days) if len(days) > 1 else None,
            "curve": draw_pay_curve(
                version.payment_min_minor, version.payment_max_minor, survey.currency
            ),
        },
    )


@for_researchers
@require_POST
def survey_status(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Open, pause or close a survey."""
    survey = survey_of(request.company, survey_id)
    wanted = request.POST.get("status", "")
    if wanted not in (SurveyStatus.ACTIVE, SurveyStatus.PAUSED, SurveyStatus.CLOSED):
        messages.error(request, "Choose to open, pause or close the survey.")
        return redirect("console:survey_detail", survey.public_id)
    target = SurveyStatus(wanted)
    try:
        change_status(survey=survey, status=target, actor=request.user)
    except ConflictError as error:
        messages.error(request, error.detail)
    else:
        title = current_version(survey).title
        messages.success(request, STATUS_WORDS[target].format(title=title))
    return redirect("console:survey_detail", survey.public_id)


@for_researchers
@require_POST
def survey_duplicate(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Copy a survey as a draft and open the copy in the builder."""
    copy = duplicate_survey(survey=survey_of(request.company, survey_id), actor=request.user)
    messages.success(request, "This is the copy, a draft without answers.")
    return redirect("console:survey_edit", copy.public_id)


@for_researchers
@require_safe
def survey_versions(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Show every version of a survey and what it changed."""
    survey = survey_of(request.company, survey_id)
    version = current_version(survey)
    return render_page(
        request,
        "survey_versions",
        {
            "crumbs": [("Surveys", reverse("console:survey_list")), (version.title, "")],
            "survey": survey,
            "version": version,
            "tabs": survey_tabs(survey, "survey_versions"),
            "versions": compare_versions(list(versions_of(survey)), survey.currency),
        },
    )
