"""What every back end of the door promises, run on each of them.

The PostgreSQL one needs its server (`make test-services`); the thread one runs everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.utils import timezone

from core.health import run_checks
from core.jobs import VIDEO_LANE, job, nudge, sweep
from core.jobs.backends import find_backend
from core.jobs.testing import empty_registry
from core.jobs.thread import ThreadBackend
from core.live.models import LiveStream
from core.tests.live_rooms import COMMITS

WAIT = 30.0
pytestmark = COMMITS

Start = Callable[[], None]


def start_thread_backend() -> Callable[[], None]:
    backend = find_backend()
    backend.start_in_server()
    return backend.stop_in_server


def start_postgres_backend() -> Callable[[], None]:
    from core.jobs.postgres import PostgresBackend, WorkerProcess

    backend = find_backend()
    assert isinstance(backend, PostgresBackend)
    worker = WorkerProcess(backend)
    thread = threading.Thread(
        target=lambda: asyncio.run(worker.run(handle_signals=False)), name="test-worker"
    )
    thread.start()

    def stop() -> None:
        worker.stop()
        thread.join(WAIT)
        assert not thread.is_alive()
        # Procrastinate leaves tasks behind whose exception nobody takes; asyncio reports that
        # when they are collected. Now, and not while Python 3.11 builds a syntax tree, which
        # such a report in between makes fail with a SystemError.
        gc.collect()

    return stop


@pytest.fixture(
    params=["thread", pytest.param("postgres", marks=pytest.mark.services)],
)
def start(request: pytest.FixtureRequest, settings: Any) -> Iterator[Start]:
    """Return a function that starts what runs jobs; it is stopped after the test."""
    if request.param == "postgres":
        assert django_settings.PROCRASTINATE_ENABLED, "these tests need DATABASE_URL"
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
    else:
        settings.PROCRASTINATE_ENABLED = False
    settings.JOBS_MODE = "auto"
    stops: list[Callable[[], None]] = []

    def begin() -> None:
        begin_backend = (
            start_postgres_backend if request.param == "postgres" else start_thread_backend
        )
        stops.append(begin_backend())

    with empty_registry():
        yield begin
        for stop in stops:
            stop()


class Seen:
    """What ran, and a way to wait for it."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._condition = threading.Condition()

    def add(self, key: str) -> None:
        with self._condition:
            self.keys.append(key)
            self._condition.notify_all()

    def wait_for(self, count: int, seconds: float = WAIT) -> bool:
        with self._condition:
            return self._condition.wait_for(lambda: len(self.keys) >= count, seconds)


def make_row(name: str) -> None:
    LiveStream.objects.create(name=name, created_at=timezone.now())


def test_the_handler_sees_what_was_committed_with_the_nudge(start: Start) -> None:
    found = Seen()

    @job("core.look")
    def look(key: str) -> None:
        found.add(f"{key} {LiveStream.objects.filter(name=key).count()}")

    start()
    with transaction.atomic():
        nudge("core.look", "row")
        make_row("row")
        assert not found.wait_for(1, 0.3)

    assert found.wait_for(1)
    assert found.keys == ["row 1"]


def test_a_rolled_back_nudge_runs_nothing(start: Start) -> None:
    seen = Seen()
    job("core.look")(seen.add)

    start()
    with contextlib.suppress(RuntimeError), transaction.atomic():
        nudge("core.look", "lost")
        raise RuntimeError
    nudge("core.look", "kept")

    assert seen.wait_for(1)
    time.sleep(0.3)
    assert seen.keys == ["kept"]


def test_an_idle_back_end_wakes_quickly(start: Start) -> None:
    seen = Seen()
    job("core.look")(seen.add)
    start()
    nudge("core.look", "warm")
    assert seen.wait_for(1)
    time.sleep(0.3)

    waits = []
    for number in range(5):
        began = time.monotonic()
        nudge("core.look", str(number))
        assert seen.wait_for(2 + number)
        waits.append(time.monotonic() - began)

    # Half a second is PostgreSQL's poll; the notification is much faster.
    # The best of five: each begins right after a look, so a poll would show in every one.
    assert min(waits) < 0.25


def test_a_nudge_from_a_job_joins_that_jobs_transaction(start: Start) -> None:
    seen = Seen()
    job("core.after")(seen.add)

    @job("core.first")
    def first(key: str) -> None:
        try:
            with transaction.atomic():
                nudge("core.after", "rolled back")
                raise RuntimeError
        except RuntimeError:
            seen.add("first")
        with transaction.atomic():
            nudge("core.after", "committed")

    start()
    nudge("core.first")

    assert seen.wait_for(2)
    time.sleep(0.3)
    assert seen.keys == ["first", "committed"]


def test_a_failing_job_does_not_stop_the_next(start: Start) -> None:
    seen = Seen()
    job("core.look")(seen.add)

    @job("core.fail")
    def fail(key: str) -> None:
        raise RuntimeError

    start()
    for _ in range(6):
        nudge("core.fail")
    nudge("core.look", "after")

    assert seen.wait_for(1)
    assert seen.keys == ["after"]


def test_a_long_video_does_not_hold_up_a_payout(start: Start) -> None:
    seen = Seen()
    release = threading.Event()
    job("core.pay")(seen.add)

    @job("core.render", lane=VIDEO_LANE)
    def render(key: str) -> None:
        release.wait(WAIT)

    start()
    for number in range(3):
        nudge("core.render", str(number))
    nudge("core.pay", "payout")

    assert seen.wait_for(1)
    release.set()


def test_of_jobs_for_one_row_one_does_the_work(start: Start) -> None:
    settled, looked = Seen(), Seen()

    @job("core.settle")
    def settle(key: str) -> None:
        name = key.partition("/")[0]
        if LiveStream.objects.filter(name=name, last_seq=0).update(last_seq=1):
            settled.add(name)
        looked.add(key)

    make_row("due")
    start()
    for number in range(8):
        nudge("core.settle", f"due/{number}")

    assert looked.wait_for(8)
    assert settled.keys == ["due"]


def test_a_row_without_a_nudge_is_found_by_the_sweep(start: Start) -> None:
    settled = Seen()

    @job("core.settle")
    def settle(key: str) -> None:
        if LiveStream.objects.filter(name=key, last_seq=0).update(last_seq=1):
            settled.add(key)

    @sweep("core.due", every_seconds=1)
    def find_due() -> None:
        for name in LiveStream.objects.filter(last_seq=0).values_list("name", flat=True):
            nudge("core.settle", name)

    make_row("left by a crash")
    start()

    assert settled.wait_for(1)
    make_row("left later")
    assert settled.wait_for(2)
    assert settled.keys == ["left by a crash", "left later"]


def test_health_tells_whether_the_threads_run(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROCRASTINATE_ENABLED, settings.JOBS_MODE = False, "auto"
    monkeypatch.setattr("core.health._checks", {})
    backend = find_backend()
    assert isinstance(backend, ThreadBackend)

    assert backend.check_health().status == "fail"
    backend.start_in_server()
    found = run_checks()["checks"]["jobs"]["status"]
    backend.stop_in_server()

    assert found == "pass"
    assert backend.check_health().status == "fail"


def test_nothing_runs_before_the_start(start: Start) -> None:
    seen = Seen()
    job("core.look")(seen.add)

    nudge("core.look", "early")

    assert not seen.wait_for(1, 0.3)


@pytest.mark.services
class TestPostgres:
    """What only PostgreSQL's back end does."""

    @pytest.fixture(autouse=True)
    def _postgres(self, settings: Any) -> Iterator[None]:
        assert django_settings.PROCRASTINATE_ENABLED, "these tests need DATABASE_URL"
        settings.JOBS_MODE = "auto"
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
            cursor.execute("DELETE FROM procrastinate_workers")
        with empty_registry():
            yield

    @staticmethod
    def count_jobs() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs")
            return int(cursor.fetchone()[0])

    def test_a_nudge_is_a_row_of_the_transaction_without_locks(self) -> None:
        job("core.render", lane=VIDEO_LANE)(lambda key: None)

        with transaction.atomic():
            nudge("core.render", "k")
            assert self.count_jobs() == 1
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT queue_name, args, lock, queueing_lock, status FROM procrastinate_jobs"
            )
            rows = cursor.fetchall()

        assert [(row[0], row[2], row[3], row[4]) for row in rows] == [("video", None, None, "todo")]
        assert '"core.render"' in str(rows[0][1]) or "core.render" in str(rows[0][1])

    def test_jobs_nudged_before_a_worker_starts_run_then_and_leave_no_rows(self) -> None:
        seen = Seen()
        job("core.look")(seen.add)
        for number in range(5):
            nudge("core.look", str(number))
        assert self.count_jobs() == 5

        stop = start_postgres_backend()
        assert seen.wait_for(5)
        stop()

        assert sorted(seen.keys) == ["0", "1", "2", "3", "4"]
        assert self.count_jobs() == 0

    def test_the_job_of_a_worker_that_died_runs_again(self) -> None:
        from core.jobs.postgres import build_worker_app, retry_stalled_jobs

        seen = Seen()
        job("core.look")(seen.add)
        nudge("core.look", "taken by a dead worker")

        async def take_and_die() -> None:
            async with build_worker_app().open_async() as app:
                worker_id = await app.job_manager.register_worker()
                taken = await app.job_manager.fetch_job(["default"], worker_id)
                assert taken is not None

        async def retry() -> int:
            async with build_worker_app().open_async() as app:
                return await retry_stalled_jobs(app)

        asyncio.run(take_and_die())
        assert asyncio.run(retry()) == 0
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'"
            )
        stop = start_postgres_backend()
        assert seen.wait_for(1)
        stop()

        assert seen.keys == ["taken by a dead worker"]

    def test_a_sweep_does_not_pile_up_messages(self) -> None:
        seen = Seen()
        release = threading.Event()

        @job("core.settle")
        def settle(key: str) -> None:
            seen.add(key)
            release.wait(WAIT)

        @sweep("core.due", every_seconds=1)
        def find_due() -> None:
            nudge("core.settle", "always due")

        stop = start_postgres_backend()
        assert seen.wait_for(1)
        time.sleep(2.2)
        piled_up = self.count_jobs()
        ran_meanwhile = list(seen.keys)
        release.set()
        stop()

        assert piled_up == 0
        assert ran_meanwhile == ["always due"]

    def test_cron_jobs_are_announced_for_the_lanes_of_the_worker(self) -> None:
        from core.jobs import periodic
        from core.jobs.postgres import build_worker_app

        periodic("0 3 * * *", name="core.nightly")(lambda: None)
        periodic("0 4 * * *", name="core.nightly_video", lane=VIDEO_LANE)(lambda: None)

        def announced(*lanes: str) -> list[str]:
            tasks = build_worker_app(lanes=lanes).periodic_registry.periodic_tasks
            return [periodic_id for _task, periodic_id in tasks]

        assert announced("default") == ["core.nightly"]
        assert announced("video") == ["core.nightly_video"]

    def test_health_tells_whether_a_worker_is_alive(self) -> None:
        from core.jobs.postgres import PostgresBackend

        assert PostgresBackend.check_health().status == "fail"
        stop = start_postgres_backend()
        seen = Seen()
        job("core.look")(seen.add)
        nudge("core.look", "k")
        assert seen.wait_for(1)
        found = PostgresBackend.check_health().status
        stop()

        assert found == "pass"
        assert PostgresBackend.check_health().status == "fail"

    def test_a_worker_survives_the_loss_of_its_connections(self) -> None:
        seen = Seen()
        job("core.look")(seen.add)
        stop = start_postgres_backend()
        nudge("core.look", "before")
        assert seen.wait_for(1)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        nudge("core.look", "after")
        deadline = time.monotonic() + 20
        while "after" not in seen.keys and time.monotonic() < deadline:
            seen.wait_for(len(seen.keys) + 1, 1)
        stop()
        # The idle connections of this process died as well. The pool would find that out one by
        # one, with a growing pause after each.
        connection.close()
        connection.close_pool()

        # "before" may run twice: its end could not be written down.
        assert set(seen.keys) == {"before", "after"}
        assert seen.keys.count("after") == 1
