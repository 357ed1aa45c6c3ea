"""Recommending for one person when a million runs stand behind it.

Fills tables with runs and results, aggregates once, then times `recommend` for people of several
cohorts and plans: median and 95th percentile in milliseconds, with the queries it asks; beside it
what a page would cost that counted the person's cohort anew.

Run ``python -m benchmarks.workflow_recommendations`` (``--quick`` for 20,000 runs); on PostgreSQL
with DATABASE_URL, in a database of its own that is dropped afterwards.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time

from benchmarks import machine, tables
from benchmarks.workflow_aggregation import change_database, with_database
from benchmarks.workflow_world import configure, prepare

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
    from workflows.services.recommendations import recommend

    prepare(rows)
    aggregate_performance()
    lines: list[list[tables.Cell]] = []
    for plan in ("starter", "pro", "scale"):
        person = User.objects.create_user(f"{plan}@bench.test")
        Profile.objects.create(user=person, plan=plan, market_id=2, skill_level_id=1)
        recommend(person=person)
        taken = []
        for _ in range(REPEATS):
            begun = time.perf_counter()
            recommend(person=person)
            taken.append(1000 * (time.perf_counter() - begun))
        with CaptureQueriesContext(connection) as asked:
            found = recommend(person=person)
        lines.append(
            [
                f"recommend, {plan} ({len(found.items)} shown)",
                tables.median(taken),
                sorted(taken)[int(len(taken) * 0.95)],
                len(asked),
            ]
        )
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        list(
            Execution.objects.filter(market_id=2, skill_level_id=1)
            .values("workflow")
            .annotate(starts=Count("pk"), won=Count("pk", filter=Q(first_outcome_at__isnull=False)))
        )
        taken.append(1000 * (time.perf_counter() - begun))
    lines.append(["counting one cohort anew", tables.median(taken), max(taken), 1])
    return lines


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
            ["what", "median ms", "p95 ms", "queries"],
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
