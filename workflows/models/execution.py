"""One person's run through a workflow: where it stands, its notes, how long it took. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Market, SkillLevel
from core.fields import PublicIdField
from core.models import AppendOnlyModel
from workflows.models.catalogue import Workflow, WorkflowVersion

SILENT_AFTER = timedelta(minutes=5)
"""The timer stops at the last sign of life when none comes for this long."""


class ExecutionState(models.TextChoices):
    """Where a run stands; the last two are final."""

    IN_PROGRESS = "in_progress", "In progress"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    ABANDONED = "abandoned", "Abandoned"


EXECUTION_TRANSITIONS: dict[ExecutionState, frozenset[ExecutionState]] = {
    ExecutionState.IN_PROGRESS: frozenset(
        {ExecutionState.PAUSED, ExecutionState.COMPLETED, ExecutionState.ABANDONED}
    ),
    ExecutionState.PAUSED: frozenset(
        {ExecutionState.IN_PROGRESS, ExecutionState.COMPLETED, ExecutionState.ABANDONED}
    ),
    ExecutionState.COMPLETED: frozenset(),
    ExecutionState.ABANDONED: frozenset(),
}
OPEN_EXECUTION_STATES = (ExecutionState.IN_PROGRESS, ExecutionState.PAUSED)


class Execution(models.Model):
    """One run. Whoever changes it names the `rev` they saw, and raises it."""

    public_id = PublicIdField(prefix="execution")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="executions"
    )
    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, related_name="executions")
    version = models.ForeignKey(WorkflowVersion, on_delete=models.PROTECT, related_name="+")
    """The version it started with, and keeps."""
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    skill_level = models.ForeignKey(
        SkillLevel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    """The cohort as it was at the start: a later change of the profile rewrites no history."""
    state = models.CharField(
        max_length=16, choices=ExecutionState.choices, default=ExecutionState.IN_PROGRESS
    )
    rev = models.PositiveIntegerField(default=1)
    """Raised by every change of steps, notes or state."""
    done_steps: models.JSONField[list[int], list[int]] = models.JSONField(default=list, blank=True)
    """Numbers of the done steps, ascending."""
    step_notes: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(
        default=dict, blank=True
    )
    """Step number as text to what the person noted there."""
    last_device = models.CharField(max_length=40, blank=True)
    """What the last change was made with, such as ``Phone``."""
    started_at = models.DateTimeField()
    last_active_at = models.DateTimeField()
    """The last change or sign of life."""
    ended_at = models.DateTimeField(null=True, blank=True)
    first_outcome_at = models.DateTimeField(null=True, blank=True)
    """When the earliest outcome that counts was logged; kept up by the outcome services."""
    abandon_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["person", "-started_at"]),
            # All that success rates are made of, one person's runs of a workflow side by side.
            models.Index(
                fields=[
                    "workflow",
                    "person",
                    "state",
                    "market",
                    "skill_level",
                    "started_at",
                    "last_active_at",
                    "ended_at",
                    "first_outcome_at",
                ],
                name="execution_nightly",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=OPEN_EXECUTION_STATES, ended_at__isnull=True)
                | (~models.Q(state__in=OPEN_EXECUTION_STATES) & models.Q(ended_at__isnull=False)),
                name="execution_ended_says_when",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_EXECUTION_STATES

    @property
    def steps_completed(self) -> int:
        return len(self.done_steps)

    @property
    def total_steps(self) -> int:
        return self.version.total_steps

    @property
    def current_step(self) -> int:
        """Number of the first open step; of the last one when all are done."""
        done = set(self.done_steps)
        numbers = range(1, self.total_steps + 1)
        return next((number for number in numbers if number not in done), self.total_steps)

    @property
    def missing_steps(self) -> list[int]:
        """Numbers of the required steps that are not done."""
        return sorted(self.version.required_steps - set(self.done_steps))

    def may_become(self, state: ExecutionState) -> bool:
        """Tell whether the state machine has this step."""
        return state in EXECUTION_TRANSITIONS[ExecutionState(self.state)]


class ExecutionSegment(models.Model):
    """A stretch of time somebody worked on a run. The run's time is the sum of them."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="segments")
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    """The last sign of life; where a silent segment ends."""
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["started_at", "pk"]
        indexes: ClassVar = [
            models.Index(
                fields=["last_seen_at"],
                condition=models.Q(ended_at__isnull=True),
                name="execution_segment_open",
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["execution"],
                condition=models.Q(ended_at__isnull=True),
                name="execution_one_open_segment",
            ),
            models.CheckConstraint(
                condition=models.Q(last_seen_at__gte=models.F("started_at")),
                name="execution_segment_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id} {self.started_at:%H:%M:%S}"

    def is_silent(self, now: datetime) -> bool:
        """Tell whether nothing was heard for so long that the time no longer counts."""
        return self.ended_at is None and now - self.last_seen_at > SILENT_AFTER

    def seconds(self, now: datetime) -> float:
        """Return how long it lasted, up to now or to the last sign of life."""
        end = self.ended_at or (self.last_seen_at if self.is_silent(now) else now)
        return max(0.0, (end - self.started_at).total_seconds())


class ClientOperation(AppendOnlyModel):
    """One change of a run that was taken in; its id makes a repeated request harmless."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="+")
    client_op_id = models.CharField(max_length=64)
    rev = models.PositiveIntegerField()
    """The run's `rev` once it was applied."""
    done_steps: models.JSONField[list[int], list[int]] = models.JSONField()
    """The done steps after it: the trail of ticks and of ticks taken back."""
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["execution", "client_op_id"], name="client_operation_once"
            ),
        ]

    def __str__(self) -> str:
        return self.client_op_id
