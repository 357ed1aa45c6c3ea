"""Who wrote: a contact found, made, completed or merged by any of three identities.

Owns `Contact` and what identities it had before. Knows no message. What is true of a person does
not depend on the order in which webhooks arrive: each claim on a phone carries the moment it was
made, and an earlier one that comes late changes only the past. Every function joins the caller's
transaction.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Company
from core import clock
from messaging.envelope import Identity
from messaging.models import Contact, FormerIdentity
from messaging.models.contacts import IDENTITIES
from messaging.services.insertion import update_each
from messaging.services.merging import merge_contacts

logger = logging.getLogger(__name__)


FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def resolve_contact(*, company: Company, identity: Identity, at: datetime) -> Contact:
    """Return the contact an identity belongs to, made or merged where needed.

    Identities that meet in one message belong to one person, so two contacts that each held one
    are merged. The exception is a phone seen with a business-scoped id while its contact has
    another one: the number was given to somebody new, and whoever claimed it earlier loses it.

    Without any identity a contact of its own is made: the message is kept all the same.

    Args:
        company: whose contact it is.
        identity: how the message names its sender.
        at: when the message was sent.
    """
    keys = _keys_of(identity)
    if not keys:
        return Contact.objects.create(company=company, name=identity.name)
    is_claim = "phone" in keys and "bsuid" in keys
    found = _take_former(company, keys, at)
    found += [one for one in _find(company, keys) if one not in found]
    lost_until = None
    if is_claim and "phone" in keys:
        found, lost_until = _settle_claim(found, keys, at)
    if found:
        survivor = found[0]
        for other in found[1:]:
            merge_contacts(survivor=survivor, other=other)
    else:
        survivor = _create(company, identity, keys)
    _complete(survivor, identity, keys, at if is_claim else None)
    if lost_until is not None:
        _remember(survivor, "phone", identity.phone or "", lost_until)
    return survivor


def is_settled(contact: Contact, *, identity: Identity, at: datetime) -> bool:
    """Tell whether `resolve_contact` would return this contact and change nothing but its claim.

    Args:
        contact: the only one that holds any of the identity's keys.
        identity: how a message names its sender.
        at: when the message was sent.
    """
    keys = _keys_of(identity)
    if not keys or any(getattr(contact, key) != value for key, value in keys.items()):
        return False
    if any(
        getattr(identity, name) not in ("", getattr(contact, name)) for name in ("name", "username")
    ):
        return False
    # A phone alone may have been somebody else's before its present owner's claim.
    return (
        set(keys) != {"phone"} or contact.phone_claimed_at is None or at >= contact.phone_claimed_at
    )


def note_claims(claims: dict[int, datetime]) -> None:
    """Renew claims on phones, contact to the moment of a message that named phone and user id."""
    update_each(
        Contact,
        {pk: (at,) for pk, at in claims.items()},
        names={"at": "timestamptz"},
        assign={"phone_claimed_at": "new.at"},
        where="old.phone IS NOT NULL "
        "AND (old.phone_claimed_at IS NULL OR old.phone_claimed_at < new.at)",
    )


def _keys_of(identity: Identity) -> dict[str, str]:
    return {key: value for key in IDENTITIES if (value := getattr(identity, key))}


def _find(company: Company, keys: dict[str, str]) -> list[Contact]:
    if not keys:
        return []
    matching = Q()
    for key, value in keys.items():
        matching |= Q(**{key: value})
    return list(
        Contact.objects.select_for_update()
        .filter(matching, company=company, merged_into__isnull=True)
        .order_by("pk")
    )


def _take_former(company: Company, keys: dict[str, str], at: datetime) -> list[Contact]:
    """Return who held keys at that moment and holds them no more; those keys are taken out."""
    matching = Q()
    for kind, value in keys.items():
        matching |= Q(kind=kind, value=value)
    rows = (
        FormerIdentity.objects.filter(matching, company=company, until__gt=at)
        .select_related("contact")
        .order_by("until")
    )
    found: list[Contact] = []
    for row in rows:
        if keys.pop(row.kind, None) is not None:
            contact = _root(row.contact)
            if contact not in found:
                found.append(contact)
    return found


def _root(contact: Contact) -> Contact:
    while contact.merged_into_id is not None:
        contact = Contact.objects.get(pk=contact.merged_into_id)
    return contact


def _settle_claim(
    found: list[Contact], keys: dict[str, str], at: datetime
) -> tuple[list[Contact], datetime | None]:
    """Decide whose a phone is that two user ids have claimed: the newer claim's.

    Returns:
        The contacts of this identity; and when this claim is the older one, until when it held.
    """
    kept: list[Contact] = []
    lost_until = None
    for contact in found:
        is_other_person = (
            contact.phone == keys.get("phone")
            and contact.phone is not None
            and contact.bsuid is not None
            and contact.bsuid != keys["bsuid"]
            and (contact.parent_bsuid is None or contact.parent_bsuid != keys.get("parent_bsuid"))
        )
        if not is_other_person:
            kept.append(contact)
            continue
        logger.info("contact.phone_recycled", extra={"contact_id": contact.public_id})
        claimed = contact.phone_claimed_at
        if claimed is not None and (claimed, contact.bsuid or "") > (at, keys["bsuid"]):
            lost_until = claimed
            del keys["phone"]
            continue
        _remember(contact, "phone", contact.phone or "", at)
        contact.phone = None
        contact.phone_claimed_at = None
        contact.save(update_fields=["phone", "phone_claimed_at", "updated_at"])
    return kept, lost_until


def _remember(contact: Contact, kind: str, value: str, until: datetime) -> None:
    row, is_new = FormerIdentity.objects.get_or_create(
        company_id=contact.company_id,
        contact=contact,
        kind=kind,
        value=value,
        defaults={"until": until},
    )
    if not is_new and row.until < until:
        FormerIdentity.objects.filter(pk=row.pk).update(until=until)


def _create(company: Company, identity: Identity, keys: dict[str, str]) -> Contact:
    # Somebody had the phone before: what was sent until then stays theirs.
    former = FormerIdentity.objects.filter(
        company=company, kind="phone", value=keys.get("phone", "")
    ).order_by("-until")
    until = former.values_list("until", flat=True).first()
    try:
        with transaction.atomic():
            return Contact.objects.create(
                company=company,
                name=identity.name,
                username=identity.username,
                phone_claimed_at=until,
                **keys,
            )
    except IntegrityError:
        # Another process met the same person in the same moment.
        found = _find(company, keys)
        if not found:
            raise
        return found[0]


def _complete(
    contact: Contact, identity: Identity, keys: dict[str, str], claimed_at: datetime | None
) -> None:
    changed = []
    for key, value in keys.items():
        held = getattr(contact, key)
        if held is None:
            setattr(contact, key, value)
            changed.append(key)
        elif held != value and key != "phone":
            # One person under two ids, known to be one by the parent: the other leads here too.
            _remember(contact, key, value, FOR_EVER)
    for field in ("name", "username"):
        value = getattr(identity, field)
        if value and getattr(contact, field) != value:
            setattr(contact, field, value)
            changed.append(field)
    if claimed_at and keys.get("phone") == contact.phone:
        known = contact.phone_claimed_at
        if known is None or known < claimed_at:
            contact.phone_claimed_at = claimed_at
            changed.append("phone_claimed_at")
    if changed:
        contact.save(update_fields=[*changed, "updated_at"])


def follow_number_change(
    *,
    company: Company,
    old: Identity,
    new_phone: str | None,
    new_bsuid: str | None,
    at: datetime,
) -> None:
    """Give a contact the phone or user id they have changed to, as a system message tells.

    Whoever holds the new one already, or has held it since and changed again, is the same person.
    What was sent under the old one until then stays theirs, however late it arrives.

    Args:
        company: whose contact it is.
        old: how the message names the person.
        new_phone: digits, or None when it stayed.
        new_bsuid: the new user id, or None.
        at: when the change was told.
    """
    wanted = {"phone": new_phone, "bsuid": new_bsuid}
    changes = {key: value for key, value in wanted.items() if value and value != getattr(old, key)}
    if not old or not changes:
        return
    contact = resolve_contact(company=company, identity=old, at=at)
    # Their message came under the old identity; a second later it would be somebody else's.
    until = at + timedelta(seconds=1)
    later = dict(changes)
    others = _take_former(company, later, at)
    others += [one for one in _find(company, later) if one not in others]
    for key in changes:
        held = getattr(contact, key)
        if held is not None and held != changes[key]:
            _remember(contact, key, held, until)
            setattr(contact, key, None)
            if key == "phone":
                contact.phone_claimed_at = None
    contact.save()
    for other in others:
        if other.pk != contact.pk:
            merge_contacts(survivor=contact, other=other)
    for key, value in later.items():
        if getattr(contact, key) is None:
            setattr(contact, key, value)
    contact.save()


def opt_out(*, contact: Contact) -> None:
    """Note that a person wants no more messages. For good; again changes nothing."""
    Contact.objects.filter(pk=contact.pk, opted_out_at=None).update(opted_out_at=clock.now())


def opt_in(*, contact: Contact) -> None:
    """Note that a person who had opted out asks for messages again, in their own words."""
    Contact.objects.filter(pk=contact.pk).update(opted_out_at=None)
