"""Endpoints as their company changes them: adding, editing, pausing, rotating, removing.

Owns the limits. What becomes of deliveries then is written here too, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Company, CompanyKey, User
from core import audit, clock, ratelimit
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge
from webhooks.events import TEST_EVENT, list_event_types
from webhooks.models import (
    DeliveryState,
    EndpointState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from webhooks.outbound.addresses import read_target
from webhooks.outbound.base import RefusedAddressError
from webhooks.services.publishing import DELIVER_JOB, give_up_time, store_event
from webhooks.services.secrets import new_seed, reveal_secret

Actor = User | CompanyKey | None
"""Who asks for it, for the trail: a person, a company's server by its key, the system."""

ENDPOINTS_MAX = 10
FORMER_SECRET_HOURS = 24
TESTS_AN_HOUR = 30
REPLAYS_AN_HOUR = 300
REPLAY_ALL_MAX = 500

#: What a refused address means, for the person who typed it.
REFUSALS = {
    "url_not_plain": "Use plain letters, digits and signs; write other characters percent-encoded.",
    "url_not_readable": "This is not an address. Copy it from your server's documentation.",
    "url_not_https": "The address must start with https://.",
    "url_with_login": "Leave out user name and password; check the signature instead.",
    "url_with_fragment": "Leave out the part behind the #.",
    "port_not_open": "This port is not open for webhooks. Use 443 or 8443.",
    "host_not_public": "This host is inside of a network. Use a name the internet knows.",
    "host_is_a_number": "Write the host as a name, or as an ordinary IP address.",
    "address_not_public": "This address belongs to a private network. Use a public one.",
}


@dataclass(frozen=True, slots=True)
class CreatedEndpoint:
    """An endpoint with its secret, which is shown this once."""

    row: WebhookEndpoint
    secret: str


def create_endpoint(
    *,
    company: Company,
    url: str,
    event_types: Sequence[str],
    description: str = "",
    actor: Actor = None,
) -> CreatedEndpoint:
    """Add an address to which the company's events go.

    Raises:
        InvalidInputError: the address or an event type cannot be used.
        ConflictError: there are as many endpoints as a company may have.
    """
    check_url(url)
    chosen = check_event_types(event_types)
    with transaction.atomic():
        # The company's row is what two additions at once meet at.
        Company.objects.select_for_update(no_key=True).get(pk=company.pk)
        if WebhookEndpoint.objects.filter(company=company).count() >= ENDPOINTS_MAX:
            raise ConflictError(
                "too_many_endpoints",
                f"A company has at most {ENDPOINTS_MAX} endpoints. Remove one you do not need.",
            )
        row = WebhookEndpoint.objects.create(
            company=company,
            url=url,
            description=description,
            event_types=chosen,
            secret_seed=new_seed(),
            created_by=actor if isinstance(actor, User) else None,
        )
        _record(row, actor, "webhook.created")
    return CreatedEndpoint(row, reveal_secret(row.secret_seed))


def update_endpoint(
    *,
    endpoint: WebhookEndpoint,
    actor: Actor,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
) -> WebhookEndpoint:
    """Change what is given. What waits goes to the new address.

    Raises:
        InvalidInputError: the address or an event type cannot be used.
    """
    if url is not None:
        check_url(url)
    chosen = check_event_types(event_types) if event_types is not None else None
    with transaction.atomic():
        row = _lock(endpoint)
        if url is not None and url != row.url:
            row.url = url
            # A mended address is tried at once.
            row.not_before = None
            row.failures_in_row = 0
            row.failing_since = None
        if chosen is not None:
            row.event_types = chosen
        if description is not None:
            row.description = description
        row.save(
            update_fields=[
                "url",
                "event_types",
                "description",
                "not_before",
                "failures_in_row",
                "failing_since",
                "updated_at",
            ]
        )
        _record(row, actor, "webhook.changed")
        if row.state == EndpointState.ACTIVE:
            nudge(DELIVER_JOB, row.public_id)
        return row


def pause_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookEndpoint:
    """Send nothing more until it is resumed; what waits is kept and can be replayed.

    Twice is the same as once.
    """
    with transaction.atomic():
        row = _lock(endpoint)
        if row.state != EndpointState.ACTIVE:
            return row
        row.state = EndpointState.PAUSED
        row.stop_reason = ""
        row.save(update_fields=["state", "stop_reason", "updated_at"])
        set_aside(row, reason="endpoint_paused")
        _record(row, actor, "webhook.paused")
        return row


def resume_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookEndpoint:
    """Send again from now on. What was not sent in between waits for `replay_undelivered`."""
    with transaction.atomic():
        row = _lock(endpoint)
        if row.state == EndpointState.ACTIVE:
            return row
        row.state = EndpointState.ACTIVE
        row.stop_reason = ""
        row.notice_due_at = None
        row.not_before = None
        row.failing_since = None
        row.failures_in_row = 0
        row.save(
            update_fields=[
                "state",
                "stop_reason",
                "notice_due_at",
                "not_before",
                "failing_since",
                "failures_in_row",
                "updated_at",
            ]
        )
        _record(row, actor, "webhook.resumed")
        return row


def rotate_secret(*, endpoint: WebhookEndpoint, actor: Actor) -> CreatedEndpoint:
    """Give the endpoint a new secret; the present one signs as well for 24 hours more.

    Rotating twice within that time ends the older of the two at once.
    """
    now = clock.now()
    with transaction.atomic():
        row = _lock(endpoint)
        row.former_seed = row.secret_seed
        row.former_until = now + timedelta(hours=FORMER_SECRET_HOURS)
        row.secret_seed = new_seed()
        row.rotated_at = now
        row.save(
            update_fields=["former_seed", "former_until", "secret_seed", "rotated_at", "updated_at"]
        )
        _record(row, actor, "webhook.secret_rotated")
    return CreatedEndpoint(row, reveal_secret(row.secret_seed))


def delete_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> None:
    """Remove an endpoint with all that was sent to it. What is under way may still arrive."""
    with transaction.atomic():
        _record(endpoint, actor, "webhook.deleted")
        endpoint.delete()


def send_test(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookDelivery:
    """Send a test event to one endpoint, as real events are sent.

    Raises:
        ConflictError: it is paused or stopped.
        RateLimitedError: too many within an hour.
    """
    _require_active(endpoint)
    ratelimit.hit(
        scope="webhook.test",
        key=endpoint.public_id,
        limit=TESTS_AN_HOUR,
        window_seconds=3600,
    )
    event = store_event(
        company=endpoint.company,
        event_type=TEST_EVENT,
        subject=endpoint.public_id,
        data={
            "message": "This is a test. Nothing happened.",
            "endpoint_id": endpoint.public_id,
            "asked_by": actor.public_id if actor else None,
        },
        endpoints=[endpoint],
    )
    return event.deliveries.get()


def replay_delivery(*, delivery: WebhookDelivery, actor: Actor) -> WebhookDelivery:
    """Put a delivery in line once more: the same event under the same id.

    One that waits already is tried at once.

    Raises:
        ConflictError: its endpoint is paused or stopped.
        RateLimitedError: too many within an hour.
    """
    endpoint = delivery.endpoint
    _require_active(endpoint)
    ratelimit.hit(
        scope="webhook.replay",
        key=endpoint.public_id,
        limit=REPLAYS_AN_HOUR,
        window_seconds=3600,
    )
    with transaction.atomic():
        _put_in_line(endpoint, [delivery.pk])
        audit.record_event(
            actor=actor or "system",
            action="webhook.replayed",
            object_ref=delivery.public_id,
            company=endpoint.company,
        )
    delivery.refresh_from_db()
    return delivery


def replay_undelivered(*, endpoint: WebhookEndpoint, actor: Actor) -> int:
    """Put in line what failed or was not sent, oldest first, at most 500 of them.

    Returns:
        How many are in line now.

    Raises:
        ConflictError: the endpoint is paused or stopped.
    """
    _require_active(endpoint)
    with transaction.atomic():
        missed = list(
            WebhookDelivery.objects.filter(
                endpoint=endpoint, state__in=(DeliveryState.FAILED, DeliveryState.SKIPPED)
            )
            .order_by("event_id")
            .values_list("pk", flat=True)[:REPLAY_ALL_MAX]
        )
        if missed:
            _put_in_line(endpoint, missed)
            _record(endpoint, actor, "webhook.replayed_all", note=f"{len(missed)} deliveries")
    return len(missed)


def set_aside(endpoint: WebhookEndpoint, *, reason: str) -> None:
    """Take what waits out of the line; a replay brings it back. Joins the caller's transaction."""
    WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING).update(
        state=DeliveryState.SKIPPED, next_attempt_at=None, last_error=reason
    )


def check_url(url: str) -> None:
    """Refuse an address we would not send to.

    Raises:
        InvalidInputError: with what is wrong and what to do.
    """
    try:
        read_target(url)
    except RefusedAddressError as error:
        raise InvalidInputError(
            "invalid_webhook_url", REFUSALS[error.code], extra={"reason": error.code}
        ) from error


def check_event_types(names: Sequence[str]) -> list[str]:
    """Return the chosen types without repeats, in the order of the table.

    Raises:
        InvalidInputError: none is chosen, or one does not exist.
    """
    known = [event_type.name for event_type in list_event_types()]
    unknown = sorted(set(names) - set(known))
    if unknown or not names:
        raise InvalidInputError(
            "invalid_event_types", f"Choose one or more of: {', '.join(known)}."
        )
    return [name for name in known if name in names]


def _put_in_line(endpoint: WebhookEndpoint, delivery_ids: Sequence[int]) -> None:
    now = clock.now()
    WebhookDelivery.objects.filter(pk__in=delivery_ids, endpoint=endpoint).update(
        state=DeliveryState.PENDING,
        tries=0,
        next_attempt_at=now,
        give_up_at=give_up_time(now),
        last_error="",
    )
    # Somebody has just said that it works again.
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(not_before=None, updated_at=now)
    nudge(DELIVER_JOB, endpoint.public_id)


def _require_active(endpoint: WebhookEndpoint) -> None:
    if endpoint.state != EndpointState.ACTIVE:
        raise ConflictError("endpoint_not_active", "Resume the endpoint first.")


def _lock(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return (
        WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",))
        .select_related("company")
        .get(pk=endpoint.pk)
    )


def _record(row: WebhookEndpoint, actor: Actor, action: str, note: str = "") -> None:
    audit.record_event(
        actor=actor or "system",
        action=action,
        object_ref=row.public_id,
        company=row.company,
        note=note,
    )


def purge_events(*, limit: int = 1000) -> int:
    """Delete events whose retention is over, with their deliveries and attempts.

    Returns:
        How many were deleted. Safe to run twice; call until it returns 0.
    """
    oldest = clock.now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    old = list(
        WebhookEvent.objects.filter(created_at__lt=oldest)
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )
    WebhookEvent.objects.filter(pk__in=old).delete()
    return len(old)
