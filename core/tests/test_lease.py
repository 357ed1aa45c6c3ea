from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.apps.registry import Apps
from django.db import connection, models

from core.lease import LeasedModel, claim, release, renew, unclaimed


class LeasedThing(LeasedModel):
    """A row for these tests alone; its table is made and dropped by them."""

    state = models.CharField(max_length=10, default="due")

    class Meta:
        # A registry of its own: other tests walk over every model and would miss its table.
        apps = Apps()
        app_label = "core"
        managed = False
        db_table = "core_test_leased_thing"


@pytest.fixture
def thing(transactional_db):
    with connection.schema_editor() as editor:
        editor.create_model(LeasedThing)
    yield LeasedThing.objects.create()
    with connection.schema_editor() as editor:
        editor.delete_model(LeasedThing)


def row(thing):
    return LeasedThing.objects.filter(pk=thing.pk)


def test_a_claimed_row_is_nobody_elses(thing):
    assert claim(row(thing), owner="a", seconds=30) == 1
    assert claim(row(thing), owner="b", seconds=30) is None
    assert claim(row(thing), owner="a", seconds=30) is None
    assert row(thing).filter(unclaimed()).count() == 0


def test_a_released_row_can_be_claimed_under_the_next_fence(thing):
    fence = claim(row(thing), owner="a", seconds=30)

    assert release(row(thing), fence=fence) is True
    assert release(row(thing), fence=fence) is False
    assert claim(row(thing), owner="b", seconds=30) == 2


def test_the_late_worker_is_fenced_off(thing):
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        old = claim(row(thing), owner="slow", seconds=30)
    with time_machine.travel(now + timedelta(seconds=31), tick=False):
        new = claim(row(thing), owner="quick", seconds=30)

        assert (old, new) == (1, 2)
        assert renew(row(thing), fence=old, seconds=30) is False
        assert release(row(thing), fence=old) is False
        assert row(thing).filter(fence=old).update(state="done") == 0
        assert renew(row(thing), fence=new, seconds=30) is True
        assert row(thing).filter(fence=new).update(state="done") == 1


def test_a_row_that_does_not_meet_the_conditions_is_not_claimed(thing):
    assert claim(row(thing).filter(state="done"), owner="a", seconds=30) is None
    assert LeasedThing.objects.get().fence == 0


def test_conditions_a_claim_itself_ends_do_not_hide_the_fence(thing):
    assert claim(row(thing).filter(fence=0, lease_owner=""), owner="a", seconds=30) == 1


def test_a_claim_of_several_rows_is_refused(thing):
    LeasedThing.objects.create()

    with pytest.raises(ValueError, match="one row"):
        claim(LeasedThing.objects.all(), owner="a", seconds=30)

    assert LeasedThing.objects.filter(fence=0).count() == 2


def test_of_16_threads_one_claims(thing):
    barrier = threading.Barrier(16)
    fences = []

    def run(number):
        try:
            barrier.wait()
            fences.append(claim(row(thing), owner=f"worker-{number}", seconds=30))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(fences, key=str) == [1] + [None] * 15
