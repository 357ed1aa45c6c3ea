"""Takes in a signed webhook body: one transaction, no Redis, no model, no download.

Owns what is stored of a body and that nothing is stored twice, ever. What a message means is
decided later, by whoever drains its conversation's inbox.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import defaultdict
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from core import clock
from core.errors import AuthenticationFailedError
from core.jobs import nudge
from core.live import append_event
from core.retry import backoff_seconds
from messaging.envelope import (
    Envelope,
    Identity,
    MessageItem,
    StatusItem,
    clean_string,
    digest_body,
    read_envelope,
)
from messaging.models import (
    BusinessNumber,
    Contact,
    Conversation,
    InboundMedia,
    InboundMessage,
    MessageStatus,
    RawWebhook,
)
from messaging.models.inbound import InboundState
from messaging.services import contacts, delivery
from messaging.turn_builder import SILENT_TYPES, build_turn
from messaging.turns import MEDIA_KINDS, Turn

logger = logging.getLogger(__name__)

DRAIN_JOB = "messaging.drain_inbox"
MEDIA_JOB = "messaging.download_media"
SIGNATURE_PREFIX = "sha256="


@dataclass(frozen=True, slots=True)
class Intake:
    """What a body brought."""

    new_messages: int
    new_statuses: int
    is_repeat: bool


def sign_body(raw: bytes, secret: str) -> str:
    """Return the value of ``X-Hub-Signature-256`` for a body."""
    return SIGNATURE_PREFIX + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def check_signature(raw: bytes, header: str) -> None:
    """Let a body pass that Meta has signed with our app secret.

    Raises:
        AuthenticationFailedError: the signature is missing or another one. Compared in constant
            time, over the bytes as they came.
    """
    expected = sign_body(raw, settings.WHATSAPP_SIGNING_SECRET)
    if not hmac.compare_digest(expected.encode(), header.strip().encode("utf-8", "replace")):
        raise AuthenticationFailedError(
            "invalid_signature",
            "The body is not signed with this app's secret. Check WHATSAPP_APP_SECRET.",
        )


def receive_webhook(*, raw: bytes) -> Intake:
    """Store a signed body and every item in it, each once.

    Repeats, re-batched repeats and statuses in any order end in the same rows. Items for a number
    nobody here owns stay in the raw body only. One transaction; conversations with something new
    are nudged once it has committed.
    """
    envelope = read_envelope(raw)
    digest = digest_body(raw)
    with transaction.atomic():
        webhook, is_new = RawWebhook.objects.get_or_create(
            digest=digest,
            defaults={
                "body": clean_string(raw.decode("utf-8", "replace")),
                "item_count": len(envelope.messages) + len(envelope.statuses),
                "unknown_count": envelope.unknown_count,
            },
        )
        if not is_new:
            return Intake(0, 0, is_repeat=True)
        numbers = _numbers_of(envelope)
        ours = [item for item in envelope.messages if item.phone_number_id in numbers]
        statuses = [item for item in envelope.statuses if item.phone_number_id in numbers]
        foreign = len(envelope.messages) + len(envelope.statuses) - len(ours) - len(statuses)
        if foreign:
            RawWebhook.objects.filter(pk=webhook.pk).update(
                unknown_count=envelope.unknown_count + foreign
            )
            logger.warning("webhook.number_unknown", extra={"item_count": foreign})
        new_messages = _store_messages(ours, numbers)
        new_statuses = _store_statuses(statuses, numbers)
    return Intake(new_messages, new_statuses, is_repeat=False)


def _numbers_of(envelope: Envelope) -> dict[str, BusinessNumber]:
    wanted = {item.phone_number_id for item in envelope.messages}
    wanted |= {item.phone_number_id for item in envelope.statuses}
    rows = BusinessNumber.objects.select_related("company").filter(
        phone_number_id__in=wanted, is_active=True
    )
    return {row.phone_number_id: row for row in rows}


def _store_messages(items: list[MessageItem], numbers: dict[str, BusinessNumber]) -> int:
    known = set(
        InboundMessage.objects.filter(
            number__in=numbers.values(), wamid__in=[item.wamid for item in items]
        ).values_list("number__phone_number_id", "wamid")
    )
    touched: dict[int, Conversation] = {}
    waiting: dict[int, int] = defaultdict(int)
    stored = 0
    for item in items:
        if (item.phone_number_id, item.wamid) in known:
            continue
        known.add((item.phone_number_id, item.wamid))
        number = numbers[item.phone_number_id]
        if item.type == "system":
            _follow_system(number, item)
        contact = contacts.resolve_contact(company=number.company, identity=item.sender)
        conversation = _conversation_of(number, contact)
        if _store_message(number, contact, conversation, item):
            stored += 1
            touched[conversation.pk] = conversation
            waiting[conversation.pk] += _waits(item)
    now = clock.now()
    for pk, conversation in touched.items():
        _note_arrival(conversation, waiting[pk], now)
    return stored


def _store_message(
    number: BusinessNumber, contact: Contact, conversation: Conversation, item: MessageItem
) -> bool:
    """Store one message; False when another process has stored it in this moment."""
    waits = _waits(item)
    row, is_new = InboundMessage.objects.get_or_create(
        number=number,
        wamid=item.wamid,
        defaults={
            "conversation": conversation,
            "contact": contact,
            "type": item.type,
            "payload": item.payload,
            "profile_name": item.sender.name,
            "sent_at": item.sent_at,
            "state": InboundState.WAITING if waits else InboundState.SILENT,
        },
    )
    if not is_new:
        return False
    if waits:
        conversation.last_inbound_at = max(
            item.sent_at, conversation.last_inbound_at or item.sent_at
        )
        turn = build_turn(
            wamid=item.wamid, message_type=item.type, payload=item.payload, at=item.sent_at
        )
        if isinstance(turn, Turn) and turn.kind in MEDIA_KINDS and turn.media_id:
            InboundMedia.objects.create(
                message=row,
                media_id=turn.media_id,
                mime_type=turn.mime_type,
                next_attempt_at=clock.now(),
            )
            nudge(MEDIA_JOB, str(row.pk))
    return True


def _waits(item: MessageItem) -> bool:
    return not item.is_echo and item.type not in SILENT_TYPES


def _conversation_of(number: BusinessNumber, contact: Contact) -> Conversation:
    conversation, _ = Conversation.objects.get_or_create(number=number, contact=contact)
    return conversation


def _note_arrival(conversation: Conversation, waiting: int, now: object) -> None:
    """Mark the inbox as waiting and tell operators' pages; the nudge follows the commit."""
    fields: dict[str, object] = {"last_activity_at": now}
    if waiting:
        fields |= {
            "inbox_due_at": now,
            "last_inbound_at": conversation.last_inbound_at,
            "unread_count": conversation.unread_count + waiting,
        }
    Conversation.objects.filter(pk=conversation.pk).update(**fields)
    append_event(stream=conversation.stream_name, type="message", payload={"side": "in"})
    if waiting:
        nudge(DRAIN_JOB, conversation.public_id)


def _follow_system(number: BusinessNumber, item: MessageItem) -> None:
    """Follow a change of phone or user id, which only a system message tells."""
    system = item.payload.get("system")
    if not isinstance(system, dict):
        return
    kind = str(system.get("type", ""))
    new_phone = system.get("new_wa_id") or system.get("wa_id")
    new_bsuid = system.get("new_user_id") or system.get("user_id")
    if "changed_number" in kind or "changed_user_id" in kind:
        contacts.follow_number_change(
            company=number.company,
            old=item.sender,
            new_phone=_digits(new_phone) if "number" in kind else None,
            new_bsuid=str(new_bsuid)[:160] if new_bsuid and "user_id" in kind else None,
        )


def _digits(value: object) -> str | None:
    return "".join(one for one in str(value or "") if one.isdigit())[:32] or None


def _store_statuses(items: list[StatusItem], numbers: dict[str, BusinessNumber]) -> int:
    stored = 0
    for item in items:
        _, is_new = MessageStatus.objects.get_or_create(
            number=numbers[item.phone_number_id],
            wamid=item.wamid,
            status=item.status,
            at_seconds=item.at_seconds,
            defaults={"payload": item.payload},
        )
        if is_new:
            stored += 1
            delivery.apply_status(
                number=numbers[item.phone_number_id],
                wamid=item.wamid,
                opaque=item.opaque,
            )
    return stored


# --- recovery --------------------------------------------------------------------------------


def due_conversation_ids(*, limit: int = 200) -> list[str]:
    """Return conversations whose inbox waits and that nobody drains now."""
    from core import lease

    return list(
        Conversation.objects.filter(lease.unclaimed(), inbox_due_at__lte=clock.now())
        .order_by("inbox_due_at")
        .values_list("public_id", flat=True)[:limit]
    )


def postpone_inbox(*, conversation: Conversation, attempts: int) -> None:
    """Look at an inbox again after a growing pause, because its turn could not be handled."""
    from datetime import timedelta

    pause = backoff_seconds(max(1, attempts), base=1.0, cap=60.0)
    Conversation.objects.filter(pk=conversation.pk).update(
        inbox_due_at=clock.now() + timedelta(seconds=pause)
    )


__all__ = [
    "DRAIN_JOB",
    "MEDIA_JOB",
    "Identity",
    "Intake",
    "check_signature",
    "due_conversation_ids",
    "postpone_inbox",
    "receive_webhook",
    "sign_body",
]
