"""What the rows of surveys say at this moment, for operators' dashboards.

Owns which figures there are. Reads only, over all companies: counts and ages, never an id.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min, QuerySet

from core import clock
from core.metrics import Gauge
from sessions.models import VoiceSession
from surveys.models import (
    Appeal,
    InsightReport,
    Payout,
    PayoutState,
    ResponseState,
    SurveyResponse,
)


def read_gauges() -> Iterable[Gauge]:
    """Return the figures; eight queries over indexed columns."""
    now = clock.now()
    yield Gauge(
        "parley_voice_sessions",
        "Conversations by status.",
        ("status",),
        _count(VoiceSession.objects.all(), "status"),
    )
    yield Gauge(
        "parley_survey_responses",
        "Survey answers by state.",
        ("state",),
        _count(SurveyResponse.objects.all(), "state"),
    )
    yield Gauge(
        "parley_payouts", "Payouts by state.", ("state",), _count(Payout.objects.all(), "state")
    )
    waiting = {
        "evaluation": SurveyResponse.objects.filter(
            state__in=(ResponseState.EVALUATING, ResponseState.ENDED_UNPAID)
        ).aggregate(at=Min("evaluation_due_at"))["at"],
        "payout": Payout.objects.filter(
            state__in=(PayoutState.APPROVED, PayoutState.SENDING)
        ).aggregate(at=Min("next_attempt_at"))["at"],
        "review": Payout.objects.filter(state=PayoutState.HELD).aggregate(at=Min("created_at"))[
            "at"
        ],
        "appeal": Appeal.objects.filter(resolved_at=None).aggregate(at=Min("created_at"))["at"],
        "insights": InsightReport.objects.aggregate(at=Min("refresh_due_at"))["at"],
    }
    yield Gauge(
        "parley_queue_oldest_seconds",
        "Age of the oldest row that waits, 0 when none does.",
        ("queue",),
        {(queue,): _age(since, now) for queue, since in waiting.items()},
    )


def _count(
    rows: QuerySet[VoiceSession] | QuerySet[SurveyResponse] | QuerySet[Payout], field: str
) -> dict[tuple[str, ...], float]:
    grouped = rows.order_by().values_list(field).annotate(count=Count("pk"))
    return {(str(value),): float(count) for value, count in grouped}


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
