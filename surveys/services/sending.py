"""Sends what is due through outside providers: payouts and withdrawals, each exactly once.

Owns the calls to providers and the attempts in the rows. No call happens inside a transaction,
so between any two steps the process may die; what makes that harmless:

- a row is claimed by a lease with a fence, and stands in ``sending`` before the first call;
- the key of a call is ``payout:{id}:{attempt}``, so repeating a call repeats nothing;
- a row found in ``sending`` is looked up at the provider before anything is sent again;
- the attempt rises only after a definite refusal and a look-up that finds nothing.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from core import clock, lease
from core.jobs import nudge
from core.retry import backoff_seconds
from surveys.models import Payout, PayoutState, ProviderAccount, Withdrawal
from surveys.models.wallets import WithdrawalState
from surveys.payments import factory
from surveys.payments.base import (
    PayoutProvider,
    PermanentError,
    ProviderError,
    SpentKeyError,
    Transfer,
    TransferOrder,
)
from surveys.services import settlements, wallets
from surveys.services.announcements import announce_payouts

logger = logging.getLogger(__name__)

SENDING = "sending"
LEASE_SECONDS = 180.0
"""Longer than the three calls a claim may make, each with its time-out."""
MAX_ATTEMPTS = 8
"""Fresh keys tried after definite refusals before a payout fails for good."""
RETRY_BASE_SECONDS = 5.0
RETRY_CAP_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class _Kind:
    """The two kinds of rows that go out, and what becomes of them."""

    word: str
    model: type[Payout] | type[Withdrawal]
    waiting: str
    """The state before the first call."""
    settle_paid: Callable[[int, Transfer], bool]
    settle_failed: Callable[[int, str], bool]
    settle_unreachable: Callable[[int], bool]
    """What to do when the person has no account at the provider to send to."""


def send_due(*, limit: int = 50) -> int:
    """Send payouts and withdrawals that are due.

    Returns:
        How many rows were worked on, whatever came of them.

    Safe to run twice and in several processes. Opens no transaction around a call.
    """
    worked = 0
    for kind in (_PAYOUTS, _WITHDRAWALS):
        worked += sum(_send_one(kind, pk) for pk in list(_due_ids(kind)[:limit]))
    return worked


def nudge_due() -> None:
    """Ask for the job that sends, if anything is due: the recovery query of this module."""
    if any(_due_ids(kind).exists() for kind in (_PAYOUTS, _WITHDRAWALS)):
        nudge(wallets.SEND_JOB)


def _due_ids(kind: _Kind) -> QuerySet[Any, int]:
    return (
        kind.model._default_manager.filter(
            lease.unclaimed(),
            state__in=[kind.waiting, SENDING],
            next_attempt_at__lte=clock.now(),
        )
        # Rows of a provider whose key was taken away wait until it is back.
        .filter(provider__in=factory.configured_providers())
        .order_by("next_attempt_at")
        .values_list("pk", flat=True)
    )


def wake_unclaimed() -> int:
    """Approve payouts again whose person has a ready account, and give up on the oldest.

    Returns:
        How many moved. The recovery query for what a webhook should have woken.
    """
    ready = ProviderAccount.objects.filter(
        provider=OuterRef("provider"), wallet=OuterRef("wallet"), is_ready=True
    )
    merged_ready = ProviderAccount.objects.filter(
        provider=OuterRef("provider"), wallet=OuterRef("wallet__merged_into"), is_ready=True
    )
    unclaimed = Payout.objects.filter(state=PayoutState.UNCLAIMED)
    moved = 0
    for payout in unclaimed.filter(Exists(ready) | Exists(merged_ready)).select_related("wallet"):
        moved += wallets.claim_waiting(
            wallet=wallets.root_of(payout.wallet), provider=payout.provider
        )
    oldest = clock.now() - wallets.unclaimed_before()
    for payout in unclaimed.filter(updated_at__lte=oldest):
        moved += settlements.settle_failed(payout=payout, error_code="never_claimed")
    return moved


def _send_one(kind: _Kind, row_id: int) -> bool:
    rows = kind.model._default_manager.filter(pk=row_id)
    fence = lease.claim(
        rows.filter(state__in=[kind.waiting, SENDING], next_attempt_at__lte=clock.now()),
        owner=f"{os.getpid()}:{secrets.token_hex(8)}",
        seconds=LEASE_SECONDS,
    )
    if fence is None:
        return False
    row = rows.select_related("wallet").get()
    was_tried = row.state == SENDING or row.try_count > 0
    # Nobody can cancel any more once this has changed the row.
    begun = rows.filter(fence=fence, state=row.state).update(
        state=SENDING, try_count=F("try_count") + 1, updated_at=clock.now()
    )
    if not begun:
        return False
    row.try_count += 1
    destination = _find_destination(row)
    order = TransferOrder(
        key=f"{kind.word}:{row.public_id}:{row.attempt}",
        group=f"{kind.word}:{row.public_id}",
        amount_minor=row.amount_minor,
        currency=row.currency,
        destination=destination,
    )
    provider = factory.get_provider(row.provider)
    try:
        made = provider.look_up(order) if was_tried else None
        if made is None and not destination:
            return kind.settle_unreachable(row_id)
        if made is None:
            made = provider.send(order)
    except ProviderError as error:
        _note_error(kind, row, fence, provider, order, error)
        return True
    return kind.settle_paid(row_id, made)


def _note_error(
    kind: _Kind,
    row: Payout | Withdrawal,
    fence: int,
    provider: PayoutProvider,
    order: TransferOrder,
    error: ProviderError,
) -> None:
    """Write down what an unsuccessful call means: look again later, a fresh key, or the end."""
    logger.warning(
        "money.send_failed",
        extra={"kind": kind.word, "id": row.public_id, "attempt": row.attempt, "code": error.code},
    )
    attempt = row.attempt
    if isinstance(error, (SpentKeyError, PermanentError)):
        try:
            made = provider.look_up(order)
        except ProviderError as second:
            # Without a look-up nothing is sure: the same attempt again, later.
            _postpone(kind, row, fence, attempt, second.code)
            return
        if made is not None:
            kind.settle_paid(row.pk, made)
            return
        if isinstance(error, PermanentError) or attempt >= MAX_ATTEMPTS:
            kind.settle_failed(row.pk, error.code)
            return
        attempt += 1
    _postpone(kind, row, fence, attempt, error.code)


def _postpone(
    kind: _Kind, row: Payout | Withdrawal, fence: int, attempt: int, error_code: str
) -> None:
    wait = backoff_seconds(row.try_count, RETRY_BASE_SECONDS, RETRY_CAP_SECONDS)
    kind.model._default_manager.filter(pk=row.pk, fence=fence, state=SENDING).update(
        attempt=attempt,
        last_error_code=error_code,
        next_attempt_at=clock.now() + timedelta(seconds=wait),
        lease_owner="",
        leased_until=None,
        updated_at=clock.now(),
    )


def _find_destination(row: Payout | Withdrawal) -> str:
    """Return the person's account at the provider, or nothing when there is none ready."""
    connected = ProviderAccount.objects.filter(
        wallet=wallets.root_of(row.wallet), provider=row.provider, is_ready=True
    ).first()
    return connected.reference if connected else ""


def _payout_paid(row_id: int, made: Transfer) -> bool:
    payout = Payout.objects.get(pk=row_id)
    settled = settlements.settle_paid(payout=payout, reference=made.reference)
    if made.reversed_minor >= made.amount_minor:
        settlements.settle_reversed(payout=payout, reason="Taken back at the provider.")
    return settled


def _payout_failed(row_id: int, code: str) -> bool:
    return settlements.settle_failed(payout=Payout.objects.get(pk=row_id), error_code=code)


def _payout_unreachable(row_id: int) -> bool:
    """Let a payout wait for its person to connect an account."""
    payout = Payout.objects.get(pk=row_id)
    with transaction.atomic():
        moved = Payout.objects.filter(pk=row_id, state=PayoutState.SENDING).update(
            state=PayoutState.UNCLAIMED,
            next_attempt_at=None,
            lease_owner="",
            leased_until=None,
            updated_at=clock.now(),
        )
        if moved:
            announce_payouts([row_id])
    # The account may have become ready while nobody was looking.
    if moved and _find_destination(payout):
        wallets.claim_waiting(wallet=wallets.root_of(payout.wallet), provider=payout.provider)
    return bool(moved)


def _withdrawal_paid(row_id: int, made: Transfer) -> bool:
    return wallets.settle_withdrawal(
        withdrawal=Withdrawal.objects.get(pk=row_id), reference=made.reference
    )


def _withdrawal_failed(row_id: int, code: str) -> bool:
    return wallets.fail_withdrawal(withdrawal=Withdrawal.objects.get(pk=row_id), error_code=code)


def _withdrawal_unreachable(row_id: int) -> bool:
    return _withdrawal_failed(row_id, "account_not_ready")


_PAYOUTS = _Kind(
    word="payout",
    model=Payout,
    waiting=PayoutState.APPROVED.value,
    settle_paid=_payout_paid,
    settle_failed=_payout_failed,
    settle_unreachable=_payout_unreachable,
)
_WITHDRAWALS = _Kind(
    word="withdrawal",
    model=Withdrawal,
    waiting=WithdrawalState.REQUESTED.value,
    settle_paid=_withdrawal_paid,
    settle_failed=_withdrawal_failed,
    settle_unreachable=_withdrawal_unreachable,
)
