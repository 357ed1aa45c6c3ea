"""Running jobs by hand, for tests under ``JOBS_MODE=inline``.

Inside a test that is wrapped in a transaction (`django_db` without `transaction=True`) nothing
ever commits, so `drain` first runs what waits for the commit: to the code under test the
transaction looks committed at that point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from django.db import connection

from core.jobs.backends import find_backend
from core.jobs.inline import InlineBackend
from core.jobs.registry import job_registry

MAX_ROUNDS = 1000

Callback = Callable[[], object]


class EndlessJobsError(AssertionError):
    """Jobs nudge each other without end."""


def _inline() -> InlineBackend:
    backend = find_backend()
    if not isinstance(backend, InlineBackend):
        raise RuntimeError("core.jobs.testing needs JOBS_MODE=inline")
    return backend


def run_commit_callbacks() -> None:
    """Run what `transaction.on_commit` holds back in the test's outer transaction, in order."""
    while connection.in_atomic_block and connection.run_on_commit:
        waiting = cast("list[tuple[set[int], Callback, bool]]", connection.run_on_commit)
        connection.run_on_commit = []
        for _savepoints, callback, _robust in waiting:
            callback()


def pending() -> list[tuple[str, str]]:
    """Return the (job name, key) pairs a `drain` would run, in order, without running them."""
    run_commit_callbacks()
    return list(_inline().pending)


def drain(*, sweeps: bool = False) -> list[tuple[str, str]]:
    """Run every pending job, and those they nudge, until none is left.

    A job that raises is logged as it would be in production and the rest goes on.

    Args:
        sweeps: run all registered sweeps first, as the server does each second.

    Returns:
        The (job name, key) pairs that ran, in order.

    Raises:
        EndlessJobsError: after 1000 rounds there is still something to run.
    """
    if sweeps:
        run_sweeps()
    ran: list[tuple[str, str]] = []
    for _ in range(MAX_ROUNDS):
        run_commit_callbacks()
        batch = _inline().take()
        if not batch:
            return ran
        for name, key in batch:
            job_registry.run(name, key)
            ran.append((name, key))
    raise EndlessJobsError(f"jobs nudge each other without end; the last was {ran[-1]}")


def lose_pending() -> list[tuple[str, str]]:
    """Forget every pending nudge, as a crash after the commit does, and return what was lost."""
    run_commit_callbacks()
    return _inline().take()


def run_sweeps(*names: str) -> None:
    """Run the named sweeps, or all registered ones, once.

    Raises:
        KeyError: there is no sweep of that name.
    """
    job_registry.discover()
    for name in names or tuple(job_registry.sweeps):
        job_registry.run_sweep(job_registry.sweeps[name].name)


@contextmanager
def empty_registry() -> Iterator[None]:
    """Put empty tables of jobs, periodic jobs and sweeps in place of the real ones.

    Every app's jobs are imported first: a module imported while other tables stand here would
    register in those, and be missing from then on.
    """
    job_registry.discover()
    kept = (job_registry.jobs, job_registry.periodic, job_registry.sweeps)
    job_registry.jobs, job_registry.periodic, job_registry.sweeps = {}, {}, {}
    try:
        yield
    finally:
        job_registry.jobs, job_registry.periodic, job_registry.sweeps = kept
