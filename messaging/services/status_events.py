"""Carries stored status events to the messages they speak of, after the webhook has been answered.

Owns `MessageStatus.applied_at`. What a status does to a message is in `delivery`.
"""

from __future__ import annotations

from django.db import transaction

from core import clock
from messaging.envelope import OPAQUE_FIELD, OPAQUE_MAX
from messaging.models import MessageStatus
from messaging.services import delivery

STATUS_JOB = "messaging.apply_statuses"
BATCH = 200
PATIENCE_SECONDS = 60.0
"""How long a status looks for a message whose id may be written down in this moment."""


def apply_statuses() -> int:
    """Apply what no one has applied yet, oldest first; return how many events were settled.

    A status that finds no message is looked at again for a minute; then it is left alone, and a
    message that learns its id later looks for its statuses itself. Safe to run twice and in
    several processes: a state only moves forward.
    """
    settled, after = 0, 0
    while True:
        rows = list(
            MessageStatus.objects.select_related("number")
            .filter(applied_at=None, pk__gt=after)
            .order_by("pk")[:BATCH]
        )
        done = [row.pk for row in rows if _apply(row)]
        settled += MessageStatus.objects.filter(pk__in=done, applied_at=None).update(
            applied_at=clock.now()
        )
        if len(rows) < BATCH:
            return settled
        # Those that found nothing yet must not stand in the way of the rest.
        after = rows[-1].pk


def has_unapplied() -> bool:
    """Tell whether any status waits: the recovery query."""
    return MessageStatus.objects.filter(applied_at=None).exists()


def _apply(row: MessageStatus) -> bool:
    opaque = row.payload.get(OPAQUE_FIELD)
    with transaction.atomic():
        is_found = delivery.apply_status(
            number=row.number,
            wamid=row.wamid,
            opaque=opaque[:OPAQUE_MAX] if isinstance(opaque, str) else "",
        )
    return is_found or (clock.now() - row.received_at).total_seconds() >= PATIENCE_SECONDS
