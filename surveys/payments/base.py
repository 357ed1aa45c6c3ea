"""What every payout provider does, in words of no vendor.

Owns the Protocol, its dataclasses and the four ways a call can end. Knows no row: `services`
hands in what to send and writes down what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class ProviderError(Exception):
    """A provider did not do what was asked.

    Args:
        code: short and stable, for the row and the logs; nothing personal, no secret.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RetryableError(ProviderError):
    """Definite: nothing was sent, and the same call may succeed later (a limit, an outage)."""


class SpentKeyError(RetryableError):
    """Definite: nothing was sent, and the provider will answer this key the same way for ever.

    Only a call under a fresh key can succeed.
    """


class PermanentError(ProviderError):
    """Definite: nothing was sent and asking again will not help."""


class UnknownOutcomeError(ProviderError):
    """Nobody knows: no answer came, or one that says nothing. It may have been sent."""


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """Money to send, and the names under which it can be found again."""

    key: str
    """Idempotency key and reference: ``payout:{payout_id}:{attempt}``."""
    group: str
    """The same over all attempts: ``payout:{payout_id}``."""
    amount_minor: int
    currency: str
    """ISO 4217 code."""
    destination: str
    """The receiver's account at the provider."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money a provider has sent."""

    reference: str
    """The provider's own id."""
    key: str
    group: str
    amount_minor: int
    currency: str
    destination: str
    reversed_minor: int = 0


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """An account of a receiver at the provider."""

    reference: str
    is_ready: bool
    """It can take transfers now."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified message of a provider: what it says happened, reduced to what is acted upon."""

    event_id: str
    kind: str
    account: str = ""
    """Set when the message comes from a receiver's account instead of the platform's own."""
    subject: str = ""
    """The receiver's account an ``account.*`` message is about."""
    transfer: Transfer | None = None


class PayoutProvider(Protocol):
    """Sends money to respondents. Every call has a time-out and runs outside of transactions."""

    name: str

    def send(self, order: TransferOrder) -> Transfer:
        """Send money once for the order's key.

        Raises:
            RetryableError, SpentKeyError, PermanentError, UnknownOutcomeError: see there.
        """
        ...

    def look_up(self, order: TransferOrder) -> Transfer | None:
        """Return the transfer made for any attempt of the order's group, or None.

        Raises:
            ProviderError: it could not be looked up; that says nothing about the transfer.
        """
        ...

    def reverse(self, transfer: Transfer, *, key: str) -> Transfer:
        """Take a transfer back in full; once for the key.

        Raises:
            ProviderError: as for `send`.
        """
        ...

    def open_account(self, *, key: str) -> AccountStatus:
        """Open an account for a receiver; once for the key.

        Raises:
            ProviderError: as for `send`.
        """
        ...

    def read_account(self, reference: str) -> AccountStatus:
        """Return how an account stands now.

        Raises:
            ProviderError: it could not be read.
        """
        ...

    def make_onboarding_link(self, reference: str, *, return_url: str, refresh_url: str) -> str:
        """Return an address at the provider where the receiver completes the account.

        Raises:
            ProviderError: none could be made.
        """
        ...

    def read_webhook(self, *, body: bytes, signature: str) -> Notice:
        """Verify a webhook over its raw bytes and return what it says.

        Raises:
            InvalidWebhookError: not signed by the provider, too old, or not readable.
        """
        ...


class InvalidWebhookError(Exception):
    """The message was not signed with our secret, is too old, or is not what it should be."""
