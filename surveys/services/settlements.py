"""What became of a payout's money: sent, refused, taken back; and what waits for its time.

Owns the moves that follow a provider's word and the recovery queries of payouts. Each of them
changes a row once, however often and from wherever it is called.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction

from accounts.models import User
from core import audit, clock
from core.errors import ConflictError
from surveys.models import AccountCode, LedgerTransaction, Payout, PayoutState
from surveys.services import funding, ledger, payout_steps, payouts, wallets
from surveys.services.announcements import announce_payout
from surveys.services.ledger import InsufficientFundsError, Leg
from surveys.services.payout_steps import HOLD_BUDGET, HOLD_DAILY_CAP, PayoutStateError

logger = logging.getLogger(__name__)

#: When an automatic approval cannot go through (the day's cap, no money), look again after this.
AUTOMATIC_RETRY_SECONDS = 3600


def settle_paid(*, payout: Payout, reference: str) -> bool:
    """Note that a provider has sent a payout.

    Returns:
        False when it was settled before; then nothing changes.

    Runs in one transaction, joins the caller's. Safe from the sender and from webhooks at once.
    """
    with transaction.atomic():
        row = payout_steps.lock_payout(payout)
        if row.state not in (PayoutState.SENDING, PayoutState.APPROVED, PayoutState.UNCLAIMED):
            return False
        books = funding.books_of(row.response.survey)
        paid = ledger.account(AccountCode.PAID, currency=row.currency, survey=row.response.survey)
        ledger.post(
            kind="payout_paid",
            idempotency_key=f"payout:{row.public_id}:paid",
            legs=[Leg(books.payable, -row.amount_minor), Leg(paid, row.amount_minor)],
        )
        payout_steps.mark_paid(row, reference)
        return True


def settle_failed(*, payout: Payout, error_code: str) -> bool:
    """Note that a provider has refused a payout for good; its money goes back to the budget.

    Returns:
        False when it was settled before; then nothing changes.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = payout_steps.lock_payout(payout)
        if row.state not in (PayoutState.SENDING, PayoutState.UNCLAIMED):
            return False
        payout_steps.uncover(row)
        row.state = PayoutState.FAILED
        row.last_error_code = error_code
        row.next_attempt_at = None
        # A person may have it sent again before the sender's lease would have ended.
        row.lease_owner, row.leased_until = "", None
        row.save()
        announce_payout(row)
        return True


def settle_reversed(*, payout: Payout, reason: str, actor: User | None = None) -> bool:
    """Take a paid payout back on the books: the reversal of its posting, then back to the budget.

    Returns:
        False when it is not paid (any more); then nothing changes.

    Raises:
        InsufficientFundsError: the wallet no longer holds the money (local provider).

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = payout_steps.lock_payout(payout)
        if row.state != PayoutState.PAID:
            return False
        wallet = wallets.lock_root(row.wallet)
        survey = row.response.survey
        books = funding.books_of(survey)
        posted = LedgerTransaction.objects.get(idempotency_key=f"payout:{row.public_id}:paid")
        gained = posted.entries.select_related("account").get(amount_minor__gt=0).account
        if gained.code == AccountCode.WALLET:
            # The credit may have moved with a merge since.
            gained = wallets.credit_account(
                wallet, row.currency, is_play_money=gained.is_play_money
            )
        ledger.lock([*books.all(), gained])
        ledger.post(
            kind="payout_reversed",
            idempotency_key=f"payout:{row.public_id}:reversed",
            legs=[Leg(gained, -row.amount_minor), Leg(books.payable, row.amount_minor)],
            reverses=posted,
        )
        payout_steps.uncover(row)
        row.state = PayoutState.REVERSED
        row.review_note = reason or row.review_note
        row.reviewed_by = actor or row.reviewed_by
        row.save()
        announce_payout(row)
        return True


# --- recovery queries ------------------------------------------------------------------------


def approve_due(*, limit: int = 100) -> int:
    """Approve held payouts whose waiting time is over; all their flags are quality flags.

    Returns:
        How many were approved. One transaction each; safe in several processes.
    """
    due = Payout.objects.filter(state=PayoutState.HELD, auto_approve_at__lte=clock.now()).order_by(
        "auto_approve_at"
    )[:limit]
    return sum(_approve_automatically(payout) for payout in due)


def fund_waiting(*, limit: int = 100) -> int:
    """Cover held payouts that found the budget empty, oldest first, now that it may not be.

    One held for nothing else is approved.

    Returns:
        How many are covered now. One transaction each; safe in several processes.
    """
    waiting = Payout.objects.filter(state=PayoutState.HELD, is_funded=False).order_by("created_at")
    return sum(_cover(payout) for payout in waiting[:limit])


def _cover(payout: Payout) -> bool:
    try:
        with transaction.atomic():
            row = payout_steps.lock_payout(payout)
            if row.state != PayoutState.HELD or row.is_funded:
                return False
            payout_steps.lock_money(row)
            payout_steps.cover(row, row.response, may_use_funding=False)
            row.hold_reasons = [reason for reason in row.hold_reasons if reason != HOLD_BUDGET]
            if not row.hold_reasons:
                row.hold_reasons = [HOLD_DAILY_CAP]
                row.auto_approve_at = clock.now()
            row.save()
    except InsufficientFundsError:
        return False
    if row.auto_approve_at is not None:
        _approve_automatically(row)
    return True


def _approve_automatically(payout: Payout) -> bool:
    try:
        with transaction.atomic():
            row = payouts.approve_payout(payout=payout, actor=None)
            audit.record_event(
                actor="system",
                action="payout.approved",
                object_ref=row,
                company=row.response.survey.company,
                note="waiting time over",
            )
    except PayoutStateError:
        # A person was faster.
        return False
    except ConflictError as error:
        logger.info(
            "payout.automatic_approval_postponed",
            extra={"payout_id": payout.public_id, "code": error.code},
        )
        Payout.objects.filter(pk=payout.pk, state=PayoutState.HELD).update(
            auto_approve_at=clock.now() + timedelta(seconds=AUTOMATIC_RETRY_SECONDS)
        )
        return False
    return True
