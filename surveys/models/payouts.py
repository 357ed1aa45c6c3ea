"""A payout is a row with a state; it is created in the transaction that completes a response."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from core.fields import PublicIdField
from core.lease import LeasedModel
from surveys.models.responses import SurveyResponse
from surveys.models.wallets import Wallet


class PayoutState(models.TextChoices):
    HELD = "held", "Held for review"
    APPROVED = "approved", "Approved"
    SENDING = "sending", "Being sent"
    UNCLAIMED = "unclaimed", "Waiting to be claimed"
    PAID = "paid", "Paid"
    REJECTED = "rejected", "Rejected"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    REVERSED = "reversed", "Reversed"


PAYOUT_TRANSITIONS: dict[PayoutState, frozenset[PayoutState]] = {
    PayoutState.HELD: frozenset(
        {PayoutState.APPROVED, PayoutState.REJECTED, PayoutState.CANCELLED}
    ),
    PayoutState.APPROVED: frozenset({PayoutState.SENDING, PayoutState.PAID, PayoutState.CANCELLED}),
    PayoutState.SENDING: frozenset({PayoutState.PAID, PayoutState.UNCLAIMED, PayoutState.FAILED}),
    # Back to approved when the person has told the provider where to send it.
    PayoutState.UNCLAIMED: frozenset(
        {PayoutState.APPROVED, PayoutState.FAILED, PayoutState.CANCELLED}
    ),
    PayoutState.PAID: frozenset({PayoutState.REVERSED}),
    # The one appeal puts a refused payout before a person again.
    PayoutState.REJECTED: frozenset({PayoutState.HELD}),
    PayoutState.CANCELLED: frozenset({PayoutState.HELD}),
    # A person tries a failed one again once the reason is gone.
    PayoutState.FAILED: frozenset({PayoutState.APPROVED}),
    PayoutState.REVERSED: frozenset(),
}

#: While a payout is in one of these its amount stands in the survey's ``payable`` account,
#: provided ``is_funded``.
OWED_STATES = frozenset(
    {PayoutState.HELD, PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNCLAIMED}
)


class Payout(LeasedModel):
    """What one response earns. At most one a response, for ever."""

    public_id = PublicIdField(prefix="payout")
    response = models.OneToOneField(SurveyResponse, on_delete=models.PROTECT, related_name="payout")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="payouts")
    transaction_id = models.CharField(max_length=80, unique=True)
    """``txn_{session_id}_{unix time}``, what the visitor sees."""
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=16)
    state = models.CharField(max_length=16, choices=PayoutState.choices)
    hold_reasons = models.JSONField(default=list, blank=True)
    """Flag kinds, or ``daily_cap``, ``transcript_source``, ``budget_exhausted``, ``appeal``."""
    is_funded = models.BooleanField(default=True)
    """The amount stands in ``payable``. False for a held payout the budget could not cover, and
    for one that was refused, whose money went back."""
    approved_at = models.DateTimeField(null=True, blank=True, db_index=True)
    was_automatic = models.BooleanField(default=False)
    """Approved without a person: counts towards the company's daily cap."""
    auto_approve_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Held for quality flags only: approved by itself then."""
    attempt = models.PositiveIntegerField(default=1)
    """Part of the provider's idempotency key; rises only after a definite error and a look-up
    that finds nothing."""
    try_count = models.PositiveIntegerField(default=0)
    """Calls to the provider so far, whatever came of them: what the waiting time grows by."""
    provider_reference = models.CharField(max_length=120, blank=True)
    last_error_code = models.CharField(max_length=64, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    review_note = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="payout_positive"),
        ]

    def __str__(self) -> str:
        return self.public_id


class AppealResolution(models.TextChoices):
    UPHELD = "upheld", "Upheld"
    DECLINED = "declined", "Declined"


class Appeal(models.Model):
    """A visitor's one objection to a low, held or rejected result."""

    public_id = PublicIdField(prefix="appeal")
    response = models.OneToOneField(SurveyResponse, on_delete=models.PROTECT, related_name="appeal")
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=16, choices=AppealResolution.choices, blank=True)
    resolution_note = models.TextField(blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return self.public_id


class ProviderAccount(models.Model):
    """Where a wallet's money goes at an outside provider (a Stripe connected account)."""

    wallet = models.ForeignKey(Wallet, on_delete=models.CASCADE, related_name="provider_accounts")
    provider = models.CharField(max_length=16)
    reference = models.CharField(max_length=120, unique=True)
    is_ready = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["wallet", "provider"], name="provider_account_once_a_wallet"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class ProviderEvent(models.Model):
    """A verified webhook of a provider, stored before it is acted upon; each id once, for ever."""

    provider = models.CharField(max_length=16)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    body = models.JSONField()
    """The members the handler reads, not the whole event: no name or address is kept."""
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once"),
        ]

    def __str__(self) -> str:
        return self.event_id
