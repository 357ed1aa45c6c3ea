"""How goods, carts and orders read in a chat. Pure text of rows already read; decides nothing."""

from __future__ import annotations

from core.money import format_money
from messaging.lanes.base import day_text, pick, text_of
from messaging.models import CartLine, Order, OrderState, Product
from messaging.replies import Reply, Row, Section, ask, offer
from messaging.services.checkout import CartTotals

ROWS_A_PAGE = 9
"""One row is kept for "more"."""
LINES_SHOWN = 20

_STATE_TEXTS: dict[OrderState, tuple[str, str]] = {
    OrderState.AWAITING_PAYMENT: ("esperando tu pago", "awaiting your payment"),
    OrderState.PAID: ("pagado; pronto lo preparamos", "paid; we will prepare it soon"),
    OrderState.PREPARING: ("en preparación", "being prepared"),
    OrderState.SHIPPED: ("en camino", "on its way"),
    OrderState.READY: ("listo para recoger", "ready to be picked up"),
    OrderState.DELIVERED: ("entregado", "delivered"),
    OrderState.CANCELLED: ("cancelado", "cancelled"),
    OrderState.EXPIRED: ("no se pagó a tiempo", "not paid in time"),
}


def name_of(product: Product, language: str) -> str:
    """Return a product's name."""
    return text_of(product, "name", language)


def price_of(product: Product, language: str) -> str:
    """Return a product's price of now."""
    return format_money(product.price_minor, product.currency, language)


def state_text(order: Order, language: str) -> str:
    """Return an order's state in words."""
    spanish, english = _STATE_TEXTS[OrderState(order.state)]
    return pick(language, spanish, english)


def product_list(
    text: str, products: list[Product], *, language: str, start: int = 0, more_id: str = ""
) -> Reply:
    """Return a list to choose a product from, with a row for more when there are."""
    page = products[start : start + ROWS_A_PAGE]
    rows = [
        Row(
            f"commerce:product:{product.public_id}",
            name_of(product, language),
            price_of(product, language)
            + ("" if product.stock > 0 else pick(language, " · agotado", " · sold out")),
        )
        for product in page
    ]
    if len(products) > start + ROWS_A_PAGE and more_id:
        rows.append(
            Row(
                f"{more_id}:{start + ROWS_A_PAGE}",
                pick(language, "Ver más…", "More…"),
            )
        )
    return offer(
        text,
        button=pick(language, "Ver productos", "See products"),
        sections=(Section("", tuple(rows)),),
    )


def product_card(product: Product, language: str) -> Reply:
    """Return a product with what can be done about it."""
    parts = [f"*{name_of(product, language)}*", text_of(product, "description", language)]
    parts.append(f"💲 {price_of(product, language)}")
    if product.stock <= 0 or not product.is_active:
        parts.append(pick(language, "Ahora está agotado.", "It is sold out now."))
        return ask(
            "\n".join(part for part in parts if part),
            ("commerce:browse", pick(language, "Ver catálogo", "See catalogue")),
        )
    if product.stock <= 5:
        parts.append(pick(language, f"Quedan {product.stock}.", f"{product.stock} left."))
    key = product.public_id
    return ask(
        "\n".join(part for part in parts if part),
        (f"commerce:add:{key}:1", pick(language, "Agregar 1", "Add 1")),
        (f"commerce:quantity:{key}", pick(language, "Otra cantidad", "Other quantity")),
        ("commerce:browse", pick(language, "Ver catálogo", "See catalogue")),
    )


def line_text(line: CartLine, language: str) -> str:
    """Return a line of a cart."""
    product = line.product
    amount = format_money(line.quantity * product.price_minor, product.currency, language)
    return f"• {line.quantity} × {name_of(product, language)}: {amount}"


def cart_lines(totals: CartTotals, language: str) -> str:
    """Return the lines of a cart and what they come to."""
    lines = [line_text(line, language) for line in totals.lines[:LINES_SHOWN]]
    left = len(totals.lines) - LINES_SHOWN
    if left > 0:
        lines.append(pick(language, f"… y {left} más", f"… and {left} more"))
    subtotal = format_money(totals.subtotal_minor, totals.currency, language)
    lines.append(pick(language, f"*Subtotal: {subtotal}*", f"*Subtotal: {subtotal}*"))
    return "\n".join(lines)


def cart_reply(totals: CartTotals, language: str, *, head: str = "") -> Reply:
    """Return a cart with what can be done about it."""
    title = head or pick(language, "🛒 Tu carrito:", "🛒 Your cart:")
    return ask(
        f"{title}\n{cart_lines(totals, language)}",
        ("commerce:checkout", pick(language, "Pagar", "Check out")),
        ("commerce:browse", pick(language, "Seguir comprando", "Keep shopping")),
        ("commerce:clear", pick(language, "Vaciar carrito", "Empty the cart")),
    )


def empty_cart(language: str) -> Reply:
    """Return what somebody with an empty cart reads."""
    return ask(
        pick(language, "Tu carrito está vacío.", "Your cart is empty."),
        ("commerce:browse", pick(language, "Ver catálogo", "See catalogue")),
    )


def changes_of(lines: tuple[CartLine, ...], language: str) -> list[str]:
    """Return what differs between what the person was shown and the catalogue of now."""
    found: list[str] = []
    for line in lines:
        product = line.product
        name = name_of(product, language)
        if not product.is_active or product.stock <= 0:
            found.append(pick(language, f"• {name}: se agotó", f"• {name}: sold out"))
        elif product.stock < line.quantity:
            found.append(
                pick(
                    language,
                    f"• {name}: solo quedan {product.stock}",
                    f"• {name}: only {product.stock} left",
                )
            )
        if (
            product.is_active
            and product.stock > 0
            and product.price_minor != line.shown_price_minor
        ):
            before = format_money(line.shown_price_minor, product.currency, language)
            found.append(
                pick(
                    language,
                    f"• {name}: costaba {before}, ahora {price_of(product, language)}",
                    f"• {name}: was {before}, now {price_of(product, language)}",
                )
            )
    return found


def order_text(order: Order, language: str) -> str:
    """Return an order with its state, lines, amounts and what is known of its arrival."""
    parts = [f"📦 *{order.number}*: {state_text(order, language)}"]
    parts += [f"• {line.quantity} × {line.name}" for line in order.lines.all()[:LINES_SHOWN]]
    total = format_money(order.total_minor, order.currency, language)
    parts.append(f"Total: {total}")
    if order.fulfilment == "delivery" and order.address:
        parts.append(pick(language, f"Entrega: {order.address}", f"Delivery: {order.address}"))
    if order.due_on and order.state in ("paid", "preparing", "shipped", "ready"):
        day = day_text(order.due_on, language)
        parts.append(
            pick(language, f"Llega a más tardar el {day}.", f"It should be with you by {day}.")
        )
    if order.tracking_code:
        parts.append(
            pick(
                language,
                f"Número de guía: {order.tracking_code}",
                f"Tracking code: {order.tracking_code}",
            )
        )
    if order.is_refund_due:
        parts.append(pick(language, "Te debemos el reembolso.", "We owe you the refund."))
    return "\n".join(parts)
