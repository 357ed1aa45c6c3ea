"""The webhooks section of the OpenAPI document: what receivers are sent.

Owns the shape of a message and of its headers. One entry a registered event type is added when the
document is made (`add_webhooks`), so a new type is documented by its registration.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from webhooks.events import EventType, list_event_types

_HEADERS = {
    "webhook-id": "Id of the event; the same on every attempt and replay. Handle each id once.",
    "webhook-timestamp": "Unix seconds of this attempt. Refuse what is older than five minutes.",
    "webhook-signature": (
        "One or two signatures separated by a space, each v1, and the base64 of HMAC-SHA256 over "
        "id.timestamp.body, with the bytes of the secret behind whsec_ in base64. Accept the "
        "message when one of them is right."
    ),
}


def add_webhooks(
    result: dict[str, Any], generator: SchemaGenerator, **kwargs: Any
) -> dict[str, Any]:
    """Describe every event type under ``webhooks`` (postprocessing hook of drf-spectacular)."""
    result["webhooks"] = {one.name: {"post": _operation(one)} for one in list_event_types()}
    return result


def _operation(event_type: EventType) -> dict[str, Any]:
    return {
        "operationId": f"receive_{event_type.name.replace('.', '_')}",
        "summary": event_type.label,
        "description": event_type.summary,
        "tags": ["webhooks"],
        "parameters": [
            {
                "in": "header",
                "name": name,
                "required": True,
                "description": words,
                "schema": {"type": "string"},
            }
            for name, words in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _schema(event_type)}},
        },
        "responses": {
            "2XX": {"description": "Taken. Answer within ten seconds."},
            "410": {"description": "Gone: nothing more is sent, and the owners are told."},
            "default": {"description": "Not taken: sent again later, for about three days."},
        },
    }


def _schema(event_type: EventType) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "type", "timestamp", "company_id", "data"],
        "properties": {
            "id": {"type": "string"},
            "type": {"const": event_type.name},
            "timestamp": {"type": "string", "format": "date-time"},
            "company_id": {"type": "string"},
            "data": {
                "type": "object",
                "required": sorted(event_type.example),
                "examples": [dict(event_type.example)],
            },
        },
    }
