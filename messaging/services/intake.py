"""Takes in signed webhook bodies: one transaction, no Redis, no model, no download.

Owns what is stored of a body and that nothing is stored twice, ever. What a message means is
decided later, by whoever drains its conversation's inbox; statuses are applied by a job. Many
bodies may share one transaction, since a commit costs more than a body: `GroupCommit` gathers
those that wait for one anyway.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core import clock, lease
from core.errors import AuthenticationFailedError
from core.jobs import nudge, nudge_many
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
from messaging.models.contacts import IDENTITIES
from messaging.models.inbound import InboundState
from messaging.services import contacts, templates
from messaging.services.insertion import insert_new, update_each
from messaging.services.status_events import STATUS_JOB
from messaging.turn_builder import MEDIA_TYPES, SILENT_TYPES, build_turn
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


@dataclass(frozen=True, slots=True)
class _Body:
    """A body, read."""

    digest: str
    raw: bytes
    envelope: Envelope


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
    """Store a signed body and every item in it, each once; see `receive_webhooks`."""
    return receive_webhooks(raws=[raw])[0]


def receive_webhooks(*, raws: Sequence[bytes]) -> list[Intake]:
    """Store signed bodies and every item in them, each once.

    Repeats, re-batched repeats and items in any order end in the same rows. Items for a number
    nobody here owns stay in the raw body only. One transaction for all bodies; conversations with
    something new are nudged once it has committed.

    Args:
        raws: whole bodies, already verified.

    Returns:
        What each brought, in the order of ``raws``.
    """
    bodies = [_Body(digest_body(raw), raw, read_envelope(raw)) for raw in raws]
    with transaction.atomic():
        numbers = _numbers_of(bodies)
        new_digests = {
            row.digest
            for row in insert_new([_raw_row(body, numbers) for body in bodies], unique=["digest"])
        }
        fresh: dict[str, _Body] = {}
        for body in bodies:
            if body.digest in new_digests:
                fresh.setdefault(body.digest, body)
        messages = [
            (digest, item)
            for digest, body in fresh.items()
            for item in body.envelope.messages
            if item.phone_number_id in numbers
        ]
        statuses = [
            (digest, item)
            for digest, body in fresh.items()
            for item in body.envelope.statuses
            if item.phone_number_id in numbers
        ]
        brought_messages = _store_messages(messages, numbers)
        brought_statuses = _store_statuses(statuses, numbers)
        templates.apply_template_events(
            items=[item for body in fresh.values() for item in body.envelope.templates]
        )
    return _tell(bodies, fresh, brought_messages, brought_statuses)


def _tell(
    bodies: list[_Body], fresh: dict[str, _Body], messages: list[str], statuses: list[str]
) -> list[Intake]:
    told = []
    for body in bodies:
        if fresh.pop(body.digest, None) is None:
            told.append(Intake(0, 0, is_repeat=True))
        else:
            told.append(
                Intake(messages.count(body.digest), statuses.count(body.digest), is_repeat=False)
            )
    return told


def _raw_row(body: _Body, numbers: dict[str, BusinessNumber]) -> RawWebhook:
    envelope = body.envelope
    foreign = sum(item.phone_number_id not in numbers for item in envelope.messages)
    foreign += sum(item.phone_number_id not in numbers for item in envelope.statuses)
    if foreign:
        logger.warning("webhook.number_unknown", extra={"item_count": foreign})
    return RawWebhook(
        digest=body.digest,
        body=clean_string(body.raw.decode("utf-8", "replace")),
        item_count=len(envelope.messages) + len(envelope.statuses) + len(envelope.templates),
        unknown_count=envelope.unknown_count + foreign,
    )


def _numbers_of(bodies: list[_Body]) -> dict[str, BusinessNumber]:
    wanted = {item.phone_number_id for body in bodies for item in body.envelope.messages}
    wanted |= {item.phone_number_id for body in bodies for item in body.envelope.statuses}
    if not wanted:
        return {}
    rows = BusinessNumber.objects.select_related("company").filter(
        phone_number_id__in=wanted, is_active=True
    )
    return {row.phone_number_id: row for row in rows}


# --- messages --------------------------------------------------------------------------------


def _store_messages(
    items: list[tuple[str, MessageItem]], numbers: dict[str, BusinessNumber]
) -> list[str]:
    """Store messages; return the digest of the body for each that is new."""
    items = _leave_out_known(items, numbers)
    if not items:
        return []
    for _, item in items:
        if item.type == "system":
            _follow_system(numbers[item.phone_number_id], item)
    senders = _contacts_of([item for _, item in items], numbers)
    conversations = _conversations_of(
        {
            (numbers[item.phone_number_id].pk, contact.pk)
            for (_, item), contact in zip(items, senders, strict=True)
        }
    )
    rows = [
        InboundMessage(
            number=numbers[item.phone_number_id],
            wamid=item.wamid,
            conversation=conversations[numbers[item.phone_number_id].pk, contact.pk],
            contact=contact,
            type=item.type,
            payload=item.payload,
            profile_name=item.sender.name,
            sent_at=item.sent_at,
            state=InboundState.WAITING if _waits(item) else InboundState.SILENT,
        )
        for (_, item), contact in zip(items, senders, strict=True)
    ]
    new = insert_new(rows, unique=["number", "wamid"])
    _want_media(new)
    _note_arrivals(new)
    is_new = {id(row) for row in new}
    return [digest for (digest, _), row in zip(items, rows, strict=True) if id(row) in is_new]


def _leave_out_known(
    items: list[tuple[str, MessageItem]], numbers: dict[str, BusinessNumber]
) -> list[tuple[str, MessageItem]]:
    """Return what is not stored yet: a repeat must not change its sender's contact either."""
    known = set(
        InboundMessage.objects.filter(
            number__in=numbers.values(), wamid__in=[item.wamid for _, item in items]
        ).values_list("number_id", "wamid")
    )
    kept = []
    for digest, item in items:
        key = (numbers[item.phone_number_id].pk, item.wamid)
        if key not in known:
            known.add(key)
            kept.append((digest, item))
    return kept


def _contacts_of(items: list[MessageItem], numbers: dict[str, BusinessNumber]) -> list[Contact]:
    """Return the sender of each message; people we know as they are cost one query for all."""
    holders = _holders_of(items, numbers)
    is_stale = False
    claims: dict[int, datetime] = {}
    senders: list[Contact] = []
    for item in items:
        company, sender = numbers[item.phone_number_id].company, item.sender
        keys = [(company.pk, key, value) for key in IDENTITIES if (value := getattr(sender, key))]
        found = {contact.pk: contact for key in keys if (contact := holders.get(key)) is not None}
        known = next(iter(found.values())) if len(found) == 1 and not is_stale else None
        if known is not None and contacts.is_settled(known, identity=sender, at=item.sent_at):
            if sender.phone and sender.bsuid:
                claims[known.pk] = max(item.sent_at, claims.get(known.pk, item.sent_at))
            senders.append(known)
            continue
        contacts.note_claims(claims)
        claims.clear()
        contact = contacts.resolve_contact(company=company, identity=sender, at=item.sent_at)
        senders.append(contact)
        # New, or completed: then nobody else has changed.
        is_stale = is_stale or not set(found) <= {contact.pk}
        holders |= {(company.pk, key, getattr(contact, key)): contact for key in IDENTITIES}
    contacts.note_claims(claims)
    return _roots(senders) if is_stale else senders


def _holders_of(
    items: list[MessageItem], numbers: dict[str, BusinessNumber]
) -> dict[tuple[int, str, str | None], Contact]:
    """Return who holds the identities in these messages, by company, kind and value."""
    matching = Q()
    for key in IDENTITIES:
        values = {value for item in items if (value := getattr(item.sender, key))}
        if values:
            matching |= Q(**{f"{key}__in": values})
    if not matching:
        return {}
    companies = {numbers[item.phone_number_id].company_id for item in items}
    rows = Contact.objects.filter(matching, company_id__in=companies, merged_into=None)
    return {
        (contact.company_id, key, value): contact
        for contact in rows
        for key in IDENTITIES
        if (value := getattr(contact, key))
    }


def _roots(senders: list[Contact]) -> list[Contact]:
    """Return the contacts as they are after all merges of this transaction."""
    rows = Contact.objects.in_bulk({contact.pk for contact in senders})
    found = []
    for contact in senders:
        row = rows[contact.pk]
        while row.merged_into_id is not None:
            row = rows.get(row.merged_into_id) or Contact.objects.get(pk=row.merged_into_id)
        found.append(row)
    return found


def _conversations_of(wanted: set[tuple[int, int]]) -> dict[tuple[int, int], Conversation]:
    """Return the conversations of (number, contact) pairs, made where there are none."""

    def find() -> dict[tuple[int, int], Conversation]:
        rows = Conversation.objects.filter(
            number__in={number for number, _ in wanted},
            contact__in={contact for _, contact in wanted},
        ).defer("state")
        return {(row.number_id, row.contact_id): row for row in rows}

    found = find()
    missing = sorted(wanted - found.keys())
    if missing:
        insert_new(
            [Conversation(number_id=number, contact_id=contact) for number, contact in missing],
            unique=["number", "contact"],
        )
        found = find()
    return found


def _waits(item: MessageItem) -> bool:
    return not item.is_echo and item.type not in SILENT_TYPES


def _want_media(rows: list[InboundMessage]) -> None:
    wanted = []
    for row in rows:
        if row.state != InboundState.WAITING or row.type not in MEDIA_TYPES:
            continue
        turn = build_turn(
            wamid=row.wamid, message_type=row.type, payload=row.payload, at=row.sent_at
        )
        if isinstance(turn, Turn) and turn.kind in MEDIA_KINDS and turn.media_id:
            wanted.append(
                InboundMedia(
                    message=row,
                    media_id=turn.media_id,
                    mime_type=turn.mime_type,
                    next_attempt_at=clock.now(),
                )
            )
    if wanted:
        InboundMedia.objects.bulk_create(wanted)
        nudge_many(MEDIA_JOB, [str(media.message_id) for media in wanted])


def _note_arrivals(rows: list[InboundMessage]) -> None:
    """Mark inboxes as waiting; the nudges follow the commit."""
    now = clock.now()
    waiting: dict[int, list[datetime]] = defaultdict(list)
    touched: dict[int, Conversation] = {}
    for row in rows:
        touched[row.conversation_id] = row.conversation
        if row.state == InboundState.WAITING:
            waiting[row.conversation_id].append(row.sent_at)
    silent = touched.keys() - waiting.keys()
    if silent:
        Conversation.objects.filter(pk__in=silent).update(last_activity_at=now)
    update_each(
        Conversation,
        {pk: (now, max(moments), len(moments)) for pk, moments in waiting.items()},
        names={"now": "timestamptz", "heard_at": "timestamptz", "count": "integer"},
        assign={
            "last_activity_at": "new.now",
            "inbox_due_at": "new.now",
            "unread_count": "old.unread_count + new.count",
            "last_inbound_at": "CASE WHEN old.last_inbound_at > new.heard_at "
            "THEN old.last_inbound_at ELSE new.heard_at END",
        },
    )
    nudge_many(DRAIN_JOB, [touched[pk].public_id for pk in waiting])


def _follow_system(number: BusinessNumber, item: MessageItem) -> None:
    """Follow a change of phone or user id, which only a system message tells."""
    system = item.payload.get("system")
    if not isinstance(system, dict):
        return
    kind = str(system.get("type", ""))
    is_number = "changed_number" in kind
    if is_number or "changed_user_id" in kind:
        new_phone = system.get("new_wa_id") or system.get("wa_id")
        new_bsuid = system.get("new_user_id") or system.get("user_id")
        contacts.follow_number_change(
            company=number.company,
            old=item.sender,
            new_phone=_digits(new_phone) if is_number else None,
            new_bsuid=new_bsuid[:160] if isinstance(new_bsuid, str) and new_bsuid else None,
            at=item.sent_at,
        )


def _digits(value: object) -> str | None:
    return "".join(one for one in str(value or "") if one.isdigit())[:32] or None


# --- statuses --------------------------------------------------------------------------------


def _store_statuses(
    items: list[tuple[str, StatusItem]], numbers: dict[str, BusinessNumber]
) -> list[str]:
    """Store status events; return the digest of the body for each that is new."""
    rows = [
        MessageStatus(
            number=numbers[item.phone_number_id],
            wamid=item.wamid,
            status=item.status,
            at_seconds=item.at_seconds,
            payload=item.payload,
        )
        for _, item in items
    ]
    new = insert_new(rows, unique=["number", "wamid", "status", "at_seconds"])
    if new:
        nudge(STATUS_JOB)
    is_new = {id(row) for row in new}
    return [digest for (digest, _), row in zip(items, rows, strict=True) if id(row) in is_new]


# --- recovery --------------------------------------------------------------------------------


def due_conversation_ids(*, limit: int = 200) -> list[str]:
    """Return conversations whose inbox waits and that nobody drains now."""
    return list(
        Conversation.objects.filter(lease.unclaimed(), inbox_due_at__lte=clock.now())
        .order_by("inbox_due_at")
        .values_list("public_id", flat=True)[:limit]
    )


def postpone_inbox(*, conversation: Conversation, attempts: int) -> None:
    """Look at an inbox again after a growing pause, because its turn could not be handled."""
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
    "receive_webhooks",
    "sign_body",
]
