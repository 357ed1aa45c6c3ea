"""InfoAgent: greets, tells hours, place and policies, answers questions, fetches a person.

Also answers what fits no lane: says so, shows the menu, and offers a person when it happens
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from messaging.agents_protocol import AgentResult, HandOffRequest, RouterDecision, TurnContext
from messaging.lanes.base import (
    LaneAgent,
    argument_of,
    language_of,
    pick,
    text_of,
)
from messaging.lanes.info import facts
from messaging.models import FaqEntry
from messaging.replies import Reply, Row, Section, ask, offer, say
from messaging.router.intents import FALLBACK, intents_of
from messaging.selectors import knowledge, shop
from messaging.selectors.shop_front import shop_front_of
from messaging.services import survey_runs
from messaging.services.faq import count_faq
from messaging.turns import Turn

MISSES_BEFORE_PERSON = 2
FAQ_SURE = 0.5


class InfoAgent(LaneAgent):
    """General information."""

    lane = "info"
    intents = intents_of("info")
    slot_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "misses": {"type": "integer", "minimum": 0},
            "faq": {"type": "string"},
        },
        "additionalProperties": False,
    }

    def handle(self, turn: Turn, decision: RouterDecision, context: TurnContext) -> AgentResult:
        """Answer by intent; what is not understood is counted."""
        language = language_of(turn, context)
        if decision.lane == FALLBACK:
            return self._not_understood(decision.intent, context, language)
        answers: dict[str, Callable[[Turn, TurnContext, str], AgentResult]] = {
            "greeting": self._greet,
            "menu": self._menu,
            "thanks": self._thank,
            "about_bot": self._introduce,
            "hours": self._hours,
            "place": self._place,
            "policies": self._policies,
            "hand_off": self._hand_off,
            "opt_out": self._opt_out,
            "faq_helped": self._faq_helped,
            "faq_missed": self._faq_missed,
        }
        return answers.get(decision.intent, self._faq)(turn, context, language)

    def _result(self, language: str, *replies: Reply, misses: int = 0) -> AgentResult:
        return AgentResult(replies=replies, slots={"misses": misses}, language=language)

    def _greet(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        shop_name = shop_front_of(context.company_id).name
        first_name = context.contact_name.split(" ")[0][:30] if context.contact_name else ""
        hello = pick(language, "¡Hola", "Hello") + (f", {first_name}" if first_name else "")
        welcome = ""
        if shop_name:
            welcome = pick(language, f" Soy el asistente de *{shop_name}*.",
                           f" I am the assistant of *{shop_name}*.")  # fmt: skip
        text = f"{hello}! 👋{welcome} " + pick(
            language, "¿En qué te ayudo?", "What can I do for you?"
        )
        return self._result(language, self._menu_reply(text, context, language))

    def _menu(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        text = pick(language, "Esto es lo que puedo hacer por ti:", "Here is what I can do:")
        return self._result(language, self._menu_reply(text, context, language))

    def _menu_reply(self, text: str, context: TurnContext, language: str) -> Reply:
        def row(key: str, spanish: str, english: str) -> Row:
            return Row(key, pick(language, spanish, english))

        rows = [
            row("commerce:browse", "🛍️ Ver el catálogo", "🛍️ See the catalogue"),
            row("commerce:view_cart", "🛒 Mi carrito", "🛒 My cart"),
            row("commerce:track_order", "📦 Mis pedidos", "📦 My orders"),
            row("info:hours", "🕘 Horario", "🕘 Opening hours"),
            row("info:place", "📍 Dónde estamos", "📍 Where we are"),
            row("info:policies:shipping", "🚚 Envíos", "🚚 Delivery"),
            row("support:report_problem", "🛠️ Tengo un problema", "🛠️ I have a problem"),
            row("info:hand_off", "🙋 Hablar con alguien", "🙋 Talk to a person"),
        ]
        if not shop_front_of(context.company_id).has_goods:
            rows = [one for one in rows if not one.id.startswith("commerce:")]
        return offer(
            text,
            button=pick(language, "Ver opciones", "See options"),
            sections=(Section("", tuple(rows)),),
        )

    def _thank(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        return self._result(
            language,
            say(
                pick(
                    language,
                    "¡Con gusto! Aquí estamos para lo que necesites. 🙂",
                    "You are welcome! We are here whenever you need us. 🙂",
                )
            ),
        )

    def _introduce(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        profile = knowledge.profile_of(context.company_id)
        name = profile.name if profile else pick(language, "la tienda", "the shop")
        text = pick(
            language,
            f"Soy el asistente automático de {name}: un programa, no una persona. Puedo mostrarte "
            "el catálogo, tomar tu pedido, decirte cómo va y pasarte con alguien del equipo.",
            f"I am the automatic assistant of {name}: a program, not a person. I can show you the "
            "catalogue, take your order, tell you how it is going and fetch somebody of the team.",
        )
        return self._result(language, self._menu_reply(text, context, language))

    def _hours(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        text = facts.say_hours(
            context.company_id, text=turn.text, now=context.now, language=language
        )
        return self._result(language, say(text))

    def _place(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        return self._result(language, *facts.place_replies(context.company_id, language=language))

    def _policies(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        kind = argument_of(turn) or facts.policy_kind_of(turn.text) or ""
        text = facts.say_policy(context.company_id, kind=kind, language=language) if kind else ""
        if text:
            return self._result(language, say(text))
        return self._faq(turn, context, language)

    def _faq(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        found = knowledge.find_faq(context.company_id, turn.text, least=FAQ_SURE)
        if found:
            return self._answer(found[0][0], language)
        kind = facts.policy_kind_of(turn.text)
        policy = facts.say_policy(context.company_id, kind=kind, language=language) if kind else ""
        if policy:
            return self._result(language, say(policy))
        products = shop.find_products(context.company_id, turn.text, least=0.6)
        if products:
            product = products[0][0]
            about = text_of(product, "description", language)
            text = f"*{text_of(product, 'name', language)}*\n{about}"
            buttons = (
                (f"commerce:product:{product.public_id}", pick(language, "Ver producto", "See it")),
                ("info:hand_off", pick(language, "Preguntar a alguien", "Ask a person")),
            )
            return self._result(language, ask(text, *buttons))
        return self._not_understood("unclear", context, language)

    def _answer(self, entry: FaqEntry, language: str) -> AgentResult:
        helped = pick(language, "Me sirvió 👍", "That helped 👍")
        missed = pick(language, "No me sirvió", "It did not help")
        reply = ask(
            text_of(entry, "answer", language),
            (f"info:faq_helped:{entry.public_id}", helped),
            (f"info:faq_missed:{entry.public_id}", missed),
        )
        return AgentResult(
            replies=(reply,), slots={"misses": 0, "faq": entry.public_id}, language=language
        )

    def _faq_helped(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        return self._faq_counted(turn, context, language, has_helped=True)

    def _faq_missed(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        return self._faq_counted(turn, context, language, has_helped=False)

    def _faq_counted(
        self, turn: Turn, context: TurnContext, language: str, *, has_helped: bool
    ) -> AgentResult:
        key, company_id = argument_of(turn), context.company_id

        def count() -> None:
            count_faq(company_id=company_id, public_id=key, has_helped=has_helped)

        if has_helped:
            reply = say(pick(language, "¡Qué bueno! 🙂", "Great! 🙂"))
        else:
            reply = ask(
                pick(
                    language,
                    "Gracias por decirlo. ¿Quieres que te responda una persona?",
                    "Thank you for saying so. Shall a person answer you?",
                ),
                ("info:hand_off", pick(language, "Sí, una persona", "Yes, a person")),
                ("info:menu", pick(language, "Ver opciones", "See options")),
            )
        return AgentResult(
            replies=(reply,), slots={"misses": 0}, effects=(count,), language=language
        )

    def _hand_off(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        return AgentResult(
            replies=(
                say(
                    facts.when_people_answer(context.company_id, now=context.now, language=language)
                ),
            ),
            slots={"misses": 0},
            hand_off=HandOffRequest("asked", turn.text[:200]),
            language=language,
        )

    def _opt_out(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        contact_id, key = context.contact_id, turn.id

        def stop_survey() -> None:
            survey_runs.stop_live_run(contact_id=contact_id, key=key)

        return AgentResult(
            replies=(
                say(
                    pick(
                        language,
                        "Listo: no te escribiremos más. Si un día quieres volver, escribe ALTA.",
                        "Done: we will not write to you again. To come back some day, write START.",
                    )
                ),
            ),
            effects=(stop_survey,),
            opt_out=True,
            language=language,
        )

    def _not_understood(self, intent: str, context: TurnContext, language: str) -> AgentResult:
        misses = int(context.slots_of("info").get("misses", 0)) + 1
        if intent == "off_topic":
            text = pick(
                language,
                "De eso no sé nada, pero con la tienda sí te ayudo:",
                "I know nothing about that, but I can help you with the shop:",
            )
        else:
            text = pick(
                language,
                "No estoy seguro de haberte entendido. ¿Es algo de esto?",
                "I am not sure I understood you. Is it one of these?",
            )
        if misses > MISSES_BEFORE_PERSON:
            text = pick(
                language,
                "Perdón, no logro entenderte. ¿Te paso con una persona del equipo?",
                "Sorry, I cannot make it out. Shall I fetch a person of our team?",
            )
            reply = ask(
                text,
                ("info:hand_off", pick(language, "Sí, una persona", "Yes, a person")),
                ("info:menu", pick(language, "Ver opciones", "See options")),
            )
        else:
            reply = self._menu_reply(text, context, language)
        return AgentResult(replies=(reply,), slots={"misses": misses}, language=language)
