"""Webhooks of payout providers: stored once, then acted upon.

Owns `ProviderEvent`. A verified message may come twice, late, out of order, or from an account
that is none of ours; only what agrees with a row of ours in every figure changes it.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from core import audit, clock
from core.jobs import nudge
from surveys.models import Payout, PayoutState, ProviderAccount, ProviderEvent, Withdrawal
from surveys.payments import factory
from surveys.payments.base import Notice, ProviderError, Transfer
from surveys.services import settlements, wallets

logger = logging.getLogger(__name__)

EVENTS_JOB = "surveys.handle_provider_events"


def store_event(*, provider: str, notice: Notice) -> bool:
    """Store a verified webhook and ask for it to be handled.

    Args:
        provider: whose webhook it is.
        notice: what it says.

    Returns:
        False when it was stored before.

    One statement; a duplicate changes nothing.
    """
    _, is_new = ProviderEvent.objects.get_or_create(
        provider=provider,
        event_id=notice.event_id,
        defaults={
            "kind": notice.kind[:80],
            "body": {
                "account": notice.account,
                "subject": notice.subject,
                "transfer": asdict(notice.transfer) if notice.transfer else None,
            },
        },
    )
    nudge(EVENTS_JOB)
    return is_new


def handle_events(*, limit: int = 100) -> int:
    """Act upon stored webhooks that were not handled yet, oldest first.

    Returns:
        How many were handled. One that needs the provider while it is down stays for later.

    Safe to run twice and in several processes: every step of it changes a row only once.
    """
    handled = 0
    for event in ProviderEvent.objects.filter(handled_at=None).order_by("pk")[:limit]:
        try:
            _handle(event)
        except ProviderError as error:
            logger.warning(
                "provider_event.postponed", extra={"kind": event.kind, "code": error.code}
            )
            continue
        handled += ProviderEvent.objects.filter(pk=event.pk, handled_at=None).update(
            handled_at=clock.now()
        )
    return handled


def refresh_account(*, connected: ProviderAccount) -> bool:
    """Ask the provider how a connected account stands and note it.

    Returns:
        Whether it can take money now.

    Raises:
        ProviderError: the provider could not be asked.
    """
    # What the webhook says may be older than what we know: the provider's word of now counts.
    status = factory.get_provider(connected.provider).read_account(connected.reference)
    wallets.mark_provider_account(
        reference=connected.reference, provider=connected.provider, is_ready=status.is_ready
    )
    return status.is_ready


def _handle(event: ProviderEvent) -> None:
    body: dict[str, Any] = event.body
    if event.kind.startswith("account."):
        connected = ProviderAccount.objects.filter(
            provider=event.provider, reference=body["subject"]
        ).first()
        if connected is None or body["account"] not in ("", body["subject"]):
            _ignore(event, "foreign_account")
            return
        refresh_account(connected=connected)
    elif event.kind.startswith("transfer.") and body["transfer"] is not None:
        if body["account"]:
            _ignore(event, "foreign_account")
            return
        _handle_transfer(event, Transfer(**body["transfer"]))


def _handle_transfer(event: ProviderEvent, transfer: Transfer) -> None:
    word, _, public_id = transfer.group.partition(":")
    row: Payout | Withdrawal | None = None
    if word == "payout":
        row = Payout.objects.filter(public_id=public_id, provider=event.provider).first()
    elif word == "withdrawal":
        row = Withdrawal.objects.filter(public_id=public_id, provider=event.provider).first()
    if row is None:
        _ignore(event, "unknown_transfer")
    elif (transfer.amount_minor, transfer.currency) != (row.amount_minor, row.currency):
        _ignore(event, "other_amount")
    elif not _is_ours(row, transfer, event.provider):
        _ignore(event, "foreign_destination")
    elif isinstance(row, Payout):
        _settle_payout(row, transfer)
    else:
        wallets.settle_withdrawal(withdrawal=row, reference=transfer.reference)
        if transfer.reversed_minor:
            _tell_a_person(row, "withdrawal.reversed_at_provider")


def _is_ours(row: Payout | Withdrawal, transfer: Transfer, provider: str) -> bool:
    if row.provider_reference:
        return row.provider_reference == transfer.reference
    return ProviderAccount.objects.filter(
        wallet__in=[row.wallet_id, wallets.root_of(row.wallet).pk],
        provider=provider,
        reference=transfer.destination,
    ).exists()


def _settle_payout(payout: Payout, transfer: Transfer) -> None:
    # A reversal may overtake the message that the transfer was made: both are read from one state.
    settlements.settle_paid(payout=payout, reference=transfer.reference)
    if transfer.reversed_minor >= transfer.amount_minor:
        settlements.settle_reversed(payout=payout, reason="Taken back at the provider.")
    elif transfer.reversed_minor:
        _tell_a_person(payout, "payout.partly_reversed_at_provider")
    payout.refresh_from_db()
    if payout.state not in (PayoutState.PAID, PayoutState.REVERSED):
        _tell_a_person(payout, "payout.sent_but_not_owed")


def _tell_a_person(row: Payout | Withdrawal, action: str) -> None:
    """Leave a line for what the books cannot follow by themselves."""
    company = row.response.survey.company if isinstance(row, Payout) else None
    audit.record_event(actor="system", action=action, object_ref=row, company=company)
    logger.error("money.needs_a_person", extra={"action": action, "id": row.public_id})


def _ignore(event: ProviderEvent, reason: str) -> None:
    logger.warning(
        "provider_event.ignored",
        extra={"event_id": event.event_id, "kind": event.kind, "reason": reason},
    )
