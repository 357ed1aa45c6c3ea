"""The trail of what people with power did. Written here, changed nowhere."""

from __future__ import annotations

from typing import Protocol

from core import clock
from core.models import AuditEvent


class HasPublicId(Protocol):
    """Anything with a public identifier."""

    @property
    def public_id(self) -> str:
        """Identifier such as ``company_…``."""
        ...


def ref_of(thing: HasPublicId | str | None) -> str:
    """Return what the trail calls something: its public id, or the text itself."""
    if thing is None:
        return ""
    return thing if isinstance(thing, str) else thing.public_id


def record_event(
    *,
    actor: HasPublicId | str,
    action: str,
    object_ref: HasPublicId | str,
    company: HasPublicId | str | None = None,
    ip_hash: str = "",
    note: str = "",
) -> AuditEvent:
    """Add one event to the trail, in the caller's transaction: no deed without its line.

    Args:
        actor: who did it; a public id, something that has one, or ``system``.
        action: noun and past verb, such as ``payout.approved``.
        object_ref: what it was done to.
        company: whose trail it belongs to.
        ip_hash: from `core.ratelimit.hash_address`.
        note: a reason in words, cut at 300 characters. Never what a respondent said.
    """
    return AuditEvent.objects.create(
        actor=ref_of(actor),
        action=action,
        object_ref=ref_of(object_ref),
        company_ref=ref_of(company),
        ip_hash=ip_hash,
        note=note[:300],
        at=clock.now(),
    )


def list_events(
    *, company: HasPublicId | str, before: int | None = None, limit: int = 200
) -> list[AuditEvent]:
    """Return a company's latest events, newest first.

    Args:
        company: whose trail.
        before: primary key of the last one seen, for the next page.
        limit: at most so many.
    """
    trail = AuditEvent.objects.filter(company_ref=ref_of(company))
    if before is not None:
        trail = trail.filter(pk__lt=before)
    return list(trail.order_by("-pk")[:limit])
