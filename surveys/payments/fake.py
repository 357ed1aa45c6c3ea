"""A payout provider in memory, for tests: it keeps its promises of idempotency and can be told to
fail. It stands behind the same Protocol and passes the same contract tests as Stripe's adapter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from surveys.payments.base import (
    AccountStatus,
    InvalidWebhookError,
    Notice,
    ProviderError,
    SpentKeyError,
    Transfer,
    TransferOrder,
)


class FakeProvider:
    """Keep transfers in a list.

    ``faults`` is a script for the next calls of `send`: None lets one through, an error is raised
    instead of sending, and a pair of ``("after", error)`` sends and then raises, as a connection
    that breaks after the provider has accepted.
    """

    name = "stripe"

    def __init__(self) -> None:
        self.transfers: list[Transfer] = []
        self.ready_accounts: set[str] = set()
        self.faults: deque[ProviderError | tuple[str, ProviderError] | None] = deque()
        self.send_count = 0
        self._orders: dict[str, TransferOrder] = {}

    def send(self, order: TransferOrder) -> Transfer:
        """Send once for the key, or do what the script says."""
        self.send_count += 1
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, ProviderError):
            raise fault
        known = self._orders.setdefault(order.key, order)
        if known != order:
            raise SpentKeyError("idempotency_error")
        transfer = next((made for made in self.transfers if made.key == order.key), None)
        if transfer is None:
            transfer = Transfer(
                reference=f"tr_{len(self.transfers) + 1}",
                key=order.key,
                group=order.group,
                amount_minor=order.amount_minor,
                currency=order.currency,
                destination=order.destination,
            )
            self.transfers.append(transfer)
        if fault is not None:
            raise fault[1]
        return transfer

    def look_up(self, order: TransferOrder) -> Transfer | None:
        """Return the first transfer of the group."""
        return next((made for made in self.transfers if made.group == order.group), None)

    def reverse(self, transfer: Transfer, *, key: str) -> Transfer:
        """Mark a transfer as taken back in full."""
        taken_back = replace(transfer, reversed_minor=transfer.amount_minor)
        self.transfers = [
            taken_back if made.reference == transfer.reference else made for made in self.transfers
        ]
        return taken_back

    def open_account(self, *, key: str) -> AccountStatus:
        """Return the account of this key; it is ready once it is in ``ready_accounts``."""
        reference = f"acct_{key}"
        return AccountStatus(reference, reference in self.ready_accounts)

    def read_account(self, reference: str) -> AccountStatus:
        """Return how the account stands."""
        return AccountStatus(reference, reference in self.ready_accounts)

    def make_onboarding_link(self, reference: str, *, return_url: str, refresh_url: str) -> str:
        """Return an address that leads nowhere."""
        return f"https://provider.invalid/onboard/{reference}"

    def read_webhook(self, *, body: bytes, signature: str) -> Notice:
        """Refuse: webhooks are tested with the real adapter and its signatures."""
        raise InvalidWebhookError("the fake sends no webhooks")
