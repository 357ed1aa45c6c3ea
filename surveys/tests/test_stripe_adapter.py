"""Stripe's adapter and the provider in memory keep one contract; what Stripe's errors mean."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from surveys.payments.base import (
    PayoutProvider,
    PermanentError,
    RetryableError,
    SpentKeyError,
    TransferOrder,
    UnknownOutcomeError,
)
from surveys.payments.fake import FakeProvider
from surveys.payments.stripe import StripeProvider
from surveys.tests.stripe_world import TRANSFERS
from tests.fakes.stripe_server import Fault, StripeServer


@pytest.fixture(params=["stripe", "fake"])
def provider(request: pytest.FixtureRequest, stripe_server: StripeServer) -> PayoutProvider:
    """Return each provider with one ready account, ``acct_ready``."""
    if request.param == "fake":
        return FakeProvider()
    stripe_server.add_account("acct_ready")
    return StripeProvider(
        secret_key="sk_test_123",
        webhook_secret=stripe_server.webhook_secret,
        api_base=stripe_server.url,
        timeout_seconds=0.6,
    )


ORDER = TransferOrder("payout:p1:1", "payout:p1", 1550, "USD", "acct_ready")


def test_a_key_sends_once(provider: PayoutProvider) -> None:
    assert provider.look_up(ORDER) is None
    first = provider.send(ORDER)
    assert provider.send(ORDER) == first
    assert (first.amount_minor, first.currency, first.group, first.key) == (
        1550,
        "USD",
        "payout:p1",
        "payout:p1:1",
    )
    assert provider.look_up(replace(ORDER, key="payout:p1:2")) == first


def test_a_key_with_another_amount_is_spent(provider: PayoutProvider) -> None:
    provider.send(ORDER)
    with pytest.raises(SpentKeyError):
        provider.send(replace(ORDER, amount_minor=9))


def test_a_reversal_takes_all_back_once(provider: PayoutProvider) -> None:
    made = provider.send(ORDER)
    for _ in range(2):
        assert provider.reverse(made, key="reverse:p1").reversed_minor == 1550
    found = provider.look_up(ORDER)
    assert found is not None
    assert found.reversed_minor == 1550


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error_before", UnknownOutcomeError),
        ("error_stored", UnknownOutcomeError),
        ("error_after", UnknownOutcomeError),
        ("time_out_after", UnknownOutcomeError),
        ("garbage", UnknownOutcomeError),
        ("in_use", UnknownOutcomeError),
        ("limited", RetryableError),
        ("refused", PermanentError),
    ],
)
def test_what_an_answer_of_stripe_means(
    stripe_server: StripeServer, kind: str, error: type[Exception]
) -> None:
    stripe_server.add_account("acct_ready")
    provider = StripeProvider(
        secret_key="sk_test_123",
        webhook_secret="",
        api_base=stripe_server.url,
        timeout_seconds=0.6,
    )
    stripe_server.faults.append(Fault(TRANSFERS, kind))
    with pytest.raises(error) as raised:
        provider.send(ORDER)
    assert type(raised.value) is error
    assert stripe_server.count("POST", TRANSFERS) == 1


def test_a_replayed_error_and_a_passing_refusal_spend_the_key(
    stripe_server: StripeServer,
) -> None:
    provider = StripeProvider(
        secret_key="sk_test_123",
        webhook_secret="",
        api_base=stripe_server.url,
        timeout_seconds=0.6,
    )
    stripe_server.faults.append(Fault(TRANSFERS, "error_stored"))
    with pytest.raises(UnknownOutcomeError):
        provider.send(ORDER)
    with pytest.raises(SpentKeyError):
        provider.send(ORDER)
    stripe_server.faults.append(Fault(TRANSFERS, "refused", code="balance_insufficient"))
    with pytest.raises(SpentKeyError):
        provider.send(replace(ORDER, key="payout:p1:2"))


def test_nobody_listening_is_an_unknown_outcome() -> None:
    provider = StripeProvider(
        secret_key="sk_test_123",
        webhook_secret="",
        api_base="http://127.0.0.1:9",
        timeout_seconds=0.6,
    )
    with pytest.raises(UnknownOutcomeError):
        provider.send(ORDER)


def test_stripe_is_not_imported_without_need() -> None:
    script = (
        "import django, sys; django.setup(); import surveys.services.sending, surveys.money_urls;"
        "sys.exit('stripe' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
