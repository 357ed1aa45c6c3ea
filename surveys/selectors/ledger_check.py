"""Checks that the books are right: sums, balances, and that they agree with the rows.

Reads everything, so it belongs to administrators and tests, never to a request of a company.
"""

from __future__ import annotations

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from surveys.models import (
    AccountCode,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    ReservationState,
    SurveyResponse,
    Withdrawal,
)
from surveys.models.payouts import OWED_STATES
from surveys.models.wallets import WithdrawalState


def verify_ledger() -> list[str]:
    """Return what is wrong with the ledger, in words; an empty list when all is well.

    Holds: entries sum to 0 in all and in each transaction, each transaction has two entries or
    more of one currency, each balance equals the sum of its entries, nothing but ``external`` is
    below zero, and for each survey the ``reserved`` balance equals the reservations of its
    responses and ``payable`` what its payouts owe; for each wallet ``payable`` equals its
    withdrawals on their way.
    """
    return [
        *_check_transactions(),
        *_check_balances(),
        *_check_reservations(),
        *_check_owed(),
        *_check_withdrawals(),
    ]


def _check_transactions() -> list[str]:
    problems = []
    total = LedgerEntry.objects.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"]
    if total != 0:
        problems.append(f"all entries together sum to {total}, not to 0")
    wrong = LedgerTransaction.objects.annotate(
        total=Coalesce(Sum("entries__amount_minor"), 0),
        legs=Count("entries"),
        currencies=Count("entries__account__currency", distinct=True),
    ).filter(~Q(total=0) | Q(legs__lt=2) | ~Q(currencies=1))
    problems += [
        f"transaction {row.idempotency_key}: sum {row.total}, {row.legs} entries, "
        f"{row.currencies} currencies"
        for row in wrong
    ]
    return problems


def _check_balances() -> list[str]:
    rows = LedgerAccount.objects.annotate(total=Coalesce(Sum("entries__amount_minor"), 0))
    problems = [
        f"account {row.key}: balance {row.balance_minor}, entries {row.total}"
        for row in rows.exclude(balance_minor=F("total"))
    ]
    problems += [
        f"account {row.key}: below zero, {row.balance_minor}"
        for row in rows.filter(balance_minor__lt=0).exclude(code=AccountCode.EXTERNAL)
    ]
    return problems


def _check_reservations() -> list[str]:
    held = dict(
        SurveyResponse.objects.filter(reservation_state=ReservationState.HELD)
        .values_list("survey_id")
        .annotate(total=Sum("reserved_minor"))
    )
    return _compare(AccountCode.RESERVED, held, "reserved by its responses")


def _check_owed() -> list[str]:
    owed = dict(
        Payout.objects.filter(state__in=OWED_STATES, is_funded=True)
        .values_list("response__survey_id")
        .annotate(total=Sum("amount_minor"))
    )
    return _compare(AccountCode.PAYABLE, owed, "owed by its payouts")


def _compare(code: AccountCode, expected: dict[int, int], what: str) -> list[str]:
    booked = dict(
        LedgerAccount.objects.filter(code=code, survey__isnull=False)
        .values_list("survey_id")
        .annotate(total=Sum("balance_minor"))
    )
    return [
        f"survey {survey_id}: {booked.get(survey_id, 0)} in {code.value}, "
        f"{expected.get(survey_id, 0)} {what}"
        for survey_id in sorted(set(expected) | set(booked))
        if booked.get(survey_id, 0) != expected.get(survey_id, 0)
    ]


def _check_withdrawals() -> list[str]:
    expected = dict(
        Withdrawal.objects.filter(state__in=[WithdrawalState.REQUESTED, WithdrawalState.SENDING])
        .values_list("wallet_id")
        .annotate(total=Sum("amount_minor"))
    )
    booked = dict(
        LedgerAccount.objects.filter(code=AccountCode.PAYABLE, wallet__isnull=False)
        .values_list("wallet_id")
        .annotate(total=Sum("balance_minor"))
    )
    return [
        f"wallet {wallet_id}: {booked.get(wallet_id, 0)} in payable, "
        f"{expected.get(wallet_id, 0)} in withdrawals on their way"
        for wallet_id in sorted(set(expected) | set(booked))
        if booked.get(wallet_id, 0) != expected.get(wallet_id, 0)
    ]
