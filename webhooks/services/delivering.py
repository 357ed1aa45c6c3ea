"""Sends what waits for an endpoint, in order, and writes down what came of it.

Owns the calls and the waiting times. One sender at a time works for an endpoint: it holds the
endpoint's lease, so a slow server holds up nobody but itself and the order is kept as well as it
can be. No call happens inside a transaction; a worker that dies in the middle loses its lease and
the delivery, still waiting, is sent once more under the same id: at least once.
"""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from core import clock, lease
from core.jobs import nudge
from core.retry import backoff_seconds
from webhooks.models import (
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from webhooks.outbound.base import OutboundAnswer, OutboundError, OutboundMessage, WebhookSender
from webhooks.outbound.factory import get_sender
from webhooks.services.endpoints import set_aside
from webhooks.services.publishing import DELIVER_JOB
from webhooks.services.secrets import sign_for

logger = logging.getLogger(__name__)

NOTICE_JOB = "webhooks.tell_owners"
LEASE_MARGIN_SECONDS = 20.0
"""On top of the time one call may take."""
ROUND_SECONDS = 20.0
"""A sender that has more to do after this hands on to the next nudge, so that others get on."""
RETRY_BASE_SECONDS = 10.0
RETRY_CAP_SECONDS = 8 * 3600.0
REST_BASE_SECONDS = 5.0
REST_CAP_SECONDS = 600.0
"""How long a failing endpoint is left alone before the next delivery is tried."""
RETRY_AFTER_CAP_SECONDS = 6 * 3600
GONE = 410
USER_AGENT = "Parley-Webhooks/1"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one call came to."""

    at: datetime
    duration_ms: int
    status: int | None
    error: str
    excerpt: str
    retry_after_seconds: int | None

    @property
    def is_taken(self) -> bool:
        return not self.error


def deliver_to(*, endpoint_id: str, sender: WebhookSender | None = None) -> int:
    """Send what is due at one endpoint, oldest event first, until one fails or nothing is left.

    Args:
        endpoint_id: public id.
        sender: by default the one of this process.

    Returns:
        How many calls were made. Safe to run twice and in several processes: one of them works.
    """
    mine = WebhookEndpoint.objects.filter(public_id=endpoint_id, state=EndpointState.ACTIVE)
    fence = lease.claim(
        mine.filter(_is_rested()),
        owner=f"{os.getpid()}:{secrets.token_hex(8)}",
        seconds=settings.WEBHOOK_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS,
    )
    if fence is None:
        return 0
    calls = 0
    started = clock.monotonic()
    try:
        while clock.monotonic() - started < ROUND_SECONDS:
            # Each time anew: the address, the secret or the state may have been changed.
            endpoint = mine.filter(fence=fence).select_related("company").first()
            delivery = _next_due(endpoint) if endpoint else None
            if endpoint is None or delivery is None:
                break
            outcome = _call(sender or get_sender(), endpoint, delivery)
            calls += 1
            if not _write_down(endpoint, delivery, fence, outcome) or not outcome.is_taken:
                break
    finally:
        lease.release(WebhookEndpoint.objects.filter(public_id=endpoint_id), fence=fence)
    # What arrived while the lease was held found nobody to nudge.
    if calls and endpoint_id in due_endpoint_ids(only=endpoint_id):
        nudge(DELIVER_JOB, endpoint_id)
    return calls


def due_endpoint_ids(*, limit: int = 200, only: str = "") -> list[str]:
    """Return the endpoints that have something due and nobody at work: the recovery query."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state=DeliveryState.PENDING, next_attempt_at__lte=clock.now()
    )
    found = WebhookEndpoint.objects.filter(
        lease.unclaimed(), _is_rested(), Exists(due), state=EndpointState.ACTIVE
    )
    if only:
        found = found.filter(public_id=only)
    return list(found.order_by("pk").values_list("public_id", flat=True)[:limit])


def _is_rested() -> Q:
    return Q(not_before__isnull=True) | Q(not_before__lte=clock.now())


def _next_due(endpoint: WebhookEndpoint) -> WebhookDelivery | None:
    return (
        WebhookDelivery.objects.filter(
            endpoint=endpoint, state=DeliveryState.PENDING, next_attempt_at__lte=clock.now()
        )
        .select_related("event")
        .order_by("event_id")
        .first()
    )


def _call(sender: WebhookSender, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> _Outcome:
    at = clock.now()
    started = clock.monotonic()
    body = delivery.event.body.encode()
    message = OutboundMessage(
        url=endpoint.url,
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": USER_AGENT,
            **sign_for(endpoint, message_id=delivery.event.public_id, moment=at, body=body),
        },
        body=body,
    )
    answer: OutboundAnswer | None = None
    error = ""
    try:
        answer = sender.send(message)
    except OutboundError as problem:
        error = problem.code
    if answer is not None and not 200 <= answer.status < 300:
        error = "redirect_refused" if 300 <= answer.status < 400 else f"status_{answer.status}"
    return _Outcome(
        at=at,
        duration_ms=round((clock.monotonic() - started) * 1000),
        status=answer.status if answer else None,
        error=error,
        excerpt=(answer.excerpt if answer else "")[:500],
        retry_after_seconds=answer.retry_after_seconds if answer else None,
    )


def _write_down(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, fence: int, outcome: _Outcome
) -> bool:
    """Store an outcome; False when the lease was lost meanwhile, and then nothing is."""
    with transaction.atomic():
        row = (
            WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",))
            .select_related("company")
            .filter(pk=endpoint.pk, fence=fence)
            .first()
        )
        if row is None:
            return False
        number = delivery.attempt_count + 1
        WebhookAttempt.objects.create(
            delivery=delivery,
            number=number,
            at=outcome.at,
            duration_ms=outcome.duration_ms,
            status=outcome.status,
            error=outcome.error,
            excerpt=outcome.excerpt,
        )
        delivery.attempt_count = number
        delivery.tries += 1
        delivery.last_attempt_at = outcome.at
        delivery.last_status = outcome.status
        delivery.last_error = outcome.error
        if outcome.is_taken:
            _note_success(row, delivery, outcome)
        else:
            _note_failure(row, delivery, outcome)
        # Somebody may have paused the endpoint during the call: what waits was set aside then,
        # and only a success changes that.
        kept = Q() if outcome.is_taken else Q(state=DeliveryState.PENDING)
        changed = WebhookDelivery.objects.filter(kept, pk=delivery.pk).update(
            state=delivery.state,
            attempt_count=delivery.attempt_count,
            tries=delivery.tries,
            next_attempt_at=delivery.next_attempt_at,
            last_attempt_at=delivery.last_attempt_at,
            last_status=delivery.last_status,
            last_error=delivery.last_error,
            delivered_at=delivery.delivered_at,
        )
        if not changed:
            WebhookDelivery.objects.filter(pk=delivery.pk).update(attempt_count=number)
        _stop_if_hopeless(row, delivery, outcome)
    logger.info(
        "webhook.attempted",
        extra={
            "delivery_id": delivery.public_id,
            "attempt": delivery.attempt_count,
            "status": outcome.status,
            "code": outcome.error,
        },
    )
    return True


def _note_success(row: WebhookEndpoint, delivery: WebhookDelivery, outcome: _Outcome) -> None:
    delivery.state = DeliveryState.DELIVERED
    delivery.next_attempt_at = None
    delivery.delivered_at = outcome.at
    if row.failing_since is not None or row.not_before is not None:
        row.failing_since = None
        row.failures_in_row = 0
        row.not_before = None
        row.save(update_fields=["failing_since", "failures_in_row", "not_before"])


def _note_failure(row: WebhookEndpoint, delivery: WebhookDelivery, outcome: _Outcome) -> None:
    now = clock.now()
    asked = min(outcome.retry_after_seconds or 0, RETRY_AFTER_CAP_SECONDS)
    wait = max(backoff_seconds(delivery.tries, RETRY_BASE_SECONDS, RETRY_CAP_SECONDS), asked)
    next_attempt_at = now + timedelta(seconds=wait)
    if next_attempt_at > delivery.give_up_at:
        delivery.state = DeliveryState.FAILED
        delivery.next_attempt_at = None
    else:
        delivery.next_attempt_at = next_attempt_at
    row.failing_since = row.failing_since or now
    row.failures_in_row += 1
    rest = max(backoff_seconds(row.failures_in_row, REST_BASE_SECONDS, REST_CAP_SECONDS), asked)
    row.not_before = now + timedelta(seconds=rest)
    row.save(update_fields=["failing_since", "failures_in_row", "not_before"])


def _stop_if_hopeless(row: WebhookEndpoint, delivery: WebhookDelivery, outcome: _Outcome) -> None:
    """Stop an endpoint that says it is gone, or whose delivery failed for good after days in which
    nothing was taken; its owners are told.
    """
    if outcome.is_taken or row.state != EndpointState.ACTIVE or row.failing_since is None:
        return
    failing_for = clock.now() - row.failing_since
    if outcome.status == GONE:
        row.stop_reason = "gone"
    elif delivery.state == DeliveryState.FAILED and failing_for >= timedelta(
        hours=settings.WEBHOOK_STOP_HOURS
    ):
        row.stop_reason = outcome.error
    else:
        return
    row.state = EndpointState.STOPPED
    row.notice_due_at = clock.now()
    row.save(update_fields=["state", "stop_reason", "notice_due_at", "updated_at"])
    set_aside(row, reason="endpoint_stopped")
    nudge(NOTICE_JOB)
    logger.warning(
        "webhook.endpoint_stopped", extra={"endpoint_id": row.public_id, "code": row.stop_reason}
    )
