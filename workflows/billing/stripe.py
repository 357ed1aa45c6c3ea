"""Stripe Checkout in subscription mode behind the billing Protocol.

The only module of this app that imports the library. Our purchase's id travels as
``client_reference_id``, in the metadata of the session and of the subscription, and is the
idempotency key; the library's own retries are off.
"""

from __future__ import annotations

import json
from typing import Any

import stripe

from workflows.billing.base import (
    BillingError,
    BillingNotice,
    CheckoutPage,
    InvalidNoticeError,
    NoticeKind,
    PermanentBillingError,
    PlanOrder,
    RetryableBillingError,
)

SIGNATURE_TOLERANCE_SECONDS = 300
GONE = "resource_missing"


class StripeBilling:
    """Take a month's price with Stripe Checkout, again each month.

    Args:
        secret_key: of the platform's account.
        webhook_secret: of the endpoint for plans; without it every webhook is refused.
        api_base: where Stripe answers; a loopback fake in the tests.
        timeout_seconds: for each call.
    """

    name = "stripe"

    def __init__(
        self, *, secret_key: str, webhook_secret: str, api_base: str, timeout_seconds: float
    ) -> None:
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base.rstrip("/")},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout_seconds),
        )

    def open_checkout(self, order: PlanOrder) -> CheckoutPage:
        """Create a Checkout Session; see `PlanBilling.open_checkout`."""
        metadata = {"purchase": order.reference}
        params: Any = {
            "mode": "subscription",
            "client_reference_id": order.reference,
            "customer_email": order.email,
            "metadata": metadata,
            "subscription_data": {"metadata": metadata},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": order.currency.lower(),
                        "unit_amount": order.amount_minor,
                        "recurring": {"interval": "month"},
                        "product_data": {"name": order.plan_name},
                    },
                }
            ],
            "success_url": f"{order.return_url}?returned=1",
            "cancel_url": order.return_url,
        }
        try:
            made = self._client.v1.checkout.sessions.create(
                params=params, options={"idempotency_key": order.reference}
            )
        except stripe.StripeError as error:
            raise _translate(error) from error
        value = made.to_dict()
        return CheckoutPage(reference=str(value["id"]), url=str(value["url"]))

    def cancel(self, subscription_reference: str) -> None:
        """Cancel a subscription at once; see `PlanBilling.cancel`."""
        try:
            self._client.v1.subscriptions.cancel(subscription_reference)
        except stripe.StripeError as error:
            if error.code == GONE:
                return
            raise _translate(error) from error

    def read_notice(self, *, body: bytes, signature: str) -> BillingNotice:
        """Verify and read an event; see `PlanBilling.read_notice`."""
        if not self._webhook_secret:
            raise InvalidNoticeError("no webhook secret is set")
        try:
            stripe.WebhookSignature.verify_header(
                body.decode("utf-8"), signature, self._webhook_secret, SIGNATURE_TOLERANCE_SECONDS
            )
            event = json.loads(body)
            return _read_event(str(event["id"]), str(event["type"]), event["data"]["object"])
        except (
            stripe.SignatureVerificationError,
            ValueError,
            RecursionError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            raise InvalidNoticeError("the signature or the body is not valid") from error


def _read_event(event_id: str, event_type: str, subject: Any) -> BillingNotice:
    metadata = subject.get("metadata") or {}
    if event_type.startswith("checkout.session."):
        kind = NoticeKind.OTHER
        # A session may be complete and still wait for a slow way to pay.
        if subject.get("payment_status") == "paid":
            kind = NoticeKind.PAID
        elif event_type == "checkout.session.expired":
            kind = NoticeKind.EXPIRED
        return BillingNotice(
            event_id=event_id,
            event_type=event_type,
            kind=kind,
            reference=str(subject.get("client_reference_id") or metadata.get("purchase") or ""),
            checkout_reference=str(subject["id"]),
            subscription_reference=str(subject.get("subscription") or ""),
            amount_minor=int(subject.get("amount_total") or 0),
            currency=str(subject.get("currency") or "").upper(),
        )
    if event_type == "customer.subscription.deleted":
        return BillingNotice(
            event_id=event_id,
            event_type=event_type,
            kind=NoticeKind.ENDED,
            reference=str(metadata.get("purchase") or ""),
            subscription_reference=str(subject["id"]),
        )
    return BillingNotice(event_id=event_id, event_type=event_type, kind=NoticeKind.OTHER)


def _translate(error: stripe.StripeError) -> BillingError:
    """Say whether asking again may help."""
    code = str(error.code or type(error).__name__)[:64]
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError) or status is None:
        return RetryableBillingError(code)
    if status in (401, 403, 409, 429) or status >= 500:
        return RetryableBillingError(code)
    return PermanentBillingError(code)
