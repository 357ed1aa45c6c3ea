"""Conversations the demo shop has already had, so that inbox and simulator open with something.

Each is played on a simulated phone through the same webhook, agents and sender as any other; what
operators did in them goes through the services the inbox uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from messaging.models import BusinessNumber, Conversation, SimulatedPhone
from messaging.registry import get_controller
from messaging.replies import Reply, ReplyKind
from messaging.selectors import inbox as reads
from messaging.services import hand_offs, outbox, rehearsal, simulation


@dataclass(frozen=True, slots=True)
class DemoConversation:
    """What one person wrote, and what an operator did about it."""

    name: str
    steps: tuple[Mapping[str, Any], ...]
    note: str = ""
    """A remark for the team beside it; with it the operator has taken the conversation over."""
    answer: str = ""
    """What the operator wrote to the person."""


CONVERSATIONS: tuple[DemoConversation, ...] = (
    DemoConversation(
        "Nora",
        ({"say": "Hi"}, {"say": "Are you open on Sunday?"}, {"say": "Do you deliver to Puebla?"}),
    ),
    DemoConversation(
        "Diego",
        (
            {"say": "Hola, ¿qué café tienen?"},
            {"say": "Quiero 2 Café Chiapas 250 g molido"},
            {"say": "Quiero pagar"},
            {"press": "A domicilio"},
            {"say": "Av. Álvaro Obregón 120, Roma Norte, 06700 Ciudad de México"},
            {"press": "Roma y"},
            {"say": "Sí, todo bien"},
            {"pay": ""},
            {"say": "¿Dónde va mi pedido?"},
        ),
    ),
    DemoConversation(
        "Marta",
        (
            {"say": "Hola, mi pedido llegó tarde y falta una bolsa"},
            {"say": "Quiero hablar con una persona"},
        ),
        note="Falta una bolsa de 250 g. El almacén la envía hoy.",
        answer="Hola, Marta. Lo siento mucho: la bolsa que falta sale hoy mismo.",
    ),
    DemoConversation(
        "Priya",
        (
            {"say": "Hello"},
            {"say": "My grinder arrived broken, the burr is cracked"},
            {"say": "I want to talk to a person please"},
        ),
    ),
)


def play_demo_conversations(*, number: BusinessNumber, operator: User | None) -> int:
    """Play what is not there yet; return how many conversations were played.

    Args:
        number: the demo company's.
        operator: who takes over where an operator did; nobody does without one.
    """
    known = set(SimulatedPhone.objects.filter(number=number).values_list("name", flat=True))
    missing = [one for one in CONVERSATIONS if one.name not in known]
    for one in missing:
        phone = simulation.add_phone(number=number, name=one.name)
        for played in rehearsal.play(
            phone=phone,
            steps=list(one.steps),
            drain=get_controller().drain,
            pay=rehearsal.pay_with_play_money,
        ):
            if played.problems:
                raise RuntimeError(f"{one.name}, {played.step}: {'; '.join(played.problems)}")
        conversation = reads.conversation_of_phone(phone)
        if conversation is not None and one.note and operator is not None:
            _take_over(conversation, operator, one)
            rehearsal.settle(phone=phone, drain=get_controller().drain)
    return len(missing)


def _take_over(conversation: Conversation, operator: User, done: DemoConversation) -> None:
    taken = hand_offs.take_over(conversation=conversation, operator=operator)
    hand_offs.add_note(conversation=taken, author=operator, text=done.note)
    outbox.send_as_operator(
        conversation=taken,
        operator=operator,
        reply=Reply(kind=ReplyKind.TEXT, text=done.answer),
        client_id=f"demo-{conversation.public_id}",
    )
