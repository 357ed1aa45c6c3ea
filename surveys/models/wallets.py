"""What a respondent has earned and where it goes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from core.fields import PublicIdField
from core.lease import LeasedModel


class Wallet(models.Model):
    """Credit of one respondent: opened by a receipt, a signed user, or an account.

    Balances are ledger accounts (one a currency); this row only says whose they are.
    """

    public_id = PublicIdField(prefix="wallet")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="wallet",
    )
    signed_user_hash = models.CharField(max_length=64, null=True, blank=True, unique=True)
    """Keyed hash of company and signed user id."""
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.public_id


class WithdrawalState(models.TextChoices):
    REQUESTED = "requested", "Requested"
    SENDING = "sending", "Sending"
    PAID = "paid", "Paid"
    FAILED = "failed", "Failed"


WITHDRAWAL_TRANSITIONS: dict[WithdrawalState, frozenset[WithdrawalState]] = {
    WithdrawalState.REQUESTED: frozenset({WithdrawalState.SENDING, WithdrawalState.PAID}),
    WithdrawalState.SENDING: frozenset({WithdrawalState.PAID, WithdrawalState.FAILED}),
    WithdrawalState.PAID: frozenset(),
    WithdrawalState.FAILED: frozenset(),
}


class Withdrawal(LeasedModel):
    """Credit on its way out through a provider.

    The money has left the balance when this exists; a final failure puts it back.
    """

    public_id = PublicIdField(prefix="wd")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="withdrawals")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    provider = models.CharField(max_length=16)
    is_play_money = models.BooleanField(default=False)
    state = models.CharField(
        max_length=16, choices=WithdrawalState.choices, default=WithdrawalState.REQUESTED
    )
    attempt = models.PositiveIntegerField(default=1)
    """Part of the provider's idempotency key; rises only after a definite error and a look-up."""
    try_count = models.PositiveIntegerField(default=0)
    provider_reference = models.CharField(max_length=120, blank=True)
    last_error_code = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=120, unique=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="withdrawal_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
