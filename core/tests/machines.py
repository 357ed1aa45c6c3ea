"""State machines over rows: each walk in a world of its own, which nothing outlives.

Owns how a walk begins and ends; the rules of a machine stay with the app they try.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


class RolledBackMachine(RuleBasedStateMachine):
    """A world that is rolled back after each walk through it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = transaction.atomic()
        # As the one around every test: to the code under test it is no transaction.
        self.world._from_testcase = True
        self.world.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.world.__exit__(None, None, None)


def walk(machine: type[RolledBackMachine], *, examples: int, steps: int) -> None:
    """Take `examples` walks of up to `steps` steps, the same ones at every run.

    A failing walk is told as it was found: to shorten one that reads rows takes minutes, and a
    walk cut off by the time limit would be walked again and again.
    """
    depth = len(connection.savepoint_ids)
    profile = settings(
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        max_examples=examples,
        stateful_step_count=steps,
    )
    try:
        run_state_machine_as_test(machine, settings=profile)
    finally:
        _leave_worlds(depth)


def _leave_worlds(depth: int) -> None:
    """Close what a walk left open that was cut off while its world was made.

    Open, it would hold the connection of every test that follows.
    """
    while len(connection.savepoint_ids) > depth:
        world: Any = connection.atomic_blocks[-1]
        transaction.set_rollback(True)
        world.__exit__(None, None, None)
