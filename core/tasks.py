"""Housekeeping of core's own rows. Each job is safe to run twice."""

from __future__ import annotations

from core.idempotency import purge_records
from core.jobs import periodic
from core.ratelimit import purge_counters


@periodic("17 * * * *", name="core.purge_counters")
def purge_ended_windows() -> None:
    """Delete counters whose window has ended."""
    purge_counters()


@periodic("23 * * * *", name="core.purge_idempotency")
def purge_old_answers() -> None:
    """Delete answers kept for a day."""
    purge_records()
