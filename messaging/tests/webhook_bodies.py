"""Webhook bodies as WhatsApp sends them, made for our tests: every type, and shapes nobody knows.

body = envelope(messages=[text("Hola")])
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

NUMBER_ID = "900100200300"
ANA_PHONE = "5215550001111"
CLOCK = 1_790_000_000
"""Unix seconds at which the conversations of the tests begin."""

_numbers = itertools.count(1)


def wamid() -> str:
    """Return a message id no test has used before."""
    return f"wamid.IN{next(_numbers):08}"


def item(
    kind: str | None,
    *,
    key: str | None = None,
    sender: str | None = ANA_PHONE,
    user_id: str | None = None,
    parent_id: str | None = None,
    at: int | str = CLOCK,
    **fields: Any,
) -> dict[str, Any]:
    """Return one message; a part that is None is left out."""
    made: dict[str, Any] = {"id": key or wamid(), "timestamp": str(at), "type": kind, **fields}
    named = {"from": sender, "from_user_id": user_id, "from_parent_user_id": parent_id}
    made |= {name: value for name, value in named.items() if value is not None}
    return {name: value for name, value in made.items() if value is not None}


def text(body: str, **fields: Any) -> dict[str, Any]:
    """Return a text message."""
    return item("text", text={"body": body}, **fields)


def status(of: str, name: str, *, at: int = CLOCK, **fields: Any) -> dict[str, Any]:
    """Return a status event of one of our messages."""
    return {
        "id": of,
        "status": name,
        "timestamp": str(at),
        "recipient_id": ANA_PHONE,
        **fields,
    }


def profile(phone: str | None, name: str = "Ana", user_id: str | None = None) -> dict[str, Any]:
    """Return an entry of ``contacts``."""
    made: dict[str, Any] = {"profile": {"name": name}}
    if phone is not None:
        made["wa_id"] = phone
    if user_id is not None:
        made["user_id"] = user_id
    return made


def change(
    *,
    messages: Sequence[Any] = (),
    statuses: Sequence[Any] = (),
    contacts: Sequence[Any] = (),
    errors: Sequence[Any] = (),
    number_id: str = NUMBER_ID,
    field: str = "messages",
) -> dict[str, Any]:
    """Return one change of an entry."""
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "+52 900 100", "phone_number_id": number_id},
    }
    parts = {"messages": messages, "statuses": statuses, "contacts": contacts, "errors": errors}
    value |= {name: list(part) for name, part in parts.items() if part}
    return {"field": field, "value": value}


def wrap(changes: Iterable[Any]) -> dict[str, Any]:
    """Return a body with one entry of these changes."""
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "waba-1", "changes": list(changes)}],
    }


def envelope(**parts: Any) -> dict[str, Any]:
    """Return a body with a single change; see `change`."""
    return wrap([change(**parts)])


def encode(body: Any) -> bytes:
    """Return the body's bytes."""
    return json.dumps(body, separators=(",", ":")).encode()


def media(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a message with a file."""
    described = {"id": f"media-{kind}", "mime_type": f"{kind}/x", "sha256": "c2hh", **fields}
    return item(kind, **{kind: described})


#: One message of every type, by name.
SHAPES: dict[str, dict[str, Any]] = {
    "text": text("Hola, ¿a qué hora abren?"),
    "template_button": item(
        "button",
        button={"payload": "yes-1", "text": "Sí"},
        context={"from": NUMBER_ID, "id": "wamid.OUT1"},
    ),
    "button_reply": item(
        "interactive",
        interactive={"type": "button_reply", "button_reply": {"id": "pay", "title": "Pagar"}},
    ),
    "list_reply": item(
        "interactive",
        interactive={
            "type": "list_reply",
            "list_reply": {"id": "row-3", "title": "Café", "description": "250 g"},
        },
    ),
    "flow_reply": item(
        "interactive",
        interactive={
            "type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"calle":"Luna 4"}'},
        },
    ),
    "flow_reply_broken": item(
        "interactive",
        interactive={"type": "nfm_reply", "nfm_reply": {"name": "flow", "response_json": '{"ca'}},
    ),
    "flow_reply_without_json": item(
        "interactive", interactive={"type": "nfm_reply", "nfm_reply": {"name": "flow"}}
    ),
    "call_permission": item(
        "interactive",
        interactive={"type": "call_permission_reply", "call_permission_reply": {"response": "no"}},
    ),
    "interactive_missing": item("interactive"),
    "image": media("image", caption="Llegó roto"),
    "video": media("video"),
    "document": media("document", filename="factura.pdf"),
    "sticker": media("sticker", animated=False),
    "audio": media("audio"),
    "voice_note": media("audio", voice=True),
    "voice_note_old": media("voice"),
    "location": item("location", location={"latitude": 19.43, "longitude": -99.13, "name": "Casa"}),
    "location_impossible": item("location", location={"latitude": "norte", "longitude": None}),
    "contacts": item(
        "contacts", contacts=[{"name": {"formatted_name": "Luz"}}, {"vcard": "BEGIN"}]
    ),
    "reaction": item("reaction", reaction={"message_id": "wamid.OUT1", "emoji": "👍"}),
    "reaction_removed": item("reaction", reaction={"message_id": "wamid.OUT1"}),
    "order": item(
        "order",
        order={
            "catalog_id": "cat-1",
            "text": "",
            "product_items": [
                {
                    "product_retailer_id": "SKU-1",
                    "quantity": "2",
                    "item_price": 0.01,
                    "currency": "MXN",
                }
            ],
        },
    ),
    "order_unreadable": item(
        "order", order={"product_items": [{"product_retailer_id": "SKU-1", "quantity": "many"}]}
    ),
    "number_changed": item(
        "system", system={"type": "user_changed_number", "wa_id": "5215559998888", "body": "…"}
    ),
    "edit": item(
        "edit", edit={"original_message_id": "wamid.X", "message": {"text": {"body": "Y"}}}
    ),
    "revoke": item("revoke", revoke={"original_message_id": "wamid.X"}),
    "unsupported": item(
        "unsupported", errors=[{"code": 131051}], unsupported={"type": "poll_creation"}
    ),
    "welcome": item("request_welcome"),
    "unknown": item("unknown", errors=[{"code": 131051}]),
    "referral": text("Vi su anuncio", referral={"headline": "Café 2x1", "source_type": "ad"}),
    "product_question": text(
        "¿Hay en azul?",
        context={"referred_product": {"catalog_id": "cat-1", "product_retailer_id": "SKU-9"}},
    ),
    "group": text("Hola a todos", group_id="group-1"),
    "never_seen": item("hologram", hologram={"frames": [1, 2, {"deep": [None]}]}),
    "no_type": item(None, text={"body": "?"}),
    "number_time": item("text", text={"body": "hi"}) | {"timestamp": CLOCK},
    "no_time": text("hi") | {"timestamp": "soon"},
    "nul_and_half_pairs": text("a\x00b\ud800c"),
    "body_of_another_type": item("text", text=["not", "an", "object"]),
    "no_sender": text("Soy nadie", sender=None),
    "only_user_id": text("Sin teléfono", sender=None, user_id="MX.only"),
}

#: Whole bodies that are signed and say nothing we know, as bytes.
STRANGE_BODIES: dict[str, bytes] = {
    "empty": b"",
    "no_json": b"hello",
    "not_utf8": b"\xff\xfe{",
    "null": b"null",
    "number": b"17",
    "list": b"[[],[{}]]",
    "deep": b"[" * 100_000,
    "deep_and_closed": b"[" * 900 + b"]" * 900,
    "not_a_number": b'{"entry":[{"changes":[{"value":{"x":NaN,"y":1e999}}]}]}',
    "endless_digits": b'{"entry":' + b"9" * 6000 + b"}",
    "entry_is_text": b'{"entry":"x"}',
    "entry_of_nulls": b'{"entry":[null,3,{"changes":[null,"x",{"value":null}]}]}',
    "messages_of_nulls": encode(envelope(messages=[None, 3, "x", [], {}])),
    "statuses_of_nulls": encode(envelope(statuses=[None, 3, "x", [], {}, {"id": "w"}])),
    "error_without_message": encode(envelope(errors=[{"code": 130429, "title": "Rate limit"}])),
    "template_update": encode(
        wrap([{"field": "message_template_status_update", "value": {"event": "APPROVED"}}])
    ),
    "echo": encode(
        wrap(
            [
                {
                    "field": "smb_message_echoes",
                    "value": {
                        "metadata": {"phone_number_id": NUMBER_ID},
                        "message_echoes": [
                            {"id": "wamid.ECHO", "to": ANA_PHONE, "type": "text", "text": {}}
                        ],
                    },
                }
            ]
        )
    ),
    "flow_update": encode(wrap([{"field": "flows", "value": {"event": "FLOW_STATUS_CHANGE"}}])),
}
