"""Jobs on PostgreSQL, through Procrastinate. The only module that may import it.

Owns the mapping of our jobs onto one Procrastinate task, and the worker process. Every nudge is
a row of Procrastinate's table, written on Django's connection and so inside its transaction;
neither `lock` nor `queueing_lock` is used (the first makes successors wait for a poll, the
second aborts the transaction), because order and single execution come from row leases.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from procrastinate import App
from procrastinate.contrib.django import DjangoApp, connector_params
from procrastinate.contrib.django import app as django_app
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.sql import queries

from core.health import CheckResult, register_check
from core.jobs.backends import NudgeSql
from core.jobs.registry import LANES, JobSpec, job_registry
from core.jobs.runner import SERVER_LANES, Runner, inside_sweep

logger = logging.getLogger(__name__)

TASK_NAME: Final = "core.jobs.run"
CRON_TASK_NAME: Final = "core.jobs.run_cron"
POLL_SECONDS: Final = 0.5
STALLED_CHECK_SECONDS: Final = 30.0
# Three missed heartbeats of ten seconds.
STALLED_AFTER_SECONDS: Final = 30.0
GRACEFUL_STOP_SECONDS: Final = 20.0
RESTART_SECONDS: Final = 1.0
DEFER_SQL: Final = "({})".format(
    queries["defer_jobs"]
    .rstrip("; \n")
    .replace("%(jobs)s", "ARRAY[ROW(%s, %s, 0, NULL, NULL, %s::jsonb, NULL)]")
)
"""Procrastinate's own statement for one job, as a value: its queue, task and arguments."""


class PostgresBackend:
    """Defer nudges as Procrastinate jobs; a worker process runs them."""

    def __init__(self) -> None:
        self.worker_runner: Runner | None = None
        """The threads of this process when it is a worker, which run what its sweeps find."""

    def nudge(self, spec: JobSpec, key: str) -> None:
        """Write the job's row in the current transaction; LISTEN/NOTIFY wakes a worker.

        A nudge from a sweep stays in the worker that swept: the row would be nudged again each
        second for as long as it is due, and messages would pile up while workers are busy.
        """
        runner = self.worker_runner
        if runner is not None and inside_sweep() and runner.serves(spec.lane):
            transaction.on_commit(lambda: runner.submit(spec.name, key), robust=True)
            return
        deferrer = django_app.configure_task(TASK_NAME, queue=spec.lane)
        deferrer.defer(name=spec.name, key=key)

    def nudge_many(self, spec: JobSpec, keys: Sequence[str]) -> None:
        """Write all rows with one statement, which one by one would each cost its own."""
        if len(keys) == 1 or self.worker_runner is not None:
            for key in keys:
                self.nudge(spec, key)
            return
        deferrer = django_app.configure_task(TASK_NAME, queue=spec.lane)
        rows: list[Any] = [{"name": spec.name, "key": key} for key in keys]
        deferrer.batch_defer(*rows)

    def nudge_sql(self, spec: JobSpec, key: str) -> NudgeSql | None:
        """Return what `nudge` would have the database do; None where it asks no database."""
        if self.worker_runner is not None and inside_sweep():
            return None
        arguments = json.dumps({"name": spec.name, "key": key})
        return NudgeSql(DEFER_SQL, (spec.lane, TASK_NAME, arguments))

    def start_in_server(self) -> None:
        """Start nothing, since web processes only nudge; let them tell when nobody works."""
        register_check("jobs", self.check_health, needed=False)

    @staticmethod
    def check_health() -> CheckResult:
        """Tell whether a worker anywhere has given a sign of life lately."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM procrastinate_workers "
                "WHERE last_heartbeat > now() - %s * interval '1 second' LIMIT 1",
                [STALLED_AFTER_SECONDS],
            )
            if cursor.fetchone() is None:
                return CheckResult("fail", "No job worker runs; start 'manage.py run_worker'.")
        return CheckResult("pass")

    def stop_in_server(self) -> None:
        """Stop nothing."""


def build_worker_app(*, lanes: Iterable[str] = LANES) -> App:
    """Return a Procrastinate app with a connector of its own, fit for a worker.

    It is not Django's app with the connector replaced: jobs nudge, and their nudges must still
    join Django's transactions.

    Args:
        lanes: cron jobs of these lanes are announced by this worker's clock.
    """
    job_registry.discover()
    if settings.DATABASE_DIRECT_URL:
        # Behind a pooler in transaction mode LISTEN would hear nothing.
        connector = PsycopgConnector(conninfo=settings.DATABASE_DIRECT_URL)
    else:
        connector = PsycopgConnector(kwargs=connector_params())
    app = DjangoApp(connector=connector)
    app.task(name=TASK_NAME)(_run_job)
    cron_task = app.task(name=CRON_TASK_NAME)(_run_cron_job)
    served = set(lanes)
    for spec in job_registry.periodic.values():
        if spec.lane in served:
            app.periodic(
                cron=spec.cron,
                periodic_id=spec.name,
                queue=spec.lane,
                task_kwargs={"name": spec.name},
            )(cron_task)
    return app


def _run_job(name: str, key: str) -> None:
    """Run one of our jobs; a failure is logged by the registry and left to the row's sweep."""
    job_registry.run(name, key)


def _run_cron_job(timestamp: int, name: str) -> None:
    """Run a cron job that was due at a Unix time."""
    job_registry.run(name, "")


async def retry_stalled_jobs(app: App) -> int:
    """Put jobs of workers that died back in the queue.

    Safe to run in several workers at once: a job that another one has put back is skipped.

    Returns:
        How many jobs were put back.
    """
    retried = 0
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
    for job in stalled:
        try:
            await app.job_manager.retry_job(job)
        except ConnectorException:
            logger.info("job.stalled_taken_by_other", extra={"job_id": job.id})
        else:
            retried += 1
            logger.warning("job.stalled_retried", extra={"job_id": job.id})
    return retried


class WorkerProcess:
    """One process that runs the jobs, cron jobs and sweeps of some lanes.

    Args:
        backend: told about the process's threads, so that sweeps nudge locally.
        lanes: each gets a Procrastinate worker of its own, so that a long video never holds up
            a payout.
    """

    def __init__(self, backend: PostgresBackend, *, lanes: Sequence[str] = LANES) -> None:
        self._backend = backend
        self._lanes = tuple(lanes)
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Ask the process to end after the jobs that run; callable from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def run(self, *, handle_signals: bool = True) -> None:
        """Work until told to stop, reconnecting when the database goes away."""
        self._loop = asyncio.get_running_loop()
        if handle_signals:
            for signal_number in (signal.SIGINT, signal.SIGTERM):
                self._loop.add_signal_handler(signal_number, self._stop.set)
        lanes = {lane: SERVER_LANES[lane] for lane in self._lanes}
        runner = Runner(job_registry, lanes=lanes, periodic=False)
        self._backend.worker_runner = runner
        runner.start()
        logger.info("worker.started", extra={"lanes": list(self._lanes)})
        try:
            while not self._stop.is_set():
                try:
                    await self._work_until_interrupted()
                except Exception:
                    logger.exception("worker.interrupted")
                if not self._stop.is_set():
                    await asyncio.sleep(RESTART_SECONDS)
        finally:
            self._backend.worker_runner = None
            await asyncio.to_thread(runner.stop)
            logger.info("worker.stopped")

    async def _work_until_interrupted(self) -> None:
        """Run one worker a lane until a stop is asked for or one of them ends."""
        app = build_worker_app(lanes=self._lanes)
        async with app.open_async():
            tasks = [
                asyncio.create_task(app.run_worker_async(**_worker_options(lane)), name=lane)
                for lane in self._lanes
            ]
            tasks.append(asyncio.create_task(_retry_stalled_forever(app), name="stalled"))
            stop = asyncio.create_task(self._stop.wait(), name="stop")
            try:
                done, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (*tasks, stop):
                    task.cancel()
                results = await asyncio.gather(*tasks, stop, return_exceptions=True)
            for task, result in zip((*tasks, stop), results, strict=True):
                if task in done and isinstance(result, Exception):
                    raise result


def _worker_options(lane: str) -> Any:
    return {
        "queues": [lane],
        "name": f"parley-{lane}",
        "concurrency": SERVER_LANES[lane],
        "fetch_job_polling_interval": POLL_SECONDS,
        "delete_jobs": "always",
        "install_signal_handlers": False,
        "shutdown_graceful_timeout": GRACEFUL_STOP_SECONDS,
        "stalled_worker_timeout": STALLED_AFTER_SECONDS,
    }


async def _retry_stalled_forever(app: App) -> None:
    while True:
        await retry_stalled_jobs(app)
        await asyncio.sleep(STALLED_CHECK_SECONDS)


def run_worker(lanes: Sequence[str]) -> None:
    """Run a worker process for these lanes until SIGINT or SIGTERM.

    Raises:
        ImproperlyConfigured: a lane does not exist, or jobs do not run on PostgreSQL here.
    """
    from core.jobs.backends import find_backend

    unknown = [lane for lane in lanes if lane not in LANES]
    if unknown or not lanes:
        raise ImproperlyConfigured(f"no such lane: {unknown}; the lanes are {', '.join(LANES)}")
    backend = find_backend()
    if not isinstance(backend, PostgresBackend):
        raise ImproperlyConfigured("the job back end of these settings needs no worker")
    asyncio.run(WorkerProcess(backend, lanes=lanes).run())
