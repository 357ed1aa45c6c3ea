"""The cart in the chat: putting in, taking out, showing, and WhatsApp's own order message."""

from __future__ import annotations

from collections.abc import Sequence

from messaging.agents_protocol import AgentResult, TurnContext
from messaging.lanes.base import argument_of, find_quantity, pick
from messaging.lanes.commerce import texts
from messaging.lanes.commerce.wishes import read_wishes
from messaging.models import CartLine, Product
from messaging.replies import Reply, Row, Section, offer, say
from messaging.search import Document, query_words, rank
from messaging.selectors import orders, shop
from messaging.services import carts
from messaging.services.carts import SoldOutError, WantedItem
from messaging.services.checkout import total_cart
from messaging.turns import Turn

ITEM_MAX = 999


def add_chosen(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Put in what a button names: ``product:quantity``."""
    key, _, amount = argument_of(turn).partition(":")
    product = shop.product_by_id(context.company_id, key)
    if product is None:
        return _said(language, texts.empty_cart(language))
    quantity = int(amount) if amount.isdigit() and len(amount) <= 3 else 1
    return add_products(context, language, ((product, max(1, quantity)),))


def add_by_words(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Put in what the words name; ask where they fit several products."""
    wishes = read_wishes(context.company_id, turn.text)
    clear = [(wish.matches[0], wish.quantity) for wish in wishes if len(wish.matches) == 1]
    unclear = [wish for wish in wishes if len(wish.matches) > 1]
    slots = context.slots_of("commerce")
    seen = shop.product_by_id(context.company_id, str(slots.get("product", "")))
    if not clear and not unclear and seen is not None:
        # "I'll take two of those" is about what was shown last.
        clear = [(seen, find_quantity(turn.text) or 1)]
    replies = [
        texts.product_list(
            pick(language, "¿Cuál de estos?", "Which of these?"),
            list(wish.matches),
            language=language,
        )
        for wish in unclear[:2]
    ]
    if not clear and not replies:
        return _offer_catalogue(context, language)
    if not clear:
        return AgentResult(replies=tuple(replies), slots={}, language=language)
    return add_products(context, language, clear, further=replies)


def add_products(
    context: TurnContext,
    language: str,
    wanted: Sequence[tuple[Product, int]],
    *,
    further: Sequence[Reply] = (),
) -> AgentResult:
    """Put products in, in the turn's transaction; say what is left when there are too few."""
    if isinstance(context.refusal, SoldOutError):
        return _sold_out(context.refusal, language)
    if context.refusal is not None:
        return _said(language, say(_refusal_text(context.refusal.code, language)))
    company_id, contact_id = context.company_id, context.contact_id
    items = [(product.pk, min(quantity, ITEM_MAX)) for product, quantity in wanted]

    def put() -> tuple[Reply, ...]:
        for product_id, quantity in items:
            carts.add_to_cart(
                company_id=company_id,
                contact_id=contact_id,
                product_id=product_id,
                quantity=quantity,
            )
        return (_shown_cart(contact_id, language), *further)

    names = ", ".join(
        f"{quantity} × {texts.name_of(product, language)}" for product, quantity in wanted
    )
    return AgentResult(
        replies=(say(pick(language, f"Agregué {names}. ✅", f"Added {names}. ✅")),),
        slots={"product": wanted[-1][0].public_id},
        effects=(put,),
        language=language,
    )


def remove_by_words(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Take out, or leave fewer of, what the words name; all of it when they name everything."""
    cart = orders.open_cart_of(context.contact_id)
    lines = tuple(cart.lines.select_related("product")) if cart else ()
    if not lines:
        return _said(language, texts.empty_cart(language))
    folded = turn.text.lower()
    if any(word in folded for word in ("vac", "todo", "empty", "clear", "everything", "limpia")):
        return clear(turn, context, language)
    line = _meant_line(lines, turn.text)
    if line is None:
        rows = tuple(
            Row(f"commerce:add:{one.product.public_id}:1", texts.name_of(one.product, language))
            for one in lines[:10]
        )
        return _said(
            language,
            say(
                pick(
                    language,
                    "¿Qué quito? Dime el producto como aparece aquí:",
                    "What shall I take out? Tell me the product as it stands here:",
                )
                + "\n"
                + "\n".join(f"• {row.title}" for row in rows)
            ),
        )
    left = _quantity_left(turn.text, line)
    company_id, contact_id, product_id = context.company_id, context.contact_id, line.product_id
    if isinstance(context.refusal, SoldOutError):
        return _sold_out(context.refusal, language)

    def change() -> tuple[Reply, ...]:
        carts.set_quantity(
            company_id=company_id, contact_id=contact_id, product_id=product_id, quantity=left
        )
        return (_shown_cart(contact_id, language),)

    name = texts.name_of(line.product, language)
    said = (
        pick(language, f"Quité {name}.", f"Took out {name}.")
        if left <= 0
        else pick(language, f"Dejé {left} × {name}.", f"Left {left} × {name}.")
    )
    return AgentResult(replies=(say(said),), slots={}, effects=(change,), language=language)


def _meant_line(lines: tuple[CartLine, ...], text: str) -> CartLine | None:
    documents = [
        Document(at, f"{line.product.name_es} {line.product.name_en} {line.product.keywords}")
        for at, line in enumerate(lines)
    ]
    matches = rank(text, documents, least=0.4)
    if matches:
        return lines[matches[0].key]
    # "Quítalo" means the only one there is; a name that fits nothing means nothing.
    return lines[0] if len(lines) == 1 and not query_words(text) else None


def _quantity_left(text: str, line: CartLine) -> int:
    """Return how many stay: "solo dos" leaves two, "quita dos" takes two, "quita la taza" all."""
    number = find_quantity(text)
    folded = text.lower()
    if any(
        word in folded
        for word in ("solo", "sólo", "only", "just", "mejor", "make it", "cambia", "change",
                     "en vez", "instead", "deja")
    ):  # fmt: skip
        return number if number is not None else 1
    if number is None or any(word in folded for word in ("todos", "todas", " all")):
        return 0
    says_article = any(f" {word} " in f" {folded} " for word in ("un", "una", "uno", "a", "an"))
    if number == 1 and says_article and line.quantity > 1 and "de l" not in folded:
        return line.quantity - 1
    return max(0, line.quantity - number)


def view(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Show the cart."""
    return _said(language, _shown_cart(context.contact_id, language))


def clear(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Empty the cart."""
    contact_id = context.contact_id

    def empty() -> None:
        carts.clear_cart(contact_id=contact_id)

    text = pick(language, "Listo, vacié tu carrito.", "Done, your cart is empty.")
    return AgentResult(replies=(say(text),), slots={}, effects=(empty,), language=language)


def take_order_message(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Take WhatsApp's own cart: its articles and quantities; prices are ours, whatever it says."""
    known = shop.products_by_sku(context.company_id, [item.sku for item in turn.items])
    items: list[WantedItem] = []
    problems: list[str] = []
    for item in turn.items:
        product = known.get(item.sku)
        if product is None or not product.is_active:
            problems.append(
                pick(
                    language,
                    "• un artículo ya no está a la venta",
                    "• one item is no longer on sale",
                )
            )
            continue
        if product.stock < item.quantity:
            problems.append(
                pick(
                    language,
                    f"• {texts.name_of(product, language)}: quedan {product.stock}",
                    f"• {texts.name_of(product, language)}: {product.stock} left",
                )
            )
        items.append(WantedItem(product.pk, min(max(1, item.quantity), ITEM_MAX)))
    if not items:
        return _offer_catalogue(context, language)
    company_id, contact_id = context.company_id, context.contact_id

    def take() -> tuple[Reply, ...]:
        carts.replace_lines(company_id=company_id, contact_id=contact_id, items=items)
        head = pick(
            language,
            "Recibí tu carrito. Así queda, con los precios de hoy:",
            "I got your cart. This is it, at today's prices:",
        )
        return (_shown_cart(contact_id, language, head=head),)

    replies: tuple[Reply, ...] = ()
    if problems:
        title = pick(language, "Ojo:", "Please note:")
        replies = (say("\n".join([title, *dict.fromkeys(problems)])),)
    return AgentResult(replies=replies, slots={}, effects=(take,), language=language)


def _shown_cart(contact_id: int, language: str, *, head: str = "") -> Reply:
    cart = orders.open_cart_of(contact_id)
    totals = total_cart(cart=cart, place=None) if cart else None
    if totals is None or not totals.lines:
        return texts.empty_cart(language)
    return texts.cart_reply(totals, language, head=head)


def _sold_out(refusal: SoldOutError, language: str) -> AgentResult:
    product = refusal.product
    name = texts.name_of(product, language)
    if product.stock <= 0:
        text = pick(language, f"{name} está agotado.", f"{name} is sold out.")
    else:
        text = pick(
            language,
            f"De {name} solo quedan {product.stock}. ¿Cuántos quieres?",
            f"There are only {product.stock} of {name} left. How many would you like?",
        )
    return AgentResult(
        replies=(say(text),),
        slots={"step": "quantity", "product": product.public_id} if product.stock > 0 else {},
        language=language,
    )


def _refusal_text(code: str, language: str) -> str:
    if code == "cart_full":
        return pick(language, "Tu carrito está lleno.", "Your cart is full.")
    return pick(
        language, "Ese producto ya no está a la venta.", "That product is no longer on sale."
    )


def _offer_catalogue(context: TurnContext, language: str) -> AgentResult:
    shelves = shop.categories_of(context.company_id)
    text = pick(
        language,
        "Con gusto tomo tu pedido. ¿Qué te gustaría? Dímelo con tus palabras o elige una sección.",
        "I will gladly take your order. What would you like? Tell me, or choose a section.",
    )
    if not shelves:
        return _said(language, say(text))
    rows = tuple(
        Row(
            f"commerce:category:{shelf.pk}:0",
            shelf.name_en if language == "en" else shelf.name_es,
        )
        for shelf in shelves
    )
    return _said(
        language,
        offer(
            text,
            button=pick(language, "Ver secciones", "See sections"),
            sections=(Section("", rows),),
        ),
    )


def _said(language: str, *replies: Reply) -> AgentResult:
    return AgentResult(replies=replies, slots={}, language=language)
