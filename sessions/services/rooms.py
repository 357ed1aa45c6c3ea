"""Ways into rooms: who may take a room name, and who gets a token for which room.

Owns room claims. Knows LiveKit only through `sessions.livekit`.
"""

from __future__ import annotations

import re

from django.conf import settings
from django.db import transaction

from accounts.models import User
from core import clock
from core.errors import ConflictError, InvalidInputError, UnavailableError
from sessions import limits
from sessions.livekit import tokens
from sessions.livekit.tokens import RoomToken
from sessions.models import RoomClaim, VoiceSession
from sessions.services.conversations import refuse_if_ended

# Letters of URLs and file names; the kinds of our own rooms stay ours.
_ROOM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_OWN_PREFIXES = ("survey-", "chat-")
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class LiveKitNotConfiguredError(UnavailableError):
    """This server sends nobody to a LiveKit room."""

    def __init__(self) -> None:
        super().__init__(
            3600,
            code="livekit_not_configured",
            detail="No LiveKit server is configured here. Type, or use browser audio.",
        )


class RoomTakenError(ConflictError):
    """Somebody else holds the room name, or a conversation has used it."""

    def __init__(self) -> None:
        super().__init__("room_taken", "This room name is taken. Choose another one.")


def room_server_url() -> str | None:
    """Return where rooms are, or None without LiveKit."""
    return settings.LIVEKIT_URL if tokens.is_configured() else None


def grant_room_token(*, voice_session: VoiceSession) -> RoomToken | None:
    """Return a token for the participant of a conversation, or None without LiveKit.

    Raises:
        SessionEndedError, ConversationErasedError: it is over, so there is no room to enter.
    """
    refuse_if_ended(voice_session)
    if not tokens.is_configured():
        return None
    return tokens.mint_room_token(
        room_name=voice_session.room_name, identity=f"visitor-{voice_session.public_id}"
    )


def grant_claimed_room_token(
    *, owner: User, room_name: str, identity: str = "", name: str = ""
) -> RoomToken:
    """Return a token for a room the person holds, claiming the name if nobody does.

    The claim ends when a conversation uses the room or `limits.ROOM_CLAIM_LIFETIME` is over.
    Repeating it renews it. The participant's identity begins with the person's own id, so that
    nobody can pose as somebody else.

    Args:
        owner: the signed-in person.
        room_name: what they ask for.
        identity: tells apart several devices of one person.
        name: what others see; by default the person's own.

    Raises:
        LiveKitNotConfiguredError: nothing is claimed either.
        InvalidInputError: `room_name` or `identity` is not usable.
        RoomTakenError: the name is somebody else's.
        ConflictError: the person holds too many names.
    """
    if not tokens.is_configured():
        raise LiveKitNotConfiguredError
    if identity and not _LABEL.fullmatch(identity):
        raise InvalidInputError(
            "identity_invalid", "identity has 1 to 40 letters, digits, dots, dashes or underscores."
        )
    running = VoiceSession.objects.filter(room_name=room_name).first()
    if running is None:
        claim_room(owner=owner, room_name=room_name)
    else:
        if running.owner_id != owner.pk:
            raise RoomTakenError
        refuse_if_ended(running)
    who = f"{owner.public_id}-{identity}" if identity else owner.public_id
    return tokens.mint_room_token(
        room_name=room_name, identity=who, name=(name or owner.display_name)[:80]
    )


def claim_room(*, owner: User, room_name: str) -> RoomClaim:
    """Take a room name for a person, or renew their claim.

    Raises:
        InvalidInputError: not usable as a room name.
        RoomTakenError: somebody else holds it, or a conversation has used it.
        ConflictError: the person holds `limits.ROOM_CLAIMS_HELD` unused names.
    """
    check_room_name(room_name)
    now = clock.now()
    expires_at = now + limits.ROOM_CLAIM_LIFETIME
    with transaction.atomic():
        RoomClaim.objects.filter(room_name=room_name, expires_at__lte=now).delete()
        held = RoomClaim.objects.filter(owner=owner, expires_at__gt=now)
        if held.exclude(room_name=room_name).count() >= limits.ROOM_CLAIMS_HELD:
            raise ConflictError(
                "too_many_rooms", "You hold too many unused room names. Use one of them, or wait."
            )
        if VoiceSession.objects.filter(room_name=room_name).exists():
            raise RoomTakenError
        # One statement decides between two people who ask at the same moment.
        claim, _ = RoomClaim.objects.get_or_create(
            room_name=room_name, defaults={"owner": owner, "expires_at": expires_at}
        )
        if claim.owner_id != owner.pk:
            raise RoomTakenError
        claim.expires_at = expires_at
        claim.save(update_fields=["expires_at"])
    return claim


def use_claimed_room(*, owner: User | None, room_name: str) -> None:
    """Take a room name for a conversation that is being made, ending its claim.

    Call it in the transaction that makes the conversation. A name nobody has claimed is free to
    a signed-in person; visitors get a name of ours.

    Raises:
        InvalidInputError: not usable as a room name.
        RoomTakenError: somebody else holds it, or a conversation has used it.
    """
    check_room_name(room_name)
    if VoiceSession.objects.filter(room_name=room_name).exists():
        raise RoomTakenError
    held = RoomClaim.objects.filter(room_name=room_name, expires_at__gt=clock.now()).first()
    if owner is None or (held is not None and held.owner_id != owner.pk):
        raise RoomTakenError
    RoomClaim.objects.filter(room_name=room_name).delete()


def check_room_name(room_name: str) -> None:
    """Refuse a name that could be mistaken for one of ours or does not fit into a URL.

    Raises:
        InvalidInputError: it does.
    """
    if not _ROOM_NAME.fullmatch(room_name) or room_name.startswith(_OWN_PREFIXES):
        raise InvalidInputError(
            "room_invalid",
            "room has 1 to 100 letters, digits, dots, dashes or underscores, begins with a letter "
            "or digit, and not with survey- or chat-.",
        )


def purge_claims() -> int:
    """Delete the claims that have run out; return how many. Safe to run twice."""
    return RoomClaim.objects.filter(expires_at__lte=clock.now()).delete()[0]
