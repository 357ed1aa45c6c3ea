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


def _ref(thing: HasPublicId | str | None) -> str:
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
        actor=_ref(actor),
        action=action,
        object_ref=_ref(object_ref),
        company_ref=_ref(company),
        ip_hash=ip_hash,
        note=note[:300],
        at=clock.now(),
    )


def list_events(*, company: HasPublicId | str) -> list[AuditEvent]:
    """Return the company's latest 200 events, newest first."""
    return list(AuditEvent.objects.filter(company_ref=_ref(company))[:200])
