"""The catalogue with what is recommended, and starting a workflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Plan, User
from accounts.services.people import choose_language
from core import ratelimit
from core.errors import ForbiddenError, NotFoundError, ParleyError
from core.page_texts import keep_language
from workflows import reasons
from workflows.api.devices import device_of
from workflows.models import Execution, Workflow
from workflows.page_texts import Words, language_for, words_context
from workflows.plans import CURRENCY, PLANS, cheapest_with_tier
from workflows.selectors.catalogue import open_executions_by_workflow, workflow_for, workflows_for
from workflows.selectors.executions import open_execution_of
from workflows.selectors.performance import finished_workflow_ids
from workflows.services.entitlements import allows_workflow
from workflows.services.executions import start_execution
from workflows.services.recommendations import recommend

STARTS_AN_HOUR = 60
MOST_OPEN_RUNS = 3
"""Open runs shown above everything else; the others stand on the person's own page."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One card of the catalogue."""

    workflow: Workflow
    minutes: str
    running: Execution | None
    is_finished: bool
    is_unlocked: bool
    plan_label: str
    plan_price: str


@require_safe
@login_required
def show_catalogue(request: HttpRequest) -> HttpResponse:
    """Show what is recommended, with the reason, and everything there is."""
    person = cast(User, request.user)
    found = recommend(person=person)
    running = open_executions_by_workflow(person)
    going = sorted(running.values(), key=lambda run: run.last_active_at, reverse=True)
    finished = finished_workflow_ids(person)
    texts = words_context(language_for(request))
    cohort = found.cohort
    context = {
        **texts,
        "recommendations": found,
        "cohort_words": reasons.say_cohort(cohort.market, cohort.skill_level, texts["words"]),
        "going": going[:MOST_OPEN_RUNS],
        "has_more_runs": len(going) > MOST_OPEN_RUNS,
        # What is open already stands above; it is no news.
        "picks": [one for one in found.items if one.workflow.pk not in running],
        "plan": found.plan,
        "locked": [_entry(row, found.plan, texts["words"]) for row in found.locked_above],
        "again": found.finished,
        "entries": [
            _entry(
                row, found.plan, texts["words"], running.get(row.pk), is_finished=row.pk in finished
            )
            for row in workflows_for(person)
        ],
    }
    with translation.override(texts["language"]):
        return render(request, "workflows/catalogue.html", context)


@login_required
@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """Keep another language in the person's profile and show the page they came from."""
    try:
        choose_language(user=cast(User, request.user), language=request.POST.get("language", ""))
    except ParleyError as error:
        messages.error(request, Words(language_for(request)).say_from_server(error.detail))
    following = request.POST.get("next", "")
    # A path of ours, never another site's.
    if not following.startswith("/") or not url_has_allowed_host_and_scheme(following, None):
        return redirect("workflow_list")
    return redirect(following)


@login_required
@require_POST
def start_workflow(request: HttpRequest, name: str) -> HttpResponse:
    """Start a workflow and open it; an open run of it is gone on with."""
    person = cast(User, request.user)
    workflow = find_workflow(person, name)
    words = Words(language_for(request))
    execution = open_execution_of(person, workflow)
    if execution is None:
        try:
            ratelimit.hit(
                scope="execution.start",
                key=person.public_id,
                limit=STARTS_AN_HOUR,
                window_seconds=3600,
            )
            execution = start_execution(person=person, workflow=workflow, device=device_of(request))
        except ForbiddenError:
            needed = cheapest_with_tier(Plan(workflow.tier))
            price = words.say_price(PLANS[needed].price_minor, CURRENCY)
            messages.warning(request, words.say("plan_needed", plan=needed.label, price=price))
            return redirect(keep_language(request, reverse("workflow_upgrade")))
        except ParleyError as error:
            messages.error(request, words.say_from_server(error.detail))
            return redirect(keep_language(request, reverse("workflow_list")))
    executor = reverse("workflow_executor", args=[execution.public_id])
    return redirect(keep_language(request, executor))


def find_workflow(person: User, name: str) -> Workflow:
    """Return a workflow of the catalogue; a page that is not there without one."""
    try:
        return workflow_for(person, name)
    except NotFoundError:
        raise Http404 from None


def _entry(
    workflow: Workflow,
    plan: Plan,
    words: Words,
    running: Execution | None = None,
    *,
    is_finished: bool = False,
) -> Entry:
    needed = cheapest_with_tier(Plan(workflow.tier))
    version = workflow.current_version
    return Entry(
        workflow=workflow,
        minutes=say_duration(version.steps) if version else "",
        running=running,
        is_finished=is_finished,
        is_unlocked=allows_workflow(plan=plan, workflow=workflow),
        plan_label=needed.label,
        plan_price=words.say_price(PLANS[needed].price_minor, CURRENCY),
    )


def say_duration(steps: list[dict[str, object]]) -> str:
    """Return the sum of the steps' estimates, ``50 min``; empty when one cannot be read."""
    total = 0
    for step in steps:
        number, _, unit = str(step["estimated_time"]).partition(" ")
        if not number.isdecimal() or unit not in ("min", "h", "hour", "hours"):
            return ""
        total += int(number) * (1 if unit == "min" else 60)
    hours, minutes = divmod(total, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
