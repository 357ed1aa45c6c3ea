"""What a plan allows."""

from __future__ import annotations

from accounts.models import Plan, Profile, User
from core.errors import ForbiddenError
from workflows.models import Workflow

_ORDER = [Plan.STARTER, Plan.PRO, Plan.SCALE]


def plan_of(person: User) -> Plan:
    """Return a person's plan."""
    found = Profile.objects.filter(user=person).values_list("plan", flat=True).first()
    return Plan(found or Plan.STARTER)


def allows_workflow(*, plan: Plan, workflow: Workflow) -> bool:
    """Tell whether a plan includes a workflow."""
    return _ORDER.index(plan) >= _ORDER.index(Plan(workflow.tier))


def require_workflow(*, person: User, workflow: Workflow) -> None:
    """Refuse a person whose plan does not include a workflow.

    Raises:
        ForbiddenError: says which plan does.
    """
    if not allows_workflow(plan=plan_of(person), workflow=workflow):
        needed = Plan(workflow.tier)
        raise ForbiddenError(
            "plan_required",
            f"This workflow comes with the {needed.label} plan. Upgrade to start it.",
            extra={"required_plan": str(needed), "upgrade_url": "/upgrade/"},
        )
