"""Start plain chats: who may, with which agent, in which room. Knows no survey."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.selectors import list_memberships
from core import ratelimit
from core.errors import (
    AuthenticationFailedError,
    ForbiddenError,
)
from sessions import chat_agent, limits
from sessions.models import SessionKind, SessionMode
from sessions.practice import practice_briefing, practice_language
from sessions.services.conversations import CreatedSession, create_session
from sessions.services.rooms import RoomTakenError, use_claimed_room
from sessions.services.voices import choose_transport, ring_if_wanted, set_transport


@dataclass(frozen=True, slots=True)
class ChatAgent:
    """Who will answer in a chat, in words a person reads."""

    engine: str
    description: str
    follows_system_prompt: bool


def describe_agent() -> ChatAgent:
    """Return who answers the plain chats of this server."""
    if chat_agent.has_model():
        return ChatAgent(settings.OPENAI_MODEL, f"Language model {settings.OPENAI_MODEL}", True)
    return ChatAgent("builtin", "Built-in practice agent: holds a short practice interview", False)


def start_chat(
    *,
    owner: User | None,
    address: str,
    language: str = "en",
    system_prompt: str = "",
    room_name: str | None = None,
    mode: SessionMode = SessionMode.TEXT,
    transport: str = "auto",
) -> CreatedSession:
    """Start a plain chat: with the language model, or as a practice interview without one.

    Args:
        owner: the signed-in person, or None for a visitor.
        address: where the request came from, as `ratelimit.limit_key` gives it.
        system_prompt: from company members only.
        room_name: a name the person holds or that is free; by default one of ours.
        mode: voice or text; a transport that is named decides over it.
        transport: ``auto`` or one this server has. A room gets its agent at once.

    Raises:
        AuthenticationFailedError: visitors may not chat here (CHAT_PUBLIC is off).
        ForbiddenError: a system prompt from somebody who is no company member.
        RateLimitedError: too many chats in an hour.
        ConflictError: the transport or the room is not to be had.
        InvalidInputError: the room name is not usable.
    """
    if owner is None and not settings.CHAT_PUBLIC:
        raise AuthenticationFailedError(
            "sign_in_required", "Visitors cannot chat here. Sign in, then start the chat."
        )
    if system_prompt and (owner is None or not list_memberships(owner).exists()):
        raise ForbiddenError(
            "system_prompt_members_only",
            "Only members of a company may write instructions for the agent. Leave them out.",
        )
    _count_chat(owner, address)
    has_model = chat_agent.has_model()
    spoken = language if has_model else practice_language(language)
    # May ask the LiveKit server whether it is there, so before the transaction.
    carrier = choose_transport(transport, mode=mode, language=spoken)
    try:
        with transaction.atomic():
            if room_name is not None:
                use_claimed_room(owner=owner, room_name=room_name)
            created = create_session(
                kind=SessionKind.CHAT,
                owner=owner,
                language=spoken,
                system_prompt=system_prompt,
                briefing=None
                if has_model
                else practice_briefing(spoken, has_prompt=bool(system_prompt)),
                max_seconds=limits.CHAT_MAX_SECONDS,
                room_name=room_name,
            )
            set_transport(created.session, carrier)
            created.session.save(
                update_fields=["mode", "transport", "agent_due_at", "room_is_open"]
            )
            ring_if_wanted(created.session)
            return created
    except IntegrityError:
        # Somebody else's conversation took the name between the look and the insert.
        raise RoomTakenError from None


def _count_chat(owner: User | None, address: str) -> None:
    if owner is None:
        ratelimit.hit(
            scope="chat.start_visitor",
            key=address,
            limit=limits.CHATS_PER_VISITOR_HOUR,
            window_seconds=3600,
        )
    else:
        ratelimit.hit(
            scope="chat.start_person",
            key=owner.public_id,
            limit=limits.CHATS_PER_PERSON_HOUR,
            window_seconds=3600,
        )
