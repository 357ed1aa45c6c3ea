"""CommerceAgent: sells. Shows the catalogue, keeps the cart, takes the order, follows it.

Owns which step answers what. Prices and stock are read from the catalogue in the effects; nothing
a message says is one. Checkout and orders have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from messaging.agents_protocol import AgentResult, Effect, RouterDecision, TurnContext
from messaging.lanes.base import LaneAgent, argument_of, find_quantity, language_of, pick
from messaging.lanes.commerce import basket, checkout, following, texts
from messaging.lanes.commerce.wishes import read_wishes
from messaging.models import Product
from messaging.replies import Reply, Row, Section, offer, say
from messaging.router.intents import intents_of
from messaging.selectors import shop
from messaging.turns import Turn, TurnKind

Handler = Callable[[Turn, TurnContext, str], AgentResult]


class CommerceAgent(LaneAgent):
    """Shopping and orders."""

    lane = "commerce"
    intents = intents_of("commerce")
    slot_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "step": {"type": "string"},
            "product": {"type": "string"},
            "order": {"type": "string"},
            "fulfilment": {"type": "string", "enum": ["delivery", "pickup"]},
            "address": {"type": "string"},
            "place": {"type": "integer"},
            "agreed_total_minor": {"type": "integer"},
        },
        "additionalProperties": False,
    }

    def active_intent(self, turn: Turn, context: TurnContext) -> str | None:
        """Return the step's intent when the turn answers it."""
        step = str(context.slots_of(self.lane).get("step", ""))
        if step == "quantity" and turn.text and find_quantity(turn.text) is not None:
            return "quantity" if len(turn.text.split()) <= 3 else None
        return checkout.active_intent(turn, step) or following.active_intent(turn, step)

    def handle(self, turn: Turn, decision: RouterDecision, context: TurnContext) -> AgentResult:
        """Answer by intent."""
        language = language_of(turn, context)
        if turn.kind is TurnKind.ORDER:
            return basket.take_order_message(turn, context, language)
        if turn.product_sku and decision.intent in ("search", "add_to_cart", "browse"):
            known = shop.products_by_sku(context.company_id, [turn.product_sku])
            if turn.product_sku in known:
                return self._show(known[turn.product_sku], language)
        handlers: dict[str, Handler] = {
            "browse": self._browse,
            "category": self._category,
            "search": self._search,
            "product": self._product,
            "add": basket.add_chosen,
            "add_to_cart": basket.add_by_words,
            "quantity": self._quantity,
            "remove_from_cart": basket.remove_by_words,
            "view_cart": basket.view,
            "clear": basket.clear,
            "checkout": checkout.begin,
            "delivery_choice": checkout.choose_by_words,
            "fulfilment": checkout.choose_fulfilment,
            "address": checkout.take_address,
            "place": checkout.take_place,
            "confirm": checkout.confirm,
            "stop_checkout": checkout.stop,
            "pay": following.send_pay_link,
            "track_order": following.track,
            "list_orders": following.show_orders,
            "repeat": following.repeat,
            "change_order": following.change,
            "new_address": following.take_new_address,
            "cancel_order": following.ask_cancel,
            "cancel_yes": following.cancel,
        }
        return handlers.get(decision.intent, self._browse)(turn, context, language)

    def _browse(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        shelf = shop.find_category(context.company_id, turn.text) if not turn.reply_id else None
        if shelf is not None:
            return self._shelf(context, shelf.pk, 0, language)
        shelves = shop.categories_of(context.company_id)
        if not shelves:
            return _said(
                language,
                say(
                    pick(
                        language,
                        "Todavía no hay productos en el catálogo.",
                        "There are no products in the catalogue yet.",
                    )
                ),
            )
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
                pick(
                    language,
                    "🛍️ Este es nuestro catálogo. Elige una sección, o dime qué buscas.",
                    "🛍️ This is our catalogue. Choose a section, or tell me what you look for.",
                ),
                button=pick(language, "Ver secciones", "See sections"),
                sections=(Section("", rows),),
            ),
        )

    def _category(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        shelf_id, _, start = argument_of(turn).partition(":")
        if not shelf_id.isdigit():
            return self._browse(turn, context, language)
        return self._shelf(context, int(shelf_id), int(start) if start.isdigit() else 0, language)

    def _shelf(self, context: TurnContext, shelf_id: int, start: int, language: str) -> AgentResult:
        products = shop.products_of(context.company_id, category_id=shelf_id)
        if not products[start:]:
            return _said(language, texts.empty_cart(language))
        return _said(
            language,
            texts.product_list(
                pick(language, "Elige un producto:", "Choose a product:"),
                products,
                language=language,
                start=start,
                more_id=f"commerce:category:{shelf_id}",
            ),
        )

    def _search(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        wishes = read_wishes(context.company_id, turn.text)
        found: list[Product] = []
        for wish in wishes:
            found.extend(product for product in wish.matches if product not in found)
        if len(found) == 1:
            return self._show(found[0], language)
        if found:
            return _said(
                language,
                texts.product_list(
                    pick(language, "Esto es lo que tenemos:", "This is what we have:"),
                    found,
                    language=language,
                ),
            )
        shelf = shop.find_category(context.company_id, turn.text)
        if shelf is not None:
            return self._shelf(context, shelf.pk, 0, language)
        slots = context.slots_of(self.lane)
        seen = shop.product_by_id(context.company_id, str(slots.get("product", "")))
        if seen is not None and not wishes:
            # "How much is it?" is about what was shown last.
            return self._show(seen, language)
        return self._nothing_found(turn, context, language)

    def _nothing_found(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        catalogue = self._browse(_without_words(turn), context, language)
        text = pick(
            language,
            "Eso no lo tenemos, o no lo encontré con esas palabras.",
            "We do not have that, or I did not find it by those words.",
        )
        return AgentResult(replies=(say(text), *catalogue.replies), slots={}, language=language)

    def _product(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        product = shop.product_by_id(context.company_id, argument_of(turn))
        if product is None:
            return self._browse(turn, context, language)
        return self._show(product, language)

    def _show(self, product: Product, language: str) -> AgentResult:
        return AgentResult(
            replies=(texts.product_card(product, language),),
            slots={"product": product.public_id},
            language=language,
        )

    def _quantity(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        key = argument_of(turn) or str(context.slots_of(self.lane).get("product", ""))
        product = shop.product_by_id(context.company_id, key)
        if product is None:
            return self._browse(turn, context, language)
        if turn.reply_id:
            text = pick(
                language,
                f"¿Cuántas unidades de *{texts.name_of(product, language)}* quieres?",
                f"How many *{texts.name_of(product, language)}* would you like?",
            )
            return AgentResult(
                replies=(say(text),),
                slots={"step": "quantity", "product": product.public_id},
                language=language,
            )
        return basket.add_products(context, language, ((product, find_quantity(turn.text) or 1),))


def _said(language: str, *replies: Reply, effects: Sequence[Effect] = ()) -> AgentResult:
    return AgentResult(replies=replies, slots={}, effects=tuple(effects), language=language)


def _without_words(turn: Turn) -> Turn:
    return Turn(id=turn.id, kind=turn.kind, text="", at=turn.at)
