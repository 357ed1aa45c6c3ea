"""The text of what the server sends: one JSON object with seq, type, ts and the event's fields.

Owns the encoding, so that an event looks the same live, replayed and over HTTP. Knows no socket
and no database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder

from core.clock import rfc3339
from core.live.models import MAX_STREAM_NAME_LENGTH, MAX_TYPE_LENGTH

RESERVED_FIELDS: Final = frozenset({"seq", "type", "ts"})
_STREAM_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_STREAM_NAME_LENGTH}}}")
_TYPE = re.compile(rf"[a-z][a-z0-9_]{{0,{MAX_TYPE_LENGTH - 1}}}")


class InvalidEventError(ValueError):
    """An event that cannot be stored or sent as it is; a mistake in the calling code."""


@dataclass(frozen=True)
class StoredEvent:
    """One durable event as read from its row."""

    seq: int
    type: str
    payload: dict[str, Any]
    created_at: datetime

    def as_message(self) -> dict[str, Any]:
        """Return the event as the object a client receives."""
        return {
            "seq": self.seq,
            "type": self.type,
            "ts": rfc3339(self.created_at),
            **self.payload,
        }

    def encode(self) -> str:
        """Return the frame."""
        return encode_frame(self.seq, self.type, self.created_at, encode_payload(self.payload))


def check_stream_name(stream: str) -> None:
    """Refuse a name that no channel layer group could have.

    Raises:
        InvalidEventError: not 1 to 90 of letters, digits, ``_``, ``.`` and ``-``.
    """
    if not _STREAM_NAME.fullmatch(stream):
        raise InvalidEventError(f"not a stream name: {stream!r}")


def check_event_type(event_type: str) -> None:
    """Refuse a type that is not one lower-case word.

    Raises:
        InvalidEventError: not a lower-case identifier of at most 40 characters.
    """
    if not _TYPE.fullmatch(event_type):
        raise InvalidEventError(f"not an event type: {event_type!r}")


def encode_payload(payload: Mapping[str, Any]) -> str:
    """Return the payload as compact JSON.

    Raises:
        InvalidEventError: it names a reserved field, is not JSON, or holds NUL or half a
            surrogate pair, which PostgreSQL does not store and a socket does not carry.
    """
    if not RESERVED_FIELDS.isdisjoint(payload):
        raise InvalidEventError("seq, type and ts are set by the stream, not by the payload")
    try:
        encoded = json.dumps(
            payload,
            cls=DjangoJSONEncoder,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
        )
        encoded.encode()
    except (TypeError, ValueError, RecursionError) as error:
        # The error's own text may repeat what a person said.
        raise InvalidEventError(f"the payload is not JSON: {type(error).__name__}") from None
    # An escaped backslash before u0000 is the visible text "\u0000", not the character.
    if "\\u0000" in encoded.replace("\\\\", ""):
        raise InvalidEventError("the payload holds a NUL character")
    return encoded


def encode_frame(seq: int | None, event_type: str, moment: datetime, payload: str) -> str:
    """Return the frame of an event whose payload is already encoded.

    Args:
        seq: the event's number, or None for an ephemeral event.
        event_type: checked by `check_event_type`.
        moment: becomes ``ts``.
        payload: from `encode_payload`.
    """
    number = "null" if seq is None else str(seq)
    head = f'{{"seq":{number},"type":"{event_type}","ts":"{rfc3339(moment)}"'
    return head + ("}" if payload == "{}" else "," + payload[1:])
