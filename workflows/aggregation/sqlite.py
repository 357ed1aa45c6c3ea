"""Aggregation on SQLite: one ordered pass over each covering index, statistics in NumPy.

SQLite has no percentiles, and fetching a row a result costs more than all the rest, so the database
hands over one row a group with its values joined as text; a workflow's groups are then counted at
all levels at once (docs/adr/0085). Reading happens outside of any transaction; the caller opens one
for the writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from workflows.aggregation.votes import TABLE as EXECUTIONS
from workflows.aggregation.votes import VoteQuery
from workflows.models import Outcome, WorkflowPerformance, WorkflowSuccess

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
SHARES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
COUNT_COLUMNS = ("successes", "decided", "running")
_LOW_BITS: Final = 32

Key = tuple[int | None, int | None, str, str]
"""Market, skill level, metric and unit of a workflow's group."""
Row = tuple[Any, ...]
Whole = NDArray[np.int64]
Real = NDArray[np.float64]


def read_all(now: datetime) -> tuple[tuple[int, list[Row]], tuple[int, list[Row]]]:
    """Return `read_values` and `read_successes`, read at the same time where that can be.

    SQLite lets go of Python's lock while it steps, and NumPy while it sorts. Within a transaction
    everything is read here: another connection would not see what was written in it.
    """
    if connection.in_atomic_block:
        return read_values(), read_successes(now)
    with ThreadPoolExecutor(1, thread_name_prefix="aggregation") as pool:
        counts = pool.submit(_on_own_connection, read_successes, now)
        values = read_values()
        return values, counts.result()


def _on_own_connection(
    read: Callable[[datetime], tuple[int, list[Row]]], now: datetime
) -> tuple[int, list[Row]]:
    try:
        return read(now)
    finally:
        connection.close()


def read_values() -> tuple[int, list[Row]]:
    """Return how many results there are, and the figures of their groups at all levels.

    Rows are the key (workflow, market, skill level, metric, unit) and `VALUE_COLUMNS`.
    """
    read = 0
    rows: list[Row] = []
    for workflow_id, found in groupby(_value_groups(), key=itemgetter(0)):
        groups = list(found)
        sizes = np.array([group[5] for group in groups], dtype=np.int64)
        values, people = (_numbers(group[place] for group in groups) for place in (6, 7))
        read += len(values)
        figures = _Figures(values, people)
        place_of_row = np.repeat(np.arange(len(groups)), sizes)
        keys: list[Key] = [(market, skill, *of) for _, *of, market, skill, _, _, _ in groups]
        for of_level in _levels(keys):
            # A group without the level's market or skill level counts on the wider ones alone.
            names = {key: place for place, key in enumerate(dict.fromkeys(filter(None, of_level)))}
            if not names:
                continue
            label_of_group = np.array([names[key] if key else -1 for key in of_level])
            columns = figures.summarise(label_of_group[place_of_row], len(names))
            rows += [
                (workflow_id, *key, *line)
                for key, line in zip(names, zip(*columns, strict=True), strict=True)
            ]
    return read, rows


def read_successes(now: datetime) -> tuple[int, list[Row]]:
    """Return how many votes there are, and their counts at all levels.

    Rows are the key (workflow, market, skill level) and `COUNT_COLUMNS`.
    """
    totals: dict[tuple[int, int | None, int | None], list[int]] = {}
    votes = 0
    for workflow, market, skill, column, count in _vote_counts(now):
        votes += count
        keys: list[tuple[int, int | None, int | None]] = [(workflow, None, None)]
        if market:
            keys.append((workflow, market, None))
            if skill:
                keys.append((workflow, market, skill))
        for key in keys:
            sums = totals.setdefault(key, [0, 0, 0])
            sums[0] += count * (column == 2)
            sums[1] += count * (column > 0)
            sums[2] += count * (column == 0)
    return votes, [(*key, *sums) for key, sums in totals.items()]


def write_values(run_id: int, rows: Sequence[Row]) -> None:
    """Put the figures in place of the last ones, in the caller's transaction."""
    _replace(PERFORMANCE, (*KEY_COLUMNS, "metric_type", "unit", *VALUE_COLUMNS), run_id, rows)


def write_successes(run_id: int, rows: Sequence[Row]) -> None:
    """Put the counts in place of the last ones, in the caller's transaction."""
    _replace(SUCCESS, (*KEY_COLUMNS, *COUNT_COLUMNS), run_id, rows)


def _value_groups() -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT workflow_id, metric_type, unit, market_id, skill_level_id,
                count(*), group_concat(value_minor), group_concat(person_id)
            FROM {OUTCOMES} INDEXED BY outcome_nightly
            WHERE is_counted = 1
            GROUP BY workflow_id, metric_type, unit, market_id, skill_level_id
            """
        )
        while batch := cursor.fetchmany(2000):
            yield from batch


def _levels(keys: list[Key]) -> tuple[list[Key | None], ...]:
    """Return the key of each group at every level: everybody, market, cohort."""
    return (
        [(None, None, metric, unit) for _, _, metric, unit in keys],
        [(key[0], None, *key[2:]) if key[0] is not None else None for key in keys],
        [key if None not in key else None for key in keys],
    )


class _Figures:
    """Values of one workflow, looked at by any grouping of them."""

    def __init__(self, values: Whole, people: Whole) -> None:
        self.values = values
        self.people = people
        self.by_value = np.argsort(values)
        # A value of 0 counts as 1 minor unit, whose logarithm is 0.
        self.logs: Real = np.log(np.maximum(values, 1))

    def summarise(self, labels: Whole, groups: int) -> list[list[Any]]:
        """Return `VALUE_COLUMNS`, each by group.

        Args:
            labels: the group of each value, from 0; -1 for none.
            groups: how many there are, none of them empty.
        """
        order = self.by_value[np.argsort(labels[self.by_value], kind="stable")]
        order = order[np.count_nonzero(labels < 0) :]
        counts = np.bincount(labels[order], minlength=groups)
        starts = np.cumsum(counts) - counts
        ordered = self.values[order]
        # In halves, since a sum of many large values does not fit 64 bits.
        total = np.add.reduceat(ordered >> _LOW_BITS, starts) * float(1 << _LOW_BITS)
        total += np.add.reduceat(ordered & ((1 << _LOW_BITS) - 1), starts)
        mean, variance = _clipped_logs(self.logs[order], counts, starts)
        columns = (
            counts,
            _count_people(labels[order], self.people[order], groups),
            total / counts,
            *(_quantile(ordered, counts, starts, share) for share in SHARES),
            mean,
            variance,
        )
        return [column.tolist() for column in columns]


def _quantile(ordered: Whole, counts: Whole, starts: Whole, share: float) -> Real:
    """Return `ranking.quantile` of each group."""
    place = share * (counts - 1)
    floor = np.floor(place)
    below = ordered[starts + floor.astype(np.int64)]
    above = ordered[starts + np.ceil(place).astype(np.int64)]
    found: Real = below + (above - below) * (place - floor)
    return found


def _clipped_logs(logs: Real, counts: Whole, starts: Whole) -> tuple[Real, Real]:
    """Return mean and variance as `ranking.summarise_logs`, from ascending logarithms."""
    pulled = counts // 20
    low, high = logs[starts + pulled], logs[starts + counts - 1 - pulled]
    inside = np.clip(logs, np.repeat(low, counts), np.repeat(high, counts))
    mean = np.add.reduceat(inside, starts) / counts
    away = inside - np.repeat(mean, counts)
    variance = np.add.reduceat(away * away, starts) / np.maximum(counts - 1, 1)
    return mean, np.where(counts > 1, variance, 0.0)


def _count_people(labels: Whole, people: Whole, groups: int) -> Whole:
    span = int(people.max()) + 1
    pairs = np.sort(labels * span + people)
    is_new = np.append(True, pairs[1:] != pairs[:-1])
    return np.bincount(pairs[is_new] // span, minlength=groups)


def _vote_counts(now: datetime) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield workflow, market, skill level (0: none), vote + 1 and how many people gave it."""
    query = VoteQuery(now)
    adapt = connection.ops.adapt_datetimefield_value
    parameters = {name: adapt(moment) for name, moment in query.parameters.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT workflow_id, group_concat(person_id),
                group_concat({query.expression(late=LATE)} + 1), group_concat(started_at),
                group_concat(coalesce(market_id, 0)), group_concat(coalesce(skill_level_id, 0))
            FROM {EXECUTIONS} INDEXED BY execution_nightly
            GROUP BY workflow_id
            """,
            parameters,
        )
        for workflow, people, votes, started, markets, skills in cursor:
            person, vote, market, skill = (
                _numbers([text]) for text in (people, votes, markets, skills)
            )
            best = _best_runs(person, vote, market, skill, started)
            vote, market, skill = vote[best], market[best], skill[best]
            # One number a kind: sorting rows takes ten times as long.
            width, height = int(skill.max()) + 1, int(market.max()) + 1
            packed = (vote * height + market) * width + skill
            kinds, counts = np.unique(packed, return_counts=True)
            columns = (kinds // width % height, kinds % width, kinds // width // height, counts)
            for line in zip(*(column.tolist() for column in columns), strict=True):
                yield workflow, *line


def _best_runs(people: Whole, votes: Whole, markets: Whole, skills: Whole, started: str) -> Whole:
    """Return the place of each person's best run, of equal votes the latest.

    Args:
        people: whose run each is.
        votes: the vote of each, plus 1.
        markets: its market, 0 for none.
        skills: its skill level, 0 for none.
        started: when each was started, joined by commas.
    """
    order = np.lexsort((votes, people))
    people, ranked = people[order], votes[order]
    ends = np.flatnonzero(np.append(people[1:] != people[:-1], True))
    best = order[ends]
    # Sorted by vote within a person: a tie has the same vote just before the last.
    is_tied = (ends > 0) & (people[ends - 1] == people[ends]) & (ranked[ends - 1] == ranked[ends])
    if is_tied.any():
        moments = started.split(",")
        begins = np.append(0, ends[:-1] + 1)
        for place in np.flatnonzero(is_tied).tolist():
            own = order[begins[place] : ends[place] + 1].tolist()
            best[place] = max(
                own, key=lambda run: (votes[run], moments[run], markets[run], skills[run])
            )
    return best


def _numbers(texts: Iterable[str]) -> Whole:
    """Return the whole numbers of texts that join them by commas."""
    return np.fromstring(",".join(texts), dtype=np.int64, sep=",")


def _replace(table: str, columns: tuple[str, ...], run_id: int, rows: Sequence[Row]) -> None:
    holes = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        # Readers see the last figures until the commit; nothing is looked for before an insert.
        cursor.execute(f"DELETE FROM {table}")
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}, run_id) VALUES ({holes}, {int(run_id)})",
            rows,
        )
