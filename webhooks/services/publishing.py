"""Telling companies what happened: an event and its deliveries, in the transaction of the fact.

Owns the making of the rows. Whoever publishes says what and to whom; nobody calls out from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Company
from core import clock
from core.ids import new_id
from core.jobs import nudge_many
from core.rows import has_rows
from webhooks.events import find_event_type
from webhooks.models import (
    DeliveryState,
    EndpointState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

DELIVER_JOB = "webhooks.deliver"

DataBuilder = Callable[[], Mapping[str, Any]]


def publish_event(
    *, company: Company, event_type: str, subject: str, build_data: DataBuilder
) -> WebhookEvent | None:
    """Note that something happened, for every endpoint of the company that asked for the type.

    Call it inside the transaction that changes what it is about: either both are there or
    neither. An endpoint that is paused or stopped gets a delivery that is not sent and can be
    replayed.

    Args:
        company: whose endpoints are told.
        event_type: a registered name.
        subject: public id of what it is about.
        build_data: makes the ``data`` member; only called when somebody is to be told.

    Returns:
        The event; None when no endpoint asked for it, which costs one query.

    Raises:
        UnknownEventTypeError: the type is not registered: a mistake in our own code.
    """
    find_event_type(event_type)
    if not has_rows(WebhookEndpoint, company_id=company.pk):
        return None  # Most companies have none, and this is asked while a visitor waits.
    endpoints = [
        endpoint
        for endpoint in WebhookEndpoint.objects.filter(company=company).order_by("pk")
        if event_type in endpoint.event_types
    ]
    if not endpoints:
        return None
    return store_event(
        company=company,
        event_type=event_type,
        subject=subject,
        data=build_data(),
        endpoints=endpoints,
    )


def store_event(
    *,
    company: Company,
    event_type: str,
    subject: str,
    data: Mapping[str, Any],
    endpoints: Sequence[WebhookEndpoint],
) -> WebhookEvent:
    """Write an event with a delivery for each endpoint and nudge their senders.

    Runs in one transaction, joins the caller's.
    """
    now = clock.now()
    public_id = new_id("evt")
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            public_id=public_id,
            company=company,
            type=event_type,
            subject=subject,
            body=render_body(
                public_id=public_id, event_type=event_type, company=company, data=data, moment=now
            ),
        )
        WebhookDelivery.objects.bulk_create(
            [_new_delivery(endpoint, event, now) for endpoint in endpoints]
        )
        nudge_many(
            DELIVER_JOB,
            [
                endpoint.public_id
                for endpoint in endpoints
                if endpoint.state == EndpointState.ACTIVE
            ],
        )
    return event


def render_body(
    *,
    public_id: str,
    event_type: str,
    company: Company,
    data: Mapping[str, Any],
    moment: datetime,
) -> str:
    """Return the body as it is signed and sent, on every attempt the same letters."""
    return json.dumps(
        {
            "id": public_id,
            "type": event_type,
            "timestamp": clock.rfc3339(moment),
            "company_id": company.public_id,
            "data": data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def give_up_time(now: datetime) -> datetime:
    """Return until when a delivery put in line now is tried."""
    return now + timedelta(hours=settings.WEBHOOK_RETRY_HOURS)


def _new_delivery(endpoint: WebhookEndpoint, event: WebhookEvent, now: datetime) -> WebhookDelivery:
    is_active = endpoint.state == EndpointState.ACTIVE
    return WebhookDelivery(
        endpoint=endpoint,
        event=event,
        state=DeliveryState.PENDING if is_active else DeliveryState.SKIPPED,
        next_attempt_at=now if is_active else None,
        give_up_at=give_up_time(now),
        last_error="" if is_active else f"endpoint_{endpoint.state}",
    )
