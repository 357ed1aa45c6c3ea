"""Reads Meta's webhook bodies: four levels of arrays, every item on its own.

Knows no row. Whatever a signed body holds, reading it raises nothing: what is not understood is
counted as unknown and stays in the raw body.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_DEPTH = 24
"""Real bodies have eight levels; deeper ones are kept raw and not read."""
ID_MAX = 255
KEY_MAX = 160
NAME_MAX = 120
OPAQUE_FIELD = "biz_opaque_callback_data"
OPAQUE_MAX = 512
#: Field of a change to what it tells, and the key of the value that says it.
_TEMPLATE_FIELDS = {
    "message_template_status_update": ("status", "event"),
    "message_template_quality_update": ("quality", "new_quality_score"),
    "template_category_update": ("category", "new_category"),
}
_EARLIEST = 1_200_000_000
_LATEST = 4_102_444_800


@dataclass(frozen=True, slots=True)
class Identity:
    """How an item names a person; each part may be missing."""

    phone: str | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str = ""
    username: str = ""

    def __bool__(self) -> bool:
        return bool(self.phone or self.bsuid or self.parent_bsuid)


@dataclass(frozen=True, slots=True)
class MessageItem:
    """One inbound message or system note, or an echo of our own."""

    phone_number_id: str
    wamid: str
    type: str
    sent_at: datetime
    sender: Identity
    payload: dict[str, Any]
    is_echo: bool = False
    """Written by the business in its own app; kept, never answered."""


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One delivery status of a message of ours."""

    phone_number_id: str
    wamid: str
    status: str
    at_seconds: int
    opaque: str
    """What we sent as ``biz_opaque_callback_data``."""
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TemplateItem:
    """What Meta says about a message template: its state, its quality, or its category."""

    account_id: str
    """The WhatsApp Business Account it belongs to; these events name no number."""
    reference: str
    name: str
    language: str
    kind: str
    """The last word of the field: status, quality or category."""
    told: str
    """APPROVED, GREEN, UTILITY and the like, as Meta writes it."""
    reason: str
    at_seconds: int
    """Unix time of the entry; 0 when it has none."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that one body holds."""

    messages: tuple[MessageItem, ...]
    statuses: tuple[StatusItem, ...]
    unknown_count: int
    templates: tuple[TemplateItem, ...] = ()


def read_envelope(raw: bytes) -> Envelope:
    """Return the items of a body in their order; an unreadable body has none."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Envelope((), (), 1)
    if _is_deep(body):
        return Envelope((), (), 1)
    messages: list[MessageItem] = []
    statuses: list[StatusItem] = []
    templates: list[TemplateItem] = []
    unknown = 0
    for entry, field, value in _changes(body):
        if field in _TEMPLATE_FIELDS:
            template = _template(entry, field, value)
            if template is None:
                unknown += 1
            else:
                templates.append(template)
            continue
        phone_number_id = _text(_map(value.get("metadata")).get("phone_number_id"), 64)
        is_echo = field == "smb_message_echoes"
        items = _list(value.get("message_echoes" if is_echo else "messages"))
        people = [_person(_map(one)) for one in _list(value.get("contacts"))]
        found = 0
        for item in items:
            message = _message(phone_number_id, _map(item), people, is_echo=is_echo)
            if message is None:
                unknown += 1
            else:
                messages.append(message)
                found += 1
        for item in _list(value.get("statuses")):
            status = _status(phone_number_id, _map(item))
            if status is None:
                unknown += 1
            else:
                statuses.append(status)
                found += 1
        if not found and not items:
            unknown += 1
    return Envelope(tuple(messages), tuple(statuses), unknown, tuple(templates))


def _changes(body: Any) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    for entry in _list(_map(body).get("entry")):
        for change in _list(_map(entry).get("changes")):
            yield _map(entry), _text(_map(change).get("field"), 64), _map(_map(change).get("value"))


def _template(entry: dict[str, Any], field: str, value: dict[str, Any]) -> TemplateItem | None:
    kind, key = _TEMPLATE_FIELDS[field]
    told = _text(value.get(key), 32).upper()
    reference = _text(value.get("message_template_id"), 80)
    name = _text(value.get("message_template_name"), 512)
    if not told or not (reference or name):
        return None
    moment = _text(entry.get("time"), 20)
    at_seconds = int(moment) if moment.isascii() and moment.isdigit() else 0
    reason = _text(value.get("reason"), 200)
    return TemplateItem(
        account_id=_text(entry.get("id"), 64),
        reference=reference,
        name=name,
        language=_text(value.get("message_template_language"), 16),
        kind=kind,
        told=told,
        reason="" if reason.upper() == "NONE" else reason,
        at_seconds=at_seconds if at_seconds <= _LATEST else 0,
    )


def _message(
    phone_number_id: str, item: dict[str, Any], people: list[Identity], *, is_echo: bool
) -> MessageItem | None:
    wamid = _text(item.get("id"), ID_MAX)
    if not phone_number_id or not wamid:
        return None
    return MessageItem(
        phone_number_id=phone_number_id,
        wamid=wamid,
        type=_text(item.get("type"), 32) or "unknown",
        sent_at=_moment(item.get("timestamp")),
        sender=_sender(item, people, is_echo=is_echo),
        payload=clean_json(item),
        is_echo=is_echo,
    )


def _sender(item: dict[str, Any], people: list[Identity], *, is_echo: bool) -> Identity:
    """Return who sent an item, joined with the profile that names the same person.

    Profiles need not stand in the order of the messages, and may be missing.
    """
    if is_echo:
        return Identity(
            phone=_phone(item.get("to")), bsuid=_text(item.get("to_user_id"), KEY_MAX) or None
        )
    phone = _phone(item.get("from"))
    bsuid = _text(item.get("from_user_id"), KEY_MAX) or None
    parent = _text(item.get("from_parent_user_id"), KEY_MAX) or None
    for person in people:
        if (phone and person.phone == phone) or (bsuid and person.bsuid == bsuid):
            return Identity(
                phone or person.phone,
                bsuid or person.bsuid,
                parent or person.parent_bsuid,
                person.name,
                person.username,
            )
    if not phone and not bsuid and not parent and len(people) == 1:
        return people[0]
    return Identity(phone, bsuid, parent)


def _person(item: dict[str, Any]) -> Identity:
    profile = _map(item.get("profile"))
    return Identity(
        phone=_phone(item.get("wa_id")),
        bsuid=_text(item.get("user_id"), KEY_MAX) or None,
        parent_bsuid=_text(item.get("parent_user_id"), KEY_MAX) or None,
        name=_text(profile.get("name"), NAME_MAX),
        username=_text(profile.get("username"), 80),
    )


def _status(phone_number_id: str, item: dict[str, Any]) -> StatusItem | None:
    wamid, status = _text(item.get("id"), ID_MAX), _text(item.get("status"), 16)
    if not phone_number_id or not wamid or not status:
        return None
    return StatusItem(
        phone_number_id=phone_number_id,
        wamid=wamid,
        status=status,
        at_seconds=int(_moment(item.get("timestamp")).timestamp()),
        opaque=_text(item.get(OPAQUE_FIELD), OPAQUE_MAX),
        payload=clean_json(item),
    )


def clean_json(value: Any) -> Any:
    """Return JSON any of our databases takes: no NUL, no lone surrogate, no NaN."""
    if isinstance(value, str):
        return clean_string(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        return str(value)
    if isinstance(value, Mapping):
        return {clean_string(str(key)): clean_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [clean_json(one) for one in value]
    return value


def clean_string(text: str) -> str:
    """Return a text any of our databases takes."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def digest_body(raw: bytes) -> str:
    """Return what makes a body the same body: its SHA-256."""
    return hashlib.sha256(raw).hexdigest()


def _is_deep(value: Any, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return True
    children = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    return any(_is_deep(child, depth + 1) for child in children)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any, limit: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return clean_string(str(value)).strip()[:limit]


def _phone(value: Any) -> str | None:
    text = _text(value, 40)
    # "+1 650…" and "1650…" are one phone; what has no digit at all is kept as it is.
    digits = "".join(character for character in text if character.isdigit())
    return (digits or text)[:32] or None


def _moment(value: Any) -> datetime:
    """Return Unix seconds, which come as a text or a number; what is neither counts as now."""
    try:
        seconds = int(str(value).strip()[:20])
    except ValueError:
        seconds = 0
    if not _EARLIEST <= seconds <= _LATEST:
        return datetime.now(UTC).replace(microsecond=0)
    return datetime.fromtimestamp(seconds, UTC)
