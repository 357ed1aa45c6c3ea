"""Endpoints, events, deliveries and attempts: the truth of what was told to whom. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from core.lease import LeasedModel

URL_LENGTH = 500


class EndpointState(models.TextChoices):
    """Whether an endpoint is sent to."""

    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped after failures"


ENDPOINT_TRANSITIONS: dict[EndpointState, frozenset[EndpointState]] = {
    EndpointState.ACTIVE: frozenset({EndpointState.PAUSED, EndpointState.STOPPED}),
    EndpointState.PAUSED: frozenset({EndpointState.ACTIVE}),
    EndpointState.STOPPED: frozenset({EndpointState.ACTIVE}),
}


class WebhookEndpoint(LeasedModel):
    """An address of a company. Its lease is held by the one sender that works through its queue."""

    public_id = PublicIdField(prefix="hook")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=URL_LENGTH)
    description = models.CharField(max_length=120, blank=True)
    event_types = models.JSONField(default=list)
    """Names of `webhooks.events`; one that no longer exists is never sent."""
    state = models.CharField(
        max_length=10, choices=EndpointState.choices, default=EndpointState.ACTIVE
    )
    secret_seed = models.CharField(max_length=64)
    """Random; with SECRET_KEY it makes the secret (`webhooks.services.secrets`)."""
    former_seed = models.CharField(max_length=64, blank=True)
    former_until = models.DateTimeField(null=True, blank=True)
    """The secret before the last rotation signs as well until then."""
    rotated_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    """The first failure since the last success."""
    failures_in_row = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    """A failing endpoint is left alone until then, whatever waits for it."""
    stop_reason = models.CharField(max_length=60, blank=True)
    notice_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Set when it was stopped: the owners are still to be told."""
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["company", "state"])]

    def __str__(self) -> str:
        return self.public_id

    def has_former_secret(self, now: datetime) -> bool:
        """Tell whether the secret before the rotation still signs."""
        return bool(self.former_seed and self.former_until and self.former_until > now)


class WebhookEvent(models.Model):
    """Something that happened, as it is told: the body is written once and never again."""

    public_id = PublicIdField(prefix="evt")
    """The ``webhook-id`` of every delivery of it, on every attempt."""
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="webhook_events")
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=80)
    """Public id of what it is about."""
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["company", "subject"])]

    def __str__(self) -> str:
        return self.public_id


class DeliveryState(models.TextChoices):
    """Where one event stands at one endpoint."""

    PENDING = "pending", "Waiting"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Not sent"


DELIVERY_TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset(
        {DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED}
    ),
    # A replay: the same event with the same id once more.
    DeliveryState.DELIVERED: frozenset({DeliveryState.PENDING}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
    # Set aside while the call was under way, and taken all the same.
    DeliveryState.SKIPPED: frozenset({DeliveryState.PENDING, DeliveryState.DELIVERED}),
}


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint."""

    public_id = PublicIdField(prefix="delivery")
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempt_count = models.PositiveIntegerField(default=0)
    """All attempts there ever were, those before a replay included."""
    tries = models.PositiveIntegerField(default=0)
    """Attempts since it was last put in line: what the waiting time grows by."""
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    give_up_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    """HTTP status of the latest answer; none when there was no answer."""
    last_error = models.CharField(max_length=60, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "-created_at"]),
            models.Index(fields=["state", "next_attempt_at"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["endpoint", "event"], name="webhook_delivery_once_an_endpoint"
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", next_attempt_at__isnull=False)
                | (~models.Q(state="pending") & models.Q(next_attempt_at__isnull=True)),
                name="webhook_delivery_pending_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class WebhookAttempt(models.Model):
    """One request and what came back."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=60, blank=True)
    """A code of `webhooks.outbound.base`; empty when the endpoint took it."""
    excerpt = models.CharField(max_length=500, blank=True)
    """The beginning of the answer, for the people who look for the fault."""

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="webhook_attempt_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"
