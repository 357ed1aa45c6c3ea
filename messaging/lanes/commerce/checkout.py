"""From the cart to an order: delivery or pickup, address, place, the person's yes.

Each step's slots say what is known; what is missing is asked. The amount the person agrees to is
shown with the question and handed to the order, which refuses when the catalogue says otherwise.
"""

from __future__ import annotations

from typing import Any

from core.money import format_money
from messaging.agents_protocol import AgentResult, TurnContext
from messaging.lanes.base import argument_of, means_no, means_yes, pick
from messaging.lanes.commerce import texts
from messaging.lanes.commerce.following import pay_reply
from messaging.models import DeliveryPlace, Fulfilment
from messaging.replies import Reply, Row, Section, ask, offer, say
from messaging.router.intent_router import read_intent
from messaging.selectors import knowledge, orders, shop
from messaging.services import carts, checkout
from messaging.services.checkout import CheckoutRequest, total_cart
from messaging.turns import Turn, TurnKind

ADDRESS_LEAST = 6
LEAVING_SURE = 0.8
#: Wishes that leave a checkout when they are clear; the cart stays as it is.
_STAYING = frozenset(
    {"delivery_choice", "checkout", "pay", "add_to_cart", "change_order", "search"}
)


def active_intent(turn: Turn, step: str) -> str | None:
    """Return which step a turn answers; None when it wants something else."""
    if step == "confirm":
        if means_yes(turn.text):
            return "confirm"
        return "stop_checkout" if means_no(turn.text) else None
    if step == "fulfilment":
        if _choice_of(turn.text):
            return "delivery_choice"
        # Some write their address at once; a number in it tells it from other talk.
        is_address = _has_digit(turn.text) and _looks_like_address(turn.text)
        return "address" if turn.kind is TurnKind.LOCATION or is_address else None
    if step == "address":
        if turn.kind is TurnKind.LOCATION or turn.form:
            return "address"
        return "address" if _looks_like_address(turn.text) else None
    if step == "place":
        return "place" if turn.text and not _leaves(turn.text) else None
    return None


def _choice_of(text: str) -> str:
    folded = text.lower()
    if any(word in folded for word in ("recog", "recoj", "paso por", "tienda", "pick", "collect",
                                       "in store", "retiro")):  # fmt: skip
        return Fulfilment.PICKUP
    if any(word in folded for word in ("envi", "enví", "domicilio", "casa", "deliver", "ship",
                                       "home", "mand", "llev")):  # fmt: skip
        return Fulfilment.DELIVERY
    return ""


def _looks_like_address(text: str) -> bool:
    if len(text.strip()) < ADDRESS_LEAST or text.strip().endswith("?"):
        return False
    return (_has_digit(text) and len(text.split()) >= 2) or not _leaves(text)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _leaves(text: str) -> bool:
    reading = read_intent(text)
    if reading.lane == "fallback":
        return False
    return reading.confidence >= LEAVING_SURE and reading.intent not in _STAYING


def begin(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Start, or go on with, the checkout of the open cart."""
    cart = orders.open_cart_of(context.contact_id)
    if cart is None or not cart.lines.exists():
        waiting = orders.order_to_pay(context.contact_id)
        if waiting is not None:
            return AgentResult(replies=(pay_reply(waiting, language),), slots={}, language=language)
        return _said(language, texts.empty_cart(language))
    totals = total_cart(cart=cart, place=None)
    changed = texts.changes_of(totals.lines, language)
    if changed:
        return _ask_about_changes(changed, language)
    profile = knowledge.profile_of(context.company_id)
    allows_pickup = profile is None or profile.allows_pickup
    if not shop.places_of(context.company_id):
        return _confirm(context, language, {"fulfilment": str(Fulfilment.PICKUP)})
    if not allows_pickup:
        return _ask_address(language, {"fulfilment": str(Fulfilment.DELIVERY)})
    text = pick(
        language,
        f"{texts.cart_lines(totals, language)}\n\n¿Te lo llevamos o pasas por él?",
        f"{texts.cart_lines(totals, language)}\n\nShall we deliver it, or will you pick it up?",
    )
    reply = ask(
        text,
        ("commerce:fulfilment:delivery", pick(language, "A domicilio", "Deliver it")),
        ("commerce:fulfilment:pickup", pick(language, "Lo recojo", "I pick it up")),
    )
    return AgentResult(replies=(reply,), slots={"step": "fulfilment"}, language=language)


def choose_fulfilment(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Take the button: delivery or pickup."""
    return _chosen(argument_of(turn), context, language)


def choose_by_words(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Take "I pick it up" or an address that comes along with the wish."""
    cart = orders.open_cart_of(context.contact_id)
    if cart is None or not cart.lines.exists():
        return _said(language, texts.empty_cart(language))
    choice = _choice_of(turn.text)
    if choice != Fulfilment.PICKUP and _has_digit(turn.text):
        return take_address(turn, context, language)
    return _chosen(choice or str(Fulfilment.DELIVERY), context, language)


def _chosen(choice: str, context: TurnContext, language: str) -> AgentResult:
    if choice == Fulfilment.PICKUP:
        return _confirm(context, language, {"fulfilment": str(Fulfilment.PICKUP)})
    return _ask_address(language, {"fulfilment": str(Fulfilment.DELIVERY)})


def _ask_address(language: str, slots: dict[str, Any]) -> AgentResult:
    text = pick(
        language,
        "¿A qué dirección lo llevamos? Escribe calle, número y zona (o ciudad).",
        "What address shall we deliver to? Write street, number and area (or city).",
    )
    return AgentResult(replies=(say(text),), slots={**slots, "step": "address"}, language=language)


def take_address(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Take the address from words, a shared place or a form, and find which place it lies in."""
    address = turn.text.strip()
    if turn.location is not None:
        place = turn.location
        address = ", ".join(part for part in (place.name, place.address) if part) or (
            f"{place.latitude:.5f}, {place.longitude:.5f}"
        )
    if turn.form:
        address = ", ".join(
            str(turn.form[name]) for name in ("address", "street", "city") if turn.form.get(name)
        )
    if len(address) < ADDRESS_LEAST:
        return _ask_address(language, {"fulfilment": str(Fulfilment.DELIVERY)})
    slots: dict[str, Any] = {
        "fulfilment": str(Fulfilment.DELIVERY),
        "address": address[: checkout.ADDRESS_MAX],
    }
    found = shop.find_places(context.company_id, address)
    if len(found) == 1:
        return _confirm(context, language, {**slots, "place": found[0].pk})
    return _ask_place(context, language, slots, found)


def _ask_place(
    context: TurnContext, language: str, slots: dict[str, Any], found: list[DeliveryPlace]
) -> AgentResult:
    """Ask which place of the shop's the address lies in: of those it may name, else of all."""
    places = found or shop.places_of(context.company_id)
    if len(places) == 1 and not found:
        # One place only, and the address does not name it: ask, do not assume.
        text = pick(
            language,
            f"Entregamos solo en {places[0].name}. ¿Tu dirección está ahí?",
            f"We deliver in {places[0].name} only. Is your address there?",
        )
        reply = ask(
            text,
            (f"commerce:place:{places[0].pk}", pick(language, "Sí", "Yes")),
            ("commerce:fulfilment:pickup", pick(language, "Lo recojo", "I pick it up")),
        )
    else:
        rows = tuple(
            Row(
                f"commerce:place:{place.pk}",
                place.name,
                pick(language, "Envío: ", "Delivery: ")
                + (_fee_text(context, place.fee_minor, language)),
            )
            for place in places[:9]
        )
        rows += (
            Row("commerce:fulfilment:pickup", pick(language, "Otra: lo recojo", "Other: pick up")),
        )
        reply = offer(
            pick(language, "¿En qué zona está?", "Which area is it in?"),
            button=pick(language, "Elegir zona", "Choose area"),
            sections=(Section("", rows),),
        )
    return AgentResult(replies=(reply,), slots={**slots, "step": "place"}, language=language)


def _fee_text(context: TurnContext, fee_minor: int, language: str) -> str:
    profile = knowledge.profile_of(context.company_id)
    if not fee_minor:
        return pick(language, "gratis", "free")
    return format_money(fee_minor, profile.currency if profile else "USD", language)


def take_place(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Take the area, from a row or from words."""
    slots = dict(context.slots_of("commerce"))
    argument = argument_of(turn)
    place = shop.place_of(context.company_id, int(argument) if argument.isdigit() else None)
    if place is None and turn.text:
        named = shop.find_places(context.company_id, turn.text)
        place = named[0] if len(named) == 1 else None
    if place is None and means_yes(turn.text):
        places = shop.places_of(context.company_id)
        place = places[0] if len(places) == 1 else None
    if not slots.get("address"):
        return _ask_address(language, {"fulfilment": str(Fulfilment.DELIVERY)})
    if place is None:
        # The address is known; asking for it again would be asking twice.
        kept: dict[str, Any] = {
            "fulfilment": str(Fulfilment.DELIVERY),
            "address": slots["address"],
        }
        return _ask_place(context, language, kept, [])
    return _confirm(context, language, {**slots, "place": place.pk})


def _confirm(context: TurnContext, language: str, slots: dict[str, Any]) -> AgentResult:
    """Show what it comes to and ask for the person's yes."""
    cart = orders.open_cart_of(context.contact_id)
    place = shop.place_of(context.company_id, slots.get("place"))
    totals = total_cart(cart=cart, place=place) if cart else None
    if totals is None or not totals.lines:
        return _said(language, texts.empty_cart(language))
    changed = texts.changes_of(totals.lines, language)
    if changed:
        return _ask_about_changes(changed, language)
    parts = [pick(language, "Revisa tu pedido:", "Check your order:")]
    parts.append(texts.cart_lines(totals, language))
    if place is not None:
        fee = _fee_text(context, totals.fee_minor, language)
        parts.append(
            pick(language, f"Envío a {place.name}: {fee}", f"Delivery to {place.name}: {fee}")
        )
        parts.append(f"📍 {slots.get('address', '')}")
    else:
        parts.append(pick(language, "Lo recoges en la tienda.", "You pick it up at the shop."))
    total = format_money(totals.total_minor, totals.currency, language)
    parts.append(f"*Total: {total}*")
    reply = ask(
        "\n".join(parts),
        ("commerce:confirm", pick(language, "Confirmar", "Confirm")),
        ("commerce:checkout", pick(language, "Cambiar entrega", "Change delivery")),
        ("commerce:stop_checkout", pick(language, "Todavía no", "Not yet")),
    )
    kept: dict[str, Any] = {
        key: slots[key] for key in ("fulfilment", "address", "place") if key in slots
    }
    return AgentResult(
        replies=(reply,),
        slots={**kept, "step": "confirm", "agreed_total_minor": totals.total_minor},
        language=language,
    )


def _ask_about_changes(changed: list[str], language: str) -> AgentResult:
    head = pick(
        language,
        "Desde que lo pusiste en el carrito cambió esto:",
        "Since you put it in the cart this has changed:",
    )
    reply = ask(
        "\n".join([head, *changed, "", pick(language, "¿Seguimos así?", "Shall we go on?")]),
        ("commerce:confirm:changes", pick(language, "Sí, actualizar", "Yes, update")),
        ("commerce:view_cart", pick(language, "Ver carrito", "See cart")),
    )
    return AgentResult(replies=(reply,), slots={}, language=language)


def confirm(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Place the order the person agreed to; if anything changed, show what and ask again."""
    company_id, contact_id = context.company_id, context.contact_id
    if argument_of(turn) == "changes":
        return _accept_changes(context, language)
    slots = context.slots_of("commerce")
    agreed = slots.get("agreed_total_minor")
    if context.refusal is not None or not isinstance(agreed, int) or not slots.get("fulfilment"):
        return begin(turn, context, language)
    place_id = slots.get("place")
    request = CheckoutRequest(
        company_id=company_id,
        contact_id=contact_id,
        agreed_total_minor=agreed,
        fulfilment=Fulfilment(str(slots["fulfilment"])),
        language=language,
        recipient=context.contact_name,
        address=str(slots.get("address", "")),
        place_id=place_id if isinstance(place_id, int) else None,
    )

    def place() -> tuple[Reply, ...]:
        order = checkout.place_order(request)
        return (pay_reply(order, language, is_new=True),)

    return AgentResult(slots={}, effects=(place,), language=language)


def _accept_changes(context: TurnContext, language: str) -> AgentResult:
    company_id, contact_id = context.company_id, context.contact_id

    def accept() -> tuple[Reply, ...]:
        carts.accept_changes(company_id=company_id, contact_id=contact_id)
        cart = orders.open_cart_of(contact_id)
        totals = total_cart(cart=cart, place=None) if cart else None
        if totals is None or not totals.lines:
            return (texts.empty_cart(language),)
        head = pick(language, "Así queda:", "This is how it stands:")
        return (texts.cart_reply(totals, language, head=head),)

    return AgentResult(slots={}, effects=(accept,), language=language)


def stop(turn: Turn, context: TurnContext, language: str) -> AgentResult:
    """Leave the checkout; the cart stays."""
    text = pick(
        language,
        "Sin problema, tu carrito se queda como está. Escribe *pagar* cuando quieras.",
        "No problem, your cart stays as it is. Write *pay* whenever you like.",
    )
    return _said(language, say(text))


def _said(language: str, *replies: Reply) -> AgentResult:
    return AgentResult(replies=replies, slots={}, language=language)
