"""What the rows of webhooks say at this moment, for operators' dashboards: counts, never an id."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Min

from core import clock
from core.metrics import Gauge
from webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint


def read_gauges() -> Iterable[Gauge]:
    """Return the figures; three queries over indexed columns."""
    endpoints = WebhookEndpoint.objects.order_by().values_list("state").annotate(found=Count("pk"))
    yield Gauge(
        "parley_webhook_endpoints",
        "Webhook endpoints by state.",
        ("state",),
        {(state,): float(found) for state, found in endpoints},
    )
    deliveries = WebhookDelivery.objects.order_by().values_list("state").annotate(found=Count("pk"))
    yield Gauge(
        "parley_webhook_deliveries",
        "Webhook deliveries kept, by state.",
        ("state",),
        {(state,): float(found) for state, found in deliveries},
    )
    oldest = WebhookDelivery.objects.filter(state=DeliveryState.PENDING).aggregate(
        at=Min("next_attempt_at")
    )["at"]
    late = max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0
    yield Gauge(
        "parley_webhook_oldest_due_seconds",
        "How long the oldest due delivery has waited for its next attempt.",
        (),
        {(): late},
    )
