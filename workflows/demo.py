"""Fills a demo with people who ran the workflows and logged what came of it.

Idempotent: whoever is there stays as they are. Everything goes through the services a person's own
clicks go through; only the people are made by hand, without passwords, so nobody signs in as them.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random

from django.contrib.auth.models import Permission

from accounts.models import Company, Plan, Profile, User
from workflows.models import AggregationRun, AggregationState, Execution, Workflow
from workflows.selectors.catalogue import workflows_for
from workflows.services.aggregation import aggregate_performance
from workflows.services.billing import open_purchase, pay_locally
from workflows.services.executions import abandon_execution, complete_execution, start_execution
from workflows.services.onboarding import save_cohort
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress

VISITOR_EMAIL = "visitor@demo.example"
FREE_WORKFLOW = "resume_generator"
SEED = 20_261_121
PEOPLE_OF = (
    ("freelancer", "beginner", 11),
    ("freelancer", "intermediate", 5),
    ("small_business", "beginner", 5),
    ("student", "beginner", 5),
)
#: Chance of a result by workflow; how much, in which unit.
RESULTS = {
    "resume_generator": (0.8, "customers", "customers", (1, 4)),
    "whatsapp_bot": (0.65, "time_saved", "hours", (2, 20)),
    "prompt_selling": (0.35, "revenue", "USD", (20, 900)),
}


def prepare_demo(company: Company, report: Callable[[str], None]) -> list[tuple[str, str]]:
    """Make people, runs and results as far as they are missing, and count the figures.

    Args:
        company: the demo's; its first owner gets a cohort.
        report: told in a line what is being made.

    Returns:
        The entrances to print.
    """
    is_new = False
    for number, (market, skill_level) in enumerate(_cohorts()):
        email = f"maker{number}@people.demo.example"
        if not User.objects.filter(email=email).exists():
            if not is_new:
                report("Letting people follow workflows and log what came of it")
            is_new = True
            _live(email, market, skill_level, Random(SEED + number))  # noqa: S311 - no secret
    owner = company.memberships.filter(role="owner").order_by("created_at").first()
    if (
        owner is not None
        and not Profile.objects.filter(user=owner.user, market__isnull=False).exists()
    ):
        save_cohort(person=owner.user, market="freelancer", skill_level="beginner")
    if owner is not None:
        # So that the console shows how a survey is linked to a workflow.
        owner.user.user_permissions.add(Permission.objects.get(codename="change_workflow"))
    _prepare_own_runs(User.objects.filter(email=VISITOR_EMAIL).first())
    if is_new or not AggregationRun.objects.filter(state=AggregationState.COMPLETED).exists():
        aggregate_performance()
    return [("Workflows", "/workflows/"), ("Runs and results", "/me/")]


def _prepare_own_runs(person: User | None) -> None:
    """Let the demo's visitor have one run with its result and one half done."""
    if person is None or Execution.objects.filter(person=person).exists():
        return
    save_cohort(person=person, market="freelancer", skill_level="beginner")
    workflow = workflows_for(person).get(name=FREE_WORKFLOW)
    done = start_execution(person=person, workflow=workflow, device="Laptop")
    _save(done, done.total_steps)
    complete_execution(execution=done)
    measure = read_measure(metric_type="customers", value=Decimal(2), currency="customers")
    log_outcome(person=person, execution=done, measure=measure)
    half_done = start_execution(person=person, workflow=workflow, device="Laptop")
    _save(half_done, 2)


def _cohorts() -> list[tuple[str, str]]:
    return [(market, skill) for market, skill, count in PEOPLE_OF for _ in range(count)]


def _live(email: str, market: str, skill_level: str, chance: Random) -> None:
    person = User.objects.create_user(email, full_name="A demo person")
    Profile.objects.create(user=person)
    save_cohort(person=person, market=market, skill_level=skill_level)
    purchase, _ = open_purchase(person=person, plan=Plan.SCALE)
    pay_locally(person=person, purchase_id=purchase.public_id)
    for workflow in workflows_for(person):
        if workflow.name in RESULTS and chance.random() < 0.85:
            _run(person, workflow, chance)


def _run(person: User, workflow: Workflow, chance: Random) -> None:
    share, metric, unit, (low, high) = RESULTS[workflow.name]
    execution = start_execution(person=person, workflow=workflow, device="Laptop")
    if chance.random() > share:
        _save(execution, 1)
        abandon_execution(execution=execution, reason="Not for me right now.")
        return
    _save(execution, execution.total_steps)
    complete_execution(execution=execution)
    amount = Decimal(chance.randint(low, high))
    measure = read_measure(metric_type=metric, value=amount, currency=unit)
    log_outcome(person=person, execution=execution, measure=measure)


def _save(execution: Execution, steps: int) -> None:
    save_progress(
        execution=execution,
        change=Change(rev=None, steps_completed=steps),
        device="Laptop",
    )
