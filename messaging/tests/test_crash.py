"""Real processes killed between the steps of a turn and a send; see tests/crash/whatsapp_runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.crash.scratch import scratch_database

ROOT = Path(__file__).resolve().parents[2]
POINTS = 15


def run(*, database_url: str) -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL")
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash.whatsapp_runner", "--quick"],
        cwd=ROOT,
        env=environment | ({"DATABASE_URL": database_url} if database_url else {}),
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return next(line for line in ended.stdout.splitlines() if line.startswith("all "))


def check(totals: str) -> None:
    runs, kills, bad = (int(figure) for figure in totals.split()[1:4])
    assert (runs, bad) == (POINTS, 0)
    # Some second points are never reached: the first process had done all that leads there.
    assert kills >= 20


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_kill_at_each_step_loses_no_message_and_doubles_no_turn_and_no_reply() -> None:
    check(run(database_url=""))


@pytest.mark.services
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_kill_at_each_step_on_postgresql() -> None:
    if settings.DATABASE_IS_SQLITE:
        pytest.skip("needs PostgreSQL; make test-services runs this")
    with scratch_database(os.environ["DATABASE_URL"]) as url:
        check(run(database_url=url))
