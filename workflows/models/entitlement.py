"""Plans somebody bought, and what providers said about them. No I/O."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Plan
from core.fields import PublicIdField
from core.lease import LeasedModel


class PurchaseState(models.TextChoices):
    """Where a purchase stands: open → active → ended, or open → expired → active (paid late)."""

    OPEN = "open", "Waiting for payment"
    ACTIVE = "active", "Active"
    ENDED = "ended", "Ended"
    EXPIRED = "expired", "Expired"


PURCHASE_TRANSITIONS: dict[PurchaseState, frozenset[PurchaseState]] = {
    PurchaseState.OPEN: frozenset({PurchaseState.ACTIVE, PurchaseState.EXPIRED}),
    # The provider's word that money came counts, however late it arrives.
    PurchaseState.EXPIRED: frozenset({PurchaseState.ACTIVE}),
    PurchaseState.ACTIVE: frozenset({PurchaseState.ENDED}),
    PurchaseState.ENDED: frozenset(),
}


class PlanPurchase(LeasedModel):
    """One person's purchase of a plan, paid by the month. `accounts.Profile.plan` follows it."""

    public_id = PublicIdField(prefix="purchase")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plan_purchases"
    )
    plan = models.CharField(max_length=16, choices=Plan.choices)
    amount_minor = models.PositiveBigIntegerField()
    """A month's price when it was opened, in minor units."""
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=16)
    """``local`` is play money, ``stripe`` is real."""
    state = models.CharField(
        max_length=16, choices=PurchaseState.choices, default=PurchaseState.OPEN
    )
    checkout_reference = models.CharField(max_length=120, blank=True)
    subscription_reference = models.CharField(max_length=120, blank=True, db_index=True)
    cancel_due_at = models.DateTimeField(null=True, blank=True)
    """Set while the provider still has to be told that it ended here."""
    cancel_attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(state=PurchaseState.ACTIVE),
                name="plan_purchase_one_active",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["cancel_due_at"],
                condition=models.Q(cancel_due_at__isnull=False),
                name="plan_purchase_to_cancel",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def may_become(self, state: PurchaseState) -> bool:
        """Tell whether the state machine has this step."""
        return state in PURCHASE_TRANSITIONS[PurchaseState(self.state)]


class BillingEvent(models.Model):
    """A verified message of a provider, kept so that the same one twice acts once."""

    provider = models.CharField(max_length=16)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    body: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    """What it was reduced to; nothing about a card or an address."""
    result = models.CharField(max_length=40, blank=True)
    """What came of it, such as ``activated`` or ``unknown_purchase``."""
    received_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="billing_event_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
