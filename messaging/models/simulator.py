"""The simulator's own rows: phones, what they show, and webhooks on their way. No I/O.

Only the simulated back end and its page use these; nothing of the product reads them.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.fields import PublicIdField
from messaging.models.numbers import BusinessNumber


class SimulatedPhone(models.Model):
    """A phone on the simulator's page: one person with WhatsApp."""

    public_id = PublicIdField(prefix="phone")
    number = models.ForeignKey(BusinessNumber, on_delete=models.CASCADE, related_name="phones")
    wa_id = models.CharField(max_length=32)
    user_id = models.CharField(max_length=140)
    """Business-scoped user id."""
    name = models.CharField(max_length=80)
    hides_phone = models.BooleanField(default=False)
    """A person with a user name: webhooks carry the user id only."""
    typing_until = models.DateTimeField(null=True, blank=True)
    """The shop is shown as typing until then, or until its message comes."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number", "wa_id"], name="simulated_phone_once"),
        ]

    def __str__(self) -> str:
        return self.name


class SimulatedMessage(models.Model):
    """What a phone shows, from either side."""

    phone = models.ForeignKey(SimulatedPhone, on_delete=models.CASCADE, related_name="messages")
    is_outgoing = models.BooleanField()
    """From the person's point of view: they wrote it."""
    wamid = models.CharField(max_length=128, unique=True)
    type = models.CharField(max_length=32)
    body = models.JSONField()
    """As WhatsApp would carry it: the webhook's item, or the body that was sent."""
    opaque = models.CharField(max_length=512, blank=True)
    status = models.CharField(max_length=16, blank=True)
    """Ticks: accepted, sent, delivered, read or failed."""
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["phone", "id"], name="simulated_order")]

    def __str__(self) -> str:
        return self.wamid


class SimulatedWebhook(models.Model):
    """A body on its way to our own webhook, as Meta's servers would send it."""

    number = models.ForeignKey(BusinessNumber, on_delete=models.CASCADE, related_name="+")
    body = models.TextField()
    due_at = models.DateTimeField(db_index=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    repeats_left = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class SimulatedFaults(models.Model):
    """What the simulated Graph API does wrong for a number."""

    number = models.OneToOneField(BusinessNumber, on_delete=models.CASCADE, related_name="faults")
    latency_milliseconds = models.PositiveIntegerField(default=0)
    error_code = models.IntegerField(null=True, blank=True)
    error_count = models.PositiveIntegerField(default=0)
    """How many further sends fail with the code."""
    loses_answers = models.PositiveIntegerField(default=0)
    """How many further sends are taken without the caller learning it."""
    is_window_closed = models.BooleanField(default=False)
    status_delay_seconds = models.PositiveIntegerField(default=0)
    has_no_statuses = models.BooleanField(default=False)
    repeats = models.PositiveSmallIntegerField(default=0)
    """How often each webhook comes again."""
    reorders = models.BooleanField(default=False)
    """Of messages written shortly after each other the later comes first."""

    class Meta:
        verbose_name_plural = "simulated faults"

    def __str__(self) -> str:
        return f"faults of {self.number_id}"
