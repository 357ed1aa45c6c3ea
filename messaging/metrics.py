"""What the rows of messaging say at this moment, for operators' dashboards and the command line.

Owns which figures there are. Reads only, over all companies: counts and ages, never an id and
nothing anybody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from core import clock
from core.metrics import Gauge
from messaging.models import (
    Conversation,
    HandOff,
    HandOffState,
    InboundMessage,
    InboundState,
    MessageStatus,
    OutboundMessage,
    OutboundState,
    RawWebhook,
    TurnRecord,
)

UNSURE_BELOW = 0.5
"""Confidence under which a turn counts as unsure."""
WAITING_TO_GO = (OutboundState.QUEUED, OutboundState.SENDING)


def read_gauges() -> Iterable[Gauge]:
    """Return the figures for Prometheus; six queries over indexed columns."""
    now = clock.now()
    yield Gauge(
        "parley_whatsapp_outbound",
        "WhatsApp messages of ours by state.",
        ("state",),
        _count(OutboundMessage.objects.all(), "state"),
    )
    yield Gauge(
        "parley_whatsapp_inbound",
        "WhatsApp messages of people by state.",
        ("state",),
        _count(InboundMessage.objects.all(), "state"),
    )
    yield Gauge(
        "parley_whatsapp_conversations",
        "Conversations by who answers.",
        ("mode",),
        _count(Conversation.objects.all(), "mode"),
    )
    yield Gauge(
        "parley_whatsapp_queue_oldest_seconds",
        "Age of the oldest message that waits, by queue.",
        ("queue",),
        {
            ("inbox",): _age(oldest_unanswered(), now),
            ("outbox",): _age(_oldest_unsent(), now),
            ("hand_off",): _age(_oldest_hand_off(), now),
        },
    )


def read_stats(*, now: datetime | None = None) -> dict[str, Any]:
    """Return what ``manage.py orchestration_stats`` prints: JSON values under stable names.

    Args:
        now: the moment "today" (UTC) and the ages are counted from; by default the present.
    """
    now = now or clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    turns = TurnRecord.objects.aggregate(
        all=Count("pk"),
        succeeded=Count("pk", filter=Q(is_success=True)),
        succeeded_today=Count("pk", filter=Q(is_success=True, created_at__gte=midnight)),
        failed=Count("pk", filter=Q(is_success=False)),
    )
    return {
        "webhooks": RawWebhook.objects.count(),
        "inbound_messages": InboundMessage.objects.count(),
        "inbound_by_state": _named(InboundMessage.objects.all(), "state", InboundState.values),
        "inbound_statuses": MessageStatus.objects.count(),
        "turns": turns["all"],
        "turns_succeeded": turns["succeeded"],
        "turns_succeeded_today": turns["succeeded_today"],
        "turns_failed": turns["failed"],
        "turn_milliseconds": _read_latency(now),
        "outbound_by_state": _named(OutboundMessage.objects.all(), "state", OutboundState.values),
        "conversations": Conversation.objects.count(),
        "conversations_by_mode": _named(Conversation.objects.all(), "mode", ()),
        "queue_oldest_seconds": round(_age(oldest_unanswered(), now), 3),
        "outbox_oldest_seconds": round(_age(_oldest_unsent(), now), 3),
        "routing": _read_routing(now - timedelta(days=7)),
    }


def oldest_unanswered() -> datetime | None:
    """Return when the message was received that has waited longest for its turn, if any waits."""
    oldest: datetime | None = InboundMessage.objects.filter(state=InboundState.WAITING).aggregate(
        at=Min("received_at")
    )["at"]
    return oldest


def _oldest_unsent() -> datetime | None:
    oldest: datetime | None = OutboundMessage.objects.filter(state__in=WAITING_TO_GO).aggregate(
        at=Min("created_at")
    )["at"]
    return oldest


def _oldest_hand_off() -> datetime | None:
    oldest: datetime | None = HandOff.objects.filter(state=HandOffState.WAITING).aggregate(
        at=Min("created_at")
    )["at"]
    return oldest


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0


def _count(rows: QuerySet[Any], column: str) -> dict[tuple[str, ...], float]:
    return {
        (str(value),): float(count)
        for value, count in rows.values_list(column).annotate(count=Count("pk")).order_by(column)
    }


def _named(rows: QuerySet[Any], column: str, names: Iterable[str]) -> dict[str, int]:
    """Return a count for each name, those without rows included."""
    found = {str(name): 0 for name in names}
    for (value,), count in _count(rows, column).items():
        found[value] = int(count)
    return found


def _read_latency(now: datetime) -> Mapping[str, int]:
    """Return the median and the 99th percentile of the last 1,000 turns."""
    taken = sorted(
        TurnRecord.objects.filter(is_success=True, created_at__lte=now)
        .order_by("-pk")
        .values_list("milliseconds", flat=True)[:1000]
    )
    if not taken:
        return {"median": 0, "p99": 0}
    return {
        "median": taken[(len(taken) - 1) // 2],
        "p99": taken[min(len(taken) - 1, int(len(taken) * 0.99))],
    }


def _read_routing(since: datetime) -> dict[str, Any]:
    """Return how turns found their lane since a moment: by source, how many unsure, corrected."""
    rows = TurnRecord.objects.filter(is_success=True, created_at__gte=since).exclude(lane="")
    figures = rows.aggregate(
        all=Count("pk"),
        unsure=Count("pk", filter=Q(confidence__lt=UNSURE_BELOW)),
        corrected=Count("pk", filter=~Q(corrected_lane="")),
    )
    return {
        "turns": figures["all"],
        "unsure_share": round(figures["unsure"] / figures["all"], 4) if figures["all"] else 0.0,
        "corrected": figures["corrected"],
        "by_source": _named(rows, "source", ("state", "rules", "llm")),
        "by_lane": _named(rows, "lane", ()),
    }
