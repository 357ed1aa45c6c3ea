"""Sends what waits in the outbox: once, in order, within WhatsApp's limits.

Owns the way of an outbound row from ``queued`` to what the back end said. A call is never made
inside a transaction: the row is claimed first, and what came of the call is written under its
fence. A call nobody knows the end of waits for a status; without one it becomes ``unknown`` and a
person decides. So a message is sent once or is shown to somebody, never sent twice.
"""

from __future__ import annotations

import logging
import os
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from core import audit, clock, lease
from core.jobs import nudge
from core.live import publish_ephemeral
from core.retry import backoff_seconds
from messaging.models import (
    BusinessNumber,
    Conversation,
    InboundMessage,
    OutboundMessage,
    OutboundState,
)
from messaging.replies import Reply, ReplyKind
from messaging.services import delivery, hand_offs, pacing
from messaging.services.outbox import SEND_JOB, is_window_open
from messaging.storage import read_media
from messaging.whatsapp.base import ErrorClass, Recipient, Sender, SendError
from messaging.whatsapp.bodies import build_body
from messaging.whatsapp.factory import get_backend

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
RETRIES_MAX = 8
RETRY_BASE_SECONDS = 1.0
RETRY_CAP_SECONDS = 300.0
AMBIGUOUS_WAIT_SECONDS = 60.0
"""How long a status may take to tell what became of a call that got no answer."""
ORDER_WAIT_SECONDS = 5.0
"""A message waits this long for WhatsApp to say that it has passed on the one before it: of two
that it holds at once it shows what is quicker first. Where no status comes it goes out then."""


def send_due(*, conversation_id: str) -> int:
    """Send what is due in a conversation, in order; return how many messages were handed over.

    Stops at the first one that must wait: later ones never overtake it. Safe to run twice and at
    the same time.
    """
    sent = 0
    while True:
        message = _next_due(conversation_id)
        if message is None or not _send_one(message):
            return sent
        sent += 1


def _next_due(conversation_id: str) -> OutboundMessage | None:
    """Return the conversation's first unsent message, if its time has come."""
    pending = (
        OutboundMessage.objects.select_related("conversation__number", "conversation__contact")
        .filter(
            conversation__public_id=conversation_id,
            state__in=(OutboundState.QUEUED, OutboundState.SENDING),
        )
        .order_by("id")
        .first()
    )
    if pending is None or pending.state != OutboundState.QUEUED:
        return None
    now = clock.now()
    if pending.next_attempt_at is not None and pending.next_attempt_at > now:
        return None
    return None if _has_forerunner(conversation_id, now) else pending


def _has_forerunner(conversation_id: str, now: datetime) -> bool:
    """Tell whether WhatsApp has just taken a message that it has said nothing of yet."""
    taken = OutboundMessage.objects.filter(
        conversation__public_id=conversation_id,
        state=OutboundState.SENT,
        sent_at__gt=now - timedelta(seconds=ORDER_WAIT_SECONDS),
    )
    return taken.filter(statuses=None).exists()


def _send_one(message: OutboundMessage) -> bool:
    """Send a message; False when the conversation's queue must wait."""
    conversation = message.conversation
    number = conversation.number
    if number.stopped_at is not None or not number.is_active:
        return False
    if conversation.contact.opted_out_at is not None and message.author != "system":
        _finish(message, None, OutboundState.CANCELLED, error_code="opted_out")
        return True
    if message.kind != ReplyKind.TEMPLATE and not is_window_open(conversation):
        _finish(message, None, OutboundState.HELD, error_code="131047")
        return True
    fence = lease.claim(
        OutboundMessage.objects.filter(pk=message.pk, state=OutboundState.QUEUED),
        owner=f"{os.getpid()}:{secrets.token_hex(4)}",
        seconds=LEASE_SECONDS,
    )
    if fence is None:
        return False
    waits = pacing.take_slots(conversation=conversation, number=number)
    if waits:
        _postpone(message, fence, waits)
        return False
    OutboundMessage.objects.filter(pk=message.pk, fence=fence).update(
        state=OutboundState.SENDING,
        attempts=message.attempts + 1,
        # Should this process die now, nobody knows whether the call was made.
        next_attempt_at=clock.now() + timedelta(seconds=AMBIGUOUS_WAIT_SECONDS),
    )
    return _call(message, fence)


def _call(message: OutboundMessage, fence: int) -> bool:
    conversation = message.conversation
    sender = sender_of(conversation.number)
    contact = conversation.contact
    recipient = Recipient(contact.phone, contact.bsuid or contact.parent_bsuid)
    backend = get_backend()
    if message.position == 0 and message.reply_to:
        _mark_read(message, sender)
    try:
        reply = Reply.from_json(message.payload)
        media_id = ""
        if reply.kind is ReplyKind.MEDIA:
            content = read_media(reply.media_key)
            media_id = backend.upload_media(
                sender,
                content,
                mime_type=reply.extra.get("mime_type", "application/octet-stream"),
                name=reply.file_name or "file",
            )
        body = build_body(reply, recipient, media_id=media_id)
        accepted = backend.send(sender, recipient, body, opaque=message.public_id)
    except SendError as error:
        return _note_error(message, fence, error)
    except (ValueError, TypeError, FileNotFoundError):
        logger.exception("send.unusable", extra={"outbound_id": message.public_id})
        _finish(message, fence, OutboundState.FAILED, error_code="unusable")
        return True
    _note_sent(message, fence, accepted.wamid)
    return True


def sender_of(number: BusinessNumber) -> Sender:
    """Return a number with its token, which stands in the environment only."""
    token = settings.WHATSAPP_TOKENS.get(number.phone_number_id, settings.WHATSAPP_TOKEN)
    return Sender(number.phone_number_id, token)


def _mark_read(message: OutboundMessage, sender: Sender) -> None:
    try:
        get_backend().mark_read(sender, message.reply_to, is_typing=True)
    except SendError as error:
        # A courtesy: the answer itself follows.
        logger.info("send.read_mark_failed", extra={"code": error.code})


def mark_seen(*, conversation_id: str) -> bool:
    """Give the person's messages their blue ticks, because an operator has looked at them.

    Returns:
        Whether the back end was told. A courtesy: what fails is not tried again.
    """
    latest = (
        InboundMessage.objects.select_related("number")
        .filter(conversation__public_id=conversation_id)
        .exclude(wamid="")
        .order_by("-sent_at", "-pk")
        .first()
    )
    if latest is None or latest.number.stopped_at is not None or not latest.number.is_active:
        return False
    try:
        # One mark stands for everything before it as well.
        get_backend().mark_read(sender_of(latest.number), latest.wamid, is_typing=False)
    except SendError as error:
        logger.info("send.read_mark_failed", extra={"code": error.code})
        return False
    return True


def _note_sent(message: OutboundMessage, fence: int, wamid: str) -> None:
    with transaction.atomic():
        now = clock.now()
        changed = OutboundMessage.objects.filter(
            pk=message.pk, fence=fence, state=OutboundState.SENDING
        ).update(
            state=OutboundState.SENT,
            wamid=wamid,
            sent_at=now,
            next_attempt_at=None,
            lease_owner="",
            leased_until=None,
            error_code="",
            error_class="",
        )
        if not changed:
            # A status was faster and knows as much.
            OutboundMessage.objects.filter(pk=message.pk, wamid=None).exclude(
                state__in=(OutboundState.QUEUED, OutboundState.HELD)
            ).update(wamid=wamid)
        # Statuses may have come before we knew the message's id.
        delivery.apply_status(number=message.conversation.number, wamid=wamid)
        publish_ephemeral(
            stream=message.conversation.stream_name,
            type="status",
            payload={"message": message.public_id, "state": OutboundState.SENT},
        )
    logger.info("send_response.completed", extra={"success": True, "kind": message.kind})


def _note_error(message: OutboundMessage, fence: int, error: SendError) -> bool:
    """Write what an error means; False when the conversation's queue must wait."""
    kind = error.error_class
    logger.warning(
        "send_response.failed",
        extra={"success": False, "code": error.code, "class": str(kind)},
    )
    if kind is ErrorClass.AMBIGUOUS:
        OutboundMessage.objects.filter(pk=message.pk, fence=fence).update(
            error_code=error.code[:32], error_class=str(kind)
        )
        return False
    if kind is ErrorClass.WINDOW:
        _finish(message, fence, OutboundState.HELD, error_code=error.code, error_class=str(kind))
        return True
    if kind is ErrorClass.STOP:
        _stop_number(message.conversation.number, error.code)
        _postpone(message, fence, 0.0, error)
        return False
    if kind is ErrorClass.NEVER or message.attempts + 1 >= RETRIES_MAX:
        _finish(message, fence, OutboundState.FAILED, error_code=error.code, error_class=str(kind))
        return True
    tries = message.attempts + 1
    if kind is ErrorClass.PAIR:
        pause = float(4 ** min(tries, 5))
    elif kind is ErrorClass.LATER:
        pause = 24 * 3600.0
    else:
        pause = backoff_seconds(tries, base=RETRY_BASE_SECONDS, cap=RETRY_CAP_SECONDS)
    _postpone(message, fence, max(pause, error.retry_after_seconds), error)
    return False


def _postpone(
    message: OutboundMessage, fence: int, seconds: float, error: SendError | None = None
) -> None:
    fields = {"error_code": error.code[:32], "error_class": str(error.error_class)} if error else {}
    OutboundMessage.objects.filter(pk=message.pk, fence=fence).update(
        state=OutboundState.QUEUED,
        next_attempt_at=clock.now() + timedelta(seconds=seconds),
        lease_owner="",
        leased_until=None,
        **fields,
    )


def _finish(
    message: OutboundMessage,
    fence: int | None,
    state: OutboundState,
    *,
    error_code: str,
    error_class: str = "",
) -> None:
    rows = OutboundMessage.objects.filter(pk=message.pk)
    rows = rows.filter(state=OutboundState.QUEUED) if fence is None else rows.filter(fence=fence)
    with transaction.atomic():
        changed = rows.update(
            state=state,
            error_code=error_code[:32],
            error_class=error_class,
            next_attempt_at=None,
            failed_at=clock.now() if state == OutboundState.FAILED else None,
            lease_owner="",
            leased_until=None,
        )
        if changed:
            publish_ephemeral(
                stream=message.conversation.stream_name,
                type="status",
                payload={"message": message.public_id, "state": state},
            )


def _stop_number(number: BusinessNumber, code: str) -> None:
    if BusinessNumber.objects.filter(pk=number.pk, stopped_at=None).update(
        stopped_at=clock.now(), stop_code=code[:32]
    ):
        logger.error("number.stopped", extra={"number_id": number.public_id, "code": code})


def resume_number(*, number: BusinessNumber, actor: User) -> None:
    """Let a stopped number send again, because a person has seen to the cause."""
    with transaction.atomic():
        if BusinessNumber.objects.filter(pk=number.pk).update(stopped_at=None, stop_code=""):
            audit.record_event(
                actor=actor, action="number.resumed", object_ref=number, company=number.company
            )
    for key in due_conversation_ids():
        nudge(SEND_JOB, key)


# --- recovery --------------------------------------------------------------------------------


def settle_ambiguous() -> int:
    """Show people what nobody knows the end of; return how many messages.

    A call without an answer, or a process that died in it, has waited for a status long enough.
    """
    overdue = OutboundMessage.objects.select_related("conversation__number__company").filter(
        state=OutboundState.SENDING, next_attempt_at__lte=clock.now()
    )
    count = 0
    for message in overdue[:100]:
        with transaction.atomic():
            changed = OutboundMessage.objects.filter(
                pk=message.pk, state=OutboundState.SENDING, next_attempt_at__lte=clock.now()
            ).update(
                state=OutboundState.UNKNOWN,
                next_attempt_at=None,
                lease_owner="",
                leased_until=None,
            )
            if changed:
                count += 1
                hand_offs.request_hand_off(conversation=message.conversation, reason="unknown_send")
                nudge(SEND_JOB, message.conversation.public_id)
    return count


def due_conversation_ids(*, limit: int = 200) -> list[str]:
    """Return conversations with a message whose time has come and that nobody is sending."""
    return list(
        Conversation.objects.filter(
            Q(outbound__next_attempt_at__isnull=True)
            | Q(outbound__next_attempt_at__lte=clock.now()),
            outbound__state=OutboundState.QUEUED,
            number__stopped_at__isnull=True,
            number__is_active=True,
        )
        .distinct()
        .values_list("public_id", flat=True)[:limit]
    )


__all__ = [
    "due_conversation_ids",
    "mark_seen",
    "resume_number",
    "send_due",
    "sender_of",
    "settle_ambiguous",
]
