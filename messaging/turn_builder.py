"""Makes a turn of an inbound message of any type, or says why there is none.

Owns what each type of message means and what the person gets back for those nobody can answer.
Reads untrusted JSON: every field may be missing, of another type, or hostile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.text import clean_text
from messaging.turns import Location, OrderItem, Turn, TurnKind

TEXT_MAX = 4096
ITEMS_MAX = 30
QUANTITY_MAX = 1000
FORM_FIELDS_MAX = 40

#: Types that are kept and never answered.
SILENT_TYPES = frozenset({"reaction", "system", "edit", "revoke", "ephemeral"})

#: Types that may name a file.
MEDIA_TYPES = frozenset({"image", "video", "audio", "voice", "document", "sticker"})


@dataclass(frozen=True, slots=True)
class Silence:
    """The message is kept; nobody answers it."""

    reason: str


Fields = dict[str, Any]


def build_turn(
    *,
    wamid: str,
    message_type: str,
    payload: Mapping[str, Any],
    at: datetime,
    profile_name: str = "",
) -> Turn | Silence:
    """Return what a message means.

    Args:
        wamid: the message's id, which becomes the turn's.
        message_type: as Meta calls it.
        payload: the item, untrusted.
        at: when it was sent.
        profile_name: as the sender calls themselves, untrusted.
    """
    if message_type in SILENT_TYPES:
        return Silence(message_type)
    builder = _BUILDERS.get(message_type, _unsupported)
    fields = builder(dict(payload), message_type)
    context = _map(payload.get("context"))
    referral = _map(payload.get("referral"))
    product = _map(context.get("referred_product"))
    fields.setdefault("kind", TurnKind.UNSUPPORTED)
    fields.setdefault("text", "")
    return Turn(
        id=wamid,
        at=at,
        answers_to=_word(context.get("id"), 255),
        product_sku=fields.pop("product_sku", "") or _word(product.get("product_retailer_id"), 64),
        referral=_line(referral.get("headline"), 200),
        profile_name=_line(profile_name, 120),
        **fields,
    )


def _text(item: Fields, _: str) -> Fields:
    body = _words(_map(item.get("text")).get("body"))
    return {"kind": TurnKind.TEXT if body else TurnKind.UNSUPPORTED, "text": body}


def _button(item: Fields, _: str) -> Fields:
    button = _map(item.get("button"))
    text = _words(button.get("text"))
    return {
        "kind": TurnKind.REPLY,
        "text": text,
        "reply_id": _word(button.get("payload"), 256) or text,
    }


def _interactive(item: Fields, _: str) -> Fields:
    interactive = _map(item.get("interactive"))
    for name in ("button_reply", "list_reply"):
        reply = _map(interactive.get(name))
        key = _word(reply.get("id"), 256)
        if key:
            return {"kind": TurnKind.REPLY, "text": _words(reply.get("title")), "reply_id": key}
    if "nfm_reply" in interactive:
        form = _map(interactive.get("nfm_reply"))
        return {
            "kind": TurnKind.FORM,
            "text": _words(form.get("body")),
            "form": _form(form.get("response_json")),
        }
    return {}


def _form(raw: Any) -> dict[str, str]:
    """Return a flow's fields as texts; JSON that cannot be read gives none."""
    value = raw
    if isinstance(raw, str):
        try:
            value = json.loads(raw[:50_000])
        except (ValueError, RecursionError):
            return {}
    found: dict[str, str] = {}
    for key, one in list(_map(value).items())[:FORM_FIELDS_MAX]:
        if isinstance(one, str | int | float) and not isinstance(one, bool):
            found[_word(key, 64)] = _words(str(one))[:500]
    return found


def _order(item: Fields, _: str) -> Fields:
    order = _map(item.get("order"))
    lines: dict[str, int] = {}
    for product in _list(order.get("product_items"))[:ITEMS_MAX]:
        sku = _word(_map(product).get("product_retailer_id"), 64)
        quantity = _whole(_map(product).get("quantity"))
        if sku and quantity:
            lines[sku] = min(QUANTITY_MAX, lines.get(sku, 0) + quantity)
    items = tuple(OrderItem(sku, quantity) for sku, quantity in lines.items())
    return {
        "kind": TurnKind.ORDER if items else TurnKind.UNSUPPORTED,
        "text": _words(order.get("text")),
        "items": items,
    }


def _media(item: Fields, message_type: str) -> Fields:
    media = _map(item.get(message_type)) or _map(item.get("audio"))
    kind = {
        "image": TurnKind.IMAGE,
        "video": TurnKind.VIDEO,
        "document": TurnKind.DOCUMENT,
        "sticker": TurnKind.STICKER,
        "voice": TurnKind.VOICE_NOTE,
    }.get(message_type, TurnKind.VOICE_NOTE if media.get("voice") is True else TurnKind.AUDIO)
    return {
        "kind": kind,
        "text": _words(media.get("caption")),
        "media_id": _word(media.get("id"), 128),
        "mime_type": _word(media.get("mime_type"), 100),
        "file_name": _line(media.get("filename"), 120),
    }


def _location(item: Fields, _: str) -> Fields:
    place = _map(item.get("location"))
    latitude, longitude = _degrees(place.get("latitude"), 90), _degrees(place.get("longitude"), 180)
    if latitude is None or longitude is None:
        return {}
    name, address = _line(place.get("name"), 120), _line(place.get("address"), 240)
    return {
        "kind": TurnKind.LOCATION,
        "text": ", ".join(part for part in (name, address) if part),
        "location": Location(latitude, longitude, name, address),
    }


def _contacts(item: Fields, _: str) -> Fields:
    names = [
        _line(_map(_map(one).get("name")).get("formatted_name"), 80)
        for one in _list(item.get("contacts"))[:5]
    ]
    return {"kind": TurnKind.CONTACTS, "text": ", ".join(name for name in names if name)}


def _welcome(item: Fields, _: str) -> Fields:
    return {"kind": TurnKind.WELCOME}


def _unsupported(item: Fields, _: str) -> Fields:
    return {}


_BUILDERS: dict[str, Callable[[Fields, str], Fields]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "image": _media,
    "video": _media,
    "audio": _media,
    "voice": _media,
    "document": _media,
    "sticker": _media,
    "location": _location,
    "contacts": _contacts,
    "request_welcome": _welcome,
}


def _map(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> str:
    return clean_text(value, TEXT_MAX).text if isinstance(value, str) else ""


def _line(value: Any, limit: int) -> str:
    return " ".join(_words(value).split())[:limit]


def _word(value: Any, limit: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return clean_text(str(value), limit).text


def _whole(value: Any) -> int:
    try:
        number = int(float(str(value)[:20]))
    except (ValueError, OverflowError):
        return 0
    return min(number, QUANTITY_MAX) if number > 0 else 0


def _degrees(value: Any, limit: int) -> float | None:
    try:
        number = float(str(value)[:40])
    except ValueError:
        return None
    return number if -limit <= number <= limit else None
