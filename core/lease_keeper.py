"""Renews the leases this process holds while work goes on, from one thread for all of them.

A thread for each piece of work costs more than most pieces, and so does waking one for each; this
one sleeps while nothing is held, wakes for what is due, and is a daemon. Knows no model.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import DatabaseError, connection

from core.clock import monotonic

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Held:
    renew: Callable[[], bool]
    every_seconds: float
    due_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.due_at = monotonic() + self.every_seconds


class LeaseKeeper:
    """Keeps leases alive; one for a process is enough."""

    def __init__(self) -> None:
        self._held: set[_Held] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")
        """When the thread looks next by itself."""

    @contextmanager
    def keep(self, renew: Callable[[], bool], *, every_seconds: float) -> Iterator[None]:
        """Renew a lease every so often until the work inside is over.

        Args:
            renew: extends the lease, in the keeper's thread; False when somebody else took over,
                which ends the renewing.
            every_seconds: between renewals, well below what each of them holds.
        """
        held = _Held(renew, every_seconds)
        with self._changed:
            self._held.add(held)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
                self._thread.start()
            elif held.due_at < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._held.discard(held)

    def _run(self) -> None:
        while True:
            for held in self._wait_for_due():
                try:
                    is_ours = held.renew()
                except DatabaseError:
                    # Tried again at the next turn of the loop; until then the lease still holds.
                    logger.warning("lease.renew_failed", exc_info=True)
                    continue
                held.due_at = monotonic() + held.every_seconds
                if not is_ours:
                    with self._changed:
                        self._held.discard(held)
            connection.close()

    def _wait_for_due(self) -> list[_Held]:
        with self._changed:
            while True:
                now = monotonic()
                due = [held for held in self._held if held.due_at <= now]
                if due:
                    return due
                soonest = min((held.due_at for held in self._held), default=None)
                pause = None if soonest is None else max(0.05, soonest - now)
                self._wakes_at = float("inf") if pause is None else now + pause
                self._changed.wait(pause)


keeper = LeaseKeeper()
