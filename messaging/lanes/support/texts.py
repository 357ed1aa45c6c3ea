"""How tickets and returns read in a chat. Pure text of rows already read; decides nothing."""

from __future__ import annotations

from messaging.lanes.base import pick
from messaging.models import Ticket, TicketState
from messaging.replies import Reply, ask, say

KIND_NAMES: dict[str, tuple[str, str]] = {
    "complaint": ("queja", "complaint"),
    "damaged": ("producto dañado", "damaged goods"),
    "wrong_item": ("producto equivocado o faltante", "wrong or missing item"),
    "late": ("pedido atrasado", "late order"),
    "return": ("devolución", "return"),
    "refund": ("reembolso", "refund"),
    "payment": ("problema de pago", "payment problem"),
    "technical": ("problema técnico", "technical problem"),
    "other": ("problema", "problem"),
}
TICKET_STATES: dict[TicketState, tuple[str, str]] = {
    TicketState.OPEN: ("abierto, lo estamos viendo", "open, we are on it"),
    TicketState.WAITING: ("espera tu respuesta", "waiting for your answer"),
    TicketState.RESOLVED: ("resuelto", "solved"),
    TicketState.CLOSED: ("cerrado", "closed"),
}


def ticket_opened(ticket: Ticket, answered: str, language: str) -> Reply:
    """Return what somebody reads whose ticket was opened."""
    spanish, english = KIND_NAMES[ticket.kind]
    text = pick(
        language,
        f"Lamento lo ocurrido. Abrí el caso *{ticket.number}* ({spanish}).\n{answered}",
        f"I am sorry about this. I opened ticket *{ticket.number}* ({english}).\n{answered}",
    )
    return ask(
        text,
        ("info:hand_off", pick(language, "Hablar con alguien", "Talk to a person")),
        (f"support:ticket:{ticket.number}", pick(language, "Ver mi caso", "See my ticket")),
    )


def return_opened(ticket: Ticket, is_in_time: bool, language: str) -> Reply:
    """Return what somebody reads whose wish to return was noted."""
    text = pick(
        language,
        f"Registré tu solicitud de devolución, caso *{ticket.number}*. Una persona la revisa y te "
        "dice aquí cómo seguir.",
        f"I noted your wish to return it, ticket *{ticket.number}*. A person will look at it and "
        "tell you here what comes next.",
    )
    if not is_in_time:
        text += pick(
            language,
            " Ojo: ya pasó el plazo normal de devolución.",
            " Please note: the usual time for returns is over.",
        )
    return say(text)


def ticket_line(ticket: Ticket, language: str) -> str:
    """Return a ticket with its state in one line."""
    spanish, english = KIND_NAMES[ticket.kind]
    state = pick(language, *TICKET_STATES[TicketState(ticket.state)])
    return f"🎫 *{ticket.number}* ({pick(language, spanish, english)}): {state}"


def refusal_text(code: str, language: str) -> str:
    """Return why something about a ticket cannot be done."""
    if code == "not_delivered":
        return pick(
            language,
            "Ese pedido todavía no se entrega, así que aún no se puede devolver.",
            "That order has not been delivered yet, so it cannot be returned yet.",
        )
    return pick(
        language,
        "Ese caso ya está cerrado. Cuéntame qué pasa y abro uno nuevo.",
        "That ticket is closed. Tell me what is wrong and I will open a new one.",
    )
