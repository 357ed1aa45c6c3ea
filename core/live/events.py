"""Writes of live events: numbered durable ones, and ephemeral ones that leave no trace.

Owns the numbering. Knows nothing of sockets: what is committed is handed to `publishing`.
"""

# ruff: noqa: A002 - `type` is what the field is called in every frame

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.clock import now
from core.live.frames import check_event_type, check_stream_name, encode_frame, encode_payload
from core.live.models import LiveEvent, LiveStream
from core.live.publishing import apublish, close_message, frame_message, publish
from core.live.threads import in_thread


def append_event(*, stream: str, type: str, payload: Mapping[str, Any]) -> int:
    """Append a durable event to the stream and publish it when the transaction commits.

    Call it inside the transaction that changes what the event tells; outside of one it makes
    its own. It locks the stream's row until the commit, so that numbers are committed in their
    order and a reader that has seen n has seen all before n. After a rollback neither the event
    nor its number exists. A failed publication is logged and changes nothing: readers find the
    row. Not idempotent: each call is an event.

    Args:
        stream: letters, digits, ``_``, ``.``, ``-``; at most 90.
        type: lower-case word, at most 40 characters.
        payload: JSON object without ``seq``, ``type``, ``ts``; its fields stand beside them in
            what clients receive.

    Returns:
        The event's number, from 1.

    Raises:
        InvalidEventError: the name, the type or the payload is not usable.
    """
    check_stream_name(stream)
    check_event_type(type)
    encoded = encode_payload(payload)
    moment = now()
    with transaction.atomic(savepoint=False):
        stream_id, seq = _take_number(stream, moment)
        LiveEvent.objects.create(
            stream_id=stream_id, seq=seq, type=type, payload=dict(payload), created_at=moment
        )
        message = frame_message(stream, seq, encode_frame(seq, type, moment, encoded))
        transaction.on_commit(lambda: publish(stream, message), robust=True)
    return seq


def publish_ephemeral(*, stream: str, type: str, payload: Mapping[str, Any]) -> None:
    """Send an event that nobody will read later, such as interim text, with ``seq`` null.

    Inside a transaction it is sent when that commits. It may be lost and is never replayed.

    Raises:
        InvalidEventError: the name, the type or the payload is not usable.
    """
    message = _ephemeral_message(stream, type, payload)
    transaction.on_commit(lambda: publish(stream, message), robust=True)


async def aappend_event(*, stream: str, type: str, payload: Mapping[str, Any]) -> int:
    """Append a durable event from a coroutine; see `append_event`."""
    return await in_thread(append_event)(stream=stream, type=type, payload=payload)


async def apublish_ephemeral(*, stream: str, type: str, payload: Mapping[str, Any]) -> None:
    """Send an ephemeral event from a coroutine, without a thread; see `publish_ephemeral`."""
    await apublish(stream, _ephemeral_message(stream, type, payload))


def close_stream(*, stream: str, code: int = 1000, identity: str | None = None) -> None:
    """Close the stream's sockets once the transaction commits, after what was sent before.

    A help for speed: where the message is lost, the check of grants closes them seconds later.

    Args:
        stream: the stream's name.
        code: WebSocket close code; see `core.live.codes`.
        identity: close only the sockets of grants with this identity, for a revoked token.
    """
    check_stream_name(stream)
    message = close_message(stream, code, identity)
    transaction.on_commit(lambda: publish(stream, message), robust=True)


def erase_streams(streams: Iterable[str]) -> int:
    """Delete streams with all their events, because what people said is in them.

    Idempotent. Open sockets are closed, since a later event starts the stream again at 1.

    Returns:
        How many event rows were deleted.
    """
    names = list(streams)
    with transaction.atomic():
        for name in names:
            close_stream(stream=name)
        rows = LiveStream.objects.filter(name__in=names)
        erased = LiveEvent.objects.filter(stream__in=rows).delete()[0]
        rows.delete()
    return erased


def prune_events(*, before: datetime, limit: int = 5000) -> int:
    """Delete the oldest events made before a moment, keeping every stream's last number.

    Args:
        before: events older than this go.
        limit: at most this many rows a call, so that the write lock is short.

    Returns:
        How many were deleted; call again while it equals `limit`.
    """
    with transaction.atomic():
        old = LiveEvent.objects.filter(created_at__lt=before).order_by("pk")
        doomed = list(old.values_list("pk", flat=True)[:limit])
        return LiveEvent.objects.filter(pk__in=doomed).delete()[0]


def _ephemeral_message(stream: str, type: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    check_stream_name(stream)
    check_event_type(type)
    return frame_message(stream, None, encode_frame(None, type, now(), encode_payload(payload)))


def _take_number(stream: str, moment: datetime) -> tuple[int, int]:
    """Return the stream's row id and its next number, locking the row until the commit.

    Django's `update` cannot return values; reading the number in a second statement would give
    two writers the same one.
    """
    table = connection.ops.quote_name(LiveStream._meta.db_table)
    # Only our own table name is put into the texts.
    update = f"UPDATE {table} SET last_seq = last_seq + 1 WHERE name = %s RETURNING id, last_seq"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(update, [stream])
        row = cursor.fetchone()
        if row is None:
            # The first event; of two writers one inserts and the other waits for it.
            cursor.execute(
                f"INSERT INTO {table} (name, last_seq, created_at) VALUES (%s, 0, %s) "  # noqa: S608
                "ON CONFLICT (name) DO NOTHING",
                [stream, connection.ops.adapt_datetimefield_value(moment)],
            )
            cursor.execute(update, [stream])
            row = cursor.fetchone()
    return int(row[0]), int(row[1])
