"""Parley's own pay page with play money: no outside call, no card, nothing owed."""

from __future__ import annotations

from workflows.billing.base import (
    BillingNotice,
    CheckoutPage,
    InvalidNoticeError,
    PlanOrder,
)


class LocalBilling:
    """Send people to the page of this server."""

    name = "local"

    def open_checkout(self, order: PlanOrder) -> CheckoutPage:
        """Return the local page of the purchase."""
        return CheckoutPage(reference="", url=f"/upgrade/pay/{order.reference}")

    def cancel(self, subscription_reference: str) -> None:
        """Do nothing: play money is charged once."""

    def read_notice(self, *, body: bytes, signature: str) -> BillingNotice:
        """Refuse: the local page sends no webhooks.

        Raises:
            InvalidNoticeError: always.
        """
        raise InvalidNoticeError("the local page sends no webhooks")
