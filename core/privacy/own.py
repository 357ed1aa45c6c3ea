"""Core's own part of a person: the trail of what they did, which stays."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from core.models import AuditEvent
from core.privacy.rows import export_rows
from core.privacy.sections import Person, Section


def _export(person: Person) -> dict[str, Any]:
    if not person.user_id:
        return {}
    trail = AuditEvent.objects.filter(Q(actor=person.user_id) | Q(object_ref=person.user_id))
    return {"audit_trail": export_rows(trail)}


def _erase(person: Person) -> None:
    """Do nothing: the trail names an id, which leads nowhere once the account is erased."""


SECTION = Section(
    name="core",
    export=_export,
    erase=_erase,
    models=frozenset({"core.AuditEvent"}),
    kept={
        "core.AuditEvent": (
            "Who did what on money, keys, roles and reviews must stay provable. The lines hold an "
            "id that leads to no name once the account is erased, and no text of yours."
        ),
        "core.IdempotencyRecord": (
            "Answers to repeated requests go by themselves after 24 hours; those about a "
            "conversation go with it."
        ),
    },
)
