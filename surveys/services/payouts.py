"""A payout from the moment an answer is scored until the money is with the respondent, or back.

Owns `Payout` and every move of its state and money but the calls to a provider, which are
`sending`'s. Decides by code alone: amount and holds come from the score, the survey version and
the flags. A person's decisions come in through `review` and `appeals`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from accounts.models import Company, User
from agents.interview.types import ATTACK_FLAGS, Evaluation, Flag, FlagKind
from core import clock
from core.errors import ConflictError
from core.ids import new_id
from core.jobs import nudge
from surveys.models import (
    AccountCode,
    LedgerTransaction,
    Payout,
    PayoutState,
    ReservationState,
    SurveyResponse,
)
from surveys.models.payouts import PAYOUT_TRANSITIONS
from surveys.payments.factory import LOCAL, has_outside_provider, provider_name_for
from surveys.services import funding, funnel, ledger, wallets
from surveys.services.funding import SurveyBooks
from surveys.services.ledger import InsufficientFundsError, Leg
from surveys.services.payment_messages import PaymentView, payment_view

__all__ = [
    "PaymentView",
    "PayoutStateError",
    "approve_due",
    "approve_payout",
    "cancel_payout",
    "create_payout",
    "fund_waiting",
    "grant_payout",
    "hold_again",
    "lock_payout",
    "move_state",
    "payment_view",
    "reject_payout",
    "retry_payout",
    "settle_failed",
    "settle_paid",
    "settle_reversed",
]

logger = logging.getLogger(__name__)

HOLD_TRANSCRIPT_SOURCE = "transcript_source"
HOLD_DAILY_CAP = "daily_cap"
HOLD_BUDGET = "budget_exhausted"
HOLD_APPEAL = "appeal"
QUALITY_FLAGS = frozenset(kind.value for kind in FlagKind) - {kind.value for kind in ATTACK_FLAGS}
#: When an automatic approval cannot go through (the day's cap, no money), look again after this.
AUTOMATIC_RETRY_SECONDS = 3600


class PayoutStateError(ConflictError):
    """The payout is in a state from which this step is not possible."""

    def __init__(self, payout: Payout, wanted: PayoutState) -> None:
        super().__init__(
            "payout_state",
            f"This payout is {PayoutState(payout.state).label.lower()}, "
            f"so it cannot become {wanted.label.lower()}.",
        )


# --- creation --------------------------------------------------------------------------------


def create_payout(
    *,
    response: SurveyResponse,
    evaluation: Evaluation,
    flags: Iterable[Flag],
    amount_minor: int,
) -> Payout | None:
    """Settle the reservation of an answer that was just scored.

    What was reserved becomes what is owed, the rest goes back to the budget. The payout is held
    for a person when there are flags, when the visitor's own transcript was scored, when the
    company's automatic pay of the day is used up, or when the reservation had lapsed and the
    budget is gone. Otherwise the local provider credits the wallet in the same transaction and
    another provider is nudged to send.

    Args:
        response: just completed, in the caller's transaction.
        evaluation: the paying evaluation.
        flags: what the integrity checks found.
        amount_minor: from the pay function, at most the version's highest pay.

    Returns:
        The payout; None when there is nothing to pay. With a payout already there, that one,
        and nothing is changed.

    Raises:
        ValueError: an amount outside of the version's range: a mistake in our own code.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = _lock_response(response)
        existing = Payout.objects.filter(response=row).first()
        if existing is not None:
            return existing
        if not 0 <= amount_minor <= row.version.payment_max_minor:
            raise ValueError("a payout lies between 0 and the version's highest pay")
        wallet = wallets.lock_root(row.wallet)
        books = funding.books_of(row.survey)
        # One lock on the company's funding also makes "under the daily cap" one decision.
        ledger.lock(books.all())
        if amount_minor == 0:
            _settle_unpaid(row, books, evaluation)
            _copy_reservation(row, response)
            return None
        is_funded = _settle_reservation(row, books, amount_minor)
        _copy_reservation(row, response)
        reasons = _find_hold_reasons(row, flags, amount_minor, is_funded=is_funded)
        now = clock.now()
        payout = Payout(
            response=row,
            wallet=wallet,
            transaction_id=f"txn_{row.voice_session.public_id}_{int(now.timestamp())}",
            amount_minor=amount_minor,
            currency=row.survey.currency,
            provider=provider_name_for(row.survey.company),
            state=PayoutState.HELD if reasons else PayoutState.APPROVED,
            hold_reasons=reasons,
            auto_approve_at=_auto_approval(reasons, now),
            is_funded=is_funded,
            approved_at=None if reasons else now,
            was_automatic=not reasons,
        )
        payout.save(force_insert=True)
        if not reasons:
            _pay_or_queue(payout)
        return payout


def grant_payout(*, response: SurveyResponse, amount_minor: int, actor: User) -> Payout:
    """Pay an answer that its score did not pay, because a person upheld its appeal.

    The money comes from the survey's free budget, then from the company's funding.

    Args:
        response: completed, without a payout.
        amount_minor: within the version's pay range and above 0, checked by the caller.
        actor: who decided.

    Raises:
        ConflictError: there is a payout already.
        InsufficientFundsError: neither budget nor funding covers it.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = _lock_response(response)
        if Payout.objects.filter(response=row).exists():
            raise ConflictError("payout_exists", "This answer has a payout already.")
        now = clock.now()
        payout = Payout(
            response=row,
            wallet=wallets.lock_root(row.wallet),
            transaction_id=f"txn_{row.voice_session.public_id}_{int(now.timestamp())}",
            amount_minor=amount_minor,
            currency=row.survey.currency,
            provider=provider_name_for(row.survey.company),
            state=PayoutState.APPROVED,
            is_funded=False,
            approved_at=now,
            reviewed_by=actor,
        )
        _fund(payout, row, may_use_funding=True)
        payout.save(force_insert=True)
        _pay_or_queue(payout)
        return payout


def _settle_unpaid(row: SurveyResponse, books: SurveyBooks, evaluation: Evaluation) -> None:
    """Give the whole reservation back. Unpaid surveys still count what was answered."""
    counts = row.version.payment_max_minor == 0 and evaluation.has_required_evidence
    if row.reservation_state == ReservationState.HELD and row.reserved_minor:
        ledger.post(
            kind="reservation_released",
            idempotency_key=f"settle:{row.voice_session.public_id}",
            legs=[
                Leg(books.reserved, -row.reserved_minor),
                Leg(books.home(row.survey), row.reserved_minor),
            ],
        )
    _store_reservation(row, ReservationState.USED if counts else ReservationState.RELEASED)


def _settle_reservation(row: SurveyResponse, books: SurveyBooks, amount_minor: int) -> bool:
    """Turn the reservation into a debt; without one take the amount from the free budget.

    Returns:
        False when there was no reservation and the budget does not cover the amount.
    """
    reserved = row.reserved_minor if row.reservation_state == ReservationState.HELD else 0
    if reserved:
        legs = [
            Leg(books.reserved, -reserved),
            Leg(books.payable, amount_minor),
            Leg(books.home(row.survey), reserved - amount_minor),
        ]
    else:
        funding.allocate_budget(survey=row.survey)
        legs = [Leg(books.budget, -amount_minor), Leg(books.payable, amount_minor)]
    try:
        ledger.post(
            kind="pay_owed", idempotency_key=f"settle:{row.voice_session.public_id}", legs=legs
        )
    except InsufficientFundsError:
        if reserved:
            # A reservation always has its money; anything else must stop the transaction.
            raise
        is_funded = False
    else:
        is_funded = True
    _store_reservation(row, ReservationState.USED)
    return is_funded


def _store_reservation(row: SurveyResponse, state: ReservationState) -> None:
    row.reserved_minor = 0
    row.reservation_state = state
    row.save(update_fields=["reserved_minor", "reservation_state"])


def _copy_reservation(row: SurveyResponse, response: SurveyResponse) -> None:
    response.reserved_minor = row.reserved_minor
    response.reservation_state = row.reservation_state


def _find_hold_reasons(
    row: SurveyResponse, flags: Iterable[Flag], amount_minor: int, *, is_funded: bool
) -> list[str]:
    reasons = sorted({flag.kind.value for flag in flags})
    if row.transcript_source == "visitor_claim":
        reasons.append(HOLD_TRANSCRIPT_SOURCE)
    if not is_funded:
        reasons.append(HOLD_BUDGET)
    if not reasons and not _is_under_cap(row.survey.company, amount_minor, row.survey.currency):
        reasons.append(HOLD_DAILY_CAP)
    return reasons


def _auto_approval(reasons: Collection[str], now: datetime) -> datetime | None:
    if reasons and QUALITY_FLAGS.issuperset(reasons):
        return now + timedelta(days=settings.SURVEY_HELD_AUTO_APPROVE_DAYS)
    return None


def _is_under_cap(company: Company, amount_minor: int, currency: str) -> bool:
    """Tell whether the company's automatic pay of this UTC day leaves room for one more."""
    day = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    spent: int | None = Payout.objects.filter(
        response__survey__company=company,
        currency=currency,
        was_automatic=True,
        approved_at__gte=day,
    ).aggregate(total=Sum("amount_minor"))["total"]
    return (spent or 0) + amount_minor <= settings.DAILY_PAY_CAP_MINOR


# --- decisions -------------------------------------------------------------------------------


def approve_payout(*, payout: Payout, actor: User | None, note: str = "") -> Payout:
    """Let a held payout go.

    Args:
        payout: held.
        actor: the person who decided, whose word may also use the company's funding beyond the
            survey's budget; None when its time came, which stays within budget and daily cap.
        note: kept with the payout.

    Raises:
        PayoutStateError: it is not held.
        InsufficientFundsError: it is not covered.
        ConflictError: automatic pay of the day is used up.

    Runs in one transaction, joins the caller's. Of several at once one succeeds.
    """
    with transaction.atomic():
        row = lock_payout(payout)
        survey = row.response.survey
        _require_move(row, PayoutState.APPROVED)
        if actor is None:
            # The funding account's lock makes looking at the cap and taking from it one step.
            ledger.lock([funding.books_of(survey).funding])
            if not _is_under_cap(survey.company, row.amount_minor, row.currency):
                raise ConflictError("daily_cap", "Today's automatic pay is used up.")
        if not row.is_funded:
            _fund(row, row.response, may_use_funding=actor is not None)
        row.state = PayoutState.APPROVED
        row.approved_at = clock.now()
        row.was_automatic = actor is None
        row.auto_approve_at = None
        row.reviewed_by = actor
        row.review_note = note or row.review_note
        row.save()
        _pay_or_queue(row)
        return row


def reject_payout(*, payout: Payout, actor: User, reason: str) -> Payout:
    """Refuse a held payout; its money goes back to the budget. The visitor reads the reason.

    Raises:
        PayoutStateError: it is not held.

    Runs in one transaction, joins the caller's. Of several at once one succeeds.
    """
    return _close_unpaid(payout, PayoutState.REJECTED, actor, reason)


def cancel_payout(*, payout: Payout, actor: User | None, reason: str) -> Payout:
    """Call a payout off before it is sent; its money goes back to the budget.

    Raises:
        PayoutStateError: it is being sent, was sent, or is closed.

    Runs in one transaction, joins the caller's. Of several at once one succeeds.
    """
    return _close_unpaid(payout, PayoutState.CANCELLED, actor, reason)


def _close_unpaid(payout: Payout, state: PayoutState, actor: User | None, reason: str) -> Payout:
    with transaction.atomic():
        row = lock_payout(payout)
        _require_move(row, state)
        _unfund(row)
        row.state = state
        row.auto_approve_at = None
        row.next_attempt_at = None
        row.reviewed_by = actor
        row.review_note = reason
        row.save()
        return row


def hold_again(*, payout: Payout) -> Payout:
    """Put a refused or cancelled payout before a person again, because its visitor appealed.

    Its money is taken from the free budget again if it is there; if not, the payout waits
    uncovered and a person's approval finds the money.

    Raises:
        PayoutStateError: it is neither rejected nor cancelled.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = lock_payout(payout)
        _require_move(row, PayoutState.HELD)
        row.hold_reasons = [
            *(reason for reason in row.hold_reasons if reason != HOLD_BUDGET),
            HOLD_APPEAL,
        ]
        try:
            _fund(row, row.response, may_use_funding=False)
        except InsufficientFundsError:
            row.hold_reasons.append(HOLD_BUDGET)
        row.state = PayoutState.HELD
        row.save()
        return row


def retry_payout(*, payout: Payout, actor: User, note: str = "") -> Payout:
    """Send a payout again that a provider had refused for good.

    The attempt rises: the refusal was definite and a look-up had found nothing.

    Raises:
        PayoutStateError: it has not failed.
        InsufficientFundsError: neither budget nor funding covers it.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = lock_payout(payout)
        if row.state != PayoutState.FAILED:
            raise PayoutStateError(row, PayoutState.APPROVED)
        _fund(row, row.response, may_use_funding=True)
        row.state = PayoutState.APPROVED
        row.approved_at = clock.now()
        row.was_automatic = False
        row.reviewed_by = actor
        row.review_note = note or row.review_note
        row.attempt += 1
        row.try_count = 0
        row.last_error_code = ""
        row.save()
        _pay_or_queue(row)
        return row


# --- what became of the money ----------------------------------------------------------------


def settle_paid(*, payout: Payout, reference: str) -> bool:
    """Note that a provider has sent a payout.

    Returns:
        False when it was settled before; then nothing changes.

    Runs in one transaction, joins the caller's. Safe from the sender and from webhooks at once.
    """
    with transaction.atomic():
        row = lock_payout(payout)
        if row.state not in (PayoutState.SENDING, PayoutState.APPROVED, PayoutState.UNCLAIMED):
            return False
        books = funding.books_of(row.response.survey)
        paid = ledger.account(AccountCode.PAID, currency=row.currency, survey=row.response.survey)
        ledger.post(
            kind="payout_paid",
            idempotency_key=f"payout:{row.public_id}:paid",
            legs=[Leg(books.payable, -row.amount_minor), Leg(paid, row.amount_minor)],
        )
        _mark_paid(row, reference)
        return True


def settle_failed(*, payout: Payout, error_code: str) -> bool:
    """Note that a provider has refused a payout for good; its money goes back to the budget.

    Returns:
        False when it was settled before; then nothing changes.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = lock_payout(payout)
        if row.state not in (PayoutState.SENDING, PayoutState.UNCLAIMED):
            return False
        _unfund(row)
        row.state = PayoutState.FAILED
        row.last_error_code = error_code
        row.next_attempt_at = None
        # A person may have it sent again before the sender's lease would have ended.
        row.lease_owner, row.leased_until = "", None
        row.save()
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
        row = lock_payout(payout)
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
        _unfund(row)
        row.state = PayoutState.REVERSED
        row.review_note = reason or row.review_note
        row.reviewed_by = actor or row.reviewed_by
        row.save()
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
            row = lock_payout(payout)
            if row.state != PayoutState.HELD or row.is_funded:
                return False
            _fund(row, row.response, may_use_funding=False)
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
        approve_payout(payout=payout, actor=None)
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


# --- shared steps ----------------------------------------------------------------------------


def lock_payout(payout: Payout) -> Payout:
    """Return the payout's row, locked, with all it hangs on."""
    return (
        Payout.objects.select_for_update(no_key=True, of=("self",))
        .select_related(
            "response__survey__company", "response__version", "response__voice_session", "wallet"
        )
        .get(pk=payout.pk)
    )


def move_state(payout: Payout, state: PayoutState) -> None:
    """Change the state of a locked payout's object, if the table of transitions allows it.

    Raises:
        PayoutStateError: it does not.
    """
    _require_move(payout, state)
    payout.state = state


def _require_move(payout: Payout, state: PayoutState) -> None:
    if state not in PAYOUT_TRANSITIONS[PayoutState(payout.state)]:
        raise PayoutStateError(payout, state)


def _lock_response(response: SurveyResponse) -> SurveyResponse:
    return (
        SurveyResponse.objects.select_for_update(no_key=True, of=("self",))
        .select_related("survey__company", "version", "voice_session", "wallet")
        .get(pk=response.pk)
    )


def _fund(payout: Payout, response: SurveyResponse, *, may_use_funding: bool) -> None:
    """Take a payout's amount into ``payable``: from the free budget, then from funding."""
    books = funding.books_of(response.survey)
    ledger.lock(books.all())
    if books.budget.balance_minor < payout.amount_minor:
        funding.allocate_budget(survey=response.survey)
        ledger.lock(books.all())
    from_budget = payout.amount_minor
    if may_use_funding:
        from_budget = min(from_budget, books.budget.balance_minor)
    ledger.post(
        kind="pay_owed",
        idempotency_key=f"payout:{payout.public_id}:{new_id('move')}",
        legs=[
            Leg(books.budget, -from_budget),
            Leg(books.funding, from_budget - payout.amount_minor),
            Leg(books.payable, payout.amount_minor),
        ],
    )
    payout.is_funded = True


def _unfund(payout: Payout) -> None:
    """Give a payout's amount back from ``payable``, if it stands there."""
    if not payout.is_funded:
        return
    survey = payout.response.survey
    books = funding.books_of(survey)
    ledger.post(
        kind="pay_returned",
        idempotency_key=f"payout:{payout.public_id}:{new_id('move')}",
        legs=[
            Leg(books.payable, -payout.amount_minor),
            Leg(books.home(survey), payout.amount_minor),
        ],
    )
    payout.is_funded = False


def _pay_or_queue(payout: Payout) -> None:
    """Credit the wallet of an approved payout at once, or have its provider send it."""
    if payout.provider != LOCAL:
        payout.next_attempt_at = clock.now()
        payout.save(update_fields=["next_attempt_at"])
        nudge(wallets.SEND_JOB)
        return
    survey = payout.response.survey
    books = funding.books_of(survey)
    credit = wallets.credit_account(
        wallets.lock_root(payout.wallet),
        payout.currency,
        is_play_money=survey.company.is_demo or not has_outside_provider(),
    )
    ledger.post(
        kind="payout_paid",
        idempotency_key=f"payout:{payout.public_id}:paid",
        legs=[Leg(books.payable, -payout.amount_minor), Leg(credit, payout.amount_minor)],
    )
    _mark_paid(payout, f"local_{payout.public_id}")


def _mark_paid(payout: Payout, reference: str) -> None:
    payout.state = PayoutState.PAID
    payout.provider_reference = reference
    payout.last_error_code = ""
    payout.next_attempt_at = None
    payout.paid_at = clock.now()
    payout.save()
    funnel.count_step(survey=payout.response.survey, step="paid")
