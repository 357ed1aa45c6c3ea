"""How a turn is committed: by few statements, and not in the name of an agent that was relieved."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Company, User
from messaging.lanes.commerce.agent import CommerceAgent
from messaging.models import (
    CartLine,
    ConversationMode,
    InboundMessage,
    OutboundMessage,
    OutboundState,
)
from messaging.models.inbound import InboundState
from messaging.registry import get_controller
from messaging.replies import say
from messaging.services import hand_offs, intake, outbox
from messaging.tests.shop_world import Phone, make_shop

pytestmark = pytest.mark.django_db

STATEMENTS_A_TURN = 10 if settings.DATABASE_IS_SQLITE else 2
"""PostgreSQL: claim and read, and the commit. Elsewhere claim, read, and in one transaction
message, state, replies, nudge and record, with its frame."""


@pytest.fixture
def phone(acme: Company) -> Phone:
    return Phone(make_shop(acme))


def test_a_turn_takes_few_statements(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.says("Hola")
    counts: list[int] = []
    drain = type(get_controller()).drain

    def counted(self: Any, conversation_id: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            handled = drain(self, conversation_id)
        if handled:
            counts.append(len(seen))
        return handled

    monkeypatch.setattr(type(get_controller()), "drain", counted)
    phone.says("Hola")

    assert len(counts) == 1
    assert counts[0] <= STATEMENTS_A_TURN
    conversation = phone.conversation
    assert conversation.inbox_due_at is None
    assert conversation.leased_until is None
    assert conversation.version == 2


def test_an_agent_that_was_relieved_while_it_thought_says_and_does_nothing(
    phone: Phone, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.says("Hola")
    handle = CommerceAgent.handle

    def slow(self: Any, *args: Any) -> Any:
        result = handle(self, *args)
        hand_offs.take_over(conversation=phone.conversation, operator=ana)
        return result

    monkeypatch.setattr(CommerceAgent, "handle", slow)

    assert phone.says("Quiero 2 Café Chiapas 250 g molido") == ""

    conversation = phone.conversation
    assert conversation.mode == ConversationMode.OPERATOR
    assert not CartLine.objects.exists()
    assert not InboundMessage.objects.filter(state=InboundState.WAITING).exists()
    said = [one["text"] for one in conversation.state["dialogue"]["turns"]]
    assert said[-1] == "Quiero 2 Café Chiapas 250 g molido"
    assert intake.due_conversation_ids() == []


def test_what_was_held_goes_out_with_the_turn_that_opens_the_window(phone: Phone) -> None:
    phone.says("Hola")
    held = outbox.queue_reply(
        conversation=phone.conversation, reply=say("Su paquete llegó."), turn_id="news:1"
    )
    OutboundMessage.objects.filter(pk=held.pk).update(state=OutboundState.HELD)

    phone.says("Hola")

    held.refresh_from_db()
    assert held.state != OutboundState.HELD
