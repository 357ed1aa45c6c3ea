"""The clock of a run: stretches of time by the server's clock, never by a browser's.

A segment is open while somebody works. Any change and every heartbeat of a page is a sign of
life; when none came for some minutes, the segment ends at the last one, whoever notices first:
the next sign of life, or the sweep. All functions expect the run's row locked by the caller, but
for the sweep, which takes the lock itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from core import clock
from workflows.models import SILENT_AFTER, Execution, ExecutionSegment, ExecutionState

_SWEEP_BATCH = 500


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What a sign of life found."""

    left_out: timedelta
    """Silence since the last one, which does not count; zero when there was none."""


def note_life(execution: Execution, now: datetime) -> SignOfLife:
    """Keep the clock of a running execution going; start it where it stands still.

    Does nothing for one that is paused or ended.
    """
    if execution.state != ExecutionState.IN_PROGRESS:
        return SignOfLife(timedelta(0))
    last = ExecutionSegment.objects.filter(execution=execution).order_by("-pk").first()
    if last is not None and last.ended_at is None:
        if not last.is_silent(now):
            # Never backwards: two servers' clocks differ by a little.
            last.last_seen_at = max(last.last_seen_at, now)
            last.save(update_fields=["last_seen_at"])
            return SignOfLife(timedelta(0))
        last.ended_at = last.last_seen_at
        last.save(update_fields=["ended_at"])
    ExecutionSegment.objects.create(execution=execution, started_at=now, last_seen_at=now)
    silence = now - last.ended_at if last is not None and last.ended_at else timedelta(0)
    return SignOfLife(max(silence, timedelta(0)))


def stop_clock(execution: Execution, now: datetime) -> None:
    """End the open segment: now, or at the last sign of life when that is long ago."""
    segment = _open_segment(execution)
    if segment is None:
        return
    segment.ended_at = (
        segment.last_seen_at if segment.is_silent(now) else max(segment.last_seen_at, now)
    )
    segment.last_seen_at = segment.ended_at
    segment.save(update_fields=["ended_at", "last_seen_at"])


def close_silent_segments() -> int:
    """End the segments nobody has been heard of in for too long; return how many.

    Safe to run twice and beside somebody who comes back at that moment: the condition stands in
    the UPDATE.
    """
    before = clock.now() - SILENT_AFTER
    due = ExecutionSegment.objects.filter(ended_at__isnull=True, last_seen_at__lt=before)
    row_ids = list(due.values_list("pk", flat=True)[:_SWEEP_BATCH])
    if not row_ids:
        return 0
    with transaction.atomic():
        return due.filter(pk__in=row_ids).update(ended_at=F("last_seen_at"))


def _open_segment(execution: Execution) -> ExecutionSegment | None:
    return ExecutionSegment.objects.filter(execution=execution, ended_at__isnull=True).first()
