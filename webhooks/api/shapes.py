"""Rows of webhooks as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import clock
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


def _moment(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None


def endpoint_shape(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return an endpoint without its secret."""
    has_former = endpoint.has_former_secret(clock.now())
    return {
        "id": endpoint.public_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": list(endpoint.event_types),
        "state": endpoint.state,
        "stop_reason": endpoint.stop_reason or None,
        "failing_since": _moment(endpoint.failing_since),
        "former_secret_valid_until": _moment(endpoint.former_until) if has_former else None,
        "created_at": clock.rfc3339(endpoint.created_at),
    }


def delivery_shape(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return a delivery; its event and endpoint are read."""
    return {
        "id": delivery.public_id,
        "endpoint_id": delivery.endpoint.public_id,
        "event_id": delivery.event.public_id,
        "event_type": delivery.event.type,
        "subject": delivery.event.subject,
        "state": delivery.state,
        "attempt_count": delivery.attempt_count,
        "last_attempt_at": _moment(delivery.last_attempt_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "next_attempt_at": _moment(delivery.next_attempt_at),
        "delivered_at": _moment(delivery.delivered_at),
        "created_at": clock.rfc3339(delivery.created_at),
    }


def attempt_shape(attempt: WebhookAttempt) -> dict[str, Any]:
    """Return one attempt."""
    return {
        "number": attempt.number,
        "at": clock.rfc3339(attempt.at),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error or None,
        "excerpt": attempt.excerpt,
    }
