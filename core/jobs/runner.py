"""Runs jobs and sweeps on threads of this process.

Owns the threads, the queue of each lane and the clock. It keeps no state that matters: what is
lost here is found again by a sweep, because the rows say what is due. Knows no app and no row.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import close_old_connections

from core.jobs.cron import seconds_until_next
from core.jobs.registry import DEFAULT_LANE, VIDEO_LANE, WEBHOOK_LANE, JobRegistry

logger = logging.getLogger(__name__)

# Jobs mostly wait, for a language model or a payment provider, and let go of the interpreter
# while they do; four keep payouts moving behind three slow evaluations. Video renders for
# minutes and gets a thread of its own.
SERVER_LANES: Final[Mapping[str, int]] = {DEFAULT_LANE: 4, VIDEO_LANE: 1, WEBHOOK_LANE: 4}
_SWEEP_LANE: Final = "sweeps"

_in_sweep = threading.local()


def inside_sweep() -> bool:
    """Tell whether the calling thread is running a sweep."""
    return bool(getattr(_in_sweep, "active", False))


@dataclass(frozen=True)
class Ticket:
    """One thing to run: a job with its key, or a sweep."""

    kind: str
    """`job` or `sweep`."""
    name: str
    key: str
    lane: str


class Runner:
    """A few daemon threads that run what is submitted, each ticket at most once at a time.

    A ticket that is already waiting is not queued again. One that is running is queued again
    when it ends, because it may have looked at the rows before the new work was committed.

    Args:
        registry: where the functions are found.
        lanes: lane name to number of threads.
        sweeps: run the registered sweeps of these lanes on a further thread.
        periodic: run the registered cron jobs of these lanes.
    """

    def __init__(
        self,
        registry: JobRegistry,
        *,
        lanes: Mapping[str, int] = SERVER_LANES,
        sweeps: bool = True,
        periodic: bool = True,
    ) -> None:
        self._registry = registry
        self._lanes = dict(lanes)
        self._sweeps = sweeps
        self._periodic = periodic
        self._condition = threading.Condition()
        self._waiting: dict[str, deque[Ticket]] = {
            lane: deque() for lane in (*self._lanes, _SWEEP_LANE)
        }
        self._queued: set[Ticket] = set()
        self._running: set[Ticket] = set()
        self._again: set[Ticket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    @property
    def is_running(self) -> bool:
        """Whether the threads have been started and not told to stop."""
        return bool(self._threads) and not self._stopping

    def serves(self, lane: str) -> bool:
        """Tell whether this runner has threads for the lane."""
        return lane in self._lanes

    def start(self) -> None:
        """Start the threads; calling it again changes nothing."""
        with self._condition:
            if self._threads:
                return
            self._stopping = False
            self._registry.discover()
            counts = {**self._lanes, **({_SWEEP_LANE: 1} if self._sweeps else {})}
            for lane, count in counts.items():
                for number in range(count):
                    self._add_thread(f"jobs-{lane}-{number}", self._work, lane)
            self._add_thread("jobs-clock", self._tick)
            for thread in self._threads:
                thread.start()

    def stop(self, *, timeout_seconds: float = 5.0) -> bool:
        """Take no more tickets and wait for the running ones.

        Returns:
            Whether every thread ended in time. A thread that did not is a daemon and dies with
            the process; the lease of the row it held runs out and a sweep takes the row up.
        """
        with self._condition:
            self._stopping = True
            threads, self._threads = self._threads, []
            for queue in self._waiting.values():
                queue.clear()
            self._queued.clear()
            self._again.clear()
            self._condition.notify_all()
        deadline = time.monotonic() + timeout_seconds
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def submit(self, name: str, key: str = "") -> None:
        """Queue a job from any thread and wake a thread of its lane at once.

        Raises:
            UnknownJobError: nobody registered the name.
        """
        self._add(Ticket("job", name, key, self._registry.find_job(name).lane))

    def wait_until_idle(self, *, timeout_seconds: float) -> bool:
        """Wait until nothing is queued or running; for tests and for a clean end of commands."""
        with self._condition:
            return self._condition.wait_for(
                lambda: not self._queued and not self._running, timeout_seconds
            )

    def _add_thread(self, name: str, target: Callable[..., None], *args: str) -> None:
        self._threads.append(threading.Thread(target=target, name=name, args=args, daemon=True))

    def _add(self, ticket: Ticket) -> None:
        with self._condition:
            if self._stopping or ticket in self._queued:
                return
            if ticket in self._running:
                # A sweep comes by itself soon enough; a job was nudged for a reason.
                if ticket.kind == "job":
                    self._again.add(ticket)
                return
            self._queued.add(ticket)
            self._waiting[ticket.lane].append(ticket)
            self._condition.notify_all()

    def _work(self, lane: str) -> None:
        queue = self._waiting[lane]
        while True:
            with self._condition:
                self._condition.wait_for(lambda: bool(queue) or self._stopping)
                if self._stopping:
                    return
                ticket = queue.popleft()
                self._queued.discard(ticket)
                self._running.add(ticket)
            try:
                self._run(ticket)
            finally:
                with self._condition:
                    self._running.discard(ticket)
                    again = ticket in self._again
                    self._again.discard(ticket)
                    self._condition.notify_all()
                if again:
                    self._add(ticket)

    def _run(self, ticket: Ticket) -> None:
        close_old_connections()
        try:
            if ticket.kind == "sweep":
                _in_sweep.active = True
                self._registry.run_sweep(ticket.name)
            else:
                self._registry.run(ticket.name, ticket.key)
        finally:
            _in_sweep.active = False
            close_old_connections()

    def _tick(self) -> None:
        """Queue sweeps by the monotonic clock and cron jobs by the wall clock."""
        due: list[tuple[float, int, Ticket, float | str]] = []
        start = time.monotonic()
        if self._sweeps:
            for sweep in self._registry.sweeps.values():
                if self.serves(sweep.lane):
                    # The first round runs at once: it finds what the last process left behind.
                    ticket = Ticket("sweep", sweep.name, "", _SWEEP_LANE)
                    due.append((start, len(due), ticket, float(sweep.every_seconds)))
        if self._periodic:
            for spec in self._registry.periodic.values():
                if self.serves(spec.lane):
                    ticket = Ticket("job", spec.name, "", spec.lane)
                    due.append((start + seconds_until_next(spec.cron), len(due), ticket, spec.cron))
        heapq.heapify(due)
        while True:
            with self._condition:
                wait = due[0][0] - time.monotonic() if due else None
                if wait is None or wait > 0:
                    self._condition.wait_for(lambda: self._stopping, wait)
                if self._stopping:
                    return
            while due and due[0][0] <= time.monotonic():
                when, order, ticket, rule = heapq.heappop(due)
                self._add(ticket)
                now = time.monotonic()
                if isinstance(rule, str):
                    upcoming = now + seconds_until_next(rule)
                else:
                    # A process that was suspended does not make up for the rounds it missed.
                    upcoming = max(when + rule, now)
                heapq.heappush(due, (upcoming, order, ticket, rule))
