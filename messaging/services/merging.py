"""Makes two contacts one, with everything that hangs on them.

Owns what moves and what stays. Joins the caller's transaction; knows no webhook.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from core import clock
from messaging.models import Contact, Conversation, InboundMessage, OutboundMessage, TurnRecord
from messaging.models.contacts import IDENTITIES

logger = logging.getLogger(__name__)


def merge_contacts(*, survivor: Contact, other: Contact) -> None:
    """Make two contacts one: all that hangs on the other moves to the survivor.

    Conversations with the same number become one. What cannot move, since the survivor has its
    like already (an open cart), stays with the merged row. The other keeps its row without keys.
    A turn that is being made in the other's conversation writes nothing: its message waits in the
    survivor's.
    """
    taken = {key: getattr(other, key) for key in IDENTITIES}
    claimed_at = other.phone_claimed_at
    for key in IDENTITIES:
        setattr(other, key, None)
    other.phone_claimed_at = None
    other.merged_into = survivor
    other.save()
    for key, value in taken.items():
        if value is not None and getattr(survivor, key) is None:
            setattr(survivor, key, value)
            if key == "phone":
                survivor.phone_claimed_at = claimed_at
    if other.opted_out_at and not survivor.opted_out_at:
        survivor.opted_out_at = other.opted_out_at
    survivor.name = survivor.name or other.name
    survivor.username = survivor.username or other.username
    survivor.language = survivor.language or other.language
    survivor.save()
    _merge_conversations(survivor, other)
    for relation in Contact._meta.related_objects:
        if relation.related_model in (Contact, Conversation):
            continue
        field = relation.field.name
        _repoint(relation.related_model._default_manager.filter(**{field: other}), field, survivor)
    logger.info("contact.merged", extra={"contact_id": survivor.public_id})


def _repoint(rows: Iterable[Any], field: str, survivor: Contact) -> None:
    for row in rows:
        try:
            with transaction.atomic():
                setattr(row, field, survivor)
                row.save(update_fields=[field])
        except IntegrityError:
            logger.warning("contact.row_not_moved", extra={"model": type(row).__name__})


def _merge_conversations(survivor: Contact, other: Contact) -> None:
    kept = {one.number_id: one for one in Conversation.objects.filter(contact=survivor)}
    rows = Conversation.objects.select_for_update().filter(contact=other).order_by("pk")
    for conversation in rows:
        target = kept.get(conversation.number_id)
        if target is None:
            conversation.contact = survivor
            conversation.save(update_fields=["contact"])
            continue
        for model in (InboundMessage, OutboundMessage, TurnRecord):
            model._default_manager.filter(conversation=conversation).update(conversation=target)
        both = Conversation.objects.filter(pk__in=(target.pk, conversation.pk))
        is_due = target.inbox_due_at is not None or conversation.inbox_due_at is not None
        heard = [at for at in (target.last_inbound_at, conversation.last_inbound_at) if at]
        unread = both.aggregate(count=Sum("unread_count"))["count"] or 0
        Conversation.objects.filter(pk=target.pk).update(
            # A new moment, so that a holder who looked before the move does not clear it.
            inbox_due_at=clock.now() if is_due else None,
            last_inbound_at=max(heard) if heard else None,
            unread_count=unread,
        )
        # The fence rises, so that whoever works on it has worked for nothing.
        Conversation.objects.filter(pk=conversation.pk).update(
            inbox_due_at=None, unread_count=0, fence=F("fence") + 1
        )
