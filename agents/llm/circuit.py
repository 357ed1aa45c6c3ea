"""A circuit breaker: after failures in a row, calls are refused for a while.

Owns the counting, for one process. Without it every visitor of a survey would wait the whole
deadline of a model that is down. Knows nothing of what is called.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Closed until `max_failures` calls in a row failed; then open for `open_seconds`.

    After that one call is let through; its outcome closes the circuit or opens it again.
    Thread-safe.
    """

    def __init__(
        self,
        *,
        max_failures: int = 5,
        open_seconds: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start closed."""
        self._max_failures = max_failures
        self._open_seconds = open_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._is_trial_running = False

    def allows(self) -> bool:
        """Say whether a call may be made now; a True must be followed by `record`."""
        with self._lock:
            if self._opened_at is None:
                return True
            waited = self._monotonic() - self._opened_at
            if waited < self._open_seconds or self._is_trial_running:
                return False
            self._is_trial_running = True
            return True

    def record(self, *, succeeded: bool) -> None:
        """Tell how a call ended."""
        with self._lock:
            self._is_trial_running = False
            if succeeded:
                self._failures = 0
                self._opened_at = None
                return
            self._failures += 1
            if self._failures >= self._max_failures:
                self._opened_at = self._monotonic()
