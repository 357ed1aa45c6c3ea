"""The one place that asks what time it is. Knows no settings."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds of a clock that never jumps, for durations and deadlines."""
    return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """Return the moment as ``2026-11-21T09:30:00.125Z``, in UTC with milliseconds.

    Raises:
        ValueError: the moment has no time zone, so it names no instant.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be written down")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
