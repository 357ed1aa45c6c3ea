"""Meta's message bodies, made of replies. Pure."""

from __future__ import annotations

from typing import Any

from messaging.replies import Reply, ReplyKind
from messaging.whatsapp.base import Recipient

Body = dict[str, Any]


def build_body(reply: Reply, recipient: Recipient, *, media_id: str = "") -> Body:
    """Return the body of ``POST /{phone_number_id}/messages`` for a reply.

    Args:
        reply: within WhatsApp's limits, as `messaging.replies` makes them.
        recipient: who gets it; a person without a phone is named by their user id.
        media_id: of the uploaded file of a media reply.

    Raises:
        ValueError: the recipient has no address, or a media reply no file.
    """
    body: Body = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    if recipient.phone:
        body["to"] = recipient.phone
    elif recipient.bsuid:
        body["recipient"] = recipient.bsuid
    else:
        raise ValueError("the person has neither phone nor user id")
    return body | _BUILDERS[reply.kind](reply, media_id)


def _text(reply: Reply, _: str) -> Body:
    return {"type": "text", "text": {"body": reply.text, "preview_url": False}}


def _interactive(reply: Reply, kind: str, action: Body) -> Body:
    interactive: Body = {"type": kind, "body": {"text": reply.text}, "action": action}
    if reply.header:
        interactive["header"] = {"type": "text", "text": reply.header}
    if reply.footer:
        interactive["footer"] = {"text": reply.footer}
    return {"type": "interactive", "interactive": interactive}


def _buttons(reply: Reply, _: str) -> Body:
    return _interactive(
        reply,
        "button",
        {
            "buttons": [
                {"type": "reply", "reply": {"id": button.id, "title": button.title}}
                for button in reply.buttons
            ]
        },
    )


def _list(reply: Reply, _: str) -> Body:
    sections = []
    for section in reply.sections:
        rows = []
        for row in section.rows:
            shown = {"id": row.id, "title": row.title}
            rows.append(shown | {"description": row.text} if row.text else shown)
        sections.append({"title": section.title, "rows": rows} if section.title else {"rows": rows})
    return _interactive(reply, "list", {"button": reply.list_button, "sections": sections})


def _link(reply: Reply, _: str) -> Body:
    return _interactive(
        reply,
        "cta_url",
        {
            "name": "cta_url",
            "parameters": {"display_text": reply.url_title, "url": reply.url},
        },
    )


def _location_request(reply: Reply, _: str) -> Body:
    return _interactive(reply, "location_request_message", {"name": "send_location"})


def _location(reply: Reply, _: str) -> Body:
    return {
        "type": "location",
        "location": {
            "latitude": reply.latitude,
            "longitude": reply.longitude,
            "name": reply.place_name,
            "address": reply.text,
        },
    }


def _media(reply: Reply, media_id: str) -> Body:
    if not media_id:
        raise ValueError("a media message needs an uploaded file")
    media: Body = {"id": media_id}
    if reply.text and reply.media_kind not in ("audio", "sticker"):
        media["caption"] = reply.text
    if reply.media_kind == "document" and reply.file_name:
        media["filename"] = reply.file_name
    return {"type": reply.media_kind, reply.media_kind: media}


def _template(reply: Reply, _: str) -> Body:
    template: Body = {
        "name": reply.template_name,
        "language": {"code": reply.template_language},
    }
    if reply.template_values:
        template["components"] = [
            {
                "type": "body",
                "parameters": [{"type": "text", "text": value} for value in reply.template_values],
            }
        ]
    return {"type": "template", "template": template}


_BUILDERS = {
    ReplyKind.TEXT: _text,
    ReplyKind.BUTTONS: _buttons,
    ReplyKind.LIST: _list,
    ReplyKind.LINK: _link,
    ReplyKind.LOCATION_REQUEST: _location_request,
    ReplyKind.LOCATION: _location,
    ReplyKind.MEDIA: _media,
    ReplyKind.TEMPLATE: _template,
}
