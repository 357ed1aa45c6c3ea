"""How fast we may send: per number and per person, shared by every sender process.

Owns the two theoretical arrival times. The generic cell rate algorithm (ITU-T I.371): a message
may go when the arrival time lies no further ahead than the burst allows, and moves it on by one
interval. One conditional UPDATE each, so of many senders no two take the same slot.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from core import clock
from messaging.models import BusinessNumber, Conversation

PAIR_INTERVAL_SECONDS = 6.0
PAIR_BURST = 45
NUMBER_BURST_SECONDS = 1.0


def take_slots(*, conversation: Conversation, number: BusinessNumber) -> float:
    """Take one send of the number and of the pair; return the seconds to wait, 0 when taken.

    Both or none are taken. Runs in a short transaction of its own.
    """
    now = clock.now()
    interval = 1.0 / max(1, number.messages_per_second)
    with transaction.atomic():
        waits = _take(
            BusinessNumber.objects.filter(pk=number.pk),
            "send_slot_at",
            interval=interval,
            ahead=NUMBER_BURST_SECONDS - interval,
            now=now,
        )
        if waits:
            return waits
        waits = _take(
            Conversation.objects.filter(pk=conversation.pk),
            "pair_slot_at",
            interval=PAIR_INTERVAL_SECONDS,
            ahead=PAIR_INTERVAL_SECONDS * (PAIR_BURST - 1),
            now=now,
        )
        if waits:
            transaction.set_rollback(True)
        return waits


def _take(row: QuerySet[Any], field: str, *, interval: float, ahead: float, now: datetime) -> float:
    step = timedelta(seconds=interval)
    limit = now + timedelta(seconds=ahead)
    if row.filter(Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__lt": now})).update(
        **{field: now + step}
    ):
        return 0.0
    if row.filter(**{f"{field}__lte": limit}).update(**{field: F(field) + step}):
        return 0.0
    arrival: datetime | None = row.values_list(field, flat=True).first()
    return max(0.01, (arrival - limit).total_seconds()) if arrival else 0.01
