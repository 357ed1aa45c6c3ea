"""News a person did not ask for: an order was paid or sent, a ticket was solved.

Owns their words and that each is sent once. They go through the outbox of the contact's latest
conversation; outside the 24 hour window the sender keeps them until the person writes.
"""

from __future__ import annotations

from core.money import format_money
from messaging.models import Contact, Conversation, Order, OrderState, Ticket
from messaging.replies import Reply, Row, Section, offer, say
from messaging.services.outbox import queue_reply

_ORDER_NEWS: dict[OrderState, tuple[str, str]] = {
    OrderState.PAID: (
        "✅ Recibimos tu pago de {total}. Tu pedido {number} está confirmado{due}.",
        "✅ We received your payment of {total}. Your order {number} is confirmed{due}.",
    ),
    OrderState.PREPARING: (
        "👩‍🍳 Estamos preparando tu pedido {number}.",
        "👩‍🍳 We are preparing your order {number}.",
    ),
    OrderState.SHIPPED: (
        "🚚 Tu pedido {number} va en camino{tracking}.",
        "🚚 Your order {number} is on its way{tracking}.",
    ),
    OrderState.READY: (
        "🛍️ Tu pedido {number} está listo para que lo recojas.",
        "🛍️ Your order {number} is ready to be picked up.",
    ),
    OrderState.DELIVERED: (
        "🎉 Tu pedido {number} fue entregado. ¡Que lo disfrutes!",
        "🎉 Your order {number} has been delivered. Enjoy!",
    ),
    OrderState.CANCELLED: (
        "Tu pedido {number} fue cancelado.{refund}",
        "Your order {number} was cancelled.{refund}",
    ),
    OrderState.EXPIRED: (
        "Tu pedido {number} no se pagó a tiempo y lo liberamos. Escribe *repetir* para pedirlo "
        "de nuevo.{refund}",
        "Your order {number} was not paid in time, so we let it go. Write *repeat* to order it "
        "again.{refund}",
    ),
}


def conversation_of(contact: Contact) -> Conversation | None:
    """Return the thread a person last wrote in, merged contacts followed."""
    while contact.merged_into is not None:
        contact = contact.merged_into
    return (
        Conversation.objects.filter(contact=contact)
        .select_related("number__company", "contact")
        .order_by("-last_inbound_at", "-id")
        .first()
    )


def tell_contact(*, contact: Contact, reply: Reply, key: str) -> bool:
    """Queue a message to a person once for the key; False when there is nobody to tell.

    Joins the caller's transaction. Who has opted out is told nothing.
    """
    conversation = conversation_of(contact)
    if conversation is None or conversation.contact.opted_out_at is not None:
        return False
    queue_reply(conversation=conversation, reply=reply, turn_id=f"notice:{key}")
    return True


def tell_order_state(*, order: Order) -> bool:
    """Tell the buyer what became of an order; once for each state."""
    news = _ORDER_NEWS.get(OrderState(order.state))
    if news is None:
        return False
    is_english = order.language == "en"
    total = format_money(order.total_minor, order.currency, order.language)
    due = refund = tracking = ""
    if order.due_on is not None:
        day = order.due_on.strftime("%Y-%m-%d" if is_english else "%d/%m/%Y")
        due = (
            f"; it should be with you by {day}" if is_english else f"; llega a más tardar el {day}"
        )
    if order.tracking_code:
        tracking = (
            f". Tracking code: {order.tracking_code}"
            if is_english
            else f". Número de guía: {order.tracking_code}"
        )
    if order.is_refund_due:
        refund = (
            f" We owe you {total}; a person will return it."
            if is_english
            else f" Te debemos {total}; una persona te lo devolverá."
        )
    text = news[is_english].format(
        total=total, number=order.number, due=due, tracking=tracking, refund=refund
    )
    key = f"{order.public_id}:{order.state}:{int(order.is_refund_due)}"
    return tell_contact(contact=order.contact, reply=say(text), key=key)


def ask_satisfaction(*, ticket: Ticket, language: str) -> bool:
    """Tell the person that a ticket is solved and ask how it was; once for each solution."""
    is_english = language == "en"
    labels = (
        ("5 ⭐ Excellent", "4 Good", "3 So-so", "2 Poor", "1 Very poor")
        if is_english
        else ("5 ⭐ Excelente", "4 Bien", "3 Regular", "2 Mal", "1 Muy mal")
    )
    rows = [Row(f"support:rate:{ticket.number}:{5 - at}", label) for at, label in enumerate(labels)]
    rows.append(
        Row(
            f"support:reopen:{ticket.number}",
            "It is not solved" if is_english else "No está resuelto",
        )
    )
    text = (
        f"We marked your ticket {ticket.number} as solved. How did we do?"
        if is_english
        else f"Marcamos tu caso {ticket.number} como resuelto. ¿Cómo te atendimos?"
    )
    reply = offer(
        text,
        button="Rate" if is_english else "Calificar",
        sections=(Section("", tuple(rows)),),
    )
    moment = ticket.resolved_at.isoformat() if ticket.resolved_at else ""
    return tell_contact(
        contact=ticket.contact, reply=reply, key=f"{ticket.public_id}:solved:{moment}"
    )
