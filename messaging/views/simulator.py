"""The simulator: a phone on a page, and the levers of the Graph API behind it."""

from __future__ import annotations

import json
from typing import Any

import filetype
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CompanyRequest
from core import clock
from core.errors import ConflictError, InvalidInputError, ParleyError
from messaging.models import SimulatedFaults, SimulatedMessage, SimulatedPhone
from messaging.selectors import inbox as reads
from messaging.services import simulation
from messaging.services.media import SHOWN_TYPES
from messaging.views.doors import for_operators
from messaging.whatsapp.simulator import FOLDER, read_attachment

FILE_MAX_BYTES = 5_000_000
FAULT_FIELDS = {
    "latency_milliseconds": 20_000,
    "error_count": 100,
    "loses_answers": 20,
    "status_delay_seconds": 120,
    "repeats": 5,
}
FAULT_FLAGS = ("is_window_closed", "has_no_statuses", "reorders")
ERROR_CODES = (
    (131056, "Too many messages to this person"),
    (130429, "Too many messages of this number"),
    (131047, "More than 24 hours since they wrote"),
    (131026, "Cannot be delivered"),
    (131000, "Something went wrong at Meta"),
    (190, "The access token has expired"),
)


@for_operators
@require_safe
def simulator(request: CompanyRequest, phone_id: str = "") -> HttpResponseBase:
    """Show the phones of the company; the chosen one is open."""
    simulation.require_simulator()
    numbers = reads.numbers_of(request.company)
    phones = reads.phones_of(request.company)
    if numbers and not phones:
        phones = [simulation.add_phone(number=numbers[0], name="Lucía")]
    phone = reads.phone_of_company(request.company, phone_id) if phone_id else None
    phone = phone or (phones[0] if phones else None)
    context: dict[str, Any] = {"numbers": numbers, "phones": phones, "phone": phone}
    if phone is not None:
        faults = SimulatedFaults.objects.filter(number=phone.number).first()
        context |= {
            "faults": faults or SimulatedFaults(number=phone.number),
            "error_codes": ERROR_CODES,
            "feed": _feed(phone),
            "settings": {"phone": phone.public_id, "base": f"/simulator/{phone.public_id}/"},
        }
    return render(request, "messaging/simulator.html", context)


@for_operators
@require_POST
def phone_new(request: CompanyRequest) -> HttpResponse:
    """Add a phone."""
    simulation.require_simulator()
    number = reads.number_of_company(request.company, request.POST.get("number", ""))
    try:
        phone = simulation.add_phone(
            number=number,
            name=request.POST.get("name", ""),
            hides_phone=request.POST.get("hides_phone") == "on",
        )
    except ConflictError as error:
        messages.error(request, error.detail)
        return redirect("simulator")
    return redirect("simulator_phone", phone.public_id)


@for_operators
@require_safe
def phone_feed(request: CompanyRequest, phone_id: str) -> HttpResponse:
    """Return what the phone shows and what happened behind it, as JSON."""
    simulation.require_simulator()
    return JsonResponse(_feed(reads.phone_of_company(request.company, phone_id)))


@for_operators
@require_POST
def phone_write(request: CompanyRequest, phone_id: str) -> HttpResponse:
    """Do something on the phone: a JSON body of ``type`` and ``fields``."""
    simulation.require_simulator()
    phone = reads.phone_of_company(request.company, phone_id)
    try:
        message_type, fields = _read_action(request)
        wamid = simulation.write(phone=phone, message_type=message_type, fields=fields)
    except ParleyError as error:
        return _problem(error)
    return JsonResponse({"id": wamid}, status=201)


@for_operators
@require_POST
def phone_read(request: CompanyRequest, phone_id: str) -> HttpResponse:
    """Open the chat on the phone: blue ticks for what was delivered."""
    simulation.require_simulator()
    phone = reads.phone_of_company(request.company, phone_id)
    return JsonResponse({"read": simulation.read_messages(phone=phone)})


@for_operators
@require_POST
def phone_file(request: CompanyRequest, phone_id: str) -> HttpResponse:
    """Attach a file and send it as what it is."""
    simulation.require_simulator()
    phone = reads.phone_of_company(request.company, phone_id)
    upload = request.FILES.get("file")
    try:
        if upload is None or (upload.size or 0) > FILE_MAX_BYTES:
            raise InvalidInputError("file_unusable", "Attach a file of up to 5 MB.")
        content = upload.read()
        mime_type = filetype.guess_mime(content) or "application/octet-stream"
        family = mime_type.partition("/")[0]
        wamid = simulation.write(
            phone=phone,
            message_type=family if family in ("image", "audio", "video") else "document",
            fields={
                "media_key": simulation.attach(content),
                "mime_type": mime_type,
                "filename": upload.name or "",
                "text": request.POST.get("text", ""),
            },
        )
    except ParleyError as error:
        return _problem(error)
    return JsonResponse({"id": wamid}, status=201)


@for_operators
@require_safe
def phone_media(request: CompanyRequest, phone_id: str, wamid: str) -> HttpResponse:
    """Serve a file as the phone shows it: pictures, sound and films in place, others to keep."""
    simulation.require_simulator()
    phone = reads.phone_of_company(request.company, phone_id)
    message = SimulatedMessage.objects.filter(phone=phone, wamid=wamid).first()
    content = read_attachment(_media_id(message)) if message else None
    if content is None:
        raise Http404
    mime_type = filetype.guess_mime(content) or ""
    is_shown = mime_type in SHOWN_TYPES and mime_type != "application/pdf"
    response = HttpResponse(
        content, content_type=mime_type if is_shown else "application/octet-stream"
    )
    if not is_shown:
        response["Content-Disposition"] = "attachment; filename=whatsapp"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _media_id(message: SimulatedMessage) -> str:
    media = message.body.get(message.type)
    return str(media.get("id", "")) if isinstance(media, dict) else ""


@for_operators
@require_POST
def faults_save(request: CompanyRequest, phone_id: str) -> HttpResponse:
    """Set what the simulated Graph API does wrong."""
    simulation.require_simulator()
    phone = reads.phone_of_company(request.company, phone_id)
    fields: dict[str, Any] = {
        name: _number(request.POST.get(name, ""), highest) for name, highest in FAULT_FIELDS.items()
    }
    fields |= {name: request.POST.get(name) == "on" for name in FAULT_FLAGS}
    code = request.POST.get("error_code", "")
    fields["error_code"] = _number(code, 9_999_999) if code else None
    if fields["error_code"] is not None and not fields["error_count"]:
        fields["error_count"] = 1
    simulation.set_faults(number=phone.number, **fields)
    messages.success(request, "The simulated WhatsApp behaves like that from now on.")
    return redirect("simulator_phone", phone.public_id)


def _number(text: str, highest: int) -> int:
    return min(int(text), highest) if text.isascii() and text.isdigit() else 0


def _read_action(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise InvalidInputError("body_unusable", "Send a JSON object with type and fields.")
    fields = body.get("fields")
    return str(body.get("type", ""))[:32], fields if isinstance(fields, dict) else {}


def _problem(error: ParleyError) -> JsonResponse:
    return JsonResponse(
        {"code": error.code, "detail": error.detail},
        status=error.status,
        content_type="application/problem+json",
    )


def _feed(phone: SimulatedPhone) -> dict[str, Any]:
    conversation = reads.conversation_of_phone(phone)
    trace = reads.trace_of(conversation) if conversation else []
    return {
        "messages": [_shown(one) for one in reads.messages_of_phone(phone)],
        "is_typing": phone.typing_until is not None and phone.typing_until > clock.now(),
        "conversation": None
        if conversation is None
        else {
            "id": conversation.public_id,
            "mode": conversation.mode,
            "lane": conversation.lane,
            "version": conversation.version,
        },
        "trace": [
            {
                "lane": one.lane,
                "intent": one.intent,
                "confidence": round(one.confidence, 2),
                "source": one.source,
                "milliseconds": one.milliseconds,
                "is_success": one.is_success,
            }
            for one in trace
        ],
    }


def _shown(message: SimulatedMessage) -> dict[str, Any]:
    """Return a message as the phone draws it; all texts are plain text."""
    body = message.body
    shown: dict[str, Any] = {
        "id": message.wamid,
        "mine": message.is_outgoing,
        "type": message.type,
        "status": message.status,
        "at": clock.rfc3339(message.at),
        "text": "",
        "header": "",
        "footer": "",
        "buttons": [],
        "list": None,
        "link": None,
        "asks_location": False,
        "media": _media_kind(message),
    }
    if message.is_outgoing:
        shown["text"] = reads.read_inbound(message.type, body)
        return shown
    if message.type == "text":
        shown["text"] = body["text"]["body"]
    elif message.type == "interactive":
        _show_interactive(shown, body["interactive"])
    elif message.type == "template":
        _show_template(shown, message, body["template"])
    elif message.type == "location":
        shown["text"] = body["location"].get("name") or "Location"
    else:
        media = body.get(message.type) or {}
        shown["text"] = media.get("caption", "")
        shown["header"] = media.get("filename", "")
    return shown


def _media_kind(message: SimulatedMessage) -> str:
    """Return image, audio, video or file; empty for a message without one."""
    if not _media_id(message).startswith(f"{FOLDER}/"):
        return ""
    return {"image": "image", "sticker": "image", "audio": "audio", "video": "video"}.get(
        message.type, "file"
    )


def _show_template(
    shown: dict[str, Any], message: SimulatedMessage, template: dict[str, Any]
) -> None:
    values = [
        str(one.get("text", ""))
        for component in template.get("components", ())
        for one in component.get("parameters", ())
    ]
    text = reads.template_text(
        message.phone.number.company, template["name"], template["language"]["code"]
    )
    if text is None:
        shown["text"] = " ".join([f"[{template['name']}]", *values])
        return
    for position, value in enumerate(values, start=1):
        text = text.replace(f"{{{{{position}}}}}", value)
    shown["text"] = text


def _show_interactive(shown: dict[str, Any], interactive: dict[str, Any]) -> None:
    shown["text"] = interactive["body"]["text"]
    shown["header"] = interactive.get("header", {}).get("text", "")
    shown["footer"] = interactive.get("footer", {}).get("text", "")
    action = interactive["action"]
    kind = interactive["type"]
    if kind == "button":
        shown["buttons"] = [one["reply"] for one in action["buttons"]]
    elif kind == "list":
        shown["list"] = {"button": action["button"], "sections": action["sections"]}
    elif kind == "cta_url":
        parameters = action["parameters"]
        shown["link"] = {"title": parameters["display_text"], "url": parameters["url"]}
    elif kind == "location_request_message":
        shown["asks_location"] = True
