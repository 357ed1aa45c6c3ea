"""Jobs on SQLite: threads of the one server process.

Owns the process's runner and its end. A nudge made in a process without the threads, such as a
management command beside a running server, is dropped: the server's sweep finds the row.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Sequence

from django.db import transaction

from core.health import CheckResult, register_check
from core.jobs.registry import JobSpec, job_registry
from core.jobs.runner import Runner


class ThreadBackend:
    """Run nudged jobs on daemon threads, woken the moment a transaction commits."""

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._lock = threading.Lock()

    @property
    def runner(self) -> Runner | None:
        """The running threads, or None."""
        return self._runner

    def nudge(self, spec: JobSpec, key: str) -> None:
        """Submit the job when the transaction commits."""
        transaction.on_commit(lambda: self._submit(spec.name, key), robust=True)

    def nudge_many(self, spec: JobSpec, keys: Sequence[str]) -> None:
        """Submit each when the transaction commits."""
        for key in keys:
            self.nudge(spec, key)

    def nudge_sql(self, spec: JobSpec, key: str) -> None:
        """Return None: nothing is written."""

    def _submit(self, name: str, key: str) -> None:
        runner = self._runner
        if runner is not None:
            runner.submit(name, key)

    def start_in_server(self) -> None:
        """Start the threads once; they are stopped when the interpreter exits."""
        with self._lock:
            if self._runner is not None:
                return
            self._runner = Runner(job_registry)
            self._runner.start()
            register_check("jobs", self.check_health, needed=False)
            atexit.register(self.stop_in_server)

    def check_health(self) -> CheckResult:
        """Tell whether the threads run."""
        runner = self._runner
        if runner is None or not runner.is_running:
            return CheckResult("fail", "Background jobs do not run; restart the server.")
        return CheckResult("pass")

    def stop_in_server(self) -> None:
        """Stop the threads and wait up to five seconds for the jobs that run."""
        with self._lock:
            runner, self._runner = self._runner, None
        if runner is not None:
            atexit.unregister(self.stop_in_server)
            runner.stop()
