"""Controller: the whole turn, from a waiting message to what is committed.

Owns the order of things: who holds the conversation drains its inbox in the order of sending,
each message is one turn, and an agent is asked outside of any transaction. Losers of the lease
just leave: their message waits as a row, and the holder looks again after letting go.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from core import clock, lease
from core.compiled import SLOT, CompiledQuery
from core.errors import ConflictError
from core.lease_keeper import keeper
from core.prepared import prepared_cursor
from messaging.agents_protocol import (
    AgentResult,
    DialogueTurn,
    Effect,
    HandOffRequest,
    Registry,
    Router,
    RouterDecision,
    TurnContext,
)
from messaging.models import (
    Contact,
    Conversation,
    ConversationMode,
    InboundMessage,
    OutboundMessage,
    OutboundState,
    TurnRecord,
)
from messaging.models.inbound import InboundState
from messaging.replies import say
from messaging.selectors.shop_front import number_of
from messaging.services import contacts, intake
from messaging.state.builder import hydrate_state
from messaging.state.contract import State
from messaging.state.patcher import OvertakenError, TurnCommit, commit_turn
from messaging.state.upcaster import UnknownSchemaError
from messaging.turn_builder import Silence, build_turn
from messaging.turns import Turn
from messaging.type_replies import reply_to_kind, trouble, welcome_back

logger = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
ATTEMPTS_MAX = 5
"""Then the person gets an apology and the conversation goes to a person."""
OPT_IN_WORDS = frozenset({"start", "alta", "unstop", "volver", "suscribir", "reanudar"})


class TurnController:
    """Drains inboxes.

    Args:
        router: decides on the lane.
        registry: holds the lanes' agents.
    """

    def __init__(self, router: Router, registry: Registry) -> None:
        self._router = router
        self._registry = registry

    def drain(self, conversation_id: str) -> int:
        """Handle everything that waits in a conversation, in order; return how many turns.

        Of many that call it at once one works. Safe to run twice.
        """
        handled = 0
        while True:
            fence = _claim(conversation_id)
            if fence is None:
                return handled
            is_empty = False
            try:
                with keeper.keep(
                    Conversation.objects.filter(public_id=conversation_id),
                    fence=fence,
                    seconds=LEASE_SECONDS,
                    every_seconds=RENEW_SECONDS,
                ):
                    count, is_empty = self._drain_held(conversation_id, fence)
            finally:
                if not is_empty:
                    found = Conversation.objects.filter(public_id=conversation_id)
                    lease.release(found, fence=fence)
            handled += count
            # What arrived between the last look and the release had found the lease taken.
            if is_empty or not count or not _waiting(conversation_id).exists():
                return handled

    def _drain_held(self, conversation_id: str, fence: int) -> tuple[int, bool]:
        """Return how many messages were handled, and whether the inbox was left empty.

        The last message's commit leaves an empty inbox together with its lease.
        """
        count = 0
        while True:
            found = _next_message(conversation_id)
            if found is None:
                return count, _leave(conversation_id, fence)
            inbound, has_held = found
            conversation = inbound.conversation
            try:
                is_released = self._handle(conversation, fence, inbound, has_held)
            except OvertakenError:
                return count, False
            except UnknownSchemaError:
                # A server of the version that wrote it goes on; this one must not guess.
                logger.exception("orchestrate_turn.schema", extra={"success": False})
                intake.postpone_inbox(conversation=conversation, attempts=6)
                return 0, False
            except Exception:
                # Whatever it was, the message stays first in the inbox.
                logger.exception(
                    "orchestrate_turn.failed",
                    extra={"success": False, "attempts": inbound.attempts + 1},
                )
                if not self._note_failure(conversation, fence, inbound):
                    return 0, False
                is_released = False
            count += 1
            if is_released:
                return count, True

    def _handle(
        self, conversation: Conversation, fence: int, inbound: InboundMessage, has_held: bool
    ) -> bool:
        """Make a turn of a message; return whether its commit let the conversation go."""
        began = clock.monotonic()
        turn = build_turn(
            wamid=inbound.wamid,
            message_type=inbound.type,
            payload=inbound.payload,
            at=inbound.sent_at,
            profile_name=inbound.profile_name,
        )
        commit = TurnCommit(
            conversation, fence, inbound, None, None, AgentResult(), began, has_held
        )
        if isinstance(turn, Silence):
            return commit_turn(commit).is_released
        now = clock.now()
        state = hydrate_state(conversation, now=now)
        context = build_context(conversation, state, now=now)
        decision, result = self._answer(conversation, turn, context)
        commit = replace(commit, turn=turn, state=state)
        try:
            committed = commit_turn(replace(commit, decision=decision, result=result))
        except ConflictError as refusal:
            decision, result = self._answer_refusal(turn, context, decision, refusal)
            committed = commit_turn(replace(commit, decision=decision, result=result))
        logger.info(
            "orchestrate_turn.completed",
            extra={
                "success": True,
                "lane": decision.lane if decision else "",
                "intent": decision.intent if decision else "",
                "replies": committed.reply_count,
                "milliseconds": int((clock.monotonic() - began) * 1000),
            },
        )
        return committed.is_released

    def _answer(
        self, conversation: Conversation, turn: Turn, context: TurnContext
    ) -> tuple[RouterDecision | None, AgentResult]:
        """Return who answers and what; outside of any transaction, since a model may be asked."""
        if conversation.mode == ConversationMode.OPERATOR:
            return None, AgentResult()
        if conversation.contact.opted_out_at is not None:
            if not _asks_to_come_back(turn):
                return None, AgentResult()
            return None, AgentResult(
                replies=(welcome_back(context.language),),
                effects=(_opt_in(conversation.contact),),
            )
        decision = self._router.route(turn, context)
        if not decision.reasons or decision.reasons[0] != "active_step":
            by_kind = reply_to_kind(turn, context.language)
            if by_kind is not None:
                return decision, AgentResult(replies=(by_kind,))
        return decision, self._registry.agent_for(decision.lane).handle(turn, decision, context)

    def _answer_refusal(
        self,
        turn: Turn,
        context: TurnContext,
        decision: RouterDecision | None,
        refusal: ConflictError,
    ) -> tuple[RouterDecision | None, AgentResult]:
        """Return what is said when the rows did not allow what the agent wanted."""
        if decision is None or context.refusal is not None:
            return decision, AgentResult(replies=(say(refusal.detail),))
        again = replace(context, refusal=refusal)
        result = self._registry.agent_for(decision.lane).handle(turn, decision, again)
        if result.effects:
            # Once is enough: the second answer may say, not do.
            result = AgentResult(
                replies=result.replies or (say(refusal.detail),),
                slots=result.slots,
                lane=result.lane,
                hand_off=result.hand_off,
                language=result.language,
            )
        return decision, result

    def _note_failure(
        self, conversation: Conversation, fence: int, inbound: InboundMessage
    ) -> bool:
        """Count a failed attempt; after the last, apologise and fetch a person. True to go on."""
        attempts = inbound.attempts + 1
        InboundMessage.objects.filter(pk=inbound.pk).update(attempts=attempts)
        TurnRecord.objects.create(
            conversation=conversation,
            turn_id=inbound.wamid[:128],
            is_success=False,
            error_code="agent_failed",
        )
        if attempts < ATTEMPTS_MAX:
            intake.postpone_inbox(conversation=conversation, attempts=attempts)
            return False
        turn = build_turn(
            wamid=inbound.wamid,
            message_type=inbound.type,
            payload=inbound.payload,
            at=inbound.sent_at,
        )
        language = conversation.contact.language or conversation.number.default_language
        commit_turn(
            TurnCommit(
                conversation,
                fence,
                inbound,
                turn if isinstance(turn, Turn) else None,
                None,
                AgentResult(
                    replies=(trouble(language),), hand_off=HandOffRequest("not_understood")
                ),
                clock.monotonic(),
            )
        )
        return True


def build_context(conversation: Conversation, state: State, *, now: datetime) -> TurnContext:
    """Return what agents are told of a conversation."""
    identity = state["identity"]
    contact = conversation.contact
    return TurnContext(
        company_id=conversation.number.company_id,
        number_id=conversation.number_id,
        contact_id=contact.pk,
        conversation_id=conversation.pk,
        conversation_public_id=conversation.public_id,
        contact_name=identity.get("name") or contact.name,
        language=contact.language
        or identity.get("language")
        or conversation.number.default_language,
        lane=state["lane"] or "",
        slots=state["slots"],
        dialogue=tuple(
            DialogueTurn(one["role"], one["text"], datetime.fromisoformat(one["at"]))
            for one in state["dialogue"]["turns"]
        ),
        now=now,
        is_first_turn=not state["dialogue"]["turns"],
    )


def _opt_in(contact: Contact) -> Effect:
    def effect() -> None:
        contacts.opt_in(contact=contact)

    return effect


def _asks_to_come_back(turn: Turn) -> bool:
    return turn.text.strip().lower() in OPT_IN_WORDS


def _waiting(conversation_id: str) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(
        conversation__public_id=conversation_id, state=InboundState.WAITING
    )


def _next_message_query() -> QuerySet[InboundMessage]:
    held = OutboundMessage.objects.filter(
        conversation=OuterRef("conversation"), state=OutboundState.HELD
    )
    return (
        _waiting(SLOT)
        .select_related("conversation__contact")
        .annotate(has_held=Exists(held))
        .order_by("sent_at", "id")
    )


_NEXT_MESSAGE = CompiledQuery(_next_message_query)


def _next_message(conversation_id: str) -> tuple[InboundMessage, bool] | None:
    """Return what was sent first of what waits, and whether messages wait for the person's word.

    With all a turn needs to know of its conversation, by one statement.
    """
    found = _NEXT_MESSAGE.first(conversation_id)
    if found is None:
        return None
    found.conversation.number = number_of(found.conversation.number_id)
    return found, bool(vars(found)["has_held"])


def _claim(conversation_id: str) -> int | None:
    """Take the lease of a conversation whose inbox is due; return its fence, or None.

    `core.lease.claim` in one statement instead of three: it stands before every turn.
    """
    now = clock.now()
    table = connection.ops.quote_name(Conversation._meta.db_table)
    adapt = connection.ops.adapt_datetimefield_value
    with prepared_cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET lease_owner = %s, leased_until = %s, fence = fence + 1 "  # noqa: S608 - a table of ours
            "WHERE public_id = %s AND inbox_due_at IS NOT NULL "
            "AND (leased_until IS NULL OR leased_until <= %s) RETURNING fence",
            [
                _name(),
                adapt(now + timedelta(seconds=LEASE_SECONDS)),
                conversation_id,
                adapt(now),
            ],
        )
        found = cursor.fetchone()
    return int(found[0]) if found else None


def _leave(conversation_id: str, fence: int) -> bool:
    """Give the lease of an inbox back that was found empty; False when something came meanwhile.

    Only what was due before a look that found nothing is cleared: a message whose transaction ends
    in between has moved the moment on, and must not be forgotten with it.
    """
    rows = Conversation.objects.filter(public_id=conversation_id, fence=fence)
    due_at = rows.values_list("inbox_due_at", flat=True).first()
    if due_at is None or _waiting(conversation_id).exists():
        return False
    return bool(
        rows.filter(inbox_due_at=due_at).update(
            inbox_due_at=None, lease_owner="", leased_until=None
        )
    )


def _name() -> str:
    return f"{os.getpid()}:{threading.get_ident()}:{secrets.token_hex(4)}"
