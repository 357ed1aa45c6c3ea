"""Waiting for events over HTTP, for clients whose network blocks sockets.

Owns how a waiting request spares the server: it gives its database connection back while it
sleeps, and only so many wait at a time; the rest are answered at once and ask again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final

from django.db import connection

from core import clock
from core.live import StoredEvent, last_seq, read_events
from sessions import limits
from sessions.models import VoiceSession

WAITING_MAX: Final = 40
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 0.5

_places = threading.BoundedSemaphore(WAITING_MAX)


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events after a number."""

    events: list[StoredEvent]
    last_seq: int
    """Number of the last event in this page, or the client's own when it is empty."""
    has_more: bool


def wait_for_events(
    voice_session: VoiceSession, *, after: int, wait_seconds: float = 0
) -> EventPage:
    """Return the events after a number, waiting up to `wait_seconds` for the first.

    A number beyond the stream's last is taken as that last: the client asks of a stream that
    began again after an erasure, or makes numbers up.
    """
    stream = voice_session.stream_name
    page = _read(stream, min(after, last_seq(stream)))
    if page.events or wait_seconds <= 0 or not _places.acquire(blocking=False):
        return page
    try:
        deadline = clock.monotonic() + wait_seconds
        pause = FIRST_PAUSE_SECONDS
        while not page.events and (left := deadline - clock.monotonic()) > 0:
            _give_connection_back()
            time.sleep(min(pause, left))
            pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)
            page = _read(stream, page.last_seq)
    finally:
        _places.release()
    return page


def _read(stream: str, after: int) -> EventPage:
    events = read_events(stream, after, limits.REPLAY_LIMIT)
    return EventPage(
        events=events,
        last_seq=events[-1].seq if events else after,
        has_more=len(events) == limits.REPLAY_LIMIT,
    )


def _give_connection_back() -> None:
    # With a pool, forty sleepers would otherwise hold every connection there is.
    if not connection.in_atomic_block:
        connection.close()
