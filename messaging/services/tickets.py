"""Problems of contacts, from the first word to the rating. Owns `Ticket` and `ReturnRequest`.

A dialogue opens and adds to tickets; only a person solves one or approves a return.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from accounts.models import User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError
from core.text import clean_text
from messaging.models import (
    LIVE_TICKET_STATES,
    RETURN_TRANSITIONS,
    TICKET_TRANSITIONS,
    Order,
    OrderState,
    ReturnRequest,
    ReturnState,
    Ticket,
    TicketEntry,
    TicketKind,
    TicketPriority,
    TicketState,
)
from messaging.replies import say
from messaging.services.notices import ask_satisfaction, tell_contact
from messaging.services.numbering import TICKET_SERIES, next_number

RETURN_DAYS = 30
ENTRY_MAX = 4000
SUMMARY_MAX = 500
#: Kinds nobody should wait long for.
_HIGH = frozenset({TicketKind.DAMAGED, TicketKind.PAYMENT, TicketKind.REFUND, TicketKind.LATE})


class TicketStateError(ConflictError):
    """The ticket is past the point where this could be done."""

    def __init__(self, ticket: Ticket, wanted: str) -> None:
        super().__init__(
            "ticket_state",
            f"Ticket {ticket.number} is {ticket.get_state_display().lower()}; "
            "this does not follow.",
            extra={"state": ticket.state, "wanted": wanted},
        )


def open_ticket(
    *,
    company_id: int,
    contact_id: int,
    conversation_id: int | None,
    kind: TicketKind,
    text: str,
    order: Order | None = None,
    priority: TicketPriority | None = None,
) -> Ticket:
    """Open a ticket in the person's own words.

    A live ticket of the same kind about the same order takes the words as a further entry: people
    who are upset write several times.

    Joins the caller's transaction, else one of its own.
    """
    cleaned = clean_text(text, ENTRY_MAX).text or str(TicketKind(kind).label)
    with transaction.atomic():
        known = Ticket.objects.filter(
            contact_id=contact_id, kind=kind, order=order, state__in=LIVE_TICKET_STATES
        ).first()
        if known is not None:
            add_entry(ticket=known, author_kind="contact", text=cleaned)
            return known
        ticket = Ticket.objects.create(
            number=next_number(company_id=company_id, series=TICKET_SERIES),
            company_id=company_id,
            contact_id=contact_id,
            conversation_id=conversation_id,
            order=order,
            kind=kind,
            priority=priority or (TicketPriority.HIGH if kind in _HIGH else TicketPriority.NORMAL),
            summary=cleaned[:SUMMARY_MAX],
        )
        add_entry(ticket=ticket, author_kind="contact", text=cleaned)
        return ticket


def add_entry(
    *, ticket: Ticket, author_kind: str, text: str, author: User | None = None
) -> TicketEntry:
    """Add something written to a ticket; a word of the person wakes one that waits for them."""
    entry = TicketEntry.objects.create(
        ticket=ticket,
        author_kind=author_kind,
        author=author,
        text=clean_text(text, ENTRY_MAX).text,
        at=clock.now(),
    )
    if author_kind == "contact":
        Ticket.objects.filter(pk=ticket.pk, state=TicketState.WAITING).update(
            state=TicketState.OPEN
        )
    return entry


def request_return(
    *,
    order: Order,
    conversation_id: int | None,
    reason: str,
    wants_exchange: bool = False,
) -> ReturnRequest:
    """Note that somebody wants to give an order back.

    Returns:
        The request, with its ticket; the one that is there when asked again.

    Raises:
        ConflictError: the order was never delivered (``not_delivered``).

    Nothing is approved and no money moves: a person decides.
    """
    with transaction.atomic():
        row = Order.objects.select_for_update().get(pk=order.pk)
        if row.state not in (OrderState.DELIVERED, OrderState.SHIPPED, OrderState.READY):
            raise ConflictError("not_delivered", f"Order {row.number} has not been delivered yet.")
        known = ReturnRequest.objects.filter(
            order=row, ticket__state__in=LIVE_TICKET_STATES
        ).first()
        if known is not None:
            add_entry(ticket=known.ticket, author_kind="contact", text=reason)
            return known
        ticket = open_ticket(
            company_id=row.company_id,
            contact_id=row.contact_id,
            conversation_id=conversation_id,
            kind=TicketKind.RETURN,
            text=reason,
            order=row,
        )
        delivered = row.closed_at or clock.now()
        return ReturnRequest.objects.create(
            ticket=ticket,
            order=row,
            wants_exchange=wants_exchange,
            reason=clean_text(reason, SUMMARY_MAX).text,
            is_in_time=clock.now() - delivered <= timedelta(days=RETURN_DAYS),
        )


def change_ticket(
    *, ticket: Ticket, wanted: TicketState, actor: User, note: str = "", language: str = "es"
) -> Ticket:
    """Move a ticket to another state, by a person of the company.

    Solving it asks the person how it was.

    Raises:
        TicketStateError: the state does not follow the present one.
    """
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        _move(row, wanted)
        if note:
            add_entry(ticket=row, author_kind="operator", text=note, author=actor)
        audit.record_event(
            actor=actor,
            action=f"ticket.{wanted}",
            object_ref=row,
            company=row.company,
        )
        if wanted == TicketState.RESOLVED:
            ask_satisfaction(ticket=row, language=row.contact.language or language)
        return row


def _move(row: Ticket, wanted: TicketState) -> None:
    if wanted not in TICKET_TRANSITIONS[TicketState(row.state)]:
        raise TicketStateError(row, wanted)
    now = clock.now()
    row.state = wanted
    if wanted == TicketState.RESOLVED:
        row.resolved_at = now
    elif wanted == TicketState.CLOSED:
        row.closed_at = now
    else:
        row.resolved_at = None
    row.save()


def assign_ticket(*, ticket: Ticket, operator: User | None) -> Ticket:
    """Give a ticket to an operator, or to nobody."""
    Ticket.objects.filter(pk=ticket.pk).update(assigned_to=operator)
    ticket.refresh_from_db()
    return ticket


def rate_ticket(*, ticket: Ticket, score: int) -> Ticket:
    """Take the person's rating of a solved ticket and close it.

    Raises:
        InvalidInputError: not 1 to 5.
        TicketStateError: it is not solved. Rating a closed one again changes nothing.
    """
    if not 1 <= score <= 5:
        raise InvalidInputError("invalid_score", "Give a rating from 1 to 5.")
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        if row.state == TicketState.CLOSED:
            return row
        row.satisfaction = score
        _move(row, TicketState.CLOSED)
        return row


def reopen_ticket(*, ticket: Ticket, text: str) -> Ticket:
    """Open a solved ticket again because the person says it is not.

    Raises:
        TicketStateError: it is closed for good.
    """
    with transaction.atomic():
        row = Ticket.objects.select_for_update().get(pk=ticket.pk)
        if row.state in LIVE_TICKET_STATES:
            return row
        _move(row, TicketState.OPEN)
        row.priority = TicketPriority.HIGH
        row.save(update_fields=["priority"])
        if text:
            add_entry(ticket=row, author_kind="contact", text=text)
        return row


def raise_priority(*, ticket: Ticket, priority: TicketPriority) -> None:
    """Make a ticket more urgent. One statement."""
    Ticket.objects.filter(pk=ticket.pk).update(priority=priority)


def decide_return(*, request: ReturnRequest, wanted: ReturnState, actor: User) -> ReturnRequest:
    """Note a person's decision on a return, and tell the buyer.

    Raises:
        ConflictError: it does not follow the present state.
    """
    with transaction.atomic():
        row = (
            ReturnRequest.objects.select_for_update(of=("self",))
            .select_related("ticket__company", "ticket__contact", "order")
            .get(pk=request.pk)
        )
        if wanted not in RETURN_TRANSITIONS[ReturnState(row.state)]:
            raise ConflictError(
                "return_state", f"This return is {row.get_state_display().lower()}."
            )
        row.state = wanted
        row.save(update_fields=["state", "updated_at"])
        audit.record_event(
            actor=actor,
            action=f"return.{wanted}",
            object_ref=row.ticket,
            company=row.ticket.company,
        )
        news = _RETURN_NEWS[wanted][row.order.language == "en"]
        tell_contact(
            contact=row.ticket.contact,
            reply=say(news.format(order=row.order.number, ticket=row.ticket.number)),
            key=f"{row.ticket.public_id}:return:{wanted}",
        )
        return row


_RETURN_NEWS: dict[ReturnState, tuple[str, str]] = {
    ReturnState.APPROVED: (
        "Aprobamos la devolución de tu pedido {order} (caso {ticket}). Te decimos aquí cómo "
        "enviarlo.",
        "We approved the return of your order {order} (ticket {ticket}). We will tell you here how "
        "to send it.",
    ),
    ReturnState.REFUSED: (
        "No pudimos aceptar la devolución de tu pedido {order} (caso {ticket}).",
        "We could not accept the return of your order {order} (ticket {ticket}).",
    ),
    ReturnState.RECEIVED: (
        "Recibimos de vuelta tu pedido {order}. Seguimos con tu caso {ticket}.",
        "We received your order {order} back. We go on with your ticket {ticket}.",
    ),
    ReturnState.SETTLED: (
        "Cerramos la devolución de tu pedido {order}: reembolso o cambio hecho.",
        "The return of your order {order} is settled: refunded or exchanged.",
    ),
}
