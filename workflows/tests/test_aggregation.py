"""The nightly aggregation, held against a slow and obvious one written here.

The same examples run on SQLite and, in `make test-services`, on PostgreSQL: both must agree with
the reference, so they agree with each other.
"""

from __future__ import annotations

import math
import random
import statistics
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Market, SkillLevel, User
from workflows.aggregation import fitting, sqlite
from workflows.models import (
    AggregationRun,
    AggregationState,
    Execution,
    ExecutionState,
    Outcome,
    ValueSpread,
    Workflow,
    WorkflowPerformance,
    WorkflowSuccess,
)
from workflows.services.aggregation import AggregationRunningError, aggregate_performance
from workflows.services.outcomes import void_outcome

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
UNITS = (
    ("revenue", "USD"),
    ("revenue", "JPY"),
    ("time_saved", "hours"),
    ("customers", "customers"),
    ("custom", "interviews"),
)
Cell = tuple[int, int | None, int | None]


def make_people(count: int) -> list[User]:
    return User.objects.bulk_create(
        [User(email=f"person{number}@world.test") for number in range(count)]
    )


def make_world(seed: int, *, runs: int, people: int = 12) -> None:
    """Fill the tables with runs and results at random, every boundary of time among them."""
    chance = random.Random(seed)
    persons = list(User.objects.filter(email__endswith="@world.test"))[:people]
    workflows = list(Workflow.objects.select_related("current_version"))
    markets: list[Market | None] = [*Market.objects.all()[:3], None]
    skills: list[SkillLevel | None] = [*SkillLevel.objects.all(), None]
    executions, outcomes = [], []
    for _ in range(runs):
        workflow = chance.choice(workflows)
        started = NOW - timedelta(days=chance.randint(0, 90), seconds=chance.randint(0, 9))
        state = chance.choice(ExecutionState.values)
        active = started + timedelta(days=chance.choice([0, 1, 3]))
        ended = active if state in ("completed", "abandoned") else None
        first = None
        if chance.random() < 0.7:
            days = chance.choice([0, 1, 29, 30, 31])
            first = active + timedelta(days=days, microseconds=chance.choice([-1, 0, 1]))
        executions.append(
            Execution(
                person=chance.choice(persons),
                workflow=workflow,
                version=workflow.current_version,
                market=chance.choice(markets),
                skill_level=chance.choice(skills),
                state=state,
                started_at=started,
                last_active_at=active,
                ended_at=ended,
                first_outcome_at=first,
            )
        )
    Execution.objects.bulk_create(executions)
    for execution in executions:
        for _ in range(chance.choice([0, 1, 1, 2, 9])):
            metric, unit = chance.choice(UNITS)
            is_counted = chance.random() < 0.9
            outcomes.append(
                Outcome(
                    person=execution.person,
                    execution=execution,
                    workflow=execution.workflow,
                    market=execution.market,
                    skill_level=execution.skill_level,
                    metric_type=metric,
                    unit=unit,
                    unit_label=unit,
                    value_minor=chance.choice([0, 1, 7, 10 ** chance.randint(0, 15)]),
                    logged_at=NOW,
                    is_counted=is_counted,
                    voided_at=None if is_counted else NOW,
                )
            )
    Outcome.objects.bulk_create(outcomes)


def _cells(workflow: int, market: int | None, skill: int | None) -> list[Cell]:
    cells: list[Cell] = [(workflow, None, None)]
    if market is not None:
        cells.append((workflow, market, None))
        if skill is not None:
            cells.append((workflow, market, skill))
    return cells


def _vote(run: Execution) -> int:
    is_open = run.state in ("in_progress", "paused")
    if run.state == "completed" and run.first_outcome_at is not None:
        assert run.ended_at is not None
        if run.first_outcome_at <= run.ended_at + timedelta(days=30):
            return 1
    if run.state == "abandoned" or (is_open and run.last_active_at < NOW - timedelta(days=14)):
        return 0
    if run.state == "completed" and run.ended_at and run.ended_at < NOW - timedelta(days=30):
        return 0
    return -1


def expected_successes() -> dict[Cell, tuple[int, int, int]]:
    best: dict[tuple[int, int], tuple[Any, Execution]] = {}
    for run in Execution.objects.all():
        rank = (_vote(run), run.started_at, run.market_id or 0, run.skill_level_id or 0)
        key = (run.workflow_id, run.person_id)
        if key not in best or rank > best[key][0]:
            best[key] = (rank, run)
    counts: dict[Cell, list[int]] = {}
    for (vote, *_), run in best.values():
        for cell in _cells(run.workflow_id, run.market_id, run.skill_level_id):
            sums = counts.setdefault(cell, [0, 0, 0])
            sums[0] += vote == 1
            sums[1] += vote >= 0
            sums[2] += vote < 0
    return {cell: (sums[0], sums[1], sums[2]) for cell, sums in counts.items()}


def expected_values() -> dict[tuple[Any, ...], tuple[float, ...]]:
    groups: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for one in Outcome.objects.filter(is_counted=True):
        for cell in _cells(one.workflow_id, one.market_id, one.skill_level_id):
            key = (*cell, one.metric_type, one.unit)
            groups.setdefault(key, []).append((one.value_minor, one.person_id))
    return {key: _figures(found) for key, found in groups.items()}


def _figures(found: list[tuple[int, int]]) -> tuple[float, ...]:
    ordered = sorted(value for value, _ in found)
    count = len(ordered)
    pulled = int(count * 0.05)
    clipped = [min(max(v, ordered[pulled]), ordered[count - 1 - pulled]) for v in ordered]
    logs = [math.log(max(value, 1)) for value in clipped]
    if count == 1:
        quantiles = [float(ordered[0])] * 5
    else:
        # Twentieths, of which the inclusive method is what percentile_cont computes.
        cuts = statistics.quantiles(ordered, n=20, method="inclusive")
        quantiles = [cuts[place] for place in (1, 4, 9, 14, 17)]
    return (
        count,
        len({person for _, person in found}),
        statistics.fmean(ordered),
        *quantiles,
        statistics.fmean(logs),
        statistics.variance(logs) if count > 1 else 0.0,
    )


def stored_successes() -> dict[Cell, tuple[int, int, int]]:
    return {
        (row.workflow_id, row.market_id, row.skill_level_id): (
            row.successes,
            row.decided,
            row.running,
        )
        for row in WorkflowSuccess.objects.all()
    }


def stored_values() -> dict[tuple[Any, ...], tuple[float, ...]]:
    return {
        (r.workflow_id, r.market_id, r.skill_level_id, r.metric_type, r.unit): (
            *(r.count, r.people, r.avg_value, r.p10, r.p25, r.p50, r.p75, r.p90),
            *(r.log_mean, r.log_variance),
        )
        for r in WorkflowPerformance.objects.all()
    }


def check_against_reference() -> None:
    assert stored_successes() == expected_successes()
    expected, stored = expected_values(), stored_values()
    assert stored.keys() == expected.keys()
    for key, figures in expected.items():
        assert stored[key][:2] == figures[:2], key
        assert stored[key][2:] == pytest.approx(figures[2:], rel=1e-9, abs=1e-9), key


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10**6), runs=st.integers(0, 60))
def test_figures_are_those_of_the_reference(django_db_blocker: Any, seed: int, runs: int) -> None:
    Execution.objects.all().delete()
    if not User.objects.filter(email__endswith="@world.test").exists():
        make_people(12)
    make_world(seed, runs=runs)

    run = aggregate_performance(now=NOW)

    check_against_reference()
    assert run.state == AggregationState.COMPLETED
    assert run.outcomes_read == Outcome.objects.filter(is_counted=True).count()
    pairs = Execution.objects.order_by().values("workflow", "person").distinct().count()
    assert run.votes_counted == pairs


def test_a_sum_beyond_64_bits_is_no_overflow():
    """10,000 of the largest values, in dinars of three decimals."""
    values = np.full(10_000, 10**15)
    by_level = sqlite._Figures(values, np.arange(10_000)).summarise(np.zeros(10_000, int), 1)
    assert [column[0] for column in by_level[:8]] == [10_000, 10_000, *[10**15] * 6]


def test_twice_is_as_good_as_once():
    make_people(12)
    make_world(7, runs=80)
    aggregate_performance(now=NOW)
    first = (stored_successes(), stored_values(), _spreads())

    second = aggregate_performance(now=NOW)

    assert (stored_successes(), stored_values(), _spreads()) == first
    assert AggregationRun.objects.filter(state=AggregationState.COMPLETED).count() == 2
    assert set(WorkflowSuccess.objects.values_list("run_id", flat=True)) == {second.pk}


def test_what_no_longer_counts_is_gone_from_the_figures():
    make_people(3)
    make_world(3, runs=20, people=3)
    aggregate_performance(now=NOW)
    gone = Outcome.objects.filter(is_counted=True).latest("pk")
    before = _count_of(gone)

    void_outcome(outcome=gone)
    aggregate_performance(now=NOW)

    assert _count_of(gone) == before - 1
    check_against_reference()

    Execution.objects.all().delete()
    aggregate_performance(now=NOW)
    assert (stored_successes(), stored_values(), _spreads()) == ({}, {}, {})


def test_one_person_has_one_vote_however_often_they_start(ana: User):
    workflow = Workflow.objects.select_related("current_version").get(name="resume_generator")
    market, skill = Market.objects.get(slug="student"), SkillLevel.objects.get(slug="beginner")
    for day, state in enumerate(("abandoned", "completed", "abandoned", "abandoned")):
        at = NOW - timedelta(days=40 - day)
        Execution.objects.create(
            person=ana,
            workflow=workflow,
            version=workflow.current_version,
            market=market,
            skill_level=skill,
            state=state,
            started_at=at,
            last_active_at=at,
            ended_at=at,
            first_outcome_at=at if state == "completed" else None,
        )

    aggregate_performance(now=NOW)

    assert stored_successes() == {
        (workflow.pk, None, None): (1, 1, 0),
        (workflow.pk, market.pk, None): (1, 1, 0),
        (workflow.pk, market.pk, skill.pk): (1, 1, 0),
    }


def test_an_aggregation_that_breaks_leaves_the_last_figures_and_says_so(monkeypatch):
    make_people(12)
    make_world(11, runs=40)
    aggregate_performance(now=NOW)
    before = (stored_successes(), stored_values(), _spreads())
    make_world(12, runs=40)

    def break_down() -> None:
        raise OSError("the disk is full")

    # After all figures were written, before the transaction ends.
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "fit_strengths", break_down)
        with pytest.raises(OSError, match="disk is full"):
            aggregate_performance(now=NOW)

    assert (stored_successes(), stored_values(), _spreads()) == before
    failed = AggregationRun.objects.latest("pk")
    assert (failed.state, failed.error) == (AggregationState.FAILED, "OSError")

    aggregate_performance(now=NOW)
    check_against_reference()


def test_a_killed_aggregation_is_marked_by_the_next_one():
    killed = AggregationRun.objects.create(started_at=NOW - timedelta(days=1))

    aggregate_performance(now=NOW)

    killed.refresh_from_db()
    assert killed.state == AggregationState.INTERRUPTED
    assert killed.ended_at is not None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a lock instead")
def test_an_aggregation_overtaken_by_a_newer_one_changes_nothing(monkeypatch):
    make_people(3)
    make_world(5, runs=10, people=3)
    read = sqlite.read_successes
    newer: list[AggregationRun] = []

    def let_another_finish_first(now: datetime) -> Any:
        monkeypatch.setattr(sqlite, "read_successes", read)
        newer.append(aggregate_performance(now=NOW))
        return read(now)

    monkeypatch.setattr(sqlite, "read_successes", let_another_finish_first)
    with pytest.raises(AggregationRunningError):
        aggregate_performance(now=NOW)

    assert set(WorkflowSuccess.objects.values_list("run_id", flat=True)) == {newer[0].pk}
    check_against_reference()


def test_the_command_tells_what_it_counted(capsys):
    make_people(3)
    make_world(2, runs=10, people=3)

    call_command("aggregate_performance")

    run = AggregationRun.objects.get()
    told = capsys.readouterr().out
    assert f"{run.outcomes_read} outcomes" in told
    assert f"{run.votes_counted} starts" in told


def test_groups_far_apart_borrow_less_than_groups_alike():
    people = make_people(40)
    workflow = Workflow.objects.select_related("current_version").get(name="resume_generator")
    markets, skills = list(Market.objects.all()[:3]), list(SkillLevel.objects.all())
    chance = random.Random(1)
    for unit, between in (("USD", 0.0), ("EUR", 3.0)):
        for market, skill in product(markets, skills):
            shift = chance.gauss(0, 1) * between
            for person in people[:12]:
                run = Execution.objects.create(
                    person=person,
                    workflow=workflow,
                    version=workflow.current_version,
                    started_at=NOW,
                    last_active_at=NOW,
                )
                Outcome.objects.create(
                    person=person,
                    execution=run,
                    workflow=workflow,
                    market=market,
                    skill_level=skill,
                    metric_type="revenue",
                    unit=unit,
                    unit_label=unit,
                    value_minor=round(math.exp(8 + shift + chance.gauss(0, 1))),
                    logged_at=NOW,
                )

    aggregate_performance(now=NOW)

    spread = {row.unit: row for row in ValueSpread.objects.all()}
    assert spread["EUR"].tau_cohort < 3 < 20 < spread["USD"].tau_cohort


def _count_of(outcome: Outcome) -> int:
    row = WorkflowPerformance.objects.filter(
        workflow=outcome.workflow_id,
        market=None,
        skill_level=None,
        metric_type=outcome.metric_type,
        unit=outcome.unit,
    ).first()
    return row.count if row else 0


def _spreads() -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (row.metric_type, row.unit): (row.tau_market, row.tau_cohort)
        for row in ValueSpread.objects.all()
    }
