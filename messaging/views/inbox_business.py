"""What operators do with the orders, tickets and returns beside a conversation.

Owns which steps are offered; whether one may be taken is decided by the services, again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied

from accounts.access import CompanyRequest
from accounts.models import Role
from core.errors import InvalidInputError
from messaging.models import (
    Contact,
    Conversation,
    Fulfilment,
    Order,
    OrderState,
    ReturnRequest,
    Ticket,
    TicketState,
)
from messaging.models.orders import ORDER_TRANSITIONS
from messaging.models.support import RETURN_TRANSITIONS, TICKET_TRANSITIONS, ReturnState
from messaging.services import orders, tickets

SHOWN = 5
Step = tuple[str, str]
"""A state to go to, and the words of its button."""

_ORDER_WORDS = {
    OrderState.PREPARING: "Prepare",
    OrderState.SHIPPED: "Shipped",
    OrderState.READY: "Ready for pickup",
    OrderState.DELIVERED: "Delivered",
    OrderState.CANCELLED: "Cancel",
}
_TICKET_WORDS = {
    TicketState.WAITING: "Wait for the person",
    TicketState.OPEN: "Open again",
    TicketState.RESOLVED: "Solved",
    TicketState.CLOSED: "Close",
}
_RETURN_WORDS = {
    ReturnState.APPROVED: "Approve return",
    ReturnState.REFUSED: "Refuse return",
    ReturnState.RECEIVED: "Goods are back",
    ReturnState.SETTLED: "Return settled",
}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order with what may be done with it next."""

    order: Order
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket with its return, if it is about one, and what may be done with either next."""

    ticket: Ticket
    steps: tuple[Step, ...]
    return_request: ReturnRequest | None
    return_steps: tuple[Step, ...]


def orders_beside(contact: Contact) -> list[OrderRow]:
    """Return a person's latest orders."""
    found = Order.objects.filter(contact=contact).order_by("-pk")[:SHOWN]
    return [OrderRow(order, _steps_of_order(order)) for order in found]


def tickets_beside(contact: Contact) -> list[TicketRow]:
    """Return a person's latest tickets."""
    found = Ticket.objects.filter(contact=contact).select_related("return_request")
    rows = []
    for ticket in found.order_by("-pk")[:SHOWN]:
        wanted = getattr(ticket, "return_request", None)
        following = RETURN_TRANSITIONS[ReturnState(wanted.state)] if wanted else frozenset()
        rows.append(
            TicketRow(
                ticket,
                _named(_TICKET_WORDS, TICKET_TRANSITIONS[TicketState(ticket.state)]),
                wanted,
                _named(_RETURN_WORDS, following),
            )
        )
    return rows


def act_on_business(request: CompanyRequest, conversation: Conversation, action: str) -> str | None:
    """Take a step with an order, ticket or return; return what to say, None for other actions.

    Raises:
        ConflictError: the step does not follow the present state.
        InvalidInputError: no such thing of this person's, or no such step.
        PermissionDenied: an operator notes a refund, which is for owners and members.
    """
    act = _ACTIONS.get(action)
    return act(request, conversation) if act is not None else None


def _steps_of_order(order: Order) -> tuple[Step, ...]:
    # What is picked up is never shipped, and the other way round.
    other = OrderState.SHIPPED if order.fulfilment == Fulfilment.PICKUP else OrderState.READY
    offered = (ORDER_TRANSITIONS[OrderState(order.state)] & set(_ORDER_WORDS)) - {other}
    return _named(_ORDER_WORDS, offered)


def _named(words: dict[OrderState, str] | dict[TicketState, str] | dict[ReturnState, str],
           offered: frozenset[OrderState] | frozenset[TicketState] | frozenset[ReturnState],
           ) -> tuple[Step, ...]:  # fmt: skip
    return tuple((str(state), label) for state, label in words.items() if state in offered)


def _change_order(request: CompanyRequest, conversation: Conversation) -> str:
    order = _order_of(request, conversation)
    wanted = _wanted(request, _ORDER_WORDS)
    if wanted == OrderState.CANCELLED:
        orders.cancel_order(order=order, actor=request.user, reason="by the shop")
        return f"{order.number} is cancelled; its goods are back in stock."
    orders.advance_order(
        order=order,
        wanted=OrderState(wanted),
        actor=request.user,
        tracking_code=request.POST.get("tracking_code", "").strip(),
    )
    return f"{order.number} has moved on, and the person was told."


def _note_refund(request: CompanyRequest, conversation: Conversation) -> str:
    if request.membership.role == Role.OPERATOR:
        raise PermissionDenied
    order = _order_of(request, conversation)
    orders.note_refund(order=order, actor=request.user)
    return f"Noted: the money for {order.number} was given back."


def _change_ticket(request: CompanyRequest, conversation: Conversation) -> str:
    ticket = _ticket_of(request, conversation)
    wanted = TicketState(_wanted(request, _TICKET_WORDS))
    tickets.change_ticket(ticket=ticket, wanted=wanted, actor=request.user)
    return f"{ticket.number} is {wanted.label.lower()}."


def _decide_return(request: CompanyRequest, conversation: Conversation) -> str:
    ticket = _ticket_of(request, conversation)
    wanted = ReturnState(_wanted(request, _RETURN_WORDS))
    found = ReturnRequest.objects.filter(ticket=ticket).first()
    if found is None:
        raise InvalidInputError("return_unknown", "This ticket is about no return.")
    tickets.decide_return(request=found, wanted=wanted, actor=request.user)
    return f"The return of {ticket.number} is {wanted.label.lower()}; the person was told."


def _order_of(request: CompanyRequest, conversation: Conversation) -> Order:
    found = Order.objects.filter(
        contact=conversation.contact, public_id=request.POST.get("order", "")
    ).first()
    if found is None:
        raise InvalidInputError("order_unknown", "This person has no such order.")
    return found


def _ticket_of(request: CompanyRequest, conversation: Conversation) -> Ticket:
    found = Ticket.objects.filter(
        contact=conversation.contact, public_id=request.POST.get("ticket", "")
    ).first()
    if found is None:
        raise InvalidInputError("ticket_unknown", "This person has no such ticket.")
    return found


def _wanted(
    request: CompanyRequest,
    words: dict[OrderState, str] | dict[TicketState, str] | dict[ReturnState, str],
) -> str:
    wanted = request.POST.get("step", "")
    if wanted not in {str(state) for state in words}:
        raise InvalidInputError("step_unknown", "Choose one of the steps the page offers.")
    return wanted


_ACTIONS: dict[str, Callable[[CompanyRequest, Conversation], str]] = {
    "order": _change_order,
    "refund": _note_refund,
    "ticket": _change_ticket,
    "return": _decide_return,
}
