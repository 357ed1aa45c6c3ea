"""Tidies up what orchestration no longer needs: raw bodies, turn records, dialogues that are over.

Messages, statuses, contacts and conversations stay: they are the history, and the keys by which a
repeated webhook is recognised for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet

from core import clock, lease
from messaging.models import Conversation, RawWebhook, TurnRecord
from messaging.state.cache import forget_state
from messaging.state.contract import LIFETIME_SECONDS

RAW_DAYS = 30
"""Longer than the seven days for which Meta repeats a body."""
RECORD_DAYS = 400
BATCH = 500


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went, or in a dry run would go."""

    raw_webhooks: int
    turn_records: int
    dialogues_ended: int


def prune_orchestration(
    *, raw_days: int = RAW_DAYS, record_days: int = RECORD_DAYS, is_dry_run: bool = False
) -> Pruned:
    """Delete old bodies and records, and empty the state of dialogues over by 24 silent hours.

    Carts, tickets and surveys are rows of their own and are not touched. Safe to run at any time
    and twice: a conversation that somebody works on or that has mail is left alone.

    Args:
        raw_days: age from which webhook bodies go.
        record_days: age from which turn records go.
        is_dry_run: count only.
    """
    now = clock.now()
    raw = RawWebhook.objects.filter(received_at__lt=now - timedelta(days=raw_days))
    records = TurnRecord.objects.filter(created_at__lt=now - timedelta(days=record_days))
    over = Conversation.objects.filter(
        lease.unclaimed(),
        state__isnull=False,
        inbox_due_at=None,
        last_inbound_at__lt=now - timedelta(seconds=LIFETIME_SECONDS),
    )
    if is_dry_run:
        return Pruned(raw.count(), records.count(), over.count())
    ended = 0
    for conversation in over.select_related("number", "contact").iterator(chunk_size=BATCH):
        # The version rises, so that a copy in Redis or in a worker's hands is worth nothing.
        emptied = over.filter(pk=conversation.pk, version=conversation.version).update(
            state=None, version=F("version") + 1
        )
        if emptied:
            ended += 1
            forget_state(conversation.number.phone_number_id, conversation.contact.wa_key)
    return Pruned(_delete(raw), _delete(records), ended)


def _delete(rows: QuerySet[Any]) -> int:
    """Delete in batches: one statement over months of rows would hold its locks for long."""
    total = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        total += rows.model._default_manager.filter(pk__in=keys).delete()[0]
    return total
