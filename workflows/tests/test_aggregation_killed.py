"""The nightly aggregation ended by kill -9 between its last write and its commit."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from workflows.models import (
    AggregationRun,
    AggregationState,
    ValueSpread,
    WorkflowPerformance,
    WorkflowSuccess,
)
from workflows.services.aggregation import aggregate_performance
from workflows.tests.test_aggregation import NOW, make_people, make_world

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,  # two processes that load everything
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="hands the child a copy of the database as a file"
    ),
]
# A process of its own, with the service as it is but for one halt before the commit.
CHILD = """
import sys, time
from datetime import datetime
import django
django.setup()
from workflows.aggregation import fitting
from workflows.services.aggregation import aggregate_performance
if sys.argv[2] == "halt":
    write = fitting.write_spreads
    def write_and_halt(run_id):
        rows = write(run_id)
        print("written", flush=True)
        time.sleep(60)
        return rows
    fitting.write_spreads = write_and_halt
aggregate_performance(now=datetime.fromisoformat(sys.argv[1]))
print("finished", flush=True)
"""
FIGURES = (WorkflowPerformance, WorkflowSuccess, ValueSpread)


def start_child(path: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, NOW.isoformat(), how],
        env={
            **os.environ,
            "DATABASE_URL": f"sqlite:///{path}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "true",
        },
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )


def figures_in(database: sqlite3.Connection) -> list[list[tuple[Any, ...]]]:
    """Return all figures, without their own ids and the run they are of."""
    found = []
    for model in FIGURES:
        names = [field.column for field in model._meta.fields if field.name not in ("id", "run")]
        rows = database.execute(f"SELECT {', '.join(names)} FROM {model._meta.db_table}")
        found.append(sorted(rows.fetchall(), key=repr))
    return found


def runs_in(database: sqlite3.Connection) -> list[str]:
    table = AggregationRun._meta.db_table
    return [row[0] for row in database.execute(f"SELECT state FROM {table} ORDER BY id")]


def test_a_killed_aggregation_changes_nothing_and_the_next_one_counts_everything(tmp_path: Path):
    make_people(12)
    make_world(1, runs=200)
    aggregate_performance(now=NOW)
    connection.ensure_connection()
    here = connection.connection
    old = figures_in(here)
    make_world(2, runs=200)
    path = tmp_path / "copy.sqlite3"
    path.write_bytes(here.serialize())

    with start_child(path, "halt") as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "written\n"
        finally:
            child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=10) == -signal.SIGKILL

    with closing(sqlite3.connect(path)) as copy:
        assert figures_in(copy) == old
        assert runs_in(copy) == [AggregationState.COMPLETED, AggregationState.RUNNING]

    with start_child(path, "through") as again:
        assert again.communicate(timeout=30)[0] == "finished\n"

    aggregate_performance(now=NOW)
    new = figures_in(here)
    assert new != old
    with closing(sqlite3.connect(path)) as copy:
        assert figures_in(copy) == new
        assert runs_in(copy) == [
            AggregationState.COMPLETED,
            AggregationState.INTERRUPTED,
            AggregationState.COMPLETED,
        ]
