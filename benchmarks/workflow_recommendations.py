"""Recommending for one person when a million runs stand behind it.

Fills tables with runs and results, aggregates once, then times `recommend` for people of several
plans, in a process that has worked out their cohort since the last run and in one that has not:
median and 95th percentile in milliseconds, processor time and queries; beside it
pandas and DuckDB over all runs in memory, with what loading them takes, and what a page would cost
that counted the person's cohort anew. Our own peak memory is printed before theirs.

Run ``python -m benchmarks.workflow_recommendations`` (``--quick`` for 20,000 runs); on PostgreSQL
with DATABASE_URL, in a database of its own that is dropped afterwards.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable

from benchmarks import machine, tables
from benchmarks.workflow_aggregation import change_database, with_database
from benchmarks.workflow_world import configure, peak_mib, prepare

QUICK_ROWS = 20_000
REPEATS = 60


def measure(rows: int) -> list[list[tables.Cell]]:
    """Return lines of the table."""
    from django.db import connection
    from django.db.models import Count, Q
    from django.test.utils import CaptureQueriesContext

    from accounts.models import Profile, User
    from workflows.models import Execution
    from workflows.services.aggregation import aggregate_performance
    from workflows.services.recommendations import _estimates_of_run, recommend

    prepare(rows)
    aggregate_performance()
    lines: list[list[tables.Cell]] = []
    for plan, is_first in (("starter", False), ("pro", False), ("scale", False), ("scale", True)):
        person, _ = User.objects.get_or_create(email=f"{plan}@bench.test")
        Profile.objects.get_or_create(
            user=person, defaults={"plan": plan, "market_id": 2, "skill_level_id": 1}
        )
        recommend(person=person)
        taken = []
        worked = time.process_time()
        for _ in range(REPEATS):
            begun = time.perf_counter()
            if is_first:
                _estimates_of_run.cache_clear()
            recommend(person=person)
            taken.append(1000 * (time.perf_counter() - begun))
        worked = 1000 * (time.process_time() - worked) / REPEATS
        with CaptureQueriesContext(connection) as asked:
            if is_first:
                _estimates_of_run.cache_clear()
            found = recommend(person=person)
        first = ", first of its cohort" if is_first else ""
        lines.append(
            [
                f"recommend, {plan} ({len(found.items)} shown){first}",
                tables.median(taken),
                sorted(taken)[int(len(taken) * 0.95)],
                worked,
                len(asked),
            ]
        )
    print(f"Peak of this process before the peers: {peak_mib():.0f} MiB")
    lines += compare_peers()
    taken = []
    worked = time.process_time()
    for _ in range(3):
        begun = time.perf_counter()
        list(
            Execution.objects.filter(market_id=2, skill_level_id=1)
            .values("workflow")
            .annotate(starts=Count("pk"), won=Count("pk", filter=Q(first_outcome_at__isnull=False)))
        )
        taken.append(1000 * (time.perf_counter() - begun))
    worked = 1000 * (time.process_time() - worked) / 3
    lines.append(["counting one cohort anew", tables.median(taken), max(taken), worked, 1])
    return lines


def compare_peers() -> list[list[tables.Cell]]:
    """Rank all workflows for one cohort with the peers, which keep every run in memory.

    They shrink the cohort's share to everybody's in one step: less than `recommend` does.
    """
    from django.db import connection

    query = (
        "SELECT workflow_id, market_id, skill_level_id, "
        "CASE WHEN first_outcome_at IS NULL THEN 0 ELSE 1 END AS won FROM workflows_execution"
    )
    lines: list[list[tables.Cell]] = []
    if not importlib.util.find_spec("pandas"):
        return [["pandas, DuckDB: not installed", 0.0, 0.0, 0.0, 0]]
    import pandas as pd

    before, begun = peak_mib(), time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(query)
        names = ["workflow", "market", "skill", "won"]
        frame = pd.DataFrame(cursor.fetchall(), columns=names)
    loading = f"loads {time.perf_counter() - begun:.1f} s, +{peak_mib() - before:.0f} MiB"

    def by_pandas() -> object:
        own = frame[(frame["market"] == 2) & (frame["skill"] == 1)]
        overall = frame.groupby("workflow")["won"].mean()
        cell = own.groupby("workflow")["won"].agg(["sum", "count"])
        return ((cell["sum"] + 20 * overall) / (cell["count"] + 20)).nlargest(5)

    lines.append(_timed(f"pandas ({loading})", by_pandas))
    if importlib.util.find_spec("duckdb"):
        import duckdb

        store = duckdb.connect()
        store.register("frame", frame)
        store.execute("CREATE TABLE runs AS SELECT * FROM frame")
        statement = (
            "SELECT workflow, (sum(won) FILTER (WHERE market = 2 AND skill = 1) + 20 * avg(won)) "
            "/ (count(*) FILTER (WHERE market = 2 AND skill = 1) + 20) AS score "
            "FROM runs GROUP BY workflow ORDER BY score DESC LIMIT 5"
        )
        lines.append(_timed("DuckDB, in memory", lambda: store.execute(statement).fetchall()))
    return lines


def _timed(name: str, rank: Callable[[], object]) -> list[tables.Cell]:
    taken = []
    worked = time.process_time()
    for _ in range(9):
        begun = time.perf_counter()
        rank()
        taken.append(1000 * (time.perf_counter() - begun))
    worked = 1000 * (time.process_time() - worked) / 9
    return [name, tables.median(taken), max(taken), worked, 0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    rows = QUICK_ROWS if options.quick else options.rows
    machine.print_machine("django", "psycopg")
    folder = tempfile.mkdtemp(prefix="parley-bench-")
    server = os.environ.get("DATABASE_URL", "")
    name = f"parley_bench_{os.getpid()}"
    on_server = server.startswith("postgres")
    try:
        if on_server:
            change_database(server, f"CREATE DATABASE {name}")
            url = with_database(server, name)
        else:
            url = f"sqlite:///{folder}/bench.sqlite3"
        configure(url, folder)
        lines = measure(rows)
        tables.print_table(
            f"One person's recommendations over {rows:,} runs and 200 workflows",
            ["what", "median ms", "p95 ms", "CPU ms", "queries"],
            lines,
        )
    finally:
        from django.db import connections

        connections.close_all()
        if on_server:
            change_database(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
