"""Aggregation on SQLite: one ordered pass over each covering index, statistics in Python.

SQLite has no percentiles, and Django's aggregates written in Python are slow, so the database
hands over one row a group with its values joined as text. Reading happens outside of any
transaction; the caller opens one for the writing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter, mul
from typing import Any

from django.db import connection

from workflows.aggregation.votes import TABLE as EXECUTIONS
from workflows.aggregation.votes import VoteQuery
from workflows.models import Outcome, WorkflowPerformance, WorkflowSuccess
from workflows.ranking import quantile

OUTCOMES = Outcome._meta.db_table
PERFORMANCE = WorkflowPerformance._meta.db_table
SUCCESS = WorkflowSuccess._meta.db_table
# Times are stored as text; what follows the seconds is put back behind the sum.
LATE = (
    "first_outcome_at > ended_at AND "
    "first_outcome_at > datetime(ended_at, '+30 days') || substr(ended_at, 20)"
)
KEY_COLUMNS = ("workflow_id", "market_id", "skill_level_id")
VALUE_COLUMNS = (
    "count",
    "people",
    "avg_value",
    "p10",
    "p25",
    "p50",
    "p75",
    "p90",
    "log_mean",
    "log_variance",
)
COUNT_COLUMNS = ("successes", "decided", "running")

Key = tuple[int, int | None, int | None, str, str]
Row = tuple[Any, ...]


@dataclass(slots=True)
class _Group:
    """Values of one level so far, in ascending runs, whose they are, and sums of their logarithms.

    The sums make taking logarithms once enough for all levels.
    """

    values: list[int] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    log_sum: float = 0.0
    log_squares: float = 0.0

    def add(self, group: _Group) -> None:
        self.values += group.values
        self.people |= group.people
        self.log_sum += group.log_sum
        self.log_squares += group.log_squares


def read_values() -> tuple[int, list[Row]]:
    """Return how many results there are, and the figures of their groups at all levels.

    Rows are the key (workflow, market, skill level, metric, unit) and `VALUE_COLUMNS`.
    """
    read = 0
    rows: list[Row] = []
    at: tuple[int, str, str] | None = None
    wide: dict[Key, _Group] = {}
    for workflow_id, metric, unit, market, skill, joined, people_joined in _value_groups():
        if (workflow_id, metric, unit) != at:
            rows += [_summarise(key, group) for key, group in wide.items()]
            wide, at = {}, (workflow_id, metric, unit)
        group = _read_group(joined, people_joined)
        read += len(group.values)
        wide.setdefault((workflow_id, None, None, metric, unit), _Group()).add(group)
        if market is not None:
            wide.setdefault((workflow_id, market, None, metric, unit), _Group()).add(group)
            if skill is not None:
                rows.append(_summarise((workflow_id, market, skill, metric, unit), group))
    rows += [_summarise(key, group) for key, group in wide.items()]
    return read, rows


def read_successes(now: datetime) -> tuple[int, list[Row]]:
    """Return how many votes there are, and their counts at all levels.

    Rows are the key (workflow, market, skill level) and `COUNT_COLUMNS`.
    """
    totals: dict[tuple[int, int | None, int | None], list[int]] = {}
    votes = 0
    for workflow, market, skill, *counts in _vote_groups(now):
        votes += counts[1] + counts[2]
        keys: list[tuple[int, int | None, int | None]] = [(workflow, None, None)]
        if market is not None:
            keys.append((workflow, market, None))
            if skill is not None:
                keys.append((workflow, market, skill))
        for key in keys:
            sums = totals.setdefault(key, [0, 0, 0])
            for place, count in enumerate(counts):
                sums[place] += count
    return votes, [(*key, *sums) for key, sums in totals.items()]


def write_values(run_id: int, rows: Sequence[Row]) -> None:
    """Put the figures in place of the last ones, in the caller's transaction."""
    _upsert(PERFORMANCE, (*KEY_COLUMNS, "metric_type", "unit"), VALUE_COLUMNS, run_id, rows)


def write_successes(run_id: int, rows: Sequence[Row]) -> None:
    """Put the counts in place of the last ones, in the caller's transaction."""
    _upsert(SUCCESS, KEY_COLUMNS, COUNT_COLUMNS, run_id, rows)


def _value_groups() -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT workflow_id, metric_type, unit, market_id, skill_level_id,
                group_concat(value_minor), group_concat(person_id)
            FROM {OUTCOMES} INDEXED BY outcome_nightly
            WHERE is_counted = 1
            GROUP BY workflow_id, metric_type, unit, market_id, skill_level_id
            """
        )
        while batch := cursor.fetchmany(2000):
            yield from batch


def _vote_groups(now: datetime) -> Iterator[Row]:
    query = VoteQuery(now)
    adapt = connection.ops.adapt_datetimefield_value
    parameters = {name: adapt(moment) for name, moment in query.parameters.items()}
    with connection.cursor() as cursor:
        # Of a group with one max(), SQLite takes the other columns from the row that has it.
        cursor.execute(
            f"""
            SELECT workflow_id, market_id, skill_level_id,
                sum(vote = 1), sum(vote >= 0), sum(vote < 0)
            FROM (
                SELECT workflow_id, market_id, skill_level_id, vote,
                    max((vote + 1) || started_at || ' ' || printf('%%020d%%020d',
                        coalesce(market_id, 0), coalesce(skill_level_id, 0)))
                FROM (
                    SELECT workflow_id, person_id, market_id, skill_level_id, started_at,
                        {query.expression(late=LATE)} AS vote
                    FROM {EXECUTIONS} INDEXED BY execution_nightly
                )
                GROUP BY workflow_id, person_id
            )
            GROUP BY workflow_id, market_id, skill_level_id
            """,
            parameters,
        )
        while batch := cursor.fetchmany(2000):
            yield from batch


def _read_group(joined: str, people_joined: str) -> _Group:
    values = sorted(map(int, joined.split(",")))
    # A value of 0 counts as 1 minor unit, whose logarithm is 0.
    logs = list(map(math.log, values[bisect_right(values, 1) :]))
    return _Group(values, set(people_joined.split(",")), sum(logs), sum(map(mul, logs, logs)))


def _summarise(key: Key, group: _Group) -> Row:
    ordered = group.values
    ordered.sort()
    count = len(ordered)
    mean, variance = _clipped_logs(group)
    return (
        *key,
        count,
        len(group.people),
        sum(ordered) / count,
        *(quantile(ordered, share) for share in (0.1, 0.25, 0.5, 0.75, 0.9)),
        mean,
        variance,
    )


def _clipped_logs(group: _Group) -> tuple[float, float]:
    """Return what `ranking.summarise_logs` does, from the sums: only the ends are looked at."""
    ordered, count = group.values, len(group.values)
    total, squares = group.log_sum, group.log_squares
    pulled = count // 20
    if pulled:
        for inside, end in (
            (_log(ordered[pulled]), ordered[:pulled]),
            (_log(ordered[-pulled - 1]), ordered[-pulled:]),
        ):
            logs = list(map(_log, end))
            total += pulled * inside - sum(logs)
            squares += pulled * inside * inside - sum(map(mul, logs, logs))
    mean = total / count
    if count < 2:
        return mean, 0.0
    return mean, max(0.0, (squares - count * mean * mean) / (count - 1))


def _log(value: int) -> float:
    return math.log(value) if value > 1 else 0.0


def _upsert(
    table: str, keys: tuple[str, ...], figures: tuple[str, ...], run_id: int, rows: Sequence[Row]
) -> None:
    columns = (*keys, *figures, "run_id")
    updates = ", ".join(f"{name} = excluded.{name}" for name in (*figures, "run_id"))
    holes = ", ".join(["%s"] * len(columns))
    market_of, skill_of = itemgetter(1), itemgetter(2)
    by_level: dict[tuple[bool, bool], list[Row]] = {}
    for row in rows:
        level = (market_of(row) is not None, skill_of(row) is not None)
        by_level.setdefault(level, []).append((*row, run_id))
    with connection.cursor() as cursor:
        for (has_market, has_skill), of_level in by_level.items():
            left_out = {
                *(() if has_market else ("market_id",)),
                *(() if has_skill else ("skill_level_id",)),
            }
            target = ", ".join(name for name in keys if name not in left_out)
            condition = (
                f"market_id IS {'NOT ' if has_market else ''}NULL "
                f"AND skill_level_id IS {'NOT ' if has_skill else ''}NULL"
            )
            cursor.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes}) "
                f"ON CONFLICT ({target}) WHERE {condition} DO UPDATE SET {updates}",
                of_level,
            )
        cursor.execute(f"DELETE FROM {table} WHERE run_id <> %s", [run_id])
