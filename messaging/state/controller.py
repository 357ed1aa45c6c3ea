"""Controller: the whole turn, from a waiting message to what is committed.

Owns the order of things: who holds the conversation drains its inbox in the order of sending,
each message is one turn, and an agent is asked outside of any transaction. Losers of the lease
just leave: their message waits as a row, and the holder looks again after letting go.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from core import clock
from core.errors import ConflictError
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
    TurnRecord,
)
from messaging.replies import say
from messaging.services import contacts, intake
from messaging.state import inbox
from messaging.state.builder import hydrate_state
from messaging.state.contract import State
from messaging.state.patcher import OvertakenError, TurnCommit, commit_turn
from messaging.state.upcaster import UnknownSchemaError
from messaging.turn_builder import Silence, build_turn
from messaging.turns import Turn
from messaging.type_replies import reply_to_kind, trouble, welcome_back

logger = logging.getLogger(__name__)

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
            taken = inbox.take(conversation_id)
            if taken is None:
                return handled
            fence, is_empty = taken.fence, False
            try:
                with inbox.keep(conversation_id, fence):
                    count, is_empty = self._drain_held(conversation_id, taken)
            finally:
                if not is_empty:
                    inbox.release(conversation_id, fence)
            handled += count
            # What arrived between the last look and the release had found the lease taken.
            if is_empty or not count or not inbox.waiting_messages(conversation_id).exists():
                return handled

    def _drain_held(self, conversation_id: str, taken: inbox.Taken) -> tuple[int, bool]:
        """Return how many messages were handled, and whether the inbox was left empty.

        The last message's commit leaves an empty inbox together with its lease.
        """
        count, fence = 0, taken.fence
        first = taken.first
        while True:
            waiting, first = first or inbox.next_message(conversation_id), None
            if waiting is None:
                return count, inbox.leave(conversation_id, fence)
            inbound = waiting.inbound
            conversation = inbound.conversation
            try:
                is_released = self._handle(conversation, fence, inbound, waiting.has_held)
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
