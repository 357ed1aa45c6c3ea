"""Housekeeping of core's own rows. Each job is safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.idempotency import purge_records
from core.jobs import periodic
from core.live.events import prune_events
from core.ratelimit import purge_counters


@periodic("17 * * * *", name="core.purge_counters")
def purge_ended_windows() -> None:
    """Delete counters whose window has ended."""
    purge_counters()


@periodic("23 * * * *", name="core.purge_idempotency")
def purge_old_answers() -> None:
    """Delete answers kept for a day."""
    purge_records()


LIVE_EVENT_AGE = timedelta(days=7)
"""No client comes back after longer: tokens end earlier, and joining starts from a snapshot."""
PRUNE_BATCH = 5000


@periodic("31 3 * * *", name="core.prune_live_events")
def prune_old_events() -> None:
    """Delete live events nobody can ask for any more, in batches."""
    while prune_events(before=clock.now() - LIVE_EVENT_AGE, limit=PRUNE_BATCH) == PRUNE_BATCH:
        pass
