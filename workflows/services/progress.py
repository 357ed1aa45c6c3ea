"""What is done and noted in a run: one change at a time, none lost, none applied twice.

Whoever names the `rev` they saw says exactly what they want, and is refused with the newest state
when somebody else was faster. Whoever names none can only add. How the two are put together is in
`workflows.merging`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from core import clock
from core.errors import ConflictError, UnprocessableError
from workflows.merging import Progress, apply_exact, merge_forward
from workflows.models import ClientOperation, Execution
from workflows.services import timing
from workflows.services.executions import lock_execution

MAX_OPERATIONS = 20_000
"""Of one run. A page that saves every second for five hours needs fewer."""


class StaleRevisionError(ConflictError):
    """Somebody changed the run since; `execution` is its newest row."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(
            "execution_changed",
            "This execution was changed in another tab or on another device since. Take the "
            "state in 'execution', put your changes to it and send them with its rev.",
        )
        self.execution = execution


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants of a run's progress. Members that are None stay as they are."""

    rev: int | None = None
    """The revision the sender saw. Without it the change may only add."""
    steps_done: list[int] | None = None
    """All done steps; only with `rev`, because it can take ticks back."""
    steps_completed: int | None = None
    """The steps 1 to this are done."""
    note: str | None = None
    """For the current step."""
    step_notes: Mapping[int, str] = field(default_factory=dict)
    """For steps by number; only those that changed."""
    client_op_id: str = ""
    """The sender's own id of this change; sent again, it changes nothing."""


def save_progress(*, execution: Execution, change: Change, device: str = "") -> Execution:
    """Put a change to a run and return its newest row.

    A change that leaves everything as it was does not raise the revision. One transaction.

    Args:
        execution: somebody's, looked up by its owner.
        change: see `Change`.
        device: what it was made with, shown on the person's other devices.

    Raises:
        StaleRevisionError: made upon an older revision; nothing was changed.
        ConflictError: the run has ended.
        InvalidInputError: steps out of range, a note too long.
        UnprocessableError: `steps_done` without `rev`.
    """
    if change.steps_done is not None and change.rev is None:
        raise UnprocessableError(
            "rev_missing", "steps_done can take steps back, so send the rev you saw with it."
        )
    now = clock.now()
    with transaction.atomic():
        row = lock_execution(execution)
        if change.client_op_id and _was_applied(row, change.client_op_id):
            return row
        if not row.is_open:
            raise ConflictError(
                "execution_ended",
                f"This execution is {row.get_state_display().lower()} and takes no more changes.",
                extra={"state": row.state},
            )
        if change.rev is not None and change.rev != row.rev:
            raise StaleRevisionError(row)
        before = Progress(
            frozenset(row.done_steps),
            {int(number): text for number, text in row.step_notes.items()},
        )
        after = _put(before, change, row.total_steps)
        timing.note_life(row, now)
        row.last_active_at = max(row.last_active_at, now)
        if after != before:
            row.done_steps = sorted(after.done)
            row.step_notes = {str(number): text for number, text in after.notes.items()}
            row.rev += 1
            row.last_device = device[:40]
        row.save(update_fields=["done_steps", "step_notes", "rev", "last_device", "last_active_at"])
        if change.client_op_id:
            _remember(row, change.client_op_id)
    return row


def _put(before: Progress, change: Change, total_steps: int) -> Progress:
    if change.rev is None or (change.steps_done is None and change.steps_completed is not None):
        # A count cannot say which steps are open, so with a rev as well it only adds.
        return merge_forward(
            before,
            total_steps=total_steps,
            steps_completed=change.steps_completed,
            note=change.note,
            notes=change.step_notes,
        )
    notes = dict(change.step_notes)
    if change.note is not None:
        notes.setdefault(before.first_open(total_steps), change.note)
    return apply_exact(before, total_steps=total_steps, done=change.steps_done, notes=notes)


def _was_applied(row: Execution, client_op_id: str) -> bool:
    return ClientOperation.objects.filter(execution=row, client_op_id=client_op_id).exists()


def _remember(row: Execution, client_op_id: str) -> None:
    if ClientOperation.objects.filter(execution=row).count() >= MAX_OPERATIONS:
        raise ConflictError(
            "too_many_changes", "This execution was changed too often. Complete it or start again."
        )
    ClientOperation.objects.create(
        execution=row,
        client_op_id=client_op_id,
        rev=row.rev,
        done_steps=row.done_steps,
        created_at=clock.now(),
    )
