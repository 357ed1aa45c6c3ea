"""Reads for a person's own page: what they did and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from accounts.models import User
from workflows.models import Execution, ExecutionState, Outcome
from workflows.selectors.executions import executions_of
from workflows.selectors.outcomes import outcomes_of


def latest_executions(person: User, limit: int) -> list[Execution]:
    """Return a person's newest runs with how many results each has."""
    return list(
        executions_of(person).annotate(
            outcome_count=Count("outcomes", filter=Q(outcomes__voided_at__isnull=True))
        )[:limit]
    )


def latest_outcomes(person: User, limit: int) -> list[Outcome]:
    """Return a person's newest results with what they belong to."""
    return list(outcomes_of(person).select_related("execution__version")[:limit])


def count_runs(person: User) -> dict[str, Any]:
    """Return how a person's runs stand.

    Started, completed, with a result (in any state), completed with a result, running, and when the
    first one was started.
    """
    open_states = [ExecutionState.IN_PROGRESS, ExecutionState.PAUSED]
    return Execution.objects.filter(person=person).aggregate(
        started=Count("pk"),
        completed=Count("pk", filter=Q(state=ExecutionState.COMPLETED)),
        with_result=Count("pk", filter=Q(first_outcome_at__isnull=False)),
        completed_with_result=Count(
            "pk", filter=Q(state=ExecutionState.COMPLETED, first_outcome_at__isnull=False)
        ),
        running=Count("pk", filter=Q(state__in=open_states)),
        first_at=Min("started_at"),
    )


def counted_values(person: User, limit: int = 5000) -> list[tuple[str, str, str, int, datetime]]:
    """Return (metric, unit, unit label, value in minor units, when) of what counts, oldest first.

    Args:
        limit: of several thousand results the newest; the page says when there are more.
    """
    newest = (
        Outcome.objects.filter(person=person, is_counted=True)
        .order_by("-logged_at", "-pk")
        .values_list("metric_type", "unit", "unit_label", "value_minor", "logged_at")[:limit]
    )
    return list(reversed(newest))
