"""A company's decisions on payouts: let go, refuse, call off, take back. Every one leaves a line
in the audit trail.

Owns who decided what and why; the money moves in `payouts`. Authorisation is the caller's: each
function is handed a payout that was looked up for the actor's company.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from core import audit
from core.errors import ConflictError, InvalidInputError, UnavailableError
from core.text import clean_text
from surveys.models import Appeal, Payout, PayoutState
from surveys.models.payouts import AppealResolution
from surveys.payments import factory
from surveys.payments.base import ProviderError, Transfer
from surveys.services import appeals, payouts, settlements
from surveys.services.payouts import PayoutStateError

REASON_MAX = 500


def approve_held(*, payout: Payout, actor: User, note: str = "") -> Payout:
    """Pay a held payout. An open appeal of it is upheld with this.

    Raises:
        PayoutStateError: it is not held (any more).
        InsufficientFundsError: neither budget nor funding covers it: add funds first.

    Runs in one transaction. Of several decisions at once one succeeds.
    """
    note = clean_text(note, REASON_MAX).text
    with transaction.atomic():
        row = payouts.approve_payout(payout=payout, actor=actor, note=note)
        _close_appeal(row, AppealResolution.UPHELD, actor, note)
        _record(row, actor, "payout.approved", note)
        return row


def reject_held(*, payout: Payout, actor: User, reason: str) -> Payout:
    """Refuse a held payout. The visitor reads the reason; an open appeal is declined with this.

    Raises:
        InvalidInputError: no reason.
        PayoutStateError: it is not held (any more).

    Runs in one transaction. Of several decisions at once one succeeds.
    """
    reason = read_reason(reason)
    with transaction.atomic():
        row = payouts.reject_payout(payout=payout, actor=actor, reason=reason)
        _close_appeal(row, AppealResolution.DECLINED, actor, reason)
        _record(row, actor, "payout.rejected", reason)
        return row


def cancel(*, payout: Payout, actor: User, reason: str) -> Payout:
    """Call a payout off before it is sent.

    Raises:
        InvalidInputError: no reason.
        PayoutStateError: it is being sent, was sent, or is closed.

    Runs in one transaction. Of several decisions at once one succeeds.
    """
    reason = read_reason(reason)
    with transaction.atomic():
        row = payouts.cancel_payout(payout=payout, actor=actor, reason=reason)
        _close_appeal(row, AppealResolution.DECLINED, actor, reason)
        _record(row, actor, "payout.cancelled", reason)
        return row


def retry_failed(*, payout: Payout, actor: User, note: str = "") -> Payout:
    """Send a payout again that its provider had refused for good.

    Raises:
        PayoutStateError: it has not failed.
        InsufficientFundsError: neither budget nor funding covers it: add funds first.

    Runs in one transaction.
    """
    with transaction.atomic():
        row = payouts.retry_payout(payout=payout, actor=actor, note=note)
        _close_appeal(row, AppealResolution.UPHELD, actor, note)
        _record(row, actor, "payout.retried", note)
        return row


def reverse_paid(*, payout: Payout, actor: User, reason: str) -> Payout:
    """Take a paid payout back: at its provider first, then on the books.

    Raises:
        InvalidInputError: no reason.
        PayoutStateError: it is not paid.
        ConflictError: the respondent has withdrawn the money, or the provider refuses.
        UnavailableError: the provider did not answer clearly; asking again takes back once.

    The provider is asked outside of any transaction, the books follow in one.
    """
    reason = read_reason(reason)
    payout = Payout.objects.get(pk=payout.pk)
    if payout.state != PayoutState.PAID:
        raise PayoutStateError(payout, PayoutState.REVERSED)
    if payout.provider != factory.LOCAL:
        _reverse_at_provider(payout)
    with transaction.atomic():
        changed = settlements.settle_reversed(payout=payout, reason=reason, actor=actor)
        payout.refresh_from_db()
        if not changed:
            raise PayoutStateError(payout, PayoutState.REVERSED)
        _record(payout, actor, "payout.reversed", reason)
    return payout


def read_reason(reason: str) -> str:
    """Return a reason that is fit to be shown.

    Raises:
        InvalidInputError: nothing is left of it.
    """
    cleaned = clean_text(reason, REASON_MAX).text
    if not cleaned:
        raise InvalidInputError("reason_missing", "Say why: the visitor will read it.")
    return cleaned


def _reverse_at_provider(payout: Payout) -> None:
    transfer = Transfer(
        reference=payout.provider_reference,
        key="",
        group=f"payout:{payout.public_id}",
        amount_minor=payout.amount_minor,
        currency=payout.currency,
        destination="",
    )
    try:
        factory.get_provider(payout.provider).reverse(transfer, key=f"reverse:{payout.public_id}")
    except ProviderError as error:
        raise UnavailableError(
            30,
            code="provider_refused",
            detail=f"The payment provider did not take it back ({error.code}). Nothing was "
            "changed on the books; try again later.",
        ) from error


def _close_appeal(payout: Payout, resolution: AppealResolution, actor: User, note: str) -> None:
    appeal = Appeal.objects.filter(response=payout.response, resolved_at=None).first()
    if appeal is not None:
        appeals.close_appeal(appeal=appeal, resolution=resolution, actor=actor, note=note)


def _record(payout: Payout, actor: User, action: str, note: str) -> None:
    audit.record_event(
        actor=actor,
        action=action,
        object_ref=payout,
        company=payout.response.survey.company,
        note=note,
    )


def resolve_appeal(
    *,
    appeal: Appeal,
    actor: User,
    is_upheld: bool,
    note: str,
    amount_minor: int | None = None,
) -> Appeal:
    """Decide an appeal; what follows depends on where the pay stands.

    Upheld, a held payout is approved, a failed one sent again, and an answer without a payout is
    granted ``amount_minor``. Declined, a held payout is rejected and anything else stays as it
    is. A payout that is paid or on its way is never changed: an answer is paid once.

    Args:
        appeal: open.
        actor: who decides.
        is_upheld: whether the visitor is right.
        note: shown to the visitor; required when declined.
        amount_minor: what to grant, within the version's pay range; for an answer without a
            payout only.

    Raises:
        InvalidInputError: no note, or an amount outside of the range.
        ConflictError: it was decided before, or upheld for a payout that was taken back.
        InsufficientFundsError: neither budget nor funding covers a grant: add funds first.

    Runs in one transaction. Of several decisions at once one succeeds.
    """
    note = read_reason(note) if not is_upheld else clean_text(note, REASON_MAX).text
    with transaction.atomic():
        row = appeals.lock_appeal(appeal)
        if row.resolved_at is not None:
            raise ConflictError("appeal_resolved", "This appeal has been decided already.")
        _follow(row, actor, note, is_upheld=is_upheld, amount_minor=amount_minor)
        resolution = AppealResolution.UPHELD if is_upheld else AppealResolution.DECLINED
        appeals.close_appeal(appeal=row, resolution=resolution, actor=actor, note=note)
        return row


def _follow(
    appeal: Appeal, actor: User, note: str, *, is_upheld: bool, amount_minor: int | None
) -> None:
    """Do to the pay what the decision on an appeal means for it."""
    payout = Payout.objects.filter(response=appeal.response).first()
    if payout is None:
        if is_upheld:
            granted = payouts.grant_payout(
                response=appeal.response,
                amount_minor=appeals.read_grant(appeal, amount_minor),
                actor=actor,
            )
            _record(granted, actor, "payout.granted", note)
    elif payout.state == PayoutState.HELD and is_upheld:
        approved = payouts.approve_payout(payout=payout, actor=actor, note=note)
        _record(approved, actor, "payout.approved", note)
    elif payout.state == PayoutState.HELD:
        rejected = payouts.reject_payout(payout=payout, actor=actor, reason=note)
        _record(rejected, actor, "payout.rejected", note)
    elif payout.state == PayoutState.REVERSED and is_upheld:
        # The provider has had this payout, so its transfer is never made a second time.
        raise ConflictError(
            "payout_reversed",
            "This payment was made and taken back, and one answer is paid once. Decline the appeal "
            "and write what you will do instead: the visitor reads it.",
        )
    elif payout.state == PayoutState.FAILED and is_upheld:
        retried = payouts.retry_payout(payout=payout, actor=actor, note=note)
        _record(retried, actor, "payout.retried", note)
