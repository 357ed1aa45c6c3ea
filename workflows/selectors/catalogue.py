"""Reads of the catalogue, as a person may see it."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from core.errors import NotFoundError
from workflows.models import OPEN_EXECUTION_STATES, Execution, Workflow


def workflows_for(person: User) -> QuerySet[Workflow]:
    """Return what a person finds in the catalogue, in its order; locked ones included.

    The catalogue is the same for everybody. What a plan unlocks, the services say.
    """
    if not person.is_active:
        return Workflow.objects.none()
    return (
        Workflow.objects.filter(is_active=True, current_version__isnull=False)
        .select_related("current_version")
        .order_by("position", "name")
    )


def workflows_with_interviews(person: User) -> QuerySet[Workflow]:
    """Return the catalogue with the survey that is linked to each workflow, whosever it is."""
    return workflows_for(person).select_related("feedback_survey__current_version")


def workflow_for(person: User, name: str) -> Workflow:
    """Return a workflow of the catalogue by its name.

    Raises:
        NotFoundError: there is none, or it was taken out.
    """
    row = workflows_for(person).filter(name=name).first()
    if row is None:
        raise NotFoundError(
            "workflow_not_found", "There is no such workflow. GET /api/workflows lists them."
        )
    return row


def open_executions_by_workflow(person: User) -> dict[int, Execution]:
    """Return, by primary key of workflow, the open run a person last worked on."""
    rows = (
        Execution.objects.filter(person=person, state__in=OPEN_EXECUTION_STATES)
        .select_related("version")
        .order_by("last_active_at", "pk")
    )
    return {row.workflow_id: row for row in rows}
