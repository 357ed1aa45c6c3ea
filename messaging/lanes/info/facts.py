"""Answers made of what the company says about itself: hours, place, policies.

Reads rows through selectors; writes nothing. Knows no dialogue.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from agents.interview.language import fold, words
from core.money import format_money
from messaging.lanes.base import clock_text, day_name, day_text, pick, text_of
from messaging.models import PolicyKind
from messaging.replies import Reply, ReplyKind, link, say
from messaging.selectors import knowledge, shop

_WEEKDAYS = {
    "lunes": 0, "monday": 0, "martes": 1, "tuesday": 1, "miercoles": 2, "wednesday": 2,
    "jueves": 3, "thursday": 3, "viernes": 4, "friday": 4, "sabado": 5, "sabados": 5,
    "saturday": 5, "saturdays": 5, "domingo": 6, "domingos": 6, "sunday": 6, "sundays": 6,
    "mondays": 0, "tuesdays": 1, "wednesdays": 2, "thursdays": 3, "fridays": 4,
}  # fmt: skip
_TODAY = frozenset({"hoy", "today", "ahora", "ahorita", "now", "tonight"})
_TOMORROW = frozenset({"manana", "tomorrow"})
_POLICY_WORDS: dict[str, frozenset[str]] = {
    PolicyKind.SHIPPING: frozenset(
        """envio envios envian enviar entrega entregas entregan domicilio delivery deliver ship
        shipping mandan mandar llegan despacho courier paqueteria flete zona pais tarda""".split()
    ),
    PolicyKind.PAYMENT: frozenset(
        """pago pagos pagar tarjeta tarjetas efectivo transferencia cuotas meses paypal cash card
        cards pay payment payments credit credito debito installments aceptan accept""".split()
    ),
    PolicyKind.RETURNS: frozenset(
        """devolucion devoluciones devolver devuelven cambio cambios cambiar return returns exchange
        exchanges arrepiento""".split()
    ),
    PolicyKind.WARRANTY: frozenset("garantia garantias warranty guarantee guaranteed".split()),
    PolicyKind.CANCELLATION: frozenset(
        "cancelacion cancelar cancelo cancel cancellation cancelling anular".split()
    ),
    PolicyKind.PRIVACY: frozenset(
        "privacidad privacy datos data personales personal seguro safe".split()
    ),
}


def say_hours(company_id: int, *, text: str, now: datetime, language: str) -> str:
    """Return the opening hours: of the day asked about first, then of the week."""
    profile = knowledge.profile_of(company_id)
    local = knowledge.local_now(profile, now)
    week = knowledge.hours_ahead(company_id, start=local.date())
    if not any(day.spans for day in week):
        return pick(
            language,
            "Todavía no tengo aquí nuestro horario. ¿Quieres que te responda una persona?",
            "I do not have our opening hours here yet. Shall a person answer you?",
        )
    is_open, change = knowledge.next_opening(company_id, local=local)
    lines = [_state_line(is_open, change, local, language)]
    asked = _asked_day(text, local.date())
    if asked is not None and asked != local.date():
        named = knowledge.hours_ahead(company_id, start=asked, days=1)[0]
        lines.append(_day_line(named, language, bold=True))
    lines.append("")
    lines.extend(_day_line(day, language) for day in week)
    return "\n".join(lines)


def _asked_day(text: str, today: date) -> date | None:
    found = [fold(word) for word in words(text)]
    for word in found:
        if word in _WEEKDAYS:
            return today + timedelta(days=(_WEEKDAYS[word] - today.weekday()) % 7)
        if word in _TODAY:
            return today
        if word in _TOMORROW:
            return today + timedelta(days=1)
    return None


def _state_line(is_open: bool, change: datetime | None, local: datetime, language: str) -> str:
    if is_open and change is not None:
        until = clock_text(change, language)
        return pick(
            language, f"🟢 Estamos abiertos, hasta las {until}.", f"🟢 We are open until {until}."
        )
    if change is None:
        return pick(language, "🔴 Ahora estamos cerrados.", "🔴 We are closed now.")
    at = clock_text(change, language)
    if change.date() == local.date():
        return pick(
            language,
            f"🔴 Ahora estamos cerrados; abrimos hoy a las {at}.",
            f"🔴 We are closed now; we open today at {at}.",
        )
    day = day_name(change.date(), language)
    return pick(
        language,
        f"🔴 Ahora estamos cerrados; abrimos el {day} a las {at}.",
        f"🔴 We are closed now; we open on {day} at {at}.",
    )


def _day_line(hours: knowledge.DayHours, language: str, *, bold: bool = False) -> str:
    spans = ", ".join(
        f"{clock_text(opens, language)}–{clock_text(closes, language)}"
        for opens, closes in hours.spans
    ) or pick(language, "cerrado", "closed")
    name = day_name(hours.day, language)
    if hours.is_special:
        name = f"{name} {day_text(hours.day, language)}"
    note = text_of(hours, "note", language)
    line = f"{name.capitalize()}: {spans}{f' ({note})' if note else ''}"
    return f"*{line}*" if bold else line


def when_people_answer(company_id: int, *, now: datetime, language: str) -> str:
    """Return when somebody who waits for a person can expect an answer."""
    local = knowledge.local_now(knowledge.profile_of(company_id), now)
    is_open, change = knowledge.next_opening(company_id, local=local)
    if is_open or change is None:
        return pick(
            language,
            "Una persona del equipo te responderá aquí en cuanto pueda.",
            "A person of our team will answer you here as soon as they can.",
        )
    day, at = day_name(change.date(), language), clock_text(change, language)
    return pick(
        language,
        f"Ahora estamos cerrados; una persona te responderá aquí desde el {day} a las {at}.",
        f"We are closed now; a person will answer you here from {day} at {at}.",
    )


def place_replies(company_id: int, *, language: str) -> tuple[Reply, ...]:
    """Return where the shop is, with a map where there is one."""
    profile = knowledge.profile_of(company_id)
    if profile is None or not profile.address:
        return (
            say(
                pick(
                    language,
                    "No tenemos un local abierto al público; vendemos por este chat.",
                    "We have no shop open to the public; we sell through this chat.",
                )
            ),
        )
    directions = text_of(profile, "directions", language)
    text = f"📍 {profile.address}" + (f"\n{directions}" if directions else "")
    replies: list[Reply] = []
    if profile.map_url:
        replies.append(link(text, url=profile.map_url, title=pick(language, "Ver mapa", "Map")))
    else:
        replies.append(say(text))
    if profile.latitude is not None and profile.longitude is not None:
        replies.append(
            Reply(
                ReplyKind.LOCATION,
                latitude=profile.latitude,
                longitude=profile.longitude,
                place_name=profile.name,
            )
        )
    return tuple(replies)


def policy_kind_of(text: str) -> str | None:
    """Return which policy a question is about, if its words tell."""
    found = {fold(word) for word in words(text)}
    best = max(_POLICY_WORDS, key=lambda kind: len(_POLICY_WORDS[kind] & found))
    return best if _POLICY_WORDS[best] & found else None


def say_policy(company_id: int, *, kind: str, language: str) -> str:
    """Return a policy's text; of delivery with the places and fees. Empty when there is none."""
    policy = knowledge.policies_of(company_id).get(kind)
    parts = [text_of(policy, "text", language)] if policy else []
    if kind == PolicyKind.SHIPPING:
        parts.append(say_places(company_id, language=language))
    return "\n\n".join(part for part in parts if part)


def say_places(company_id: int, *, language: str) -> str:
    """Return where the shop delivers to, at what price and how fast."""
    profile = knowledge.profile_of(company_id)
    currency = profile.currency if profile else "USD"
    lines = []
    for place in shop.places_of(company_id):
        fee = (
            format_money(place.fee_minor, currency, language)
            if place.fee_minor
            else pick(language, "gratis", "free")
        )
        days = (
            f"{place.days_min}-{place.days_max}"
            if place.days_min != place.days_max
            else f"{place.days_min}"
        )
        unit = pick(
            language,
            "día" if place.days_max == 1 else "días",
            "day" if place.days_max == 1 else "days",
        )
        line = f"• {place.name}: {fee}, {days} {unit}"
        if place.free_from_minor:
            amount = format_money(place.free_from_minor, currency, language)
            line += pick(language, f" (gratis desde {amount})", f" (free from {amount})")
        lines.append(line)
    return "\n".join(lines)
