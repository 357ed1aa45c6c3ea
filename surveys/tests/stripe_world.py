"""Payouts on their way through a loopback Stripe, for the tests of sending and of webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from surveys.models import Payout, Wallet
from surveys.models.wallets import Withdrawal
from surveys.services import sending
from surveys.tests.money_world import (
    complete,
    connect_account,
    make_paid_company,
    make_response,
    make_survey,
)
from tests.fakes.stripe_server import StripeServer

TRANSFERS = "/v1/transfers"


@pytest.fixture
def stripe_server(settings: Any) -> Iterator[StripeServer]:
    """Run the fake and point the settings at it."""
    with StripeServer() as server:
        settings.STRIPE_SECRET_KEY = "sk_test_123"
        settings.STRIPE_WEBHOOK_SECRET = server.webhook_secret
        settings.STRIPE_API_BASE = server.url
        settings.STRIPE_TIMEOUT_SECONDS = 0.6
        settings.PAYOUT_PROVIDER = "stripe"
        yield server


def owe(server: StripeServer, amount: int = 1550, *, connected: bool = True) -> Payout:
    """Complete an answer whose pay goes through Stripe."""
    response = make_response(make_survey(make_paid_company()))
    if connected:
        server.add_account(connect_account(response.wallet))
    payout = complete(response, amount)
    assert payout is not None
    return payout


def send_again() -> int:
    """Let the waiting time of everything pass and send what is due."""
    past = clock.now() - timedelta(seconds=1)
    Payout.objects.exclude(next_attempt_at=None).update(next_attempt_at=past)
    Withdrawal.objects.exclude(next_attempt_at=None).update(next_attempt_at=past)
    return sending.send_due()


def state_of(payout: Payout) -> str:
    payout.refresh_from_db()
    return payout.state


def add_unready_account(server: StripeServer, wallet: Wallet) -> str:
    reference = connect_account(wallet, is_ready=False)
    server.add_account(reference, is_ready=False)
    return reference


def post_event(
    client: Client, server: StripeServer, body: bytes, signature: str | None = None
) -> int:
    answer = client.post(
        "/webhook/stripe",
        body,
        content_type="application/json",
        headers={"Stripe-Signature": server.sign(body) if signature is None else signature},
    )
    return answer.status_code
