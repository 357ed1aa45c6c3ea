"""The nightly aggregation ended by kill -9 between its last write and its commit."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Market, SkillLevel
from workflows.aggregation import postgresql
from workflows.models import (
    AggregationRun,
    AggregationState,
    ValueSpread,
    WorkflowPerformance,
    WorkflowSuccess,
)
from workflows.services.aggregation import aggregate_performance
from workflows.tests.test_aggregation import (
    NOW,
    check_against_reference,
    make_people,
    make_world,
)

pytestmark = pytest.mark.slow  # processes that load everything
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


def start_child(database_url: str, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, NOW.isoformat(), how],
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "true",
        },
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_before_the_commit(database_url: str) -> None:
    with start_child(database_url, "halt") as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "written\n"
        finally:
            child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=10) == -signal.SIGKILL


# As pg_locks shows a key of 64 bits.
_LOCK = f"classid = {postgresql.LOCK_KEY >> 32} AND objid = {postgresql.LOCK_KEY & 0xFFFFFFFF}"
Select = Callable[[str], list[tuple[Any, ...]]]


def select_here(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def figures_in(select: Select) -> list[list[tuple[Any, ...]]]:
    """Return all figures, without their own ids and the run they are of."""
    found = []
    for model in FIGURES:
        names = [field.column for field in model._meta.fields if field.name not in ("id", "run")]
        rows = select(f"SELECT {', '.join(names)} FROM {model._meta.db_table}")
        found.append(sorted(rows, key=repr))
    return found


def runs_in(select: Select) -> list[str]:
    table = AggregationRun._meta.db_table
    return [row[0] for row in select(f"SELECT state FROM {table} ORDER BY id")]


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a test of its own")
def test_a_killed_aggregation_changes_nothing_and_the_next_one_counts_everything(tmp_path: Path):
    make_people(12)
    make_world(1, runs=200)
    aggregate_performance(now=NOW)
    old = figures_in(select_here)
    make_world(2, runs=200)
    path = tmp_path / "copy.sqlite3"
    connection.ensure_connection()
    path.write_bytes(connection.connection.serialize())
    copied = f"sqlite:///{path}"

    kill_before_the_commit(copied)

    def select_there(statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as copy:
            return copy.execute(statement).fetchall()

    assert figures_in(select_there) == old
    assert runs_in(select_there) == [AggregationState.COMPLETED, AggregationState.RUNNING]

    with start_child(copied, "through") as again:
        assert again.communicate(timeout=30)[0] == "finished\n"

    aggregate_performance(now=NOW)
    new = figures_in(select_here)
    assert new != old
    assert figures_in(select_there) == new
    assert runs_in(select_there) == [
        AggregationState.COMPLETED,
        AggregationState.INTERRUPTED,
        AggregationState.COMPLETED,
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has a test of its own")
def test_a_killed_aggregation_on_postgresql_changes_nothing_and_lets_go_of_its_lock():
    # A test that commits may come after one that emptied the tables.
    for number in (1, 2):
        Market.objects.get_or_create(slug=f"market-{number}", defaults={"label": f"M{number}"})
        SkillLevel.objects.get_or_create(slug=f"skill-{number}", defaults={"label": f"S{number}"})
    make_people(12)
    make_world(1, runs=200)
    aggregate_performance(now=NOW)
    old = figures_in(select_here)
    make_world(2, runs=200)
    server = connection.settings_dict
    login = f"{quote(server['USER'], safe='')}:{quote(server['PASSWORD'], safe='')}"

    kill_before_the_commit(f"postgres://{login}@{server['HOST']}:{server['PORT']}/{server['NAME']}")

    assert figures_in(select_here) == old
    assert runs_in(select_here) == [AggregationState.COMPLETED, AggregationState.RUNNING]
    # The server finds out by itself that nobody is there any more.
    until = time.monotonic() + 20
    holders = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND {_LOCK}"
    while select_here(holders):
        assert time.monotonic() < until, "the killed process's lock is still held"
        time.sleep(0.02)

    aggregate_performance(now=NOW)

    assert figures_in(select_here) != old
    check_against_reference()
    assert runs_in(select_here) == [
        AggregationState.COMPLETED,
        AggregationState.INTERRUPTED,
        AggregationState.COMPLETED,
    ]
