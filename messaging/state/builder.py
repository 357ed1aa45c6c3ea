"""Builder: makes a fresh state, or brings the stored one back as it may be used now."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from messaging.models import Conversation
from messaging.state import cache
from messaging.state.contract import LIFETIME_SECONDS, State, default_state
from messaging.state.upcaster import upcast
from messaging.state.validator import InvalidStateError, validate

logger = logging.getLogger(__name__)


def build_state(conversation: Conversation) -> State:
    """Return the state of a dialogue that begins in this conversation; its version goes on."""
    state = default_state(
        tenant=conversation.number.company.public_id,
        phone_number_id=conversation.number.phone_number_id,
        wa_id=conversation.contact.wa_key,
    )
    state["version"] = conversation.version
    return state


def hydrate_state(conversation: Conversation, *, now: datetime, is_cached: bool = True) -> State:
    """Return the state a turn starts from.

    The cached one is taken where it is of the row's version, else the row's. After 24 hours
    without a word of the person the dialogue starts fresh; carts, tickets and surveys are rows
    and live on. A stored state that breaks the contract is put aside with a log line, since
    nobody could go on with it; the conversation's messages are all there.

    Args:
        conversation: with its number, company and contact.
        now: the moment of the turn.
        is_cached: False leaves Redis alone, as inside a transaction.

    Raises:
        UnknownSchemaError: newer code wrote it. The turn waits for a server that knows it.
    """
    if conversation.state is None or is_over(conversation.state, now=now):
        return build_state(conversation)
    cached = None
    if is_cached:
        cached = cache.read_state(
            conversation.number.phone_number_id,
            conversation.contact.wa_key,
            version=conversation.version,
        )
    for found in (cached, conversation.state):
        if found is None:
            continue
        state = upcast(found)
        try:
            validate(state)
        except InvalidStateError as error:
            logger.error(
                "state.invalid",
                extra={"conversation_id": conversation.public_id, "problems": len(error.problems)},
            )
            continue
        return state
    return build_state(conversation)


def is_over(state: State, *, now: datetime) -> bool:
    """Tell whether the dialogue of a stored state has ended by silence."""
    last = (state.get("meta") or {}).get("last_inbound_at")
    if not isinstance(last, str):
        return False
    try:
        moment = datetime.fromisoformat(last)
    except ValueError:
        return True
    return now - moment >= timedelta(seconds=LIFETIME_SECONDS)
