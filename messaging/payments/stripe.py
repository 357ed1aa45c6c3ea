"""Stripe Checkout behind the payment Protocol. The only module here that imports the library.

A page is a Checkout Session; our payment's id travels as ``client_reference_id`` and in the
metadata. The library's own retries are off: opening again under the same key returns the same
page.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import stripe

from messaging.payments.base import (
    CheckoutOrder,
    CheckoutPage,
    InvalidNoticeError,
    PaymentNotice,
    PaymentProviderError,
    PermanentPaymentError,
    RetryablePaymentError,
)

SIGNATURE_TOLERANCE_SECONDS = 300


class StripeCheckout:
    """Take money with Stripe Checkout.

    Args:
        secret_key: of the platform's account.
        webhook_secret: of the endpoint for orders; without it every webhook is refused.
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

    def open_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        """Create a Checkout Session; see `PaymentProvider.open_checkout`."""
        currency = order.currency.lower()
        params: Any = {
            "mode": "payment",
            "client_reference_id": order.reference,
            "metadata": {"payment": order.reference, "order": order.number},
            "line_items": [
                {
                    "quantity": item.quantity,
                    "price_data": {
                        "currency": currency,
                        "unit_amount": item.unit_minor,
                        "product_data": {"name": item.name},
                    },
                }
                for item in order.items
            ],
            "locale": order.language,
            "success_url": f"{order.return_url}?returned=1",
            "cancel_url": order.return_url,
            "expires_at": int(order.expires_at.timestamp()),
        }
        try:
            made = self._client.v1.checkout.sessions.create(
                params=params, options={"idempotency_key": order.key}
            )
        except stripe.StripeError as error:
            raise _translate(error) from error
        value = made.to_dict()
        return CheckoutPage(
            reference=str(value["id"]),
            url=str(value["url"]),
            expires_at=datetime.fromtimestamp(int(value["expires_at"]), tz=UTC),
        )

    def read_checkout(self, checkout_reference: str) -> PaymentNotice:
        """Retrieve a Checkout Session; see `PaymentProvider.read_checkout`."""
        try:
            found = self._client.v1.checkout.sessions.retrieve(checkout_reference)
        except stripe.StripeError as error:
            raise _translate(error) from error
        return _read_page(found.to_dict(), event_id=f"read:{checkout_reference}", kind="read")

    def close_checkout(self, checkout_reference: str) -> None:
        """Expire a Checkout Session; see `PaymentProvider.close_checkout`."""
        try:
            self._client.v1.checkout.sessions.expire(checkout_reference)
        except stripe.StripeError as error:
            raise _translate(error) from error

    def read_notice(self, *, body: bytes, signature: str) -> PaymentNotice:
        """Verify and read an event; see `PaymentProvider.read_notice`."""
        if not self._webhook_secret:
            raise InvalidNoticeError("no webhook secret is set")
        try:
            stripe.WebhookSignature.verify_header(
                body.decode("utf-8"), signature, self._webhook_secret, SIGNATURE_TOLERANCE_SECONDS
            )
            event = json.loads(body)
            kind = str(event["type"])
            event_id = str(event["id"])
            subject = event["data"]["object"]
            if not kind.startswith("checkout.session."):
                return PaymentNotice(event_id, kind, "", "", "", False, 0, "")
            return _read_page(subject, event_id=event_id, kind=kind)
        except (
            stripe.SignatureVerificationError,
            ValueError,
            RecursionError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            raise InvalidNoticeError("the signature or the body is not valid") from error


def _read_page(value: Any, *, event_id: str, kind: str) -> PaymentNotice:
    metadata = value.get("metadata") or {}
    return PaymentNotice(
        event_id=event_id,
        kind=kind,
        reference=str(value.get("client_reference_id") or metadata.get("payment") or ""),
        checkout_reference=str(value["id"]),
        payment_reference=str(value.get("payment_intent") or ""),
        # A session may be complete and still wait for a slow way to pay.
        is_paid=value.get("payment_status") == "paid",
        amount_minor=int(value.get("amount_total") or 0),
        currency=str(value.get("currency") or "").upper(),
    )


def _translate(error: stripe.StripeError) -> PaymentProviderError:
    """Say whether asking again may help."""
    code = str(error.code or type(error).__name__)[:64]
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError) or status is None:
        return RetryablePaymentError(code)
    if status in (401, 403, 409, 429) or status >= 500:
        return RetryablePaymentError(code)
    return PermanentPaymentError(code)
