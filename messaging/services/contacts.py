"""Who wrote: a contact found, made, completed or merged by any of three identities.

Owns `Contact`. Knows no message. Every function joins the caller's transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Company
from core import clock
from messaging.envelope import Identity
from messaging.models import Contact, Conversation, InboundMessage, OutboundMessage, TurnRecord
from messaging.models.contacts import IDENTITIES

logger = logging.getLogger(__name__)


def resolve_contact(*, company: Company, identity: Identity) -> Contact:
    """Return the contact an identity belongs to, made or merged where needed.

    Identities that meet in one message belong to one person, so two contacts that each held one
    are merged. The exception is a phone seen with a business-scoped id while its contact has
    another one: the number was given to somebody new, and the old contact loses it.

    Without any identity a contact of its own is made: the message is kept all the same.
    """
    keys = {key: getattr(identity, key) for key in IDENTITIES if getattr(identity, key)}
    if not keys:
        return Contact.objects.create(company=company, name=identity.name)
    found = _find(company, keys)
    found = _drop_recycled(found, keys)
    if not found:
        return _create(company, identity, keys)
    survivor = found[0]
    for other in found[1:]:
        merge_contacts(survivor=survivor, other=other)
    _complete(survivor, identity, keys)
    return survivor


def _find(company: Company, keys: dict[str, str]) -> list[Contact]:
    matching = Q()
    for key, value in keys.items():
        matching |= Q(**{key: value})
    return list(
        Contact.objects.select_for_update()
        .filter(matching, company=company, merged_into__isnull=True)
        .order_by("pk")
    )


def _drop_recycled(found: list[Contact], keys: dict[str, str]) -> list[Contact]:
    """Take the phone from a contact whose user id is another than the one beside it now."""
    kept: list[Contact] = []
    for contact in found:
        is_recycled = (
            "bsuid" in keys
            and contact.bsuid is not None
            and contact.bsuid != keys["bsuid"]
            and contact.phone is not None
            and contact.phone == keys.get("phone")
        )
        if is_recycled:
            contact.phone = None
            contact.save(update_fields=["phone", "updated_at"])
            logger.info("contact.phone_recycled", extra={"contact_id": contact.public_id})
        else:
            kept.append(contact)
    return kept


def _create(company: Company, identity: Identity, keys: dict[str, str]) -> Contact:
    try:
        with transaction.atomic():
            return Contact.objects.create(
                company=company, name=identity.name, username=identity.username, **keys
            )
    except IntegrityError:
        # Another process met the same person in the same moment.
        found = _find(company, keys)
        if not found:
            raise
        _complete(found[0], identity, keys)
        return found[0]


def _complete(contact: Contact, identity: Identity, keys: dict[str, str]) -> None:
    changed = []
    for key, value in keys.items():
        # A contact keeps the identity it has: a second phone is told by a system message.
        if getattr(contact, key) is None:
            setattr(contact, key, value)
            changed.append(key)
    for field in ("name", "username"):
        value = getattr(identity, field)
        if value and getattr(contact, field) != value:
            setattr(contact, field, value)
            changed.append(field)
    if changed:
        contact.save(update_fields=[*changed, "updated_at"])


def merge_contacts(*, survivor: Contact, other: Contact) -> None:
    """Make two contacts one: all that hangs on the other moves to the survivor.

    Conversations with the same number become one. What cannot move, since the survivor has its
    like already (an open cart), stays with the merged row. The other keeps its row without keys.
    """
    taken = {key: getattr(other, key) for key in IDENTITIES}
    for key in IDENTITIES:
        setattr(other, key, None)
    other.merged_into = survivor
    other.save()
    for key, value in taken.items():
        if value is not None and getattr(survivor, key) is None:
            setattr(survivor, key, value)
    if other.opted_out_at and not survivor.opted_out_at:
        survivor.opted_out_at = other.opted_out_at
    survivor.language = survivor.language or other.language
    survivor.save()
    _merge_conversations(survivor, other)
    for relation in Contact._meta.related_objects:
        if relation.related_model in (Contact, Conversation):
            continue
        _repoint(
            relation.related_model._default_manager.filter(**{relation.field.name: other}),
            relation.field.name,
            survivor,
        )
    logger.info("contact.merged", extra={"contact_id": survivor.public_id})


def _repoint(rows: Iterable[object], field: str, survivor: Contact) -> None:
    for row in rows:
        try:
            with transaction.atomic():
                setattr(row, field, survivor)
                row.save(update_fields=[field])  # type: ignore[attr-defined]  # any model's row
        except IntegrityError:
            logger.warning("contact.row_not_moved", extra={"model": type(row).__name__})


def _merge_conversations(survivor: Contact, other: Contact) -> None:
    kept = {one.number_id: one for one in Conversation.objects.filter(contact=survivor)}
    for conversation in Conversation.objects.select_for_update().filter(contact=other):
        target = kept.get(conversation.number_id)
        if target is None:
            conversation.contact = survivor
            conversation.save(update_fields=["contact"])
            continue
        for model in (InboundMessage, OutboundMessage, TurnRecord):
            model._default_manager.filter(conversation=conversation).update(conversation=target)
        due = [at for at in (target.inbox_due_at, conversation.inbox_due_at) if at]
        Conversation.objects.filter(pk=target.pk).update(
            inbox_due_at=min(due) if due else None,
            last_inbound_at=max(
                (at for at in (target.last_inbound_at, conversation.last_inbound_at) if at),
                default=None,
            ),
        )
        Conversation.objects.filter(pk=conversation.pk).update(inbox_due_at=None)


def follow_number_change(
    *, company: Company, old: Identity, new_phone: str | None, new_bsuid: str | None
) -> None:
    """Give a contact the phone or user id they have changed to, as a system message tells.

    A contact who has the new one already is merged into the old one's history.
    """
    found = _find(company, {k: v for k in IDENTITIES if (v := getattr(old, k))}) if old else []
    if not found or not (new_phone or new_bsuid):
        return
    contact = found[0]
    wanted = {"phone": new_phone, "bsuid": new_bsuid}
    taken = _find(company, {key: value for key, value in wanted.items() if value})
    for other in taken:
        if other.pk != contact.pk:
            merge_contacts(survivor=contact, other=other)
    for key, value in wanted.items():
        if value:
            setattr(contact, key, value)
    contact.save()


def opt_out(*, contact: Contact) -> None:
    """Note that a person wants no more messages. For good; again changes nothing."""
    Contact.objects.filter(pk=contact.pk, opted_out_at=None).update(opted_out_at=clock.now())


def opt_in(*, contact: Contact) -> None:
    """Note that a person who had opted out asks for messages again, in their own words."""
    Contact.objects.filter(pk=contact.pk).update(opted_out_at=None)
