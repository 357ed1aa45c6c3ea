"""Tests of the state machines' own world."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis.stateful import rule

from accounts.models import User
from accounts.tests.factories import make_user
from core.tests.machines import RolledBackMachine, walk


class CutOff(RolledBackMachine):
    """Ends while its world is made, as by the time limit of a test."""

    def __init__(self) -> None:
        super().__init__()
        make_user()
        raise TimeoutError("cut off")

    @rule()
    def go_on(self) -> None:
        raise AssertionError("never reached")


@pytest.mark.django_db
def test_a_walk_cut_off_in_its_first_step_leaves_the_connection_as_it_was() -> None:
    depth = len(connection.savepoint_ids)

    with pytest.raises(TimeoutError, match="cut off"):
        walk(CutOff, examples=2, steps=2)

    assert len(connection.savepoint_ids) == depth
    assert not connection.needs_rollback
    assert User.objects.count() == 0
