from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from core import clock


def test_a_moment_is_written_in_utc_with_milliseconds():
    bogota = timezone(timedelta(hours=-5))

    assert clock.rfc3339(datetime(2026, 11, 21, 4, 30, 0, 125_999, bogota)) == (
        "2026-11-21T09:30:00.125Z"
    )


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        clock.rfc3339(datetime(2026, 11, 21))  # noqa: DTZ001 - the point of the test


def test_now_is_aware_and_can_be_frozen():
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

    with time_machine.travel(moment, tick=False):
        assert clock.now() == moment


def test_the_monotonic_clock_does_not_follow_the_wall_clock():
    before = clock.monotonic()

    with time_machine.travel(datetime(2020, 1, 1, tzinfo=UTC)):
        assert clock.monotonic() - before < 60
