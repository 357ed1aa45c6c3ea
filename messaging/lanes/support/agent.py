"""SupportAgent: takes problems seriously. Tries an answer first, then opens a ticket.

Owns which step answers what. It promises no money and approves no return: a person does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from messaging.agents_protocol import AgentResult, HandOffRequest, RouterDecision, TurnContext
from messaging.lanes.base import (
    LaneAgent,
    argument_of,
    find_order_number,
    find_ticket_number,
    language_of,
    means_no,
    means_yes,
    pick,
    text_of,
)
from messaging.lanes.commerce.texts import state_text
from messaging.lanes.info.facts import when_people_answer
from messaging.lanes.support.texts import (
    refusal_text,
    return_opened,
    ticket_line,
    ticket_opened,
)
from messaging.models import Order, OrderState, TicketKind, TicketPriority
from messaging.replies import Reply, Row, Section, ask, offer, say
from messaging.router.intent_router import read_intent
from messaging.router.intents import intents_of
from messaging.selectors import knowledge, orders, support
from messaging.services import tickets
from messaging.turns import MEDIA_KINDS, Turn

DESCRIPTION_WORDS = 5
LEAVING_SURE = 0.85
TROUBLE_SURE = 0.5

_KINDS: dict[str, TicketKind] = {
    "complaint": TicketKind.COMPLAINT,
    "damaged": TicketKind.DAMAGED,
    "wrong_item": TicketKind.WRONG_ITEM,
    "late": TicketKind.LATE,
    "return": TicketKind.RETURN,
    "refund": TicketKind.REFUND,
    "payment_problem": TicketKind.PAYMENT,
    "technical": TicketKind.TECHNICAL,
    "report_problem": TicketKind.OTHER,
}
#: Kinds that are about an order.
_ABOUT_ORDER = frozenset(
    {
        TicketKind.DAMAGED,
        TicketKind.WRONG_ITEM,
        TicketKind.LATE,
        TicketKind.RETURN,
        TicketKind.REFUND,
    }
)


class SupportAgent(LaneAgent):
    """Customer service."""

    lane = "support"
    intents = intents_of("support")
    slot_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "step": {"type": "string", "enum": ["describe", "troubleshoot", "choose_order"]},
            "kind": {"type": "string"},
            "order": {"type": "string"},
            "words": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def active_intent(self, turn: Turn, context: TurnContext) -> str | None:
        """Return the step's intent when the turn answers it."""
        step = context.slots_of(self.lane).get("step")
        if step == "describe":
            if turn.kind in MEDIA_KINDS and turn.text == "":
                return "describe"
            return "describe" if turn.text and not _leaves(turn.text) else None
        if step == "troubleshoot":
            if means_yes(turn.text):
                return "solved"
            return "not_solved" if means_no(turn.text) else None
        if step == "choose_order" and find_order_number(turn.text):
            return "choose_order"
        return None

    def handle(self, turn: Turn, decision: RouterDecision, context: TurnContext) -> AgentResult:
        """Answer by intent."""
        language = language_of(turn, context)
        if context.refusal is not None:
            return _said(language, say(refusal_text(context.refusal.code, language)))
        handlers: dict[str, Callable[[Turn, TurnContext, str], AgentResult]] = {
            "describe": self._describe,
            "choose_order": self._choose_order,
            "solved": self._solved,
            "not_solved": self._not_solved,
            "ticket_status": self._ticket_status,
            "ticket": self._ticket_status,
            "rate": self._rate,
            "reopen": self._reopen,
            "escalate": self._escalate,
        }
        handler = handlers.get(decision.intent)
        if handler is not None:
            return handler(turn, context, language)
        return self._problem(decision.intent, turn, context, language)

    # --- a problem comes in --------------------------------------------------------------------

    def _problem(self, intent: str, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        kind = _KINDS.get(intent, TicketKind.OTHER)
        if kind in (TicketKind.TECHNICAL, TicketKind.PAYMENT):
            tried = self._troubleshoot(kind, turn, context, language)
            if tried is not None:
                return tried
        unpaid = orders.order_to_pay(context.contact_id)
        if kind is TicketKind.PAYMENT and unpaid is not None:
            return self._not_paid_yet(unpaid, turn, language)
        order = _order_meant(turn, context)
        if kind is TicketKind.LATE and order is not None and not _is_overdue(order, context):
            return self._not_late_yet(order, turn, language)
        if kind in _ABOUT_ORDER and order is None:
            listed = orders.orders_of(context.contact_id)
            if len(listed) > 1:
                return _ask_order(listed, kind, turn.text, language)
        if turn.reply_id or len(turn.text.split()) < DESCRIPTION_WORDS:
            return _ask_description(kind, order, turn.text, language)
        return self._open(kind, order, turn.text, context, language)

    def _troubleshoot(
        self, kind: TicketKind, turn: Turn, context: TurnContext, language: str
    ) -> AgentResult | None:
        found = knowledge.find_faq(
            context.company_id, turn.text, topic="trouble", least=TROUBLE_SURE
        )
        if not found:
            return None
        entry = found[0][0]
        text = text_of(entry, "answer", language)
        question = pick(language, "¿Se resolvió?", "Did that solve it?")
        reply = ask(
            f"{text}\n\n{question}",
            ("support:solved", pick(language, "Sí, gracias", "Yes, thanks")),
            ("support:not_solved", pick(language, "No, sigue igual", "No, still the same")),
        )
        return AgentResult(
            replies=(reply,),
            slots={"step": "troubleshoot", "kind": str(kind), "words": turn.text[:300]},
            language=language,
        )

    def _not_paid_yet(self, order: Order, turn: Turn, language: str) -> AgentResult:
        text = pick(
            language,
            f"Tu pedido {order.number} sigue esperando tu pago: todavía no nos llega. Suele tardar "
            "unos segundos. Si ya te cobraron, abro un caso.",
            f"Your order {order.number} is still awaiting your payment: it has not reached us yet. "
            "It usually takes seconds. If you were charged, I will open a ticket.",
        )
        reply = ask(
            text,
            ("support:not_solved", pick(language, "Ya me cobraron", "I was charged")),
            ("commerce:pay", pick(language, "Pagar", "Pay")),
        )
        return AgentResult(
            replies=(reply,),
            slots={
                "step": "troubleshoot",
                "kind": str(TicketKind.PAYMENT),
                "order": order.number,
                "words": turn.text[:300],
            },
            language=language,
        )

    def _not_late_yet(self, order: Order, turn: Turn, language: str) -> AgentResult:
        state = state_text(order, language)
        due = order.due_on.strftime("%d/%m/%Y") if order.due_on else ""
        text = pick(
            language,
            f"Tu pedido {order.number} está {state}"
            + (f" y debe llegar a más tardar el {due}." if due else "."),
            f"Your order {order.number} is {state}"
            + (f" and should be with you by {due}." if due else "."),
        )
        reply = ask(
            text,
            ("support:not_solved", pick(language, "Abrir un caso", "Open a ticket")),
            (f"commerce:track_order:{order.number}", pick(language, "Ver pedido", "See order")),
        )
        return AgentResult(
            replies=(reply,),
            slots={
                "step": "troubleshoot",
                "kind": str(TicketKind.LATE),
                "order": order.number,
                "words": turn.text[:300],
            },
            language=language,
        )

    def _describe(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        slots = context.slots_of(self.lane)
        kind = _kind_of(slots)
        words = " ".join(part for part in (str(slots.get("words", "")), turn.text) if part)
        if turn.kind in MEDIA_KINDS and not turn.text:
            words = f"{words} ({pick(language, 'con foto o archivo', 'with a photo or file')})"
        order = _order_of_slots(slots, context) or _order_meant(turn, context)
        return self._open(kind, order, words.strip(), context, language)

    def _choose_order(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        slots = context.slots_of(self.lane)
        number = argument_of(turn) or find_order_number(turn.text)
        order = orders.order_of(context.contact_id, number)
        kind, words = _kind_of(slots), str(slots.get("words", ""))
        if len(words.split()) < DESCRIPTION_WORDS:
            return _ask_description(kind, order, words, language)
        return self._open(kind, order, words, context, language)

    def _open(
        self,
        kind: TicketKind,
        order: Order | None,
        text: str,
        context: TurnContext,
        language: str,
    ) -> AgentResult:
        company_id, contact_id = context.company_id, context.contact_id
        conversation_id, now = context.conversation_id, context.now
        is_return = (
            kind is TicketKind.RETURN
            and order is not None
            and order.state in (OrderState.DELIVERED, OrderState.SHIPPED, OrderState.READY)
        )

        def put() -> tuple[Reply, ...]:
            if is_return and order is not None:
                request = tickets.request_return(
                    order=order, conversation_id=conversation_id, reason=text
                )
                return (return_opened(request.ticket, request.is_in_time, language),)
            ticket = tickets.open_ticket(
                company_id=company_id,
                contact_id=contact_id,
                conversation_id=conversation_id,
                kind=kind,
                text=text,
                order=order,
            )
            answered = when_people_answer(company_id, now=now, language=language)
            return (ticket_opened(ticket, answered, language),)

        return AgentResult(slots={}, effects=(put,), language=language)

    def _solved(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        return _said(language, say(pick(language, "¡Qué bueno! 🙌", "Great! 🙌")))

    def _not_solved(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        slots = context.slots_of(self.lane)
        words = str(slots.get("words", ""))
        order = _order_of_slots(slots, context)
        if not words:
            return _ask_description(_kind_of(slots), order, "", language)
        return self._open(_kind_of(slots), order, words, context, language)

    # --- what became of it ---------------------------------------------------------------------

    def _ticket_status(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        number = find_ticket_number(turn.text) or argument_of(turn)
        if number:
            ticket = support.ticket_of(context.contact_id, number)
            listed = [ticket] if ticket is not None else []
        else:
            listed = support.live_tickets_of(context.contact_id) or support.tickets_of(
                context.contact_id, limit=1
            )
        if not listed:
            text = pick(
                language,
                "No encuentro un caso tuyo. ¿Me cuentas qué pasó?",
                "I find no ticket of yours. Will you tell me what happened?",
            )
            return AgentResult(
                replies=(say(text),),
                slots={"step": "describe", "kind": str(TicketKind.OTHER)},
                language=language,
            )
        lines = [ticket_line(ticket, language) for ticket in listed[:5]]
        reply = ask(
            "\n".join(lines),
            ("info:hand_off", pick(language, "Hablar con alguien", "Talk to a person")),
        )
        return _said(language, reply)

    def _rate(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        number, _, score = argument_of(turn).partition(":")
        ticket = support.ticket_of(context.contact_id, number)
        if ticket is None or score not in ("1", "2", "3", "4", "5"):
            return self._ticket_status(turn, context, language)

        def put() -> None:
            tickets.rate_ticket(ticket=ticket, score=int(score))

        text = pick(language, "¡Gracias por calificarnos! 🙏", "Thank you for rating us! 🙏")
        return AgentResult(replies=(say(text),), slots={}, effects=(put,), language=language)

    def _reopen(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        ticket = support.ticket_of(context.contact_id, argument_of(turn))
        if ticket is None:
            return self._ticket_status(turn, context, language)

        def put() -> None:
            tickets.reopen_ticket(ticket=ticket, text="")

        text = pick(
            language,
            f"Reabrí tu caso {ticket.number}. Una persona lo verá de nuevo.",
            f"I opened your ticket {ticket.number} again. A person will look at it.",
        )
        return AgentResult(
            replies=(say(text),),
            slots={},
            effects=(put,),
            hand_off=HandOffRequest("escalated"),
            language=language,
        )

    def _escalate(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        company_id, contact_id = context.company_id, context.contact_id
        conversation_id, text = context.conversation_id, turn.text
        live = support.live_tickets_of(contact_id)

        def put() -> tuple[Reply, ...]:
            if live:
                tickets.add_entry(ticket=live[0], author_kind="contact", text=text)
                tickets.raise_priority(ticket=live[0], priority=TicketPriority.URGENT)
                number = live[0].number
            else:
                number = tickets.open_ticket(
                    company_id=company_id,
                    contact_id=contact_id,
                    conversation_id=conversation_id,
                    kind=TicketKind.COMPLAINT,
                    text=text,
                    priority=TicketPriority.URGENT,
                ).number
            said = pick(
                language,
                f"Lamento lo que pasó. Marqué tu caso {number} como urgente y avisé a un "
                "responsable.",
                f"I am sorry about this. I marked your ticket {number} as urgent and called "
                "somebody in charge.",
            )
            return (say(said),)

        answered = when_people_answer(company_id, now=context.now, language=language)
        return AgentResult(
            replies=(say(answered),),
            slots={},
            effects=(put,),
            hand_off=HandOffRequest("escalated", text[:200]),
            language=language,
        )


def _leaves(text: str) -> bool:
    reading = read_intent(text)
    return reading.lane in ("info", "commerce", "survey") and reading.confidence >= LEAVING_SURE


def _order_meant(turn: Turn, context: TurnContext) -> Order | None:
    number = find_order_number(turn.text)
    if number:
        return orders.order_of(context.contact_id, number)
    listed = orders.orders_of(context.contact_id, limit=2)
    return listed[0] if len(listed) == 1 else None


def _order_of_slots(slots: Mapping[str, Any], context: TurnContext) -> Order | None:
    number = str(slots.get("order", ""))
    return orders.order_of(context.contact_id, number) if number else None


def _kind_of(slots: Mapping[str, Any]) -> TicketKind:
    kind = str(slots.get("kind", ""))
    return TicketKind(kind) if kind in TicketKind.values else TicketKind.OTHER


def _is_overdue(order: Order, context: TurnContext) -> bool:
    if order.state in (OrderState.DELIVERED, OrderState.CANCELLED, OrderState.EXPIRED):
        return True
    return order.due_on is not None and order.due_on < context.now.date()


def _ask_description(
    kind: TicketKind, order: Order | None, words: str, language: str
) -> AgentResult:
    text = pick(
        language,
        "Lamento el inconveniente. Cuéntame con detalle qué pasó (puedes mandar una foto) y lo "
        "paso al equipo.",
        "I am sorry about that. Tell me what happened in detail (you may send a photo) and I will "
        "pass it on to the team.",
    )
    slots: dict[str, Any] = {"step": "describe", "kind": str(kind)}
    if order is not None:
        slots["order"] = order.number
    if words:
        slots["words"] = words[:300]
    return AgentResult(replies=(say(text),), slots=slots, language=language)


def _ask_order(listed: list[Order], kind: TicketKind, words: str, language: str) -> AgentResult:
    rows = tuple(
        Row(f"support:choose_order:{order.number}", order.number, state_text(order, language))
        for order in listed[:9]
    )
    rows += (Row("support:choose_order:-", pick(language, "Otro / ninguno", "Another / none")),)
    reply = offer(
        pick(
            language,
            "Lamento eso. ¿De cuál pedido se trata?",
            "I am sorry. Which order is it about?",
        ),
        button=pick(language, "Elegir pedido", "Choose order"),
        sections=(Section("", rows),),
    )
    return AgentResult(
        replies=(reply,),
        slots={"step": "choose_order", "kind": str(kind), "words": words[:300]},
        language=language,
    )


def _said(language: str, *replies: Reply) -> AgentResult:
    return AgentResult(replies=replies, slots={}, language=language)
