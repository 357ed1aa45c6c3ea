"""Which survey those who finish a workflow are invited to.

The catalogue belongs to the installation, and whoever finishes a workflow there is shown the link:
so a company's owner links one of their surveys only with the installation's right to change
workflows, which an administrator gives.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import Company, User
from core import audit
from core.errors import ConflictError, ForbiddenError, NotFoundError
from surveys.models import Survey, SurveyStatus
from surveys.selectors.surveys import survey_of
from workflows.models import Workflow

RIGHT = "workflows.change_workflow"
"""The one the admin asks for, too."""
LINKABLE = (SurveyStatus.ACTIVE, SurveyStatus.PAUSED)


def link_survey(*, workflow_name: str, survey_id: str, company: Company, actor: User) -> Workflow:
    """Invite those who finish a workflow to a survey of the company; another of its own gives way.

    Raises:
        ForbiddenError: the actor has no right to change workflows.
        NotFoundError: there is no such workflow, or no such survey of the company.
        ConflictError: the survey takes no answers, or another company's is linked.
    """
    _check_right(actor)
    survey = survey_of(company, survey_id)
    if survey.status not in LINKABLE:
        raise ConflictError(
            "survey_not_open", "Open this survey first: nobody can be invited to it as it stands."
        )
    with transaction.atomic():
        workflow = _lock(workflow_name, company)
        if workflow.feedback_survey_id != survey.pk:
            _put_link(workflow, survey)
            _note("workflow.survey_linked", workflow, survey, company, actor)
    return workflow


def unlink_survey(*, workflow_name: str, company: Company, actor: User) -> Workflow:
    """Invite nobody any more to the company's survey; without a link nothing changes.

    Raises:
        ForbiddenError: the actor has no right to change workflows.
        NotFoundError: there is no such workflow.
        ConflictError: another company's survey is linked.
    """
    _check_right(actor)
    with transaction.atomic():
        workflow = _lock(workflow_name, company)
        survey = workflow.feedback_survey
        if survey is not None:
            _put_link(workflow, None)
            _note("workflow.survey_unlinked", workflow, survey, company, actor)
    return workflow


def _check_right(actor: User) -> None:
    if not actor.has_perm(RIGHT):
        raise ForbiddenError(
            "may_not_link",
            "Linking needs the right to change workflows. An administrator of this installation "
            "gives it.",
        )


def _lock(name: str, company: Company) -> Workflow:
    workflow = (
        Workflow.objects.select_for_update(of=("self",))
        .select_related("feedback_survey")
        .filter(name=name, is_active=True)
        .first()
    )
    if workflow is None:
        raise NotFoundError("workflow_not_found", "There is no such workflow.")
    linked = workflow.feedback_survey
    if linked is not None and linked.company_id != company.pk:
        raise ConflictError(
            "workflow_taken",
            "Another company's interview is linked to this workflow. An administrator can take it "
            "away.",
        )
    return workflow


def _put_link(workflow: Workflow, survey: Survey | None) -> None:
    workflow.feedback_survey = survey
    workflow.save(update_fields=["feedback_survey", "updated_at"])


def _note(action: str, workflow: Workflow, survey: Survey, company: Company, actor: User) -> None:
    audit.record_event(
        actor=actor, action=action, object_ref=survey, company=company, note=workflow.name
    )
