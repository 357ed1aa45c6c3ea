"""Real processes killed with SIGKILL between the steps of `complete`; see tests/crash/runner.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_kill_at_each_step_loses_and_doubles_nothing() -> None:
    # A database of its own: the processes must not meet the one of this test run.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL")
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash.runner", "--quick"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    totals = next(line for line in lines if line.startswith("all ")).split()
    runs, kills, bad = (int(figure) for figure in totals[1:4])
    assert (runs, bad) == (8, 0)
    assert kills >= 12
    assert "ledger: right" in lines
