"""What every way to pay an order does, in words of no vendor.

Owns the Protocol, its dataclasses and errors. Knows no row. Only a `PaymentNotice` a provider has
vouched for, or the local page, makes an order paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class PaymentProviderError(Exception):
    """A provider did not do what was asked.

    Args:
        code: short and stable, for logs; nothing personal, no secret.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RetryablePaymentError(PaymentProviderError):
    """It may work later: an outage, a limit, no answer. Opening a page twice charges nobody."""


class PermanentPaymentError(PaymentProviderError):
    """Asking again will not help."""


class InvalidNoticeError(Exception):
    """The message was not signed with our secret, is too old, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class CheckoutItem:
    """A line as the provider's page shows it."""

    name: str
    quantity: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What is to be paid."""

    reference: str
    """Public id of our payment; comes back in every notice."""
    key: str
    """Idempotency key: the same key opens the same page."""
    number: str
    items: tuple[CheckoutItem, ...]
    total_minor: int
    currency: str
    """ISO 4217 code."""
    language: str
    return_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """A provider's page on which somebody pays."""

    reference: str
    """The provider's id of the page."""
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """What a provider vouches for: a page was paid, or was not."""

    event_id: str
    kind: str
    reference: str
    """Public id of our payment; empty when the notice is about something else."""
    checkout_reference: str
    payment_reference: str
    is_paid: bool
    amount_minor: int
    currency: str


class PaymentProvider(Protocol):
    """Takes money for orders. Every call has a time-out and runs outside of transactions."""

    name: str

    def open_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Open a page to pay an order on; once for the order's key.

        Raises:
            RetryablePaymentError, PermanentPaymentError: see there.
        """
        ...

    def read_checkout(self, checkout_reference: str) -> PaymentNotice:
        """Return how a page stands now, for notices that never came.

        Raises:
            PaymentProviderError: it could not be read.
        """
        ...

    def close_checkout(self, checkout_reference: str) -> None:
        """Close a page so that nobody pays on it any more; one that is closed stays so.

        Raises:
            PaymentProviderError: it could not be closed, perhaps because it was just paid.
        """
        ...

    def read_notice(self, *, body: bytes, signature: str) -> PaymentNotice:
        """Verify a webhook over its raw bytes and return what it says.

        Raises:
            InvalidNoticeError: not signed by the provider, too old, or not readable.
        """
        ...
