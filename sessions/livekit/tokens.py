"""Tokens that let one participant into one LiveKit room.

Owns the grants: join this room, publish a microphone, subscribe; nothing else. A token is signed,
not encrypted, so its holder can read it: nothing private ever goes into its metadata. It only
opens the door: who is inside stays until the room is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from livekit import api

TOKEN_LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RoomToken:
    """A way into a room."""

    jwt: str
    url: str
    room_name: str
    identity: str


def is_configured() -> bool:
    """Tell whether this server has a LiveKit server to send people to."""
    return bool(settings.LIVEKIT_URL and settings.LIVEKIT_API_KEY and settings.LIVEKIT_API_SECRET)


def mint_room_token(*, room_name: str, identity: str, name: str = "") -> RoomToken:
    """Return a token for one participant, valid for `TOKEN_LIFETIME`. Makes no outside call.

    Args:
        room_name: the one room it opens.
        identity: chosen by the server; two participants of one identity throw each other out.
        name: what others see.

    Raises:
        RuntimeError: LiveKit is not configured; ask `is_configured` first.
    """
    if not is_configured():
        raise RuntimeError("LiveKit is not configured")
    grants = api.VideoGrants(
        room_join=True,
        room=room_name,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_subscribe=True,
        can_publish_data=False,
        can_update_own_metadata=False,
    )
    token = (
        api.AccessToken(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
        .with_identity(identity)
        .with_name(name)
        .with_ttl(TOKEN_LIFETIME)
        .with_grants(grants)
    )
    return RoomToken(
        jwt=token.to_jwt(), url=settings.LIVEKIT_URL, room_name=room_name, identity=identity
    )
