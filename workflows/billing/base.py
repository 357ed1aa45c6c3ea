"""What every way to pay for a plan does, in words of no vendor.

Owns the Protocol, its dataclasses and errors. Knows no row. A plan becomes active by a
`BillingNotice` the provider has vouched for, or by the local page; never by a returning browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class BillingError(Exception):
    """A provider did not do what was asked.

    Args:
        code: short and stable, for rows and logs; nothing personal, no secret.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RetryableBillingError(BillingError):
    """It may work later: an outage, a limit, no answer. Opening a page twice charges nobody."""


class PermanentBillingError(BillingError):
    """Asking again will not help."""


class InvalidNoticeError(Exception):
    """The message was not signed with our secret, is too old, or is not what it should be."""


class NoticeKind(StrEnum):
    """What a message means for us."""

    PAID = "paid"
    EXPIRED = "expired"
    ENDED = "ended"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """A plan somebody wants to pay for, month by month."""

    reference: str
    """Public id of our purchase; comes back in the notices. Also the idempotency key."""
    plan_name: str
    amount_minor: int
    currency: str
    """ISO 4217 code."""
    email: str
    return_url: str


@dataclass(frozen=True, slots=True)
class CheckoutPage:
    """A page on which somebody pays."""

    reference: str
    """The provider's id of the page; empty for the local one."""
    url: str


@dataclass(frozen=True, slots=True)
class BillingNotice:
    """What a provider vouches for, reduced to what is acted upon."""

    event_id: str
    event_type: str
    kind: NoticeKind
    reference: str = ""
    """Public id of our purchase, where the message carries it."""
    checkout_reference: str = ""
    subscription_reference: str = ""
    amount_minor: int = 0
    currency: str = ""


class PlanBilling(Protocol):
    """Takes money for plans. Every call has a time-out and runs outside of transactions."""

    name: str

    def open_checkout(self, order: PlanOrder) -> CheckoutPage:
        """Open a page to pay on; once for the order's reference.

        Raises:
            RetryableBillingError, PermanentBillingError: see there.
        """
        ...

    def cancel(self, subscription_reference: str) -> None:
        """Stop charging for a subscription; one that has ended stays so.

        Raises:
            RetryableBillingError, PermanentBillingError: see there.
        """
        ...

    def read_notice(self, *, body: bytes, signature: str) -> BillingNotice:
        """Verify a webhook over its raw bytes and return what it says.

        Raises:
            InvalidNoticeError: not signed by the provider, too old, or not readable.
        """
        ...
