"""A run's life: start, pause, resume, complete, abandon, and the signs of life between.

What is done and noted changes in `workflows.services.progress`. Every function locks the run's
row, so that two tabs and two devices act one after the other, and each is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from accounts.models import Profile, User
from core import audit, clock
from core.errors import ConflictError
from core.text import clean_text
from workflows.models import Execution, ExecutionState, Workflow
from workflows.services import timing
from workflows.services.entitlements import require_workflow

MAX_REASON_CHARS = 300


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a sign of life leads to."""

    execution: Execution
    left_out_seconds: int
    """Silence before it, which the clock does not count."""


def start_execution(*, person: User, workflow: Workflow, device: str = "") -> Execution:
    """Begin a run at the workflow's present version; its clock goes at once.

    Raises:
        ForbiddenError: the person's plan does not include the workflow; says what would.
        ConflictError: the workflow was taken out of the catalogue.
    """
    require_workflow(person=person, workflow=workflow)
    if not workflow.is_active or workflow.current_version is None:
        raise ConflictError(
            "workflow_retired", "This workflow can no longer be started. Choose another one."
        )
    now = clock.now()
    with transaction.atomic():
        profile = Profile.objects.filter(user=person).first()
        execution = Execution.objects.create(
            person=person,
            workflow=workflow,
            version=workflow.current_version,
            market_id=profile.market_id if profile else None,
            skill_level_id=profile.skill_level_id if profile else None,
            last_device=device[:40],
            started_at=now,
            last_active_at=now,
        )
        timing.note_life(execution, now)
    return execution


def keep_alive(*, execution: Execution) -> Heartbeat:
    """Note that somebody is working on the run; an ended or paused one stays as it is."""
    now = clock.now()
    with transaction.atomic():
        row = lock_execution(execution)
        if row.state != ExecutionState.IN_PROGRESS:
            return Heartbeat(row, 0)
        sign = timing.note_life(row, now)
        row.last_active_at = max(row.last_active_at, now)
        row.save(update_fields=["last_active_at"])
    return Heartbeat(row, int(sign.left_out.total_seconds()))


def pause_execution(*, execution: Execution) -> Execution:
    """Stop the clock until the run is resumed. Pausing a paused one changes nothing.

    Raises:
        ConflictError: it has ended.
    """
    return _move(execution, ExecutionState.PAUSED)


def resume_execution(*, execution: Execution) -> Execution:
    """Let the clock go on. Resuming one in progress changes nothing.

    Raises:
        ConflictError: it has ended.
    """
    return _move(execution, ExecutionState.IN_PROGRESS)


def complete_execution(*, execution: Execution) -> Execution:
    """Finish a run whose required steps are all done. Completing twice changes nothing.

    Raises:
        ConflictError: required steps are open (named in ``missing_steps``), or it was abandoned.
    """
    return _move(execution, ExecutionState.COMPLETED)


def abandon_execution(*, execution: Execution, reason: str = "") -> Execution:
    """Give a run up; it counts as one without a result. Abandoning twice changes nothing.

    Args:
        reason: in the person's words, cut at 300 characters.

    Raises:
        ConflictError: it was completed.
    """
    return _move(
        execution, ExecutionState.ABANDONED, reason=clean_text(reason, MAX_REASON_CHARS).text
    )


def lock_execution(execution: Execution) -> Execution:
    """Return the newest row of a run, locked until the caller's transaction ends."""
    return (
        Execution.objects.select_for_update(of=("self",))
        .select_related("workflow", "version", "person")
        .get(pk=execution.pk)
    )


def _move(execution: Execution, state: ExecutionState, *, reason: str = "") -> Execution:
    now = clock.now()
    with transaction.atomic():
        row = lock_execution(execution)
        if row.state == state:
            return row
        _check_move(row, state)
        if state == ExecutionState.IN_PROGRESS:
            row.state = state
            timing.note_life(row, now)
        else:
            # While the old state still says that the clock goes.
            timing.stop_clock(row, now)
            row.state = state
        if not row.is_open:
            row.ended_at = now
            row.abandon_reason = reason
        row.rev += 1
        row.last_active_at = now
        row.save(update_fields=["state", "ended_at", "abandon_reason", "rev", "last_active_at"])
        audit.record_event(
            actor=row.person, action=f"execution.{row.state}", object_ref=row.public_id
        )
    return row


def _check_move(row: Execution, state: ExecutionState) -> None:
    if not row.may_become(state):
        raise ConflictError(
            "execution_ended",
            f"This execution is {row.get_state_display().lower()} and cannot become "
            f"{state.label.lower()}. Start the workflow again instead.",
            extra={"state": row.state},
        )
    if state == ExecutionState.COMPLETED and row.missing_steps:
        listed = ", ".join(str(number) for number in row.missing_steps)
        raise ConflictError(
            "steps_missing",
            f"Finish these steps first: {listed}.",
            extra={"missing_steps": row.missing_steps},
        )
