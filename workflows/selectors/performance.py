"""Reads of the nightly figures, for one person and their cohort."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q

from accounts.models import Plan, Profile, User
from workflows.models import (
    AggregationRun,
    AggregationState,
    Execution,
    ValueSpread,
    Workflow,
    WorkflowPerformance,
    WorkflowSuccess,
)
from workflows.ranking import Counts, LogValues, Strengths, Taus

OVERALL, MARKET, COHORT = "overall", "market", "cohort"
LEVELS = (OVERALL, MARKET, COHORT)
NO_COUNTS = Counts()


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who somebody says they are; either part may be missing."""

    market_id: int | None
    skill_level_id: int | None
    market: str
    skill_level: str
    market_slug: str = ""
    skill_level_slug: str = ""

    @property
    def words(self) -> str:
        """Return how the cohort is called in a sentence; empty when nothing is known."""
        return ", ".join(part for part in (self.market.lower(), self.skill_level.lower()) if part)

    @property
    def is_complete(self) -> bool:
        return self.market_id is not None and self.skill_level_id is not None


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the newest finished aggregation stands for."""

    public_id: str
    counted_at: datetime
    strengths: Strengths


@dataclass(slots=True)
class Successes:
    """Starts of one workflow at the levels that concern a person."""

    by_level: dict[str, Counts] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)

    def at(self, level: str) -> Counts:
        return self.by_level.get(level, NO_COUNTS)


@dataclass(frozen=True, slots=True)
class Values:
    """Logged values of one metric and unit at one level; whole minor units."""

    metric_type: str
    unit: str
    count: int
    people: int
    avg_value: float
    p10: float
    p25: float
    p50: float
    p75: float
    p90: float
    logs: LogValues


class Spread(NamedTuple):
    """What of `Values` a typical value is made of and shown with."""

    metric_type: str
    unit: str
    results: int
    people: int
    p25: float
    p75: float
    logs: LogValues


def cohort_of(person: User) -> Cohort:
    """Return the cohort a person is in now."""
    return standing_of(person)[1]


def standing_of(person: User) -> tuple[Plan, Cohort]:
    """Return a person's plan and cohort; starter and unknown without a profile."""
    row = (
        Profile.objects.filter(user=person)
        .order_by()
        .values_list(
            "plan",
            "market_id",
            "skill_level_id",
            "market__label",
            "skill_level__label",
            "market__slug",
            "skill_level__slug",
        )
        .first()
    )
    if row is None:
        return Plan.STARTER, Cohort(None, None, "", "")
    plan, market_id, skill_level_id, *words = row
    return Plan(plan), Cohort(market_id, skill_level_id, *(word or "" for word in words))


def last_run_for(person: User) -> LastRun | None:
    """Return the newest finished aggregation, whose figures an active person may read."""
    if not person.is_active:
        return None
    row = AggregationRun.objects.filter(state=AggregationState.COMPLETED).first()
    if row is None:
        return None
    return LastRun(row.public_id, row.started_at, Strengths(**row.fitted))


def successes_for(
    cohort: Cohort, workflow_ids: Collection[int] | None = None
) -> dict[int, Successes]:
    """Return the counted starts that concern a cohort, by primary key of workflow."""
    rows = WorkflowSuccess.objects.filter(_levels_of(cohort))
    if workflow_ids is not None:
        rows = rows.filter(workflow_id__in=workflow_ids)
    found: dict[int, Successes] = {}
    for workflow, market, skill, successes, decided, running in rows.values_list(
        "workflow_id", "market_id", "skill_level_id", "successes", "decided", "running"
    ):
        one = found.get(workflow)
        if one is None:
            one = found[workflow] = Successes()
        level = _level(market, skill)
        one.by_level[level] = Counts(successes, decided)
        one.running[level] = running
    return found


def values_for(
    cohort: Cohort, workflow_ids: Collection[int]
) -> dict[int, dict[tuple[str, str], dict[str, Values]]]:
    """Return logged values that concern a cohort: by workflow, (metric, unit) and level."""
    found: dict[int, dict[tuple[str, str], dict[str, Values]]] = {}
    rows = WorkflowPerformance.objects.filter(_levels_of(cohort), workflow_id__in=workflow_ids)
    columns = ("count", "people", "avg_value", "p10", "p25", "p50", "p75", "p90")
    for workflow, market, skill, metric, unit, log_mean, log_variance, *figures in rows.order_by(
        "metric_type", "unit"
    ).values_list(
        *("workflow_id", "market_id", "skill_level_id", "metric_type", "unit"),
        *("log_mean", "log_variance", *columns),
    ):
        by_level = found.setdefault(workflow, {}).setdefault((metric, unit), {})
        by_level[_level(market, skill)] = Values(
            metric_type=metric,
            unit=unit,
            logs=LogValues(figures[0], log_mean, log_variance),
            **dict(zip(columns, figures, strict=True)),
        )
    return found


def spreads_for(
    cohort: Cohort, workflow_ids: Collection[int], *, min_people: int
) -> dict[int, dict[tuple[str, str], dict[str, Spread]]]:
    """Return what concerns a cohort of values that enough people logged, as `values_for`.

    A wider level has all the people of a narrower one, so what is missing is narrow.
    """
    found: dict[int, dict[tuple[str, str], dict[str, Spread]]] = {}
    rows = WorkflowPerformance.objects.filter(
        _levels_of(cohort), workflow_id__in=workflow_ids, people__gte=min_people
    ).values_list(
        *("workflow_id", "market_id", "skill_level_id", "metric_type", "unit"),
        *("count", "people", "p25", "p75", "log_mean", "log_variance"),
    )
    for workflow, market, skill, metric, unit, results, people, p25, p75, mean, variance in rows:
        by_level = found.setdefault(workflow, {}).setdefault((metric, unit), {})
        by_level[_level(market, skill)] = Spread(
            metric, unit, results, people, p25, p75, LogValues(results, mean, variance)
        )
    return found


def taus_for(keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Taus]:
    """Return how much each level weighs, for those metrics and units that were fitted."""
    rows = ValueSpread.objects.filter(unit__in={unit for _, unit in keys}).values_list(
        "metric_type", "unit", "tau_market", "tau_cohort"
    )
    return {
        (metric, unit): Taus(tau_market, tau_cohort)
        for metric, unit, tau_market, tau_cohort in rows
        if (metric, unit) in keys
    }


def ranked_workflow_ids(person: User) -> list[tuple[int, str]]:
    """Return key and tier of every workflow that may be recommended, in catalogue order."""
    if not person.is_active:
        return []
    return list(
        Workflow.objects.filter(is_active=True, current_version__isnull=False)
        .order_by("position", "name")
        .values_list("pk", "tier")
    )


def workflows_by_id(person: User, workflow_ids: Collection[int]) -> dict[int, Workflow]:
    """Return the named workflows of the catalogue with their words."""
    if not person.is_active:
        return {}
    return {
        row.pk: row
        for row in Workflow.objects.filter(pk__in=workflow_ids, is_active=True).select_related(
            "current_version"
        )
    }


def finished_workflow_ids(person: User) -> set[int]:
    """Return the workflows a person has completed."""
    return set(
        Execution.objects.filter(person=person, state="completed")
        .order_by()
        .values_list("workflow_id", flat=True)
        .distinct()
    )


def runs_of_cohort(person: User, workflow: Workflow, cohort: Cohort) -> dict[str, int]:
    """Return how runs of a workflow in a person's cohort stand at this moment.

    Counted as they are now, each run once: starts, and those with a result.
    """
    if not person.is_active:
        return {}
    runs = workflow.executions.order_by()
    if cohort.market_id is not None:
        runs = runs.filter(market_id=cohort.market_id)
        if cohort.skill_level_id is not None:
            runs = runs.filter(skill_level_id=cohort.skill_level_id)
    return runs.aggregate(
        starts=Count("pk"),
        with_result=Count("pk", filter=Q(first_outcome_at__isnull=False)),
        people=Count("person", distinct=True),
    )


def _levels_of(cohort: Cohort) -> Q:
    wanted = Q(market__isnull=True, skill_level__isnull=True)
    if cohort.market_id is not None:
        wanted |= Q(market=cohort.market_id, skill_level__isnull=True)
        if cohort.skill_level_id is not None:
            wanted |= Q(market=cohort.market_id, skill_level=cohort.skill_level_id)
    return wanted


def _level(market: int | None, skill: int | None) -> str:
    if market is None:
        return OVERALL
    return MARKET if skill is None else COHORT
