"""The operators' inbox: every conversation, live, and what a person can do in one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CompanyRequest
from accounts.models import Role, User
from accounts.selectors import list_members
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.ids import new_id
from core.text import clean_text
from messaging.models import (
    Conversation,
    InboundMedia,
    MediaState,
    MessageTemplate,
    OutboundMessage,
    OutboundState,
)
from messaging.models.knowledge import TemplateStatus
from messaging.replies import Reply, ReplyKind, say
from messaging.selectors import inbox as reads
from messaging.services import hand_offs, outbox, privacy, templates
from messaging.services.media import SHOWN_TYPES
from messaging.state.contract import LANES
from messaging.storage import media_storage, save_media
from messaging.views.doors import for_operators
from messaging.views.inbox_business import act_on_business, orders_beside, tickets_beside

ATTACHMENT_MAX_BYTES = 5_000_000
MEDIA_KINDS = {"image": "image", "audio": "audio", "video": "video"}


@for_operators
@require_safe
def inbox(request: CompanyRequest, conversation_id: str = "") -> HttpResponse:
    """Show the list, and the chosen conversation beside it."""
    context = _list_context(request)
    if conversation_id:
        conversation = reads.conversation_of_company(request.company, conversation_id)
        hand_offs.mark_seen(conversation=conversation)
        context |= _conversation_context(request, conversation)
    narrowed = urlencode({"view": context["view"], "q": context["query"]})
    context["page_settings"] = {
        "queue": "/ws/inbox/",
        "list": f"{reverse('inbox_list')}?{narrowed}",
        "thread": f"/ws/inbox/{conversation_id}" if conversation_id else "",
        "page": reverse("inbox_conversation", args=[conversation_id]) if conversation_id else "",
    }
    return render(request, "messaging/inbox.html", context)


@for_operators
@require_safe
def inbox_list(request: CompanyRequest) -> HttpResponse:
    """Return the list alone, for a page that has heard of something new."""
    return render(request, "messaging/inbox_list.html", _list_context(request))


@for_operators
@require_POST
def inbox_reply(request: CompanyRequest, conversation_id: str) -> HttpResponse:
    """Send what the operator wrote or attached; writing takes the conversation over."""
    conversation = reads.conversation_of_company(request.company, conversation_id)
    try:
        reply = _read_reply(request)
        if conversation.mode != "operator" or conversation.assigned_to_id is None:
            hand_offs.take_over(conversation=conversation, operator=request.user)
        outbox.send_as_operator(
            conversation=conversation,
            operator=request.user,
            reply=reply,
            client_id=request.POST.get("client_id") or new_id("say"),
        )
    except (ConflictError, InvalidInputError) as error:
        messages.error(request, error.detail)
    return redirect("inbox_conversation", conversation.public_id)


def _read_reply(request: CompanyRequest) -> Reply:
    """Return what was sent.

    Raises:
        InvalidInputError: nothing, a file that is too large, or an unknown template.
    """
    text = clean_text(request.POST.get("text", ""), 4096).text
    template_id = request.POST.get("template", "")
    if template_id:
        return _template(request, template_id)
    upload = request.FILES.get("file")
    if upload is None:
        if not text:
            raise InvalidInputError("message_empty", "Write something to send.")
        return say(text)
    if (upload.size or 0) > ATTACHMENT_MAX_BYTES:
        raise InvalidInputError("file_too_large", "A file may have up to 5 MB.")
    content = upload.read()
    import filetype

    mime_type = filetype.guess_mime(content) or "application/octet-stream"
    if mime_type not in SHOWN_TYPES:
        raise InvalidInputError(
            "file_type", "WhatsApp takes pictures, audio, MP4 videos and PDF files."
        )
    return Reply(
        ReplyKind.MEDIA,
        text[:1024],
        media_kind=MEDIA_KINDS.get(mime_type.partition("/")[0], "document"),
        media_key=save_media(content, folder="outbound"),
        file_name=clean_text(upload.name or "file", 80).text,
        extra={"mime_type": mime_type},
    )


def _template(request: CompanyRequest, template_id: str) -> Reply:
    found = MessageTemplate.objects.filter(
        company=request.company, public_id=template_id, status=TemplateStatus.APPROVED
    ).first()
    if found is None:
        raise InvalidInputError("template_unknown", "Choose one of the approved templates.")
    return templates.build_template_reply(template=found, values=request.POST.getlist("value"))


@for_operators
@require_POST
def inbox_action(request: CompanyRequest, conversation_id: str, action: str) -> HttpResponse:
    """Take over, give back, assign, note, correct the lane, send again, move an order, ticket or
    return on, note a refund, or erase the person."""
    conversation = reads.conversation_of_company(request.company, conversation_id)
    try:
        said = _act(request, conversation, action)
    except (ConflictError, InvalidInputError) as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, said)
        if action == "erase":
            return redirect("inbox")
    return redirect("inbox_conversation", conversation.public_id)


def _act(request: CompanyRequest, conversation: Conversation, action: str) -> str:
    if action == "take":
        hand_offs.take_over(conversation=conversation, operator=request.user)
        return "It is yours. The agents are silent until you give it back."
    if action == "give-back":
        hand_offs.give_back(conversation=conversation, operator=request.user)
        return "The agents answer again."
    if action == "assign":
        colleague = _colleague(request)
        hand_offs.assign(conversation=conversation, operator=request.user, to=colleague)
        return f"{colleague.display_name} has it now."
    if action == "note":
        hand_offs.add_note(
            conversation=conversation, author=request.user, text=request.POST.get("text", "")
        )
        return "Noted. Only your team reads it."
    if action == "correct":
        hand_offs.correct_lane(
            conversation=conversation,
            turn_id=request.POST.get("turn", ""),
            lane=request.POST.get("lane", ""),
        )
        return "Corrected. It counts in the routing figures."
    if action == "resend":
        message = OutboundMessage.objects.filter(
            conversation=conversation, public_id=request.POST.get("message", "")
        ).first()
        if message is None:
            raise InvalidInputError("message_unknown", "There is no such message.")
        outbox.resend_unknown(message=message, operator=request.user)
        return "It is being sent again."
    if action == "erase":
        if request.membership.role != Role.OWNER:
            raise PermissionDenied
        privacy.erase_on_request(contact=conversation.contact, actor=request.user)
        return "Erased. Orders stay in the books, without a name."
    said = act_on_business(request, conversation, action)
    if said is not None:
        return said
    raise NotFoundError("action_unknown", "There is no such action.")


def _colleague(request: CompanyRequest) -> User:
    for membership in list_members(request.company):
        if membership.user.public_id == request.POST.get("operator", ""):
            return membership.user
    raise InvalidInputError("operator_unknown", "Choose somebody of your team.")


@for_operators
@require_safe
def inbox_media(request: CompanyRequest, message_id: int) -> HttpResponseBase:
    """Serve a file a person sent, to their company's people only."""
    media = (
        InboundMedia.objects.filter(
            message_id=message_id,
            message__number__company=request.company,
            state=MediaState.STORED,
        )
        .select_related("message")
        .first()
    )
    if media is None:
        raise Http404
    return _file(media.file_key, media.mime_type, f"whatsapp-{media.pk}")


@for_operators
@require_safe
def inbox_sent_media(request: CompanyRequest, outbound_id: str) -> HttpResponseBase:
    """Serve a file that was sent to a person, to their company's people only."""
    message = OutboundMessage.objects.filter(
        public_id=outbound_id,
        kind=ReplyKind.MEDIA,
        conversation__number__company=request.company,
    ).first()
    if message is None:
        raise Http404
    reply = Reply.from_json(message.payload)
    return _file(reply.media_key, str(reply.extra.get("mime_type", "")), reply.file_name or "file")


def _file(key: str, mime_type: str, name: str) -> HttpResponseBase:
    is_shown = mime_type in SHOWN_TYPES
    try:
        content = media_storage().open(key, "rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(
        content,
        content_type=mime_type if is_shown else "application/octet-stream",
        as_attachment=not is_shown or mime_type == "application/pdf",
        filename=name,
    )
    # What somebody sent runs nothing here, whatever it is.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _list_context(request: CompanyRequest) -> dict[str, Any]:
    view = request.GET.get("view", "all")
    view = view if view in reads.VIEWS else "all"
    query = clean_text(request.GET.get("q", ""), 100).text
    counts = reads.count_views(request.company, request.user)
    numbers = reads.numbers_of(request.company)
    labels = {"waiting": "Waiting", "mine": "Mine", "agents": "Agents", "all": "All"}
    conversations = reads.conversations_of(
        request.company, view=view, operator=request.user, query=query
    )
    previews = reads.previews_of(conversations)
    return {
        "rows": [(one, previews.get(one.pk)) for one in conversations],
        "view": view,
        "query": query,
        "views": [(name, labels[name], counts[name]) for name in reads.VIEWS],
        "has_numbers": bool(numbers),
        "stopped_numbers": [number for number in numbers if number.stopped_at is not None],
        "can_edit_shop": request.membership.role in (Role.OWNER, Role.MEMBER),
    }


def _conversation_context(request: CompanyRequest, conversation: Conversation) -> dict[str, Any]:
    contact = conversation.contact
    return {
        "conversation": conversation,
        "contact": contact,
        "lines": reads.thread_of(conversation),
        "trace": reads.trace_of(conversation),
        "lanes": LANES,
        "is_window_open": outbox.is_window_open(conversation),
        "templates": [
            (template, templates.fields_of(template))
            for template in MessageTemplate.objects.filter(
                company=request.company, status=TemplateStatus.APPROVED
            ).order_by("name", "language")
        ],
        "orders": orders_beside(contact),
        "tickets": tickets_beside(contact),
        "can_refund": request.membership.role != Role.OPERATOR,
        "members": [one.user for one in list_members(request.company)],
        "can_erase": request.membership.role == Role.OWNER and contact.is_known,
        "is_mine": conversation.assigned_to_id == request.user.pk,
        "client_id": new_id("say"),
        "unknown_state": OutboundState.UNKNOWN,
    }
