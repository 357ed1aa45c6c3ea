"""The door of background work: registering, nudging, and running by hand in tests."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from core.jobs import DuplicateJobError, UnknownJobError, job, nudge, periodic, sweep
from core.jobs.cron import seconds_until_next
from core.jobs.registry import JobRegistry, JobSpec, job_registry
from core.jobs.testing import (
    EndlessJobsError,
    drain,
    empty_registry,
    lose_pending,
    pending,
    run_sweeps,
)
from core.live.models import LiveStream
from core.tests.live_rooms import COMMITS


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    """Give each test empty tables of jobs."""
    with empty_registry():
        yield


def make_row(name: str) -> LiveStream:
    """Return a row that is due while its number is 0."""
    return LiveStream.objects.create(name=name, created_at=timezone.now())


def test_handlers_get_the_key_in_the_order_of_the_nudges(db: None) -> None:
    seen: list[str] = []
    job("surveys.evaluate")(seen.append)

    nudge("surveys.evaluate", "b")
    nudge("surveys.evaluate", "a")

    assert seen == []
    assert pending() == [("surveys.evaluate", "b"), ("surveys.evaluate", "a")]
    assert drain() == [("surveys.evaluate", "b"), ("surveys.evaluate", "a")]
    assert seen == ["b", "a"]
    assert drain() == []


def test_the_same_nudge_twice_is_one_job(db: None) -> None:
    seen: list[str] = []
    job("surveys.evaluate")(seen.append)

    nudge("surveys.evaluate", "a")
    nudge("surveys.evaluate", "a")

    assert drain() == [("surveys.evaluate", "a")]
    assert seen == ["a"]


def test_a_rollback_takes_the_nudge_with_it(db: None) -> None:
    seen: list[str] = []
    job("surveys.evaluate")(seen.append)

    with contextlib.suppress(RuntimeError), transaction.atomic():
        nudge("surveys.evaluate", "a")
        raise RuntimeError

    assert drain() == []
    assert seen == []


@COMMITS
def test_a_nudge_waits_for_the_real_commit() -> None:
    seen: list[str] = []
    job("surveys.evaluate")(seen.append)

    with transaction.atomic():
        nudge("surveys.evaluate", "a")
        from core.jobs.backends import find_backend

        assert find_backend().pending == []

    assert drain() == [("surveys.evaluate", "a")]


def test_jobs_that_nudge_further_jobs_are_all_run(db: None) -> None:
    seen: list[str] = []

    @job("surveys.pay")
    def pay(key: str) -> None:
        seen.append(f"pay {key}")

    @job("surveys.evaluate")
    def evaluate(key: str) -> None:
        with transaction.atomic():
            seen.append(f"evaluate {key}")
            nudge("surveys.pay", key)

    nudge("surveys.evaluate", "a")

    assert drain() == [("surveys.evaluate", "a"), ("surveys.pay", "a")]
    assert seen == ["evaluate a", "pay a"]


def test_jobs_that_never_end_are_found_out(db: None) -> None:
    @job("surveys.loop")
    def loop(key: str) -> None:
        nudge("surveys.loop", key + "x" if len(key) < 100 else "x")

    nudge("surveys.loop", "x")

    with pytest.raises(EndlessJobsError, match=r"surveys\.loop"):
        drain()


def test_a_failing_job_is_logged_and_the_next_one_runs(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    @job("surveys.fail")
    def fail(key: str) -> None:
        raise RuntimeError("what a person said")

    job("surveys.evaluate")(seen.append)
    nudge("surveys.fail", "a")
    nudge("surveys.evaluate", "b")

    with caplog.at_level(logging.ERROR, logger="core.jobs.registry"):
        drain()

    assert seen == ["b"]
    (record,) = caplog.records
    assert record.getMessage() == "job.failed"
    assert (record.job, record.key) == ("surveys.fail", "a")


def test_an_unknown_name_is_refused_and_nothing_is_queued(db: None) -> None:
    with pytest.raises(UnknownJobError, match=r"surveys\.typo"):
        nudge("surveys.typo", "a")

    assert pending() == []


def test_a_key_that_is_too_long_is_refused(db: None) -> None:
    job("surveys.evaluate")(lambda key: None)

    with pytest.raises(ValueError, match="at most 200"):
        nudge("surveys.evaluate", "x" * 201)

    assert pending() == []


def test_two_functions_cannot_share_a_name() -> None:
    def first(key: str) -> None: ...
    def second(key: str) -> None: ...

    job("surveys.evaluate")(first)
    job("surveys.evaluate")(first)
    with pytest.raises(DuplicateJobError):
        job("surveys.evaluate")(second)

    assert job_registry.jobs["surveys.evaluate"].handler is first


def test_a_cron_job_cannot_take_a_jobs_name() -> None:
    def plain(key: str) -> None: ...
    def timed() -> None: ...

    job("surveys.evaluate")(plain)
    with pytest.raises(DuplicateJobError):
        periodic("0 3 * * *", name="surveys.evaluate")(timed)

    assert job_registry.periodic == {}


@pytest.mark.parametrize("line", ["", "every day", "61 * * * *", "* * * *", "* * * * * *"])
def test_a_cron_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="cron line"):
        periodic(line, name="core.nightly")


def test_seconds_until_a_cron_line_matches() -> None:
    at = datetime(2026, 11, 21, 2, 59, 30, tzinfo=UTC)

    assert seconds_until_next("0 3 * * *", after=at) == 30.0
    assert seconds_until_next("*/5 * * * *", after=at) == 30.0
    assert seconds_until_next("0 0 1 * *", after=at) == (9 * 86_400 + 21 * 3600 + 30)


def test_a_cron_job_can_be_nudged(db: None) -> None:
    ran: list[str] = []

    @periodic("0 3 * * *", name="core.nightly")
    def nightly() -> None:
        ran.append("nightly")

    nudge("core.nightly")
    drain()

    assert ran == ["nightly"]


def test_a_lane_or_an_interval_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="lane"):
        job("surveys.evaluate", lane="fast")(lambda key: None)
    with pytest.raises(ValueError, match="seconds"):
        sweep("surveys.due", every_seconds=5)(lambda: None)

    assert job_registry.jobs == {}
    assert job_registry.sweeps == {}


def test_a_lost_nudge_is_found_by_the_sweep(db: None) -> None:
    @job("core.settle")
    def settle(key: str) -> None:
        LiveStream.objects.filter(name=key, last_seq=0).update(last_seq=1)

    @sweep("core.due", every_seconds=1)
    def find_due() -> None:
        for name in LiveStream.objects.filter(last_seq=0).values_list("name", flat=True):
            nudge("core.settle", name)

    row = make_row("due")
    nudge("core.settle", "due")
    assert lose_pending() == [("core.settle", "due")]
    assert drain() == []
    row.refresh_from_db()
    assert row.last_seq == 0

    assert drain(sweeps=True) == [("core.settle", "due")]
    row.refresh_from_db()
    assert row.last_seq == 1
    assert drain(sweeps=True) == []


def test_a_job_that_runs_twice_changes_nothing_the_second_time(db: None) -> None:
    settled: list[str] = []

    @job("core.settle")
    def settle(key: str) -> None:
        if LiveStream.objects.filter(name=key, last_seq=0).update(last_seq=1):
            settled.append(key)

    make_row("due")
    nudge("core.settle", "due")
    drain()
    nudge("core.settle", "due")
    drain()

    assert settled == ["due"]


def test_only_the_named_sweep_runs() -> None:
    ran: list[str] = []
    sweep("core.one", every_seconds=1)(lambda: ran.append("one"))
    sweep("core.two", every_seconds=30)(lambda: ran.append("two"))

    run_sweeps("core.two")
    assert ran == ["two"]
    run_sweeps()
    assert ran == ["two", "one", "two"]
    with pytest.raises(KeyError):
        run_sweeps("core.three")


def test_a_failing_sweep_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    @sweep("core.broken", every_seconds=1)
    def broken() -> None:
        raise RuntimeError

    sweep("core.sound", every_seconds=1)(lambda: ran.append("sound"))
    with caplog.at_level(logging.ERROR, logger="core.jobs.registry"):
        run_sweeps()

    assert ran == ["sound"]
    assert [record.getMessage() for record in caplog.records] == ["sweep.failed"]


def test_every_installed_app_is_discovered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("core.jobs.registry.autodiscover_modules", asked.append)
    own = JobRegistry()

    with pytest.raises(UnknownJobError):
        own.find_job("a")
    with pytest.raises(UnknownJobError):
        own.find_job("b")
    own.add_job(JobSpec("c", lambda key: None, "default"))

    assert own.find_job("c").name == "c"
    assert asked == ["tasks"]


def test_run_worker_says_what_to_do_on_sqlite(settings: pytest.FixtureRequest) -> None:
    settings.PROCRASTINATE_ENABLED = False

    with pytest.raises(CommandError, match="DATABASE_URL"):
        call_command("run_worker")


def test_run_worker_refuses_the_test_mode(settings: pytest.FixtureRequest) -> None:
    settings.PROCRASTINATE_ENABLED = True

    with pytest.raises(CommandError, match="JOBS_MODE"):
        call_command("run_worker")
