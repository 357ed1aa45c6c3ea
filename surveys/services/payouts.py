"""A payout as an answer earns it and as people decide on it.

Owns `Payout` from its creation to the moment it goes out; what becomes of the money then is in
`settlements`, the calls to providers in `sending`. Decides by code alone: amount and holds come
from the score, the survey version and the flags. A person's decisions come in through `review`
and `appeals`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import User
from agents.interview.types import ATTACK_FLAGS, Evaluation, Flag, FlagKind
from core import clock
from core.errors import ConflictError
from surveys.models import (
    LedgerAccount,
    Payout,
    PayoutState,
    ReservationState,
    SurveyResponse,
    Wallet,
)
from surveys.payments.factory import LOCAL, provider_name_for
from surveys.services import funding, ledger, payout_steps, wallets
from surveys.services.announcements import announce_payout
from surveys.services.funding import SurveyBooks
from surveys.services.ledger import InsufficientFundsError, Leg
from surveys.services.payment_messages import PaymentView, payment_view
from surveys.services.payout_steps import HOLD_BUDGET, HOLD_DAILY_CAP, PayoutStateError

__all__ = [
    "PaymentView",
    "PayoutStateError",
    "approve_payout",
    "cancel_payout",
    "create_payout",
    "grant_payout",
    "hold_again",
    "payment_view",
    "reject_payout",
    "retry_payout",
]

HOLD_TRANSCRIPT_SOURCE = "transcript_source"
HOLD_APPEAL = "appeal"
QUALITY_FLAGS = frozenset(kind.value for kind in FlagKind) - {kind.value for kind in ATTACK_FLAGS}


# --- creation --------------------------------------------------------------------------------


def create_payout(
    *,
    response: SurveyResponse,
    evaluation: Evaluation,
    flags: Iterable[Flag],
    amount_minor: int,
    is_locked: bool = False,
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
        is_locked: the transaction has written to the response's row, and the object says what the
            row says of its reservation and its transcript's source.

    Returns:
        The payout; None when there is nothing to pay. With a payout already there, that one,
        and nothing is changed.

    Raises:
        ValueError: an amount outside of the version's range: a mistake in our own code.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        row = response if is_locked else payout_steps.lock_response(response)
        if row.reservation_state != ReservationState.HELD:
            # Settled before, perhaps; whoever still holds a reservation was not.
            for existing in Payout.objects.filter(response=row):
                return existing
        if not 0 <= amount_minor <= row.version.payment_max_minor:
            raise ValueError("a payout lies between 0 and the version's highest pay")
        if amount_minor == 0:
            _settle_unpaid(row, funding.books_of(row.survey), evaluation)
            return None
        payout = _new_payout(row, amount_minor)
        books, credit = _open_books(payout)
        if row.reservation_state != ReservationState.HELD:
            # The free budget will be looked at, and perhaps filled.
            funding.lock_survey(row.survey)
        # One lock on the company's funding also makes "under the daily cap" one decision.
        ledger.lock([*books.all(), *([credit] if credit else [])], refresh=False)
        payout.is_funded = _settle_reservation(row, books, amount_minor)
        payout.hold_reasons = _find_hold_reasons(
            row, flags, amount_minor, is_funded=payout.is_funded
        )
        if payout.hold_reasons:
            payout.state = PayoutState.HELD
            payout.auto_approve_at = _auto_approval(payout.hold_reasons)
            payout.save(force_insert=True)
            announce_payout(payout)
        else:
            payout.approved_at = clock.now()
            payout.was_automatic = True
            payout_steps.pay_or_queue(payout, books=books, credit=credit)
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
        row = payout_steps.lock_response(response)
        if Payout.objects.filter(response=row).exists():
            raise ConflictError("payout_exists", "This answer has a payout already.")
        payout = _new_payout(row, amount_minor)
        payout.is_funded = False
        payout.approved_at = clock.now()
        payout.reviewed_by = actor
        payout_steps.lock_money(payout)
        payout_steps.cover(payout, row, may_use_funding=True)
        payout_steps.pay_or_queue(payout)
        return payout


def _new_payout(row: SurveyResponse, amount_minor: int) -> Payout:
    """Return an approved payout that is not saved yet; its wallet is locked."""
    return Payout(
        response=row,
        wallet=wallets.lock_root(Wallet(pk=row.wallet_id)),  # Its row is read once, locked.
        transaction_id=f"txn_{row.voice_session.public_id}_{int(clock.now().timestamp())}",
        amount_minor=amount_minor,
        currency=row.survey.currency,
        provider=provider_name_for(row.survey.company),
        state=PayoutState.APPROVED,
    )


def _open_books(payout: Payout) -> tuple[SurveyBooks, LedgerAccount | None]:
    """Return the survey's accounts and, with the local provider, the wallet's credit."""
    survey = payout.response.survey
    if payout.provider != LOCAL:
        return funding.books_of(survey), None
    return funding.books_with(survey, payout_steps.name_credit(payout, payout.wallet))


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
    SurveyResponse.objects.filter(pk=row.pk).update(reserved_minor=0, reservation_state=state)


def _find_hold_reasons(
    row: SurveyResponse, flags: Iterable[Flag], amount_minor: int, *, is_funded: bool
) -> list[str]:
    reasons = sorted({flag.kind.value for flag in flags})
    if row.transcript_source == "visitor_claim":
        reasons.append(HOLD_TRANSCRIPT_SOURCE)
    if not is_funded:
        reasons.append(HOLD_BUDGET)
    if not reasons and not payout_steps.is_under_cap(
        row.survey.company, amount_minor=amount_minor, currency=row.survey.currency
    ):
        reasons.append(HOLD_DAILY_CAP)
    return reasons


def _auto_approval(reasons: Collection[str]) -> datetime | None:
    if QUALITY_FLAGS.issuperset(reasons):
        return clock.now() + timedelta(days=settings.SURVEY_HELD_AUTO_APPROVE_DAYS)
    return None


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
        row = payout_steps.lock_payout(payout)
        survey = row.response.survey
        payout_steps.require_move(row, PayoutState.APPROVED)
        payout_steps.lock_money(row)
        is_automatic = actor is None
        if is_automatic and not payout_steps.is_under_cap(
            survey.company, amount_minor=row.amount_minor, currency=row.currency
        ):
            raise ConflictError("daily_cap", "Today's automatic pay is used up.")
        if not row.is_funded:
            payout_steps.cover(row, row.response, may_use_funding=not is_automatic)
        row.state = PayoutState.APPROVED
        row.approved_at = clock.now()
        row.was_automatic = is_automatic
        row.auto_approve_at = None
        row.reviewed_by = actor
        row.review_note = note or row.review_note
        payout_steps.pay_or_queue(row)
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
        row = payout_steps.lock_payout(payout)
        payout_steps.require_move(row, state)
        payout_steps.uncover(row)
        row.state = state
        row.auto_approve_at = None
        row.next_attempt_at = None
        row.reviewed_by = actor
        row.review_note = reason
        row.save()
        announce_payout(row)
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
        row = payout_steps.lock_payout(payout)
        payout_steps.require_move(row, PayoutState.HELD)
        row.hold_reasons = [
            *(reason for reason in row.hold_reasons if reason != HOLD_BUDGET),
            HOLD_APPEAL,
        ]
        payout_steps.lock_money(row)
        try:
            payout_steps.cover(row, row.response, may_use_funding=False)
        except InsufficientFundsError:
            row.hold_reasons.append(HOLD_BUDGET)
        row.state = PayoutState.HELD
        row.save()
        announce_payout(row)
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
        row = payout_steps.lock_payout(payout)
        if row.state != PayoutState.FAILED:
            raise PayoutStateError(row, PayoutState.APPROVED)
        payout_steps.lock_money(row)
        payout_steps.cover(row, row.response, may_use_funding=True)
        row.state = PayoutState.APPROVED
        row.approved_at = clock.now()
        row.was_automatic = False
        row.reviewed_by = actor
        row.review_note = note or row.review_note
        row.attempt += 1
        row.try_count = 0
        row.last_error_code = ""
        payout_steps.pay_or_queue(row)
        return row
