"""Live events: durable ones are numbered rows, ephemeral ones are sent and forgotten.

Write with `append_event` (inside the transaction that changes what it tells) and
`publish_ephemeral`; read with `read_events`; serve with `core.live.consumers.LiveConsumer`.
This package knows nothing of what the events mean.

The protocol of every live socket, as seen by a client:

1. Connect offering the subprotocols ``parley.v1`` and ``bearer.<token>``; the server echoes
   ``parley.v1`` alone. A client that has seen numbers adds ``?after=<last number>``.
2. The server sends a ``snapshot``, whose ``seq`` says up to which number it is complete, then
   the events after `after` (after the snapshot's number without one), then live events.
3. Each frame is ``{"seq", "type", "ts", …}``. A number is one higher than the one before it on
   the same connection, except that the first events may repeat what the client or the snapshot
   has: it drops numbers at or below its own. Ephemeral events have ``"seq": null``.
4. ``{"type": "after", "seq": n}`` asks for the events after n again; ``{"type": "ping"}`` is
   answered with ``pong``.
5. Close codes are in `core.live.codes`.

A client that loses the connection reconnects with its last number and misses nothing.
"""

from __future__ import annotations

from core.live.events import (
    aappend_event,
    append_event,
    apublish_ephemeral,
    close_stream,
    erase_streams,
    prune_events,
    publish_ephemeral,
)
from core.live.frames import InvalidEventError, StoredEvent
from core.live.selectors import last_seq, read_events

__all__ = [
    "InvalidEventError",
    "StoredEvent",
    "aappend_event",
    "append_event",
    "apublish_ephemeral",
    "close_stream",
    "erase_streams",
    "last_seq",
    "prune_events",
    "publish_ephemeral",
    "read_events",
]
