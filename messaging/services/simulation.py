"""What happens on a simulated phone: writing, pressing, reading; and webhooks that arrive.

Owns the way from the page to our own intake: everything passes as a signed body through the same
check and the same function as Meta's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from core import clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.ids import new_id
from core.text import clean_text
from messaging.envelope import clean_json
from messaging.models import (
    BusinessNumber,
    SimulatedFaults,
    SimulatedMessage,
    SimulatedPhone,
    SimulatedWebhook,
)
from messaging.services import intake
from messaging.storage import save_media
from messaging.whatsapp.factory import SIMULATOR
from messaging.whatsapp.simulator import queue_message, queue_status

logger = logging.getLogger(__name__)

TEXT_MAX = 4096
PHONES_MAX = 20
LEASE_SECONDS = 30


def require_simulator() -> None:
    """Let the caller go on where the simulator is the back end.

    Raises:
        NotFoundError: real messages are sent here; there is no simulator.
    """
    if settings.WHATSAPP_BACKEND != SIMULATOR:
        raise NotFoundError("no_simulator", "This installation talks to WhatsApp itself.")


def add_phone(*, number: BusinessNumber, name: str, hides_phone: bool = False) -> SimulatedPhone:
    """Return a new phone with a number nobody has.

    Raises:
        ConflictError: there are enough phones.
    """
    if SimulatedPhone.objects.filter(number=number).count() >= PHONES_MAX:
        raise ConflictError("too_many_phones", f"There are {PHONES_MAX} phones already.")
    name = clean_text(name, 80).text or "Visitor"
    digits = "".join(secrets.choice("0123456789") for _ in range(8))
    return SimulatedPhone.objects.create(
        number=number,
        name=name,
        wa_id=f"52155{digits}",
        user_id=f"MX.{secrets.token_hex(10)}",
        hides_phone=hides_phone,
    )


def write(*, phone: SimulatedPhone, message_type: str, fields: Mapping[str, Any]) -> str:
    """Do something on a phone; return the message's id.

    Args:
        phone: whose.
        message_type: one of `TYPES`.
        fields: ``text``; ``id`` and ``title`` of a reply; ``media_key``, ``mime_type`` and
            ``filename`` of a file; ``latitude`` and ``longitude``; ``emoji`` and ``message_id``;
            ``items`` of an order as ``[{"sku", "quantity", "price", "currency"}]``.

    Raises:
        InvalidInputError: an unknown type, or nothing to send.
    """
    wamid = f"wamid.sim.{new_id('m')}"
    now = clock.now()
    # As JSON of PostgreSQL can hold it: names and ids come as somebody typed them.
    item: dict[str, Any] = clean_json(
        {
            "id": wamid,
            "timestamp": str(int(now.timestamp())),
            **build_item(message_type, fields),
        }
    )
    if fields.get("context_id"):
        item["context"] = clean_json(
            {"from": phone.number.display_number, "id": str(fields["context_id"])}
        )
    with transaction.atomic():
        SimulatedMessage.objects.create(
            phone=phone,
            is_outgoing=True,
            wamid=wamid,
            type=item["type"],
            body=item,
            status="delivered",
            at=now,
        )
        queue_message(phone, item)
    return wamid


def build_item(message_type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the webhook's item of what was done, without id and time.

    Raises:
        InvalidInputError: an unknown type, or nothing to send.
    """
    builder = _ITEMS.get(message_type)
    if builder is None:
        raise InvalidInputError("type_unknown", f"A phone can send {', '.join(TYPES)}.")
    text = clean_text(str(fields.get("text", "")), TEXT_MAX).text
    return builder(message_type, text, fields)


def _text_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    if not text:
        raise InvalidInputError("message_empty", "Write something to send.")
    return {"type": "text", "text": {"body": text}}


def _reply_item(kind: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    reply = {"id": str(fields.get("id", ""))[:256], "title": str(fields.get("title", ""))[:40]}
    if not reply["id"]:
        raise InvalidInputError("reply_missing", "Choose a button or a row.")
    return {"type": "interactive", "interactive": {"type": kind, kind: reply}}


def _media_item(kind: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = {
        "id": str(fields.get("media_key", "")),
        "mime_type": str(fields.get("mime_type", "application/octet-stream")),
    }
    if kind == "audio":
        media["voice"] = True
    if text:
        media["caption"] = text
    if fields.get("filename"):
        media["filename"] = str(fields["filename"])[:120]
    return {"type": kind, kind: media}


def _location_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    place = {"latitude": fields.get("latitude"), "longitude": fields.get("longitude")}
    return {"type": "location", "location": {**place, "name": text}}


def _contacts_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "contacts", "contacts": [{"name": {"formatted_name": text or "Contact"}}]}


def _reaction_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    reaction = {
        "message_id": str(fields.get("message_id", "")),
        "emoji": str(fields.get("emoji", ""))[:8],
    }
    return {"type": "reaction", "reaction": reaction}


def _order_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    items = [
        {
            "product_retailer_id": str(one.get("sku", "")),
            "quantity": one.get("quantity", 1),
            "item_price": one.get("price", 0),
            "currency": one.get("currency", "USD"),
        }
        for one in fields.get("items", ())
        if isinstance(one, Mapping)
    ]
    return {
        "type": "order",
        "order": {"catalog_id": "simulator", "text": text, "product_items": items},
    }


def _unsupported_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "unsupported", "errors": [{"code": 131051, "title": "Message type unknown"}]}


def _welcome_item(_: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "request_welcome"}


_ITEMS: dict[str, Callable[[str, str, Mapping[str, Any]], dict[str, Any]]] = {
    "text": _text_item,
    "button_reply": _reply_item,
    "list_reply": _reply_item,
    **dict.fromkeys(("image", "audio", "document", "sticker", "video"), _media_item),
    "location": _location_item,
    "contacts": _contacts_item,
    "reaction": _reaction_item,
    "order": _order_item,
    "unsupported": _unsupported_item,
    "request_welcome": _welcome_item,
}
TYPES = tuple(_ITEMS)


def attach(content: bytes) -> str:
    """Keep a file that was attached on a phone; return its key."""
    return save_media(content, folder="simulator")


def read_messages(*, phone: SimulatedPhone) -> int:
    """Open the chat: what was delivered is read now, and the sender is told; how many."""
    unread = SimulatedMessage.objects.filter(phone=phone, is_outgoing=False).exclude(
        status__in=("read", "failed")
    )
    count = 0
    for message in unread:
        with transaction.atomic():
            changed = (
                SimulatedMessage.objects.filter(pk=message.pk)
                .exclude(status="read")
                .update(status="read")
            )
            if changed:
                count += 1
                queue_status(phone, message.wamid, "read", opaque=message.opaque)
    return count


def set_faults(*, number: BusinessNumber, **fields: Any) -> SimulatedFaults:
    """Change what the simulated Graph API does wrong."""
    faults, _ = SimulatedFaults.objects.update_or_create(number=number, defaults=fields)
    return faults


def deliver_due(*, limit: int = 200) -> int:
    """Hand webhooks whose time has come to our own intake, signed; return how many.

    One that fails is tried again with a growing pause, as Meta does. Safe in parallel: the intake
    takes a body that comes twice once.
    """
    now = clock.now()
    delivered = 0
    due = SimulatedWebhook.objects.filter(delivered_at=None, due_at__lte=now)
    for webhook in due.order_by("due_at", "pk")[:limit]:
        taken = SimulatedWebhook.objects.filter(
            pk=webhook.pk, delivered_at=None, due_at=webhook.due_at
        ).update(due_at=now + timedelta(seconds=LEASE_SECONDS), attempts=webhook.attempts + 1)
        if not taken:
            continue
        raw = webhook.body.encode()
        intake.check_signature(raw, intake.sign_body(raw, settings.WHATSAPP_SIGNING_SECRET))
        intake.receive_webhook(raw=raw)
        is_repeated = webhook.repeats_left > 0
        SimulatedWebhook.objects.filter(pk=webhook.pk).update(
            delivered_at=None if is_repeated else clock.now(),
            due_at=clock.now(),
            repeats_left=max(0, webhook.repeats_left - 1),
        )
        delivered += 1
    return delivered
