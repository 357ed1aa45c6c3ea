"""What a person may do under their plan: asked before anything is done.

The table is `workflows.plans`. A run once started goes on whatever the plan becomes.
"""

from __future__ import annotations

from accounts.models import Plan, User
from core import money
from core.errors import ForbiddenError
from workflows.models import Workflow
from workflows.plans import CURRENCY, PLANS, Terms, cheapest_with_live_figures, cheapest_with_tier
from workflows.selectors.performance import standing_of

UPGRADE_PATH = "/upgrade/"


def plan_of(person: User) -> Plan:
    """Return a person's plan; starter without a profile."""
    return standing_of(person)[0]


def terms_of(person: User) -> Terms:
    """Return what a person's plan allows."""
    return PLANS[plan_of(person)]


def allows_workflow(*, plan: Plan, workflow: Workflow) -> bool:
    """Tell whether a plan includes a workflow."""
    return Plan(workflow.tier) in PLANS[plan].tiers


def require_workflow(*, person: User, workflow: Workflow) -> None:
    """Refuse a person whose plan does not include a workflow.

    Raises:
        ForbiddenError: ``plan_required``; says which plan does, what it costs and where to get it.
    """
    if not allows_workflow(plan=plan_of(person), workflow=workflow):
        needed = cheapest_with_tier(Plan(workflow.tier))
        raise _plan_required(needed, "This workflow comes with", "start it")


def require_live_figures(*, person: User) -> None:
    """Refuse a person whose plan does not include live figures.

    Raises:
        ForbiddenError: ``plan_required``, as for a workflow.
    """
    if not terms_of(person).has_live_figures:
        raise _plan_required(cheapest_with_live_figures(), "Live figures come with", "see them")


def _plan_required(needed: Plan, what: str, purpose: str) -> ForbiddenError:
    price = money.format_money(PLANS[needed].price_minor, CURRENCY)
    return ForbiddenError(
        "plan_required",
        f"{what} the {needed.label} plan ({price} a month). Upgrade to {purpose}.",
        extra={
            "required_plan": str(needed),
            "price_minor": PLANS[needed].price_minor,
            "currency": CURRENCY,
            "upgrade_url": UPGRADE_PATH,
        },
    )
