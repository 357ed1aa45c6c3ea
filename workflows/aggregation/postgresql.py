"""Aggregation on PostgreSQL: everything happens in the database, in the caller's transaction.

INSERT … SELECT … ON CONFLICT over the covering indexes; no row passes through Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from workflows.aggregation.votes import TABLE as EXECUTIONS
from workflows.aggregation.votes import VoteQuery
from workflows.models import Outcome, WorkflowPerformance, WorkflowSuccess

LOCK_KEY = 7_203_118_245
"""Of the advisory lock that keeps two aggregations apart."""
OUTCOMES = Outcome._meta.db_table
PERFORMANCE = WorkflowPerformance._meta.db_table
SUCCESS = WorkflowSuccess._meta.db_table
LATE = "first_outcome_at > ended_at + interval '30 days'"


@dataclass(frozen=True, slots=True)
class Level:
    """Which columns a level groups by, and which rows its unique index covers."""

    columns: tuple[str, ...]
    condition: str


OVERALL = Level((), "market_id IS NULL AND skill_level_id IS NULL")
MARKET = Level(("market_id",), "market_id IS NOT NULL AND skill_level_id IS NULL")
COHORT = Level(
    ("market_id", "skill_level_id"), "market_id IS NOT NULL AND skill_level_id IS NOT NULL"
)
LEVELS = (OVERALL, MARKET, COHORT)


def take_lock() -> bool:
    """Keep other aggregations out until the transaction ends; False when one is under way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_KEY])
        return bool(cursor.fetchone()[0])


def write_values(run_id: int) -> tuple[int, int]:
    """Write the figures of logged values.

    Returns:
        Results read, rows written.
    """
    with connection.cursor() as cursor:
        # The sorts of the wide levels stay in memory; it lasts as long as the transaction.
        cursor.execute("SET LOCAL work_mem = '128MB'")
        written = 0
        for level in LEVELS:
            cursor.execute(_values_statement(level), {"run": run_id})
            written += cursor.rowcount
        cursor.execute(
            f"SELECT coalesce(sum(count), 0) FROM {PERFORMANCE} "
            f"WHERE run_id = %s AND {OVERALL.condition}",
            [run_id],
        )
        read = int(cursor.fetchone()[0])
        cursor.execute(f"DELETE FROM {PERFORMANCE} WHERE run_id <> %s", [run_id])
    return read, written


def write_successes(run_id: int, now: datetime) -> tuple[int, int]:
    """Write how often workflows led to a result.

    Returns:
        Votes counted, rows written.
    """
    query = VoteQuery(now)
    parameters: dict[str, Any] = {**query.parameters, "run": run_id}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE workflow_votes ON COMMIT DROP AS
            SELECT workflow_id, market_id, skill_level_id,
                count(*) FILTER (WHERE vote = 1) AS successes,
                count(*) FILTER (WHERE vote >= 0) AS decided,
                count(*) FILTER (WHERE vote < 0) AS running
            FROM (
                SELECT DISTINCT ON (workflow_id, person_id)
                    workflow_id, market_id, skill_level_id, vote
                FROM (
                    SELECT workflow_id, person_id, market_id, skill_level_id, started_at,
                        {query.expression(late=LATE)} AS vote
                    FROM {EXECUTIONS}
                ) AS runs
                ORDER BY workflow_id, person_id, vote DESC, started_at DESC,
                    market_id DESC NULLS LAST, skill_level_id DESC NULLS LAST
            ) AS votes
            GROUP BY workflow_id, market_id, skill_level_id
            """,
            parameters,
        )
        written = 0
        for level in LEVELS:
            cursor.execute(_successes_statement(level), {"run": run_id})
            written += cursor.rowcount
        cursor.execute("SELECT coalesce(sum(decided + running), 0) FROM workflow_votes")
        votes = int(cursor.fetchone()[0])
        cursor.execute("DROP TABLE workflow_votes")
        cursor.execute(f"DELETE FROM {SUCCESS} WHERE run_id <> %s", [run_id])
    return votes, written


def _keys(level: Level) -> str:
    return ", ".join(("workflow_id", *level.columns))


def _where(level: Level) -> str:
    return "".join(f" AND {column} IS NOT NULL" for column in level.columns)


def _values_statement(level: Level) -> str:
    keys = _keys(level)
    target = f"{keys}, metric_type, unit"
    quantiles = ", ".join(_quantile(share) for share in (0.1, 0.25, 0.5, 0.75, 0.9))
    figures = "count, people, avg_value, p10, p25, p50, p75, p90, log_mean, log_variance, run_id"
    updates = ", ".join(f"{name} = excluded.{name}" for name in figures.split(", "))
    # A group's values are sorted once; quantiles, and the winsorised logarithms (`ranking`), are
    # read off the sorted array.
    return f"""
        INSERT INTO {PERFORMANCE} ({target}, {figures})
        SELECT {target}, n, people, total / n, {quantiles}, log_mean,
            CASE WHEN n > 1 THEN greatest(
                (squares + pulled * (low * low + high * high) - n * log_mean * log_mean)
                / (n - 1), 0) ELSE 0 END,
            %(run)s
        FROM (
            SELECT grouped.*, low, high, squares,
                (inside + pulled * (low + high)) / n AS log_mean
            FROM (
                SELECT {target}, count(*) AS n, count(*) / 20 AS pulled,
                    count(DISTINCT person_id) AS people,
                    sum(value_minor)::float8 AS total,
                    array_agg(value_minor ORDER BY value_minor) AS ordered
                FROM {OUTCOMES}
                WHERE is_counted{_where(level)}
                GROUP BY {target}
            ) AS grouped
            CROSS JOIN LATERAL (
                SELECT ln(greatest(ordered[pulled + 1], 1)::float8) AS low,
                    ln(greatest(ordered[n - pulled], 1)::float8) AS high
            ) AS ends
            CROSS JOIN LATERAL (
                SELECT sum(l) AS inside, sum(l * l) AS squares
                FROM (
                    SELECT ln(greatest(value, 1)::float8) AS l
                    FROM unnest(ordered[pulled + 1 : n - pulled]) AS value
                ) AS logs
            ) AS sums
        ) AS figures
        ON CONFLICT ({target}) WHERE {level.condition} DO UPDATE SET {updates}
    """


def _quantile(share: float) -> str:
    """Return the interpolated quantile of a group's sorted array, as ``percentile_cont``."""
    place = f"({share} * (n - 1))"
    below, above = f"ordered[1 + floor{place}::int]", f"ordered[1 + ceil{place}::int]"
    return f"{below} + ({above} - {below}) * ({place} - floor{place})::float8"


def _successes_statement(level: Level) -> str:
    keys = _keys(level)
    figures = "successes, decided, running, run_id"
    updates = ", ".join(f"{name} = excluded.{name}" for name in figures.split(", "))
    return f"""
        INSERT INTO {SUCCESS} ({keys}, {figures})
        SELECT {keys}, sum(successes), sum(decided), sum(running), %(run)s
        FROM workflow_votes WHERE true{_where(level)}
        GROUP BY {keys}
        ON CONFLICT ({keys}) WHERE {level.condition} DO UPDATE SET {updates}
    """
