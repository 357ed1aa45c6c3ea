"""The one door to background work: `nudge`, `@job`, `@periodic`, `@sweep`.

Rows are the truth and a job is a nudge that says "look at the rows of kind N now". So a handler
takes an id, looks the row up, claims it by a conditional UPDATE and may run twice without
changing anything; and every kind of row also has a sweep that finds what no nudge announced.

Behind the door stands Procrastinate when the database is PostgreSQL, a few threads of the
server process when it is SQLite, and under ``JOBS_MODE=inline`` (tests) nothing runs until
`core.jobs.testing.drain()` is called. Only `core.jobs.postgres` may import Procrastinate.

    @job("surveys.pay_out")
    def pay_out(key: str) -> None:
        payouts.send_payout(payout_id=key)

    @sweep("surveys.due_payouts", every_seconds=1)
    def find_due_payouts() -> None:
        for payout_id in selectors.list_due_payout_ids():
            nudge("surveys.pay_out", payout_id)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.jobs.backends import NudgeSql, find_backend
from core.jobs.cron import check_cron
from core.jobs.registry import (
    DEFAULT_LANE,
    MAX_KEY_LENGTH,
    VIDEO_LANE,
    WEBHOOK_LANE,
    DuplicateJobError,
    JobHandler,
    JobSpec,
    PeriodicSpec,
    PlainHandler,
    SweepSpec,
    UnknownJobError,
    job_registry,
)

__all__ = [
    "DEFAULT_LANE",
    "VIDEO_LANE",
    "WEBHOOK_LANE",
    "DuplicateJobError",
    "NudgeSql",
    "UnknownJobError",
    "job",
    "nudge",
    "nudge_many",
    "nudge_sql",
    "periodic",
    "start_in_server",
    "stop_in_server",
    "sweep",
]


def job(name: str, *, lane: str = DEFAULT_LANE) -> Callable[[JobHandler], JobHandler]:
    """Register the decorated function as the handler of a job.

    The function takes the key of the nudge, is safe to run twice and at the same time as
    itself, and makes its outside calls outside of any transaction. Its exceptions are logged
    and not retried here: attempts and `next_attempt_at` live in the row, where a sweep reads
    them.

    Args:
        name: unique, ``app.verb_noun``.
        lane: `VIDEO_LANE` for work of minutes, `WEBHOOK_LANE` for calls to servers nobody here
            knows: neither must hold up the rest.

    Raises:
        DuplicateJobError: another function holds the name.
    """

    def register(handler: JobHandler) -> JobHandler:
        job_registry.add_job(JobSpec(name, handler, lane))
        return handler

    return register


def periodic(
    cron: str, *, name: str, lane: str = DEFAULT_LANE
) -> Callable[[PlainHandler], PlainHandler]:
    """Register the decorated function to run when the cron line matches (UTC, five fields).

    On PostgreSQL one of all workers runs it. A match that passes while no process is up is
    not made up for. The name can also be nudged.

    Raises:
        ValueError: the cron line does not parse.
    """
    check_cron(cron)

    def register(handler: PlainHandler) -> PlainHandler:
        job_registry.add_periodic(PeriodicSpec(name, handler, lane, cron))
        return handler

    return register


def sweep(
    name: str, *, every_seconds: int, lane: str = DEFAULT_LANE
) -> Callable[[PlainHandler], PlainHandler]:
    """Register the decorated function as a recovery query.

    It looks for rows by their own state and nudges or settles them; it must be quick, since
    sweeps share one thread of each process. Several processes may run it at the same moment.
    A nudge made inside a sweep runs in the process that swept, so that a row that stays due
    does not pile up messages.

    Args:
        name: unique among sweeps.
        every_seconds: 1 for what is due, 30 for what has stood too long.
    """

    def register(handler: PlainHandler) -> PlainHandler:
        job_registry.add_sweep(SweepSpec(name, handler, lane, every_seconds))
        return handler

    return register


def nudge(name: str, key: str = "") -> None:
    """Ask for a job to look at the rows of this key, once the current transaction commits.

    After a rollback nothing happens. Outside a transaction it takes effect at once. One nudge
    for a batch is better than one a row. The nudge may be lost (a crash after the commit) or
    doubled; the receiver's sweep and conditional claim make both harmless.

    Args:
        name: the job's registered name.
        key: an id, at most 200 characters, never personal or secret text: it is logged.

    Raises:
        UnknownJobError: no installed app registers the name.
        ValueError: the key is too long.
    """
    if len(key) > MAX_KEY_LENGTH:
        raise ValueError(f"a job's key has at most {MAX_KEY_LENGTH} characters")
    find_backend().nudge(job_registry.find_job(name), key)


def nudge_many(name: str, keys: Iterable[str]) -> None:
    """Ask for a job once for each key, at the price of about one nudge; see `nudge`.

    For rows that must not wait for one another; otherwise one nudge stands for a batch.

    Raises:
        UnknownJobError: no installed app registers the name.
        ValueError: a key is too long.
    """
    wanted = list(dict.fromkeys(keys))
    if any(len(key) > MAX_KEY_LENGTH for key in wanted):
        raise ValueError(f"a job's key has at most {MAX_KEY_LENGTH} characters")
    if wanted:
        find_backend().nudge_many(job_registry.find_job(name), wanted)


def nudge_sql(name: str, key: str = "") -> NudgeSql | None:
    """Return a nudge as SQL, for a statement that is a transaction of its own.

    The nudge is a row and stands or falls with that statement. For the one or two places where
    another statement would cost more than the work; `nudge` is for all others.

    Returns:
        None where a nudge is no row: then call `nudge` after the statement.

    Raises:
        UnknownJobError: no installed app registers the name.
        ValueError: the key is too long.
    """
    if len(key) > MAX_KEY_LENGTH:
        raise ValueError(f"a job's key has at most {MAX_KEY_LENGTH} characters")
    return find_backend().nudge_sql(job_registry.find_job(name), key)


def start_in_server() -> None:
    """Start the job threads of a server process, when this process is the one to run jobs.

    Called by the ASGI module. On PostgreSQL (`manage.py run_worker` runs jobs) and under
    ``JOBS_MODE=inline`` it does nothing. The threads end with the process.
    """
    find_backend().start_in_server()


def stop_in_server() -> None:
    """Stop what `start_in_server` started and wait a few seconds for running jobs."""
    find_backend().stop_in_server()
