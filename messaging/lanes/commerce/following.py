"""What comes after an order was placed: paying, following, changing, cancelling, repeating."""

from __future__ import annotations

from core.money import format_money
from messaging.agents_protocol import AgentResult, TurnContext
from messaging.lanes.base import argument_of, find_order_number, means_no, means_yes, pick
from messaging.lanes.commerce import texts
from messaging.models import CANCELLABLE_STATES, Order, OrderState
from messaging.replies import Reply, Row, Section, ask, link, offer, say
from messaging.selectors import orders, shop
from messaging.services import orders as order_services
from messaging.services.checkout import total_cart
from messaging.services.payments import pay_url
from messaging.turns import Turn

ADDRESS_LEAST = 6


def active_intent(turn: Turn, step: str) -> str | None:
    """Return which step a turn answers."""
    if step == "cancel" and means_yes(turn.text):
        return "cancel_yes"
    if step == "cancel" and means_no(turn.text):
        return "track_order"
    if step == "new_address" and len(turn.text.strip()) >= ADDRESS_LEAST:
        return None if turn.text.strip().endswith("?") else "new_address"
    return None


def pay_reply(order: Order, language: str, *, is_new: bool = False) -> Reply:
    """Return the message with the link to the page on which an order is paid."""
    payment = orders.payment_of(order)
    total = format_money(order.total_minor, order.currency, language)
    if is_new:
        head = pick(
            language,
            f"¡Listo! Tu pedido *{order.number}* está reservado: {total}.",
            f"Done! Your order *{order.number}* is reserved: {total}.",
        )
    else:
        head = pick(
            language,
            f"Tu pedido *{order.number}* espera tu pago: {total}.",
            f"Your order *{order.number}* awaits your payment: {total}.",
        )
    tail = pick(
        language,
        "Págalo con el botón; te aviso aquí cuando llegue el pago. Lo guardamos 2 horas.",
        "Pay with the button; I will tell you here when the payment arrives. We keep it 2 hours.",
    )
    return link(f"{head}\n{tail}", url=pay_url(payment), title=pick(language, "Pagar", "Pay"))


def send_pay_link(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Send the link of the order that awaits payment; with none, lead to the checkout."""
    number = find_order_number(turn.text)
    order = orders.order_of(context.contact_id, number) if number else None
    order = order or orders.order_to_pay(context.contact_id)
    if order is None:
        cart = orders.open_cart_of(context.contact_id)
        if cart is not None and cart.lines.exists():
            totals = total_cart(cart=cart, place=None)
            return _said(language, texts.cart_reply(totals, language))
        return _said(
            language,
            say(
                pick(
                    language,
                    "No tienes ningún pedido por pagar.",
                    "You have no order to pay for.",
                )
            ),
        )
    if order.state != OrderState.AWAITING_PAYMENT:
        return _said(language, say(texts.order_text(order, language)))
    return _said(language, pay_reply(order, language))


def track(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Tell how far an order is: the one named, else the latest."""
    number = find_order_number(turn.text) or argument_of(turn)
    if number:
        order = orders.order_of(context.contact_id, number)
        if order is None:
            text = pick(
                language,
                f"No encuentro un pedido tuyo con el número {number}.",
                f"I find no order of yours with the number {number}.",
            )
            listed = show_orders(turn, context, language)
            return _said(language, say(text), *listed.replies)
    else:
        order = orders.latest_order(context.contact_id)
    if order is None:
        return _said(language, _no_orders(language))
    if order.state == OrderState.AWAITING_PAYMENT:
        return _said(language, say(texts.order_text(order, language)), pay_reply(order, language))
    return AgentResult(
        replies=(say(texts.order_text(order, language)),),
        slots={"order": order.number},
        language=language,
    )


def show_orders(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """List the person's latest orders; repeat the last one when that is what they ask."""
    if any(word in turn.text.lower() for word in ("repet", "repeat", "de siempre", "usual", "again",
                                                  "lo mismo", "same")):  # fmt: skip
        return repeat(turn, context, language)
    listed = orders.orders_of(context.contact_id)
    if not listed:
        return _said(language, _no_orders(language))
    rows = tuple(
        Row(
            f"commerce:track_order:{order.number}",
            order.number,
            f"{texts.state_text(order, language)} · "
            f"{format_money(order.total_minor, order.currency, language)}",
        )
        for order in listed
    )
    return _said(
        language,
        offer(
            pick(language, "Estos son tus pedidos:", "These are your orders:"),
            button=pick(language, "Ver pedidos", "See orders"),
            sections=(Section("", rows),),
        ),
    )


def repeat(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Fill the cart with what was ordered last, at the prices of now."""
    listed = orders.orders_of(context.contact_id, limit=1)
    if not listed:
        return _said(language, _no_orders(language))
    last, contact_id = listed[0], context.contact_id

    def fill() -> tuple[Reply, ...]:
        order_services.repeat_order(order=last)
        cart = orders.open_cart_of(contact_id)
        totals = total_cart(cart=cart, place=None) if cart else None
        if totals is None or not totals.lines:
            text = pick(
                language,
                "Nada de ese pedido está a la venta ahora.",
                "Nothing of that order is on sale now.",
            )
            return (say(text),)
        head = pick(
            language,
            f"Puse en tu carrito lo de {last.number}, con los precios de hoy:",
            f"I put the goods of {last.number} into your cart, at today's prices:",
        )
        return (texts.cart_reply(totals, language, head=head),)

    return AgentResult(slots={}, effects=(fill,), language=language)


def _named_or_only(turn: Turn, context: TurnContext, candidates: list[Order]) -> Order | None:
    number = find_order_number(turn.text) or argument_of(turn)
    for order in candidates:
        if order.number == number:
            return order
    return candidates[0] if len(candidates) == 1 and not number else None


def ask_cancel(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Ask whether an order shall really be cancelled."""
    candidates = orders.cancellable_orders(context.contact_id)
    order = _named_or_only(turn, context, candidates)
    if order is None and len(candidates) > 1:
        return _choose(candidates, "cancel_order", language)
    if order is None:
        return _cannot(turn, context, language)
    text = pick(
        language,
        f"{texts.order_text(order, language)}\n\n¿Lo cancelo?",
        f"{texts.order_text(order, language)}\n\nShall I cancel it?",
    )
    reply = ask(
        text,
        (f"commerce:cancel_yes:{order.number}", pick(language, "Sí, cancelar", "Yes, cancel")),
        (f"commerce:track_order:{order.number}", pick(language, "No, dejarlo", "No, keep it")),
    )
    return AgentResult(
        replies=(reply,), slots={"step": "cancel", "order": order.number}, language=language
    )


def _cannot(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    cart = orders.open_cart_of(context.contact_id)
    latest = orders.latest_order(context.contact_id)
    if latest is not None and latest.state not in CANCELLABLE_STATES:
        text = pick(
            language,
            f"Tu pedido {latest.number} está {texts.state_text(latest, language)}; "
            "ya no lo puedo cancelar yo. ¿Te paso con una persona?",
            f"Your order {latest.number} is {texts.state_text(latest, language)}; I cannot "
            "cancel it any more. Shall I fetch a person?",
        )
        reply = ask(
            text,
            ("info:hand_off", pick(language, "Sí, una persona", "Yes, a person")),
            ("support:return", pick(language, "Quiero devolverlo", "I want to return it")),
        )
        return _said(language, reply)
    if cart is not None and cart.lines.exists():
        text = pick(
            language,
            "No tienes pedidos por cancelar, solo un carrito. ¿Lo vacío?",
            "You have no order to cancel, only a cart. Shall I empty it?",
        )
        return _said(
            language,
            ask(
                text,
                ("commerce:clear", pick(language, "Vaciar carrito", "Empty the cart")),
                ("commerce:view_cart", pick(language, "Ver carrito", "See cart")),
            ),
        )
    return _said(language, _no_orders(language))


def cancel(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Cancel the order the person said yes to."""
    number = argument_of(turn) or str(context.slots_of("commerce").get("order", ""))
    order = orders.order_of(context.contact_id, number)
    if order is None or context.refusal is not None:
        return _cannot(turn, context, language)
    contact_id = context.contact_id

    def do() -> tuple[Reply, ...]:
        cancelled = order_services.cancel_order(order=order, contact_id=contact_id)
        text = pick(
            language,
            f"Listo, cancelé tu pedido {cancelled.number}.",
            f"Done, I cancelled your order {cancelled.number}.",
        )
        if cancelled.is_refund_due:
            total = format_money(cancelled.total_minor, cancelled.currency, language)
            text += pick(
                language,
                f" Ya estaba pagado: una persona te devolverá {total}.",
                f" It was paid already: a person will return {total} to you.",
            )
        return (say(text),)

    return AgentResult(slots={}, effects=(do,), language=language)


def change(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Offer what can be changed about an order: its address. The rest needs a person."""
    candidates = orders.changeable_orders(context.contact_id)
    order = _named_or_only(turn, context, candidates)
    if order is None and len(candidates) > 1:
        return _choose(candidates, "change_order", language)
    if order is None:
        return _cannot(turn, context, language)
    text = pick(
        language,
        f"Puedo cambiar la dirección de tu pedido {order.number}. Ahora va a: {order.address}\n"
        "Escribe la nueva dirección. Para otro cambio, te paso con una persona.",
        f"I can change the address of your order {order.number}. It now goes to: {order.address}\n"
        "Write the new address. For any other change I will fetch a person.",
    )
    reply = ask(
        text,
        (f"commerce:cancel_order:{order.number}", pick(language, "Cancelarlo", "Cancel it")),
        ("info:hand_off", pick(language, "Otro cambio", "Another change")),
    )
    return AgentResult(
        replies=(reply,), slots={"step": "new_address", "order": order.number}, language=language
    )


def take_new_address(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Send the order to another address."""
    number = str(context.slots_of("commerce").get("order", ""))
    order = orders.order_of(context.contact_id, number)
    found = shop.find_places(context.company_id, turn.text)
    if order is None:
        return _said(language, _no_orders(language))
    place = found[0] if found else order.place
    if place is None or context.refusal is not None:
        text = pick(
            language,
            "Ese cambio lo tiene que hacer una persona. ¿Te paso con alguien?",
            "A person must make that change. Shall I fetch somebody?",
        )
        return _said(
            language,
            ask(text, ("info:hand_off", pick(language, "Sí, por favor", "Yes, please"))),
        )
    address = turn.text

    def do() -> tuple[Reply, ...]:
        changed = order_services.change_address(order=order, address=address, place=place)
        text = pick(
            language,
            f"Listo. Tu pedido {changed.number} va ahora a: {changed.address} "
            f"({changed.place_name})",
            f"Done. Your order {changed.number} now goes to: {changed.address} "
            f"({changed.place_name})",
        )
        return (say(text),)

    return AgentResult(slots={}, effects=(do,), language=language)


def _choose(candidates: list[Order], intent: str, language: str) -> AgentResult:
    rows = tuple(
        Row(
            f"commerce:{intent}:{order.number}",
            order.number,
            texts.state_text(order, language),
        )
        for order in candidates
    )
    return _said(
        language,
        offer(
            pick(language, "¿Cuál pedido?", "Which order?"),
            button=pick(language, "Elegir pedido", "Choose order"),
            sections=(Section("", rows),),
        ),
    )


def _no_orders(language: str) -> Reply:
    return ask(
        pick(language, "Todavía no tienes pedidos.", "You have no orders yet."),
        ("commerce:browse", pick(language, "Ver catálogo", "See catalogue")),
    )


def _said(language: str, *replies: Reply) -> AgentResult:
    return AgentResult(replies=replies, slots={}, language=language)
