"""Double entry: every transaction's entries sum to 0, rows are only ever added.

Signs: an entry raises the balance of its account by ``amount_minor``. Money comes from the
company's ``external`` account (the only one that goes below zero) into ``funding``, is set aside
for a survey in ``budget``, promised to a running session in ``reserved``, owed for an answer in
``payable``, and from there reaches the respondent's ``wallet`` or, through a provider, ``paid``.
A withdrawal owes a wallet's credit in a ``payable`` of the wallet until the provider has sent it.
So at any moment all the money ever posted stands in exactly one place.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Company
from core.models import AppendOnlyModel
from surveys.models.surveys import Survey
from surveys.models.wallets import Wallet


class AccountCode(models.TextChoices):
    EXTERNAL = "external", "Outside world"
    FUNDING = "funding", "Posted funding"
    BUDGET = "budget", "Survey budget, free"
    RESERVED = "reserved", "Reserved for running sessions"
    PAYABLE = "payable", "Owed to respondents"
    PAID = "paid", "Sent through a provider"
    WALLET = "wallet", "Credit of a respondent"


class LedgerAccount(models.Model):
    """One balance. ``company``, ``survey`` and ``wallet`` say whose; ``balance_minor`` is kept in
    the transaction that adds the entries, and equals their sum."""

    key = models.CharField(max_length=120, unique=True)
    """``code:owner:currency``: one row an account, also where SQLite treats nulls as distinct."""
    code = models.CharField(max_length=16, choices=AccountCode.choices)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, blank=True)
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, null=True, blank=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, null=True, blank=True)
    currency = models.CharField(max_length=3)
    is_play_money = models.BooleanField(default=False)
    """Wallet credit no provider may turn into real money: of a demo company, or earned while
    this server had no outside provider."""
    balance_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(balance_minor__gte=0) | models.Q(code=AccountCode.EXTERNAL),
                name="ledger_account_not_overdrawn",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class LedgerTransaction(AppendOnlyModel):
    """Why money moved. The key makes each reason happen once; what was wrong is reversed."""

    kind = models.CharField(max_length=32)
    idempotency_key = models.CharField(max_length=160, unique=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.idempotency_key


class LedgerEntry(AppendOnlyModel):
    """One leg of a transaction."""

    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries"
    )
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="entries")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(amount_minor=0), name="ledger_entry_not_zero"
            ),
            models.UniqueConstraint(
                fields=["transaction", "account"], name="ledger_entry_account_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} on {self.account_id}"
