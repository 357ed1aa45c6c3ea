"""Jobs under ``JOBS_MODE=inline``: nothing runs until somebody drains the list.

Owns the list of committed nudges of the process. For tests and one-off scripts; see
`core.jobs.testing`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from core.jobs.registry import JobSpec


@dataclass
class InlineBackend:
    """Collect nudges as transactions commit."""

    pending: list[tuple[str, str]] = field(default_factory=list)
    """(job name, key) in the order of the commits, without repeats."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def nudge(self, spec: JobSpec, key: str) -> None:
        """Note the nudge when the transaction commits."""
        transaction.on_commit(lambda: self._note(spec.name, key))

    def nudge_many(self, spec: JobSpec, keys: Sequence[str]) -> None:
        """Note each when the transaction commits."""
        for key in keys:
            self.nudge(spec, key)

    def nudge_sql(self, spec: JobSpec, key: str) -> None:
        """Return None: nothing is written."""

    def take(self) -> list[tuple[str, str]]:
        """Return what is pending and forget it."""
        with self._lock:
            taken, self.pending = self.pending, []
        return taken

    def start_in_server(self) -> None:
        """Start nothing."""

    def stop_in_server(self) -> None:
        """Stop nothing."""

    def _note(self, name: str, key: str) -> None:
        with self._lock:
            if (name, key) not in self.pending:
                self.pending.append((name, key))
