"""Whose credit is whose: opening, joining and emptying wallets.

Owns `Wallet` and `Withdrawal`. Payouts credit a wallet through `payouts`; sending a withdrawal
out is `sending`'s work. Knows no survey.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.jobs import nudge
from surveys.models import (
    AccountCode,
    LedgerAccount,
    Payout,
    PayoutState,
    ProviderAccount,
    SurveyResponse,
    Wallet,
    Withdrawal,
)
from surveys.models.wallets import WithdrawalState
from surveys.payments.factory import LOCAL, STRIPE, is_configured
from surveys.services import ledger
from surveys.services.announcements import announce_payouts
from surveys.services.ledger import AccountName, InsufficientFundsError, Leg

SEND_JOB = "surveys.send_money"
KEY_LENGTH_MAX = 80


def open_wallet(
    *,
    receipt: SurveyResponse | None = None,
    signed_user_hash: str = "",
    user: User | None = None,
) -> Wallet:
    """Return the wallet a respondent's pay goes to.

    Args:
        receipt: an earlier response of the same respondent, proven by its receipt token: its
            wallet serves again.
        signed_user_hash: keyed hash of company and signed user id: one wallet for both.
        user: a person with an account: one wallet.

    Returns:
        The wallet of the first of user, signed user and receipt that is given, opened if need be;
        a fresh one without any.

    Runs in one transaction, joins the caller's; safe in parallel.
    """
    if user is not None:
        return _get_or_open(user=user)
    if signed_user_hash:
        return _get_or_open(signed_user_hash=signed_user_hash)
    if receipt is not None:
        return root_of(receipt.wallet)
    return Wallet.objects.create()


def _get_or_open(**owner: object) -> Wallet:
    found = Wallet.objects.filter(**owner).first()
    if found is None:
        try:
            with transaction.atomic():
                found = Wallet.objects.create(**owner)
        except IntegrityError:
            # Another request opened it between the two statements.
            found = Wallet.objects.get(**owner)
    return root_of(found)


def root_of(wallet: Wallet) -> Wallet:
    """Return the wallet this one was merged into, or itself."""
    while wallet.merged_into_id is not None:
        wallet = Wallet.objects.get(pk=wallet.merged_into_id)
    return wallet


def lock_root(wallet: Wallet) -> Wallet:
    """Return the wallet credit goes to now, its row locked until the transaction ends.

    The lock keeps a merge from moving the balance away between reading and crediting.
    """
    # Attaching locks both wallets in the order of their keys: whoever came by a merged one and
    # held it while waiting for its root would wait for each other.
    unmerged = Wallet.objects.select_for_update(no_key=True).filter(merged_into__isnull=True)
    for root in unmerged.filter(pk=wallet.pk):
        return root
    known = Wallet.objects.only("pk", "merged_into_id").get(pk=wallet.pk)
    while known.merged_into_id is not None:
        known = Wallet.objects.only("pk", "merged_into_id").get(pk=known.merged_into_id)
    locked = Wallet.objects.select_for_update(no_key=True).get(pk=known.pk)
    while locked.merged_into_id is not None:
        locked = Wallet.objects.select_for_update(no_key=True).get(pk=locked.merged_into_id)
    return locked


def credit_account(wallet: Wallet, currency: str, *, is_play_money: bool) -> LedgerAccount:
    """Return the ledger account of a wallet's credit in one currency."""
    return ledger.open_accounts(credit_name(wallet, currency, is_play_money=is_play_money))[0]


def credit_name(wallet: Wallet, currency: str, *, is_play_money: bool) -> AccountName:
    """Return which ledger account holds a wallet's credit in one currency."""
    return AccountName(
        AccountCode.WALLET, currency=currency, wallet=wallet, is_play_money=is_play_money
    )


def attach_wallet(*, wallet: Wallet, user: User) -> Wallet:
    """Make a wallet a person's own; with a wallet of theirs already there, merge into that.

    Args:
        wallet: proven by a receipt token.
        user: who is signed in.

    Returns:
        The person's wallet, which now holds the credit of both.

    Raises:
        ConflictError: the wallet belongs to somebody else.

    Runs in one transaction. Attaching again changes nothing.
    """
    with transaction.atomic():
        own = Wallet.objects.filter(user=user).first()
        wallet_ids = sorted({wallet.pk, *([own.pk] if own else [])})
        # In order of the key, so that two merges do not wait for each other.
        locked = {
            row.pk: row
            for row in Wallet.objects.select_for_update(no_key=True)
            .filter(pk__in=wallet_ids)
            .order_by("pk")
        }
        source = lock_root(locked[wallet.pk])
        if source.user_id == user.pk:
            return source
        if source.user_id is not None:
            raise ConflictError(
                "wallet_of_another_account",
                "This wallet belongs to another account. Sign in to that one to use it.",
            )
        if own is None:
            source.user = user
            source.save(update_fields=["user"])
            audit.record_event(actor=user, action="wallet.attached", object_ref=source)
            return source
        target = locked[own.pk]
        _merge(source, target)
        audit.record_event(
            actor=user, action="wallet.merged", object_ref=target, note=f"took in {source}"
        )
        return target


def _merge(source: Wallet, target: Wallet) -> None:
    """Move all credit and the provider accounts of ``source`` to ``target``; both are locked."""
    sources = list(
        LedgerAccount.objects.filter(code=AccountCode.WALLET, wallet=source).order_by("key")
    )
    pairs = [
        (
            credit,
            credit_account(target, credit.currency, is_play_money=credit.is_play_money),
        )
        for credit in sources
    ]
    ledger.lock([account for pair in pairs for account in pair])
    for credit, into in pairs:
        if credit.balance_minor:
            ledger.post(
                kind="wallets_merged",
                idempotency_key=f"merge:{credit.key}",
                legs=[Leg(credit, -credit.balance_minor), Leg(into, credit.balance_minor)],
            )
    taken = ProviderAccount.objects.filter(wallet=target).values_list("provider", flat=True)
    ProviderAccount.objects.filter(wallet=source).exclude(provider__in=list(taken)).update(
        wallet=target
    )
    Wallet.objects.filter(merged_into=source).update(merged_into=target)
    source.merged_into = target
    source.save(update_fields=["merged_into"])


def withdraw(
    *,
    wallet: Wallet,
    amount_minor: int,
    currency: str,
    provider: str,
    idempotency_key: str,
    is_play_money: bool = False,
) -> Withdrawal:
    """Take credit out of a wallet through a provider.

    ``local`` is for play money: it takes the credit off the books at once and says that nothing
    real was sent. ``stripe`` sends real credit to the person's connected account.

    Args:
        wallet: whose credit; a merged wallet stands for the one it was merged into.
        amount_minor: above 0.
        currency: ISO 4217 code of the credit.
        provider: ``local`` or ``stripe``.
        idempotency_key: chosen by the client for this withdrawal; the same key again returns the
            first withdrawal.
        is_play_money: which of the two kinds of credit.

    Raises:
        InvalidInputError: an amount not above 0, an empty key, or an unknown provider.
        ConflictError: the provider is not set up here or does not take this kind of credit, no
            account at the provider is connected, or the key was used for another withdrawal.
        InsufficientFundsError: more than there is.

    Runs in one transaction; the money leaves the balance in it. Sending happens after commit.
    """
    if amount_minor <= 0:
        raise InvalidInputError("invalid_amount", "Give an amount above 0.")
    if not idempotency_key or len(idempotency_key) > KEY_LENGTH_MAX:
        raise InvalidInputError(
            "invalid_idempotency_key", f"Give a key of 1 to {KEY_LENGTH_MAX} characters."
        )
    with transaction.atomic():
        owner = lock_root(wallet)
        key = f"{owner.public_id}:{idempotency_key}"
        first = Withdrawal.objects.filter(idempotency_key=key).first()
        if first is not None:
            asked = (amount_minor, currency, provider, is_play_money)
            if asked != (first.amount_minor, first.currency, first.provider, first.is_play_money):
                raise ConflictError(
                    "idempotency_key_reused",
                    "This key was used for another withdrawal. Use a fresh one.",
                )
            return first
        _require_provider(owner, provider, is_play_money=is_play_money)
        withdrawal = Withdrawal.objects.create(
            wallet=owner,
            amount_minor=amount_minor,
            currency=currency,
            provider=provider,
            is_play_money=is_play_money,
            idempotency_key=key,
            state=WithdrawalState.REQUESTED,
            next_attempt_at=clock.now(),
        )
        credit, owed = _withdrawal_accounts(withdrawal)
        try:
            ledger.post(
                kind="withdrawal_requested",
                idempotency_key=f"withdrawal:{withdrawal.public_id}:requested",
                legs=[Leg(credit, -amount_minor), Leg(owed, amount_minor)],
            )
        except InsufficientFundsError as error:
            raise InsufficientCreditError(credit, amount_minor) from error
        audit.record_event(
            actor=owner.user or owner,
            action="withdrawal.requested",
            object_ref=withdrawal,
            note=provider,
        )
        if provider == LOCAL:
            settle_withdrawal(withdrawal=withdrawal, reference=f"local_{withdrawal.public_id}")
        else:
            nudge(SEND_JOB)
        return withdrawal


class InsufficientCreditError(InsufficientFundsError):
    """More was asked for than the wallet holds."""

    def __init__(self, account: LedgerAccount, amount_minor: int) -> None:
        super().__init__(account, amount_minor)
        self.detail = "This wallet does not hold that much. Choose a smaller amount."


def _require_provider(wallet: Wallet, provider: str, *, is_play_money: bool) -> None:
    if provider not in (LOCAL, STRIPE):
        raise InvalidInputError("unknown_provider", "Choose one of: local, stripe.")
    if (provider == LOCAL) != is_play_money:
        raise ConflictError(
            "provider_not_for_this_credit",
            "Play money can only be taken out as play money; real credit needs a real provider.",
        )
    if provider == LOCAL:
        return
    if not is_configured(provider):
        raise ConflictError(
            "provider_not_configured",
            "This server has no payment provider set up. Your credit stays here.",
        )
    if not ProviderAccount.objects.filter(wallet=wallet, provider=provider, is_ready=True).exists():
        raise ConflictError(
            "provider_account_missing",
            "Connect an account with the provider first, then withdraw.",
        )


def _withdrawal_accounts(withdrawal: Withdrawal) -> tuple[LedgerAccount, LedgerAccount]:
    """Return the credit it comes from and the account that owes it until it is sent."""
    wallet, currency, is_play = (
        withdrawal.wallet,
        withdrawal.currency,
        withdrawal.is_play_money,
    )
    credit, owed = ledger.open_accounts(
        AccountName(AccountCode.WALLET, currency, wallet=wallet, is_play_money=is_play),
        AccountName(AccountCode.PAYABLE, currency, wallet=wallet, is_play_money=is_play),
    )
    return credit, owed


def settle_withdrawal(*, withdrawal: Withdrawal, reference: str) -> bool:
    """Note that the provider has sent a withdrawal.

    Returns:
        False when it was settled before; then nothing changes.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        changed = Withdrawal.objects.filter(
            pk=withdrawal.pk, state__in=[WithdrawalState.REQUESTED, WithdrawalState.SENDING]
        ).update(
            state=WithdrawalState.PAID,
            provider_reference=reference,
            next_attempt_at=None,
            updated_at=clock.now(),
        )
        if not changed:
            return False
        _, owed = _withdrawal_accounts(withdrawal)
        gone = ledger.account(
            AccountCode.PAID,
            currency=withdrawal.currency,
            wallet=withdrawal.wallet,
            is_play_money=withdrawal.is_play_money,
        )
        ledger.post(
            kind="withdrawal_paid",
            idempotency_key=f"withdrawal:{withdrawal.public_id}:paid",
            legs=[Leg(owed, -withdrawal.amount_minor), Leg(gone, withdrawal.amount_minor)],
        )
        withdrawal.refresh_from_db()
        return True


def fail_withdrawal(*, withdrawal: Withdrawal, error_code: str) -> bool:
    """Put the credit of a withdrawal back that the provider has refused for good.

    Returns:
        False when it was settled before; then nothing changes.

    Runs in one transaction, joins the caller's.
    """
    with transaction.atomic():
        changed = Withdrawal.objects.filter(pk=withdrawal.pk, state=WithdrawalState.SENDING).update(
            state=WithdrawalState.FAILED,
            last_error_code=error_code,
            next_attempt_at=None,
            updated_at=clock.now(),
        )
        if not changed:
            return False
        root = lock_root(withdrawal.wallet)
        _, owed = _withdrawal_accounts(withdrawal)
        credit = credit_account(root, withdrawal.currency, is_play_money=withdrawal.is_play_money)
        ledger.post(
            kind="withdrawal_failed",
            idempotency_key=f"withdrawal:{withdrawal.public_id}:failed",
            legs=[Leg(owed, -withdrawal.amount_minor), Leg(credit, withdrawal.amount_minor)],
        )
        withdrawal.refresh_from_db()
        return True


def connect_provider_account(*, wallet: Wallet, provider: str, reference: str) -> ProviderAccount:
    """Remember where a wallet's money goes at a provider. A second call keeps the first."""
    with transaction.atomic():
        owner = lock_root(wallet)
        connected, _ = ProviderAccount.objects.get_or_create(
            wallet=owner, provider=provider, defaults={"reference": reference}
        )
        return connected


def mark_provider_account(*, reference: str, provider: str, is_ready: bool) -> bool:
    """Note whether a provider's account can take money; then wake what waits for it.

    Returns:
        False when no wallet has this account.

    Runs in one transaction. Payouts that were unclaimed are approved again.
    """
    with transaction.atomic():
        connected = (
            ProviderAccount.objects.select_for_update(no_key=True)
            .filter(reference=reference, provider=provider)
            .first()
        )
        if connected is None:
            return False
        connected.is_ready = is_ready
        connected.save(update_fields=["is_ready"])
        if is_ready:
            claim_waiting(wallet=connected.wallet, provider=provider)
        return True


def claim_waiting(*, wallet: Wallet, provider: str) -> int:
    """Send again what waited for an account at the provider.

    Returns:
        How many payouts are on their way now. Joins the caller's transaction.
    """
    merged = Wallet.objects.filter(merged_into=wallet).values_list("pk", flat=True)
    waiting = Payout.objects.filter(
        wallet__in=[wallet.pk, *merged], provider=provider, state=PayoutState.UNCLAIMED
    )
    with transaction.atomic():
        moving = list(waiting.select_for_update(no_key=True).values_list("pk", flat=True))
        count = Payout.objects.filter(pk__in=moving, state=PayoutState.UNCLAIMED).update(
            state=PayoutState.APPROVED, next_attempt_at=clock.now(), updated_at=clock.now()
        )
        if count:
            announce_payouts(moving)
            nudge(SEND_JOB)
    return count


def wallet_by_receipt(receipt_digest: str) -> Wallet:
    """Return the wallet behind a receipt.

    Raises:
        NotFoundError: no receipt has this digest, or it has expired.
    """
    response = (
        SurveyResponse.objects.select_related("wallet")
        .filter(receipt_digest=receipt_digest, receipt_expires_at__gt=clock.now())
        .first()
    )
    if response is None:
        raise NotFoundError("receipt_not_found", "This receipt is unknown or has expired.")
    return root_of(response.wallet)


def unclaimed_before() -> timedelta:
    """Return how long a payout may wait to be claimed: as long as its receipt lives."""
    return timedelta(days=settings.SURVEY_RECEIPT_DAYS)
