"""What the nightly aggregation makes of runs and results, and its log. No I/O.

Every row here can be made anew from runs and results. Foreign keys carry no constraint in the
database: checking four of them for a hundred thousand rows costs more than the aggregation.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Market, SkillLevel
from core.fields import PublicIdField
from workflows.models.catalogue import Workflow
from workflows.models.outcome import MetricType


class AggregationState(models.TextChoices):
    """Where an aggregation stands: running → completed, failed or (killed) interrupted."""

    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"


AGGREGATION_TRANSITIONS: dict[AggregationState, frozenset[AggregationState]] = {
    AggregationState.RUNNING: frozenset(
        {AggregationState.COMPLETED, AggregationState.FAILED, AggregationState.INTERRUPTED}
    ),
    AggregationState.COMPLETED: frozenset(),
    AggregationState.FAILED: frozenset(),
    AggregationState.INTERRUPTED: frozenset(),
}


class AggregationRun(models.Model):
    """One aggregation: what it read, what it wrote, how long it took, what it fitted."""

    public_id = PublicIdField(prefix="aggregation")
    state = models.CharField(
        max_length=16, choices=AggregationState.choices, default=AggregationState.RUNNING
    )
    started_at = models.DateTimeField()
    """Also the moment its figures stand for."""
    ended_at = models.DateTimeField(null=True, blank=True)
    outcomes_read = models.PositiveBigIntegerField(default=0)
    votes_counted = models.PositiveBigIntegerField(default=0)
    """Pairs of person and workflow; each has one vote."""
    rows_written = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    fitted: models.JSONField[dict[str, float], dict[str, float]] = models.JSONField(
        default=dict, blank=True
    )
    """``mean`` and the strengths ``overall``, ``market``, ``cohort`` of `ranking.Strengths`."""
    error = models.CharField(max_length=80, blank=True)
    """Name of the exception that ended a failed one."""

    class Meta:
        ordering: ClassVar = ["-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.public_id


class CohortRow(models.Model):
    """Base of figures of a workflow at one of three levels.

    No market: everybody. A market without a skill level: the whole market. Both: the cohort.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    market = models.ForeignKey(
        Market,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    skill_level = models.ForeignKey(
        SkillLevel,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    run = models.ForeignKey(
        AggregationRun,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    """The aggregation that wrote it last."""

    class Meta:
        abstract = True


class WorkflowSuccess(CohortRow):
    """How often a workflow led to a logged result; each person counts once."""

    successes = models.PositiveIntegerField()
    """Finished, with a result that counts logged within 30 days."""
    decided = models.PositiveIntegerField()
    """Successes, and starts that were given up, fell silent or brought nothing in 30 days."""
    running = models.PositiveIntegerField()
    """Too early to tell; in neither of the two above."""

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workflow"],
                condition=models.Q(market__isnull=True, skill_level__isnull=True),
                name="workflow_success_overall",
            ),
            models.UniqueConstraint(
                fields=["workflow", "market"],
                condition=models.Q(market__isnull=False, skill_level__isnull=True),
                name="workflow_success_market",
            ),
            models.UniqueConstraint(
                fields=["workflow", "market", "skill_level"],
                condition=models.Q(market__isnull=False, skill_level__isnull=False),
                name="workflow_success_cohort",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["market", "skill_level", "workflow"])]

    def __str__(self) -> str:
        return f"{self.workflow_id}/{self.market_id}/{self.skill_level_id}"

    @property
    def success_rate(self) -> float | None:
        """The plain share, None without a decided start. Ranking uses the shrunk estimate."""
        return self.successes / self.decided if self.decided else None


class WorkflowPerformance(CohortRow):
    """What a workflow brought, for one metric in one unit; values are whole minor units."""

    metric_type = models.CharField(max_length=16, choices=MetricType.choices)
    unit = models.CharField(max_length=40)
    count = models.PositiveIntegerField()
    """Logged results that count."""
    people = models.PositiveIntegerField()
    """Who logged them. Below five, nobody is shown a value."""
    avg_value = models.FloatField()
    p10 = models.FloatField()
    p25 = models.FloatField()
    p50 = models.FloatField()
    p75 = models.FloatField()
    p90 = models.FloatField()
    log_mean = models.FloatField()
    """Winsorised mean of natural logarithms; see `ranking.summarise_logs`."""
    log_variance = models.FloatField()

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workflow", "metric_type", "unit"],
                condition=models.Q(market__isnull=True, skill_level__isnull=True),
                name="workflow_performance_overall",
            ),
            models.UniqueConstraint(
                fields=["workflow", "market", "metric_type", "unit"],
                condition=models.Q(market__isnull=False, skill_level__isnull=True),
                name="workflow_performance_market",
            ),
            models.UniqueConstraint(
                fields=["workflow", "market", "skill_level", "metric_type", "unit"],
                condition=models.Q(market__isnull=False, skill_level__isnull=False),
                name="workflow_performance_cohort",
            ),
        ]
        # Begins as the rows are written, in the order of workflows: a hundred thousand a night.
        indexes: ClassVar = [
            models.Index(fields=["workflow", "market", "skill_level"], name="performance_of_cohort")
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id}/{self.market_id}/{self.skill_level_id} {self.metric_type}"


class ValueSpread(models.Model):
    """How many results a parent level weighs for one metric and unit, as last fitted."""

    metric_type = models.CharField(max_length=16, choices=MetricType.choices)
    unit = models.CharField(max_length=40)
    tau_market = models.FloatField()
    tau_cohort = models.FloatField()
    run = models.ForeignKey(AggregationRun, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["metric_type", "unit"], name="value_spread_once"),
        ]

    def __str__(self) -> str:
        return f"{self.metric_type} {self.unit}"
