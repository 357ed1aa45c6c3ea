"""Trying a survey out before anybody else does. The drawer asks for JSON, a page does without."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import CompanyRequest
from core.errors import InvalidInputError, ParleyError, RateLimitedError
from surveys.console.builder_form import Builder, read_builder
from surveys.console.doors import for_researchers, render_page
from surveys.console.rehearsal import Rehearsal, begin_rehearsal, continue_rehearsal
from surveys.console.surveys import survey_tabs
from surveys.models import Survey
from surveys.selectors.surveys import survey_of
from surveys.services.definitions import SurveyDefinition, read_definition
from surveys.services.surveys import current_definition, current_version

TOKEN = "token"  # noqa: S105  # the name of a form field


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def survey_preview(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Hold a try-out of a survey as it is stored."""
    survey = survey_of(request.company, survey_id)
    if request.method != "POST":
        return _show(request, None, survey=survey)
    return _step(request, lambda: current_definition(survey), survey=survey)


@for_researchers
@require_POST
def survey_try(request: CompanyRequest) -> HttpResponse:
    """Hold a try-out of what stands in the builder, saved or not."""

    def definition() -> SurveyDefinition:
        raw = read_builder(request.POST, is_new=True).to_raw(is_new=True)
        # Money and rules of showing play no part in a conversation.
        for name in ("budget", "allowed_origins", "targeting", "retention_days"):
            raw.pop(name, None)
        raw |= {"payment_min": "0", "payment_max": "0", "title": raw["title"] or "Try-out"}
        return read_definition(raw, company_name=request.company.name)

    return _step(request, definition)


def _step(
    request: CompanyRequest, definition: Any, *, survey: Survey | None = None
) -> HttpResponse:
    wants_json = "application/json" in request.headers.get("Accept", "")
    token = request.POST.get(TOKEN, "")
    try:
        if token:
            held = continue_rehearsal(
                company=request.company, token=token, text=request.POST.get("text", "")
            )
        else:
            held = begin_rehearsal(company=request.company, definition=definition())
    except (InvalidInputError, RateLimitedError) as error:
        return _refuse(request, error, survey=survey, wants_json=wants_json)
    if wants_json:
        return JsonResponse({"reply": held.reply, "is_closed": held.is_closed, "token": held.token})
    return _show(request, held, survey=survey)


def _refuse(
    request: CompanyRequest, error: ParleyError, *, survey: Survey | None, wants_json: bool
) -> HttpResponse:
    details = [problem["detail"] for problem in error.extra.get("errors", ())] or [error.detail]
    if wants_json:
        return JsonResponse(
            {"code": error.code, "detail": error.detail, "errors": _problems(request, error)},
            status=error.status,
        )
    return _show(request, None, survey=survey, problems=details, status=error.status)


def _problems(request: CompanyRequest, error: ParleyError) -> list[str]:
    """Return what is wrong with a drafted survey, each with the place it is about."""
    builder: Builder = read_builder(request.POST, is_new=True)
    if not error.extra.get("errors"):
        return []
    builder.show_problems(error)
    said = [f"Questions: {text}" for text in builder.row_errors]
    for number, row in enumerate(builder.rows, start=1):
        said += [f"Question {number}: {text}" for texts in row.errors.values() for text in texts]
    for name, texts in builder.form.errors.items():
        label = builder.form.fields[name].label if name in builder.form.fields else ""
        said += [f"{label}: {text}" if label else str(text) for text in texts]
    return said


def _show(
    request: CompanyRequest,
    held: Rehearsal | None,
    *,
    survey: Survey | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    crumbs = [("Surveys", reverse("console:survey_list"))]
    context: dict[str, Any] = {
        "held": held,
        "problems": problems or [],
        "typed": request.POST.get("text", "") if problems else "",
        "token": held.token if held else request.POST.get(TOKEN, "") if problems else "",
        "survey": survey,
    }
    if survey is not None:
        version = current_version(survey)
        context |= {
            "version": version,
            "tabs": survey_tabs(survey, "survey_preview"),
            "step_url": reverse("console:survey_preview", args=[survey.public_id]),
        }
        crumbs.append((version.title, ""))
    else:
        context["step_url"] = reverse("console:survey_try")
        crumbs.append(("Try-out", ""))
    return render_page(request, "survey_preview", {**context, "crumbs": crumbs}, status=status)
