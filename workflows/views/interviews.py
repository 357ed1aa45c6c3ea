"""Where a company's owner links a survey to a workflow, so that those who finish are invited."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import CompanyRequest, open_to
from accounts.models import Role
from core.errors import NotFoundError, ParleyError
from surveys.models import Survey
from surveys.selectors.surveys import surveys_of
from workflows.models import Workflow
from workflows.selectors.catalogue import workflows_with_interviews
from workflows.services.interviews import LINKABLE, RIGHT, link_survey, unlink_survey


@dataclass(frozen=True, slots=True)
class Line:
    """One workflow, and the company's survey that is linked to it."""

    workflow: Workflow
    survey: Survey | None
    is_taken: bool
    """Another company's is linked."""


def _show(request: CompanyRequest, status: int = 200) -> HttpResponse:
    lines = []
    for row in workflows_with_interviews(request.user):
        linked = row.feedback_survey
        own = linked if linked is not None and linked.company_id == request.company.pk else None
        lines.append(Line(row, own, linked is not None and own is None))
    context = {
        "lines": lines,
        "surveys": list(surveys_of(request.company).filter(status__in=LINKABLE)),
        "may_link": request.user.has_perm(RIGHT),
    }
    return render(request, "workflows/interviews.html", context, status=status)


def _change(request: CompanyRequest) -> str:
    """Link or take away as the form says, and return what was done in a sentence."""
    name, survey_id = request.POST.get("workflow", ""), request.POST.get("survey", "")
    company, actor = request.company, request.user
    if survey_id:
        link_survey(workflow_name=name, survey_id=survey_id, company=company, actor=actor)
        return "Linked. Whoever finishes the workflow is invited while the survey is open."
    unlink_survey(workflow_name=name, company=company, actor=actor)
    return "Taken away. Nobody is invited after this workflow any more."


def _interviews(request: CompanyRequest) -> HttpResponse:
    if request.method != "POST":
        return _show(request)
    try:
        done = _change(request)
    except NotFoundError:
        raise
    except ParleyError as error:
        messages.error(request, error.detail)
        return _show(request, error.status)
    messages.success(request, done)
    return redirect("workflow_interviews")


show_interviews = require_http_methods(["GET", "HEAD", "POST"])(open_to(_interviews, Role.OWNER))
