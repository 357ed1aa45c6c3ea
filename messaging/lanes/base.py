"""What all lanes share: the shape of an agent, slots that wait for an answer, languages, days.

Knows no shop and no ticket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from agents.interview.language import fold, words
from agents.interview.stopwords import STOP_WORDS
from messaging.agents_protocol import AgentResult, RouterDecision, TurnContext
from messaging.turns import Turn

#: Words that tell the language of a short message besides function words.
_SPANISH = frozenset(
    """hola buenas gracias quiero quisiera tienen pedido envio encuesta ayuda horario abren cierran
    donde cuanto comprar devolver reembolso queja adios favor porfa persona tienda si claro vale
    hablar carrito pagar confirmar recoger""".split()
)
_ENGLISH = frozenset(
    """hello hi hey thanks want order shipping survey help hours open close where buy return refund
    complaint bye please person store yes sure speak talk cart pay confirm pickup track""".split()
)
_YES = frozenset(
    """si sip claro dale ok okay okey vale va bueno correcto confirmo confirmar acepto sale simon
    hagale listo eso exacto perfecto yes yep yeah yup sure confirm correct agree accept right
    perfect""".split()
)
_NO = frozenset("no nop nope nah cancela cancelar cancel negativo nel para_nada decline".split())
_DAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_NUMBER_WORDS = {
    "un": 1, "uno": 1, "una": 1, "one": 1, "a": 1, "an": 1, "dos": 2, "two": 2, "tres": 3,
    "three": 3, "cuatro": 4, "four": 4, "cinco": 5, "five": 5, "seis": 6, "six": 6, "siete": 7,
    "seven": 7, "ocho": 8, "eight": 8, "nueve": 9, "nine": 9, "diez": 10, "ten": 10,
    "docena": 12, "dozen": 12, "par": 2, "pair": 2, "couple": 2,
}  # fmt: skip
_ORDER_NUMBER = re.compile(r"\b[pP]-?(\d{3,})\b")
_TICKET_NUMBER = re.compile(r"\b[tT]-?(\d{3,})\b")
_BARE_NUMBER = re.compile(r"(?<![\w-])(\d{4,})(?![\w-])")


class LaneAgent:
    """Base of the lanes' agents."""

    lane: str = ""
    intents: tuple[str, ...] = ()
    """Every intent this lane handles: those words can name and those of its own steps."""
    slot_schema: Mapping[str, Any] = {"type": "object"}

    def active_intent(self, turn: Turn, context: TurnContext) -> str | None:
        """Return the intent of the step the lane waits in, when this turn answers it."""
        return None

    def handle(self, turn: Turn, decision: RouterDecision, context: TurnContext) -> AgentResult:
        """Answer a turn."""
        raise NotImplementedError


def pick(language: str, spanish: str, english: str) -> str:
    """Return the text in the person's language."""
    return english if language == "en" else spanish


def text_of(row: object, name: str, language: str) -> str:
    """Return a row's text in a language, else in the other one.

    Args:
        row: has ``name_es`` and ``name_en`` fields.
        name: of the field without its language.
        language: ``es`` or ``en``.
    """
    first, second = ("en", "es") if language == "en" else ("es", "en")
    return str(getattr(row, f"{name}_{first}") or getattr(row, f"{name}_{second}"))


def find_language(text: str, known: str) -> str:
    """Return the language a message is written in; the known one when the words do not tell."""
    spanish = english = 0
    for word in words(text[:600]):
        plain = fold(word)
        is_spanish = plain in STOP_WORDS["es"] or plain in _SPANISH
        is_english = plain in STOP_WORDS["en"] or plain in _ENGLISH
        if is_spanish != is_english:
            spanish += is_spanish
            english += is_english
    spanish += 2 * len(re.findall("[¿¡ñ]", text))
    if spanish == english:
        return known
    found = "es" if spanish > english else "en"
    if found != known and abs(spanish - english) < 2 and len(words(text)) > 3:
        return known
    return found


def language_of(turn: Turn, context: TurnContext) -> str:
    """Return what to answer in: the language of the words, else the contact's."""
    if turn.reply_id or not turn.text:
        return context.language
    return find_language(turn.text, context.language)


def means_yes(text: str) -> bool:
    """Tell whether a short answer agrees."""
    found = [fold(word) for word in words(text)]
    return bool(found) and len(found) <= 6 and found[0] in _YES and "no" not in found


def means_no(text: str) -> bool:
    """Tell whether a short answer refuses."""
    found = [fold(word) for word in words(text)]
    return bool(found) and len(found) <= 6 and found[0] in _NO


def argument_of(turn: Turn) -> str:
    """Return what stands behind ``lane:intent:`` in the id of a pressed button or row."""
    parts = turn.reply_id.split(":", 2)
    return parts[2] if len(parts) == 3 else ""


def find_order_number(text: str) -> str:
    """Return the order number a text names, as ours are written; empty without one."""
    found = _ORDER_NUMBER.search(text) or _BARE_NUMBER.search(text)
    return f"P-{found[1]}" if found else ""


def find_ticket_number(text: str) -> str:
    """Return the ticket number a text names; empty without one."""
    found = _TICKET_NUMBER.search(text)
    return f"T-{found[1]}" if found else ""


def find_quantity(text: str) -> int | None:
    """Return the first number a text names, in digits or as a word; None without one."""
    for word in words(text):
        plain = fold(word)
        if plain.isdigit() and len(plain) <= 3:
            return int(plain)
        if plain in _NUMBER_WORDS:
            return _NUMBER_WORDS[plain]
    return None


def day_name(day: date, language: str) -> str:
    """Return a weekday's name."""
    return _DAYS["en" if language == "en" else "es"][day.weekday()]


def clock_text(moment: time | datetime, language: str) -> str:
    """Return a time of day as people read it: ``9:00`` or ``9:00 am``."""
    if language == "en":
        hour = moment.hour % 12 or 12
        return f"{hour}:{moment.minute:02d} {'am' if moment.hour < 12 else 'pm'}"
    return f"{moment.hour}:{moment.minute:02d}"


def day_text(day: date, language: str) -> str:
    """Return a date as people read it."""
    return day.strftime("%Y-%m-%d") if language == "en" else day.strftime("%d/%m/%Y")
