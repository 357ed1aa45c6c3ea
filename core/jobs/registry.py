"""Names of jobs, periodic jobs and sweeps, and the functions behind them.

Owns the tables that `tasks.py` modules fill at import. Knows no back end and no database.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.module_loading import autodiscover_modules
from prometheus_client import Counter

logger = logging.getLogger(__name__)

DEFAULT_LANE: Final = "default"
VIDEO_LANE: Final = "video"
WEBHOOK_LANE: Final = "webhooks"
LANES: Final = (DEFAULT_LANE, VIDEO_LANE, WEBHOOK_LANE)
SWEEP_INTERVALS: Final = (1, 30)
MAX_NAME_LENGTH: Final = 100
MAX_KEY_LENGTH: Final = 200

jobs_total = Counter("parley_jobs_total", "Jobs that ran in this process.", ["job", "result"])

JobHandler = Callable[[str], None]
PlainHandler = Callable[[], None]


class UnknownJobError(LookupError):
    """No `tasks.py` registered a job of this name."""


class DuplicateJobError(ValueError):
    """Two functions claim one name."""


@dataclass(frozen=True)
class JobSpec:
    """A function that looks at the rows one key points to."""

    name: str
    handler: JobHandler
    lane: str


@dataclass(frozen=True)
class PeriodicSpec:
    """A function that runs when the clock matches a cron line (UTC)."""

    name: str
    handler: PlainHandler
    lane: str
    cron: str


@dataclass(frozen=True)
class SweepSpec:
    """A recovery query: it looks for rows that nobody has been nudged about."""

    name: str
    handler: PlainHandler
    lane: str
    every_seconds: int


class JobRegistry:
    """Hold what the `tasks.py` modules of the installed apps registered."""

    def __init__(self) -> None:
        self.jobs: dict[str, JobSpec] = {}
        self.periodic: dict[str, PeriodicSpec] = {}
        self.sweeps: dict[str, SweepSpec] = {}
        self._discovered = False
        # Re-entrant: a tasks module may nudge while it is imported by discovery.
        self._lock = threading.RLock()

    def add_job(self, spec: JobSpec) -> None:
        """Register a job; the same function again changes nothing.

        Raises:
            DuplicateJobError: another function holds the name.
            ValueError: the name or the lane is not usable.
        """
        self._check(spec.name, spec.lane)
        _refuse_other(self.jobs.get(spec.name), spec)
        self.jobs[spec.name] = spec

    def add_periodic(self, spec: PeriodicSpec) -> None:
        """Register a periodic job, which can also be nudged by its name."""
        self._check(spec.name, spec.lane)
        _refuse_other(self.periodic.get(spec.name), spec)
        if spec.name not in self.periodic and spec.name in self.jobs:
            raise DuplicateJobError(f"the name {spec.name!r} already belongs to a job")
        self.periodic[spec.name] = spec
        self.jobs[spec.name] = JobSpec(spec.name, lambda key: spec.handler(), spec.lane)

    def add_sweep(self, spec: SweepSpec) -> None:
        """Register a sweep; sweeps have names of their own and cannot be nudged."""
        self._check(spec.name, spec.lane)
        if spec.every_seconds not in SWEEP_INTERVALS:
            raise ValueError(f"a sweep runs every {SWEEP_INTERVALS} seconds")
        _refuse_other(self.sweeps.get(spec.name), spec)
        self.sweeps[spec.name] = spec

    def find_job(self, name: str) -> JobSpec:
        """Return the job of this name, importing every `tasks.py` first if need be.

        Raises:
            UnknownJobError: nobody registered the name.
        """
        spec = self.jobs.get(name)
        if spec is None:
            self.discover()
            spec = self.jobs.get(name)
        if spec is None:
            raise UnknownJobError(f"no tasks module registers a job named {name!r}")
        return spec

    def discover(self) -> None:
        """Import the `tasks` module of every installed app, once."""
        with self._lock:
            if self._discovered:
                return
            autodiscover_modules("tasks")
            self._discovered = True

    def run(self, name: str, key: str) -> bool:
        """Run one job in the calling thread and tell whether it ended without an exception.

        A handler's exception is logged under a constant message and goes no further: the row
        still says what is due, and its sweep comes back to it.
        """
        try:
            self.find_job(name).handler(key)
        except Exception:
            logger.exception("job.failed", extra={"job": name, "key": key})
            jobs_total.labels(name, "failed").inc()
            return False
        jobs_total.labels(name, "done").inc()
        return True

    def run_sweep(self, name: str) -> bool:
        """Run one sweep in the calling thread, with exceptions treated as in `run`."""
        try:
            self.sweeps[name].handler()
        except Exception:
            logger.exception("sweep.failed", extra={"sweep": name})
            return False
        return True

    @staticmethod
    def _check(name: str, lane: str) -> None:
        if not name or len(name) > MAX_NAME_LENGTH:
            raise ValueError(f"a job's name has 1 to {MAX_NAME_LENGTH} characters: {name!r}")
        if lane not in LANES:
            raise ValueError(f"there is no lane {lane!r}; the lanes are {LANES}")


def _refuse_other(
    held: JobSpec | PeriodicSpec | SweepSpec | None, spec: JobSpec | PeriodicSpec | SweepSpec
) -> None:
    """Refuse a name that a different function holds; a reloaded module is the same one."""
    if held is None:
        return
    before, after = held.handler, spec.handler
    if (before.__module__, before.__qualname__) != (after.__module__, after.__qualname__):
        raise DuplicateJobError(f"the name {spec.name!r} belongs to {before.__module__} already")


job_registry: Final = JobRegistry()
