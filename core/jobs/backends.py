"""Chooses what stands behind the door, by settings alone.

Knows the shape every back end has, and none of their insides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from django.conf import settings

if TYPE_CHECKING:
    from core.jobs.registry import JobSpec


class NudgeSql(NamedTuple):
    """A nudge as part of a larger statement."""

    expression: str
    """Constant SQL of a value; to evaluate it is to nudge."""
    params: tuple[str, ...]


class JobBackend(Protocol):
    """What the door asks of a back end."""

    def nudge(self, spec: JobSpec, key: str) -> None:
        """Have the job run after the current transaction commits, and not if it rolls back."""

    def nudge_many(self, spec: JobSpec, keys: Sequence[str]) -> None:
        """Do the same for each key."""

    def nudge_sql(self, spec: JobSpec, key: str) -> NudgeSql | None:
        """Return the nudge as SQL; None where it is no row of the database."""

    def start_in_server(self) -> None:
        """Start what a server process runs, if anything."""

    def stop_in_server(self) -> None:
        """End what `start_in_server` started."""


_backends: dict[str, JobBackend] = {}


def find_backend() -> JobBackend:
    """Return the back end of the current settings (tests change them)."""
    if getattr(settings, "JOBS_MODE", "auto") == "inline":
        name = "inline"
    elif getattr(settings, "PROCRASTINATE_ENABLED", False):
        name = "postgres"
    else:
        name = "thread"
    backend = _backends.get(name)
    if backend is None:
        backend = _backends[name] = _make_backend(name)
    return backend


def _make_backend(name: str) -> JobBackend:
    # Imported here: Procrastinate must not be imported where it is not installed as an app.
    if name == "postgres":
        from core.jobs.postgres import PostgresBackend

        return PostgresBackend()
    if name == "inline":
        from core.jobs.inline import InlineBackend

        return InlineBackend()
    from core.jobs.thread import ThreadBackend

    return ThreadBackend()
