"""Reads of runs. Every query is scoped to the person whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from core.errors import NotFoundError
from workflows.models import (
    OPEN_EXECUTION_STATES,
    Execution,
    ExecutionSegment,
    ExecutionState,
    Workflow,
)


def executions_of(person: User) -> QuerySet[Execution]:
    """Return a person's runs, newest first."""
    return (
        Execution.objects.filter(person=person)
        .select_related("person", "workflow", "version")
        .order_by("-started_at", "-pk")
    )


def execution_of(person: User, execution_id: str) -> Execution:
    """Return one run of a person, with its segments of time.

    Raises:
        NotFoundError: there is none, or it is somebody else's; the two read the same.
    """
    row = (
        executions_of(person)
        .filter(public_id=execution_id)
        .prefetch_related(Prefetch("segments", queryset=ExecutionSegment.objects.all()))
        .first()
    )
    if row is None:
        raise NotFoundError("execution_not_found", "You have no execution with this id.")
    return row


def open_execution_of(person: User, workflow: Workflow) -> Execution | None:
    """Return the run of a workflow that a person last worked on and has not ended, if any."""
    return (
        executions_of(person)
        .filter(workflow=workflow, state__in=OPEN_EXECUTION_STATES)
        .order_by("-last_active_at", "-pk")
        .first()
    )


@dataclass(frozen=True, slots=True)
class RunClock:
    """What the clock of a run shows."""

    elapsed_seconds: float
    """The sum of its segments."""
    is_timing: bool
    """Whether it goes right now."""


def clock_of(execution: Execution, now: datetime) -> RunClock:
    """Return what the clock of a run, which its person was given, shows at a moment."""
    segments = list(execution.segments.all())
    return RunClock(
        elapsed_seconds=sum(segment.seconds(now) for segment in segments),
        is_timing=execution.state == ExecutionState.IN_PROGRESS
        and any(one.ended_at is None and not one.is_silent(now) for one in segments),
    )
