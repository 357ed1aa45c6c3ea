"""Reads of live events. The stream's name is the owner: whoever may read a stream passes it."""

from __future__ import annotations

from collections.abc import Iterable

from core.live.frames import StoredEvent
from core.live.models import LiveEvent, LiveStream

MAX_EVENTS_PER_READ = 500


def read_events(stream: str, after: int = 0, limit: int = MAX_EVENTS_PER_READ) -> list[StoredEvent]:
    """Return the stream's events with a number above `after`, in order.

    Args:
        stream: the stream's name; an unknown one has no events.
        after: the last number the reader has.
        limit: at most this many, 500 at most.
    """
    rows = LiveEvent.objects.filter(stream__name=stream, seq__gt=after).order_by("seq")
    return _load(rows.values_list("seq", "type", "payload", "created_at")[: _clamp(limit)])


def read_latest_events(stream: str, limit: int) -> list[StoredEvent]:
    """Return the last events of the stream, in order."""
    rows = LiveEvent.objects.filter(stream__name=stream).order_by("-seq")
    latest = _load(rows.values_list("seq", "type", "payload", "created_at")[: _clamp(limit)])
    return latest[::-1]


def last_seq(stream: str) -> int:
    """Return the number of the stream's last event, 0 when it has none."""
    return read_last_seqs([stream]).get(stream, 0)


def read_last_seqs(streams: Iterable[str]) -> dict[str, int]:
    """Return the last numbers of those of the streams that have events, in one query."""
    rows = LiveStream.objects.filter(name__in=list(streams))
    return dict(rows.values_list("name", "last_seq"))


def _clamp(limit: int) -> int:
    return max(0, min(limit, MAX_EVENTS_PER_READ))


def _load(rows: Iterable[tuple[int, str, object, object]]) -> list[StoredEvent]:
    return [StoredEvent(*row) for row in rows]  # type: ignore[arg-type]  # as the columns above
