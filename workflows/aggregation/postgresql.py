"""Aggregation on PostgreSQL: everything happens in the database, in the caller's transaction.

INSERT … SELECT over the covering indexes; no row passes through Python. Each index is read once, in
its order: the three levels of values are GROUPING SETS of one ordered pass, of which each is a
prefix of the next, so nothing is sorted but the values within a group (docs/adr/0083).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
EVERYBODY = "market_id IS NULL AND skill_level_id IS NULL"


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
        # Readers see the last figures until the commit. Against ON CONFLICT, which looks for each
        # of a hundred thousand rows first, this takes half the time.
        cursor.execute(f"DELETE FROM {PERFORMANCE}")
        with _in_index_order(cursor):
            cursor.execute(_WRITE_VALUES, {"run": run_id})
            written = cursor.rowcount
        cursor.execute(f"SELECT coalesce(sum(count), 0) FROM {PERFORMANCE} WHERE {EVERYBODY}")
        read = int(cursor.fetchone()[0])
    return read, written


def write_successes(run_id: int, now: datetime) -> tuple[int, int]:
    """Write how often workflows led to a result.

    Returns:
        Votes counted, rows written.
    """
    query = VoteQuery(now)
    parameters: dict[str, Any] = {**query.parameters, "run": run_id}
    # Votes are chosen in the index's order; counting them by hash then spares sorting them all.
    with connection.cursor() as cursor, _in_index_order(cursor, hashagg="on"):
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
        # As with the values: looking for each row first costs more than writing all anew.
        cursor.execute(f"DELETE FROM {SUCCESS}")
        cursor.execute(_WRITE_SUCCESSES, {"run": run_id})
        written = cursor.rowcount
        cursor.execute("SELECT coalesce(sum(decided + running), 0) FROM workflow_votes")
        votes = int(cursor.fetchone()[0])
        cursor.execute("DROP TABLE workflow_votes")
    return votes, written


@contextmanager
def _in_index_order(cursor: Any, *, hashagg: str = "off") -> Iterator[None]:
    """Keep the planner to the covering index within: it takes a large scan and sort for cheaper.

    Compiling such a statement costs more than it saves. All of it ends with the transaction.
    """
    wanted = {
        "work_mem": "32MB",
        "jit": "off",
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
        "enable_hashagg": hashagg,
    }
    for name, value in wanted.items():
        cursor.execute(f"SET LOCAL {name} = '{value}'")
    yield
    for name in wanted:
        cursor.execute(f"SET LOCAL {name} = DEFAULT")


def _quantile(part: int, whole: int) -> str:
    """Return the interpolated quantile part/whole of a group's sorted array.

    That of ``percentile_cont``; its place is worked out in whole numbers, which are cheaper here.
    """
    place = f"({part} * (n - 1))"
    below = f"ordered[1 + {place} / {whole}]"
    above = f"ordered[1 + ({place} + {whole - 1}) / {whole}]"
    return f"{below} + ({above} - {below}) * (mod({place}, {whole}) / {whole}::float8)"


_QUANTILES = ", ".join(_quantile(*share) for share in ((1, 10), (1, 4), (1, 2), (3, 4), (9, 10)))
# Who has not said their market or skill level counts on the wider levels alone.
_NAMED_LEVELS = """HAVING (GROUPING(market_id) = 1 OR market_id IS NOT NULL)
    AND (GROUPING(skill_level_id) = 1 OR skill_level_id IS NOT NULL)"""
_LOG = "ln(greatest(value_minor, 1)::float8)"
# Of the values' logarithms (`ranking.summarise_logs`) all are summed on the way; then the lowest
# and highest twentieth, if any, are taken out again and counted as their neighbours inside.
_WRITE_VALUES = f"""
    INSERT INTO {PERFORMANCE} (
        workflow_id, market_id, skill_level_id, metric_type, unit, count, people, avg_value,
        p10, p25, p50, p75, p90, log_mean, log_variance, run_id
    )
    SELECT workflow_id, market_id, skill_level_id, metric_type, unit, n, people, total / n,
        {_QUANTILES},
        log_mean,
        CASE WHEN n > 1 THEN greatest((squares - n * log_mean * log_mean) / (n - 1), 0) ELSE 0 END,
        %(run)s
    FROM (
        SELECT clipped.*, sums / n AS log_mean
        FROM (
            SELECT grouped.*,
                log_sum + coalesce(change[1], 0) AS sums,
                log_squares + coalesce(change[2], 0) AS squares
            FROM (
                SELECT groups.*,
                    CASE WHEN n >= 20 THEN (
                        SELECT ARRAY[sum(ends.inside - ends.log),
                            sum(ends.inside * ends.inside - ends.log * ends.log)]
                        FROM (
                            SELECT ln(greatest(value, 1)::float8) AS log,
                                ln(greatest(ordered[1 + n / 20], 1)::float8) AS inside
                            FROM unnest(ordered[:n / 20]) AS value
                            UNION ALL
                            SELECT ln(greatest(value, 1)::float8),
                                ln(greatest(ordered[n - n / 20], 1)::float8)
                            FROM unnest(ordered[n - n / 20 + 1:]) AS value
                        ) AS ends
                    ) END AS change
                FROM (
                    SELECT workflow_id, metric_type, unit, market_id, skill_level_id,
                        count(*)::int AS n,
                        count(DISTINCT person_id) AS people,
                        sum(value_minor)::float8 AS total,
                        array_agg(value_minor ORDER BY value_minor) AS ordered,
                        sum({_LOG}) AS log_sum,
                        sum({_LOG} * {_LOG}) AS log_squares
                    FROM {OUTCOMES}
                    WHERE is_counted
                    GROUP BY GROUPING SETS (
                        (workflow_id, metric_type, unit, market_id, skill_level_id),
                        (workflow_id, metric_type, unit, market_id),
                        (workflow_id, metric_type, unit)
                    )
                    {_NAMED_LEVELS}
                ) AS groups
                OFFSET 0  -- else the ends are looked at anew in each place they are named
            ) AS grouped
        ) AS clipped
    ) AS figures
"""


_WRITE_SUCCESSES = f"""
    INSERT INTO {SUCCESS} (
        workflow_id, market_id, skill_level_id, successes, decided, running, run_id
    )
    SELECT workflow_id, market_id, skill_level_id,
        sum(successes), sum(decided), sum(running), %(run)s
    FROM workflow_votes
    GROUP BY GROUPING SETS (
        (workflow_id, market_id, skill_level_id), (workflow_id, market_id), (workflow_id)
    )
    {_NAMED_LEVELS}
"""
