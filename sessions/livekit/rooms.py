"""Calls to the LiveKit server about rooms: is it there, delete one; and its webhooks.

Owns the server API and its time-outs. Knows no row.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from django.conf import settings
from livekit import api

from sessions.livekit.tokens import is_configured

logger = logging.getLogger(__name__)

CALL_SECONDS: Final = 4.0
REACHABLE_FOR_SECONDS: Final = 10.0
"""How long an answer to "is it there" holds."""

T = TypeVar("T")
_reachable: tuple[float, bool] = (float("-inf"), False)


class WebhookRefusedError(Exception):
    """A webhook that the LiveKit server did not sign, or that nobody can read."""


@dataclass(frozen=True, slots=True)
class RoomNotice:
    """What a webhook of the LiveKit server says."""

    event_id: str
    kind: str
    """``room_finished``, ``participant_left`` …"""
    room_name: str
    participant_identity: str


def is_reachable() -> bool:
    """Tell whether the LiveKit server answers to our key; remembers it for ten seconds."""
    global _reachable
    asked_at, answer = _reachable
    if time.monotonic() - asked_at < REACHABLE_FOR_SECONDS:
        return answer
    answer = is_configured() and _run(
        lambda server: server.room.list_rooms(api.ListRoomsRequest(names=["-"]))
    )
    _reachable = (time.monotonic(), answer)
    return answer


def forget_reachability() -> None:
    """Ask anew the next time (for tests)."""
    global _reachable
    _reachable = (float("-inf"), False)


def delete_room(room_name: str) -> bool:
    """Delete a room and throw out who is in it; a room that is gone already counts as deleted.

    Returns:
        False when the server could not be asked.
    """
    if not is_configured():
        return True
    return _run(lambda server: server.room.delete_room(api.DeleteRoomRequest(room=room_name)))


def read_webhook(body: bytes, authorization: str) -> RoomNotice:
    """Return what a webhook says, once its signature over the raw body has been checked.

    Raises:
        WebhookRefusedError: unsigned, signed by another key, changed, or not readable.
    """
    if not is_configured():
        raise WebhookRefusedError("LiveKit is not configured")
    receiver = api.WebhookReceiver(
        api.TokenVerifier(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    )
    try:
        event = receiver.receive(body.decode("utf-8"), authorization)
    except Exception as error:  # noqa: BLE001 - as the next lines say
        # jwt's errors for a bad signature; beside them the SDK raises a bare Exception for
        # a body that does not match it, and whatever its parser raises for what is no event.
        raise WebhookRefusedError(type(error).__name__) from None
    return RoomNotice(
        event_id=event.id,
        kind=event.event,
        room_name=event.room.name,
        participant_identity=event.participant.identity,
    )


def _run(call: Callable[[api.LiveKitAPI], Awaitable[T]]) -> bool:
    """Make one call on a loop of its own; tell whether the server took it."""
    return asyncio.run(_call(call))


async def _call(call: Callable[[api.LiveKitAPI], Awaitable[T]]) -> bool:
    server = api.LiveKitAPI(
        settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET
    )
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await call(server)
    except api.TwirpError as error:
        if error.code == api.TwirpErrorCode.NOT_FOUND:
            return True
        logger.warning("livekit.call_failed", extra={"error": error.code})
        return False
    except Exception as error:  # noqa: BLE001 - whatever the SDK's HTTP client raises
        logger.warning("livekit.unreachable", extra={"error": type(error).__name__})
        return False
    finally:
        await server.aclose()
    return True
