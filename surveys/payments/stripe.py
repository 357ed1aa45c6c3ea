"""Stripe Connect behind the payout Protocol. The only module that imports the library.

Pay is a Transfer to the respondent's connected account. Repeating is decided by our rows, so the
library's own retries are off. How an answer is read follows Stripe's rules of idempotency: under
one key the first stored answer is replayed, an error of the server included; limits and keys in
use are not stored.
"""

from __future__ import annotations

import json
from typing import Any

import stripe

from surveys.payments.base import (
    AccountStatus,
    InvalidWebhookError,
    Notice,
    PermanentError,
    ProviderError,
    RetryableError,
    SpentKeyError,
    Transfer,
    TransferOrder,
    UnknownOutcomeError,
)

#: Refusals that pass by themselves, though Stripe stores them under the key.
_PASSING_CODES = frozenset({"balance_insufficient", "transfers_not_allowed"})


class StripeProvider:
    """Send pay with Stripe.

    Args:
        secret_key: of the platform's account.
        webhook_secret: of the endpoint; without it every webhook is refused.
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

    def send(self, order: TransferOrder) -> Transfer:
        """Make a Transfer; see `PayoutProvider.send`."""
        try:
            made = self._client.v1.transfers.create(
                params={
                    "amount": order.amount_minor,
                    "currency": order.currency.lower(),
                    "destination": order.destination,
                    "transfer_group": order.group,
                    "metadata": {"reference": order.key},
                },
                options={"idempotency_key": order.key},
            )
        except stripe.StripeError as error:
            raise _translate(error) from error
        return _read_transfer(made)

    def look_up(self, order: TransferOrder) -> Transfer | None:
        """Search the order's transfer group; see `PayoutProvider.look_up`."""
        try:
            found = self._client.v1.transfers.list(
                params={"transfer_group": order.group, "limit": 10}
            )
        except stripe.StripeError as error:
            raise _translate(error) from error
        return _read_transfer(found.data[0]) if found.data else None

    def reverse(self, transfer: Transfer, *, key: str) -> Transfer:
        """Reverse a Transfer in full; see `PayoutProvider.reverse`."""
        try:
            self._client.v1.transfers.reversals.create(
                transfer.reference,
                params={"amount": transfer.amount_minor},
                options={"idempotency_key": key},
            )
            return _read_transfer(self._client.v1.transfers.retrieve(transfer.reference))
        except stripe.StripeError as error:
            raise _translate(error) from error

    def open_account(self, *, key: str) -> AccountStatus:
        """Open an Express account that can only receive; see `PayoutProvider.open_account`."""
        try:
            opened = self._client.v1.accounts.create(
                params={
                    "type": "express",
                    "capabilities": {"transfers": {"requested": True}},
                },
                options={"idempotency_key": key},
            )
        except stripe.StripeError as error:
            raise _translate(error) from error
        return _read_account(opened)

    def read_account(self, reference: str) -> AccountStatus:
        """Return how a connected account stands; see `PayoutProvider.read_account`."""
        try:
            return _read_account(self._client.v1.accounts.retrieve(reference))
        except stripe.StripeError as error:
            raise _translate(error) from error

    def make_onboarding_link(self, reference: str, *, return_url: str, refresh_url: str) -> str:
        """Return an account link; see `PayoutProvider.make_onboarding_link`."""
        try:
            link = self._client.v1.account_links.create(
                params={
                    "account": reference,
                    "type": "account_onboarding",
                    "return_url": return_url,
                    "refresh_url": refresh_url,
                }
            )
        except stripe.StripeError as error:
            raise _translate(error) from error
        return str(link.url)

    def read_webhook(self, *, body: bytes, signature: str) -> Notice:
        """Verify and read an event; see `PayoutProvider.read_webhook`."""
        if not self._webhook_secret:
            raise InvalidWebhookError("no webhook secret is set")
        try:
            stripe.WebhookSignature.verify_header(
                body.decode("utf-8"), signature, self._webhook_secret, 300
            )
            event = json.loads(body)
        except (stripe.SignatureVerificationError, ValueError, RecursionError) as error:
            raise InvalidWebhookError("the signature or the body is not valid") from error
        return _read_event(event)


def _translate(error: stripe.StripeError) -> ProviderError:
    """Say what an error means for the money."""
    code = str(error.code or type(error).__name__)[:64]
    headers = error.headers or {}
    was_replayed = str(headers.get("Idempotent-Replayed", "")).lower() == "true"
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError) or status is None:
        return UnknownOutcomeError(code)
    if status == 409:
        # The first call under this key has not ended yet.
        return UnknownOutcomeError(code)
    if status == 429 or status in (401, 403):
        return RetryableError(code)
    if isinstance(error, stripe.IdempotencyError):
        return SpentKeyError(code)
    if status >= 500:
        # A stored error of the server is how the first call ended; a fresh one says nothing.
        return SpentKeyError(code) if was_replayed else UnknownOutcomeError(code)
    if status < 400:
        return UnknownOutcomeError(code)
    return SpentKeyError(code) if code in _PASSING_CODES else PermanentError(code)


def _read_transfer(made: Any) -> Transfer:
    value = made if isinstance(made, dict) else made.to_dict()
    return Transfer(
        reference=str(value["id"]),
        key=str((value.get("metadata") or {}).get("reference", "")),
        group=str(value.get("transfer_group") or ""),
        amount_minor=int(value["amount"]),
        currency=str(value["currency"]).upper(),
        destination=str(value.get("destination") or ""),
        reversed_minor=int(value.get("amount_reversed") or 0),
    )


def _read_account(opened: Any) -> AccountStatus:
    value = opened if isinstance(opened, dict) else opened.to_dict()
    capabilities = value.get("capabilities") or {}
    return AccountStatus(
        reference=str(value["id"]), is_ready=capabilities.get("transfers") == "active"
    )


def _read_event(event: Any) -> Notice:
    """Reduce a verified event to what is acted upon.

    Raises:
        InvalidWebhookError: it is not shaped like an event.
    """
    try:
        kind, subject = str(event["type"]), event["data"]["object"]
        return Notice(
            event_id=str(event["id"]),
            kind=kind,
            account=str(event.get("account") or ""),
            subject=str(subject["id"]) if kind.startswith("account.") else "",
            transfer=_read_transfer(subject) if kind.startswith("transfer.") else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidWebhookError("the body is not an event") from error
