"""Payouts through Stripe's adapter against a loopback fake with memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.jobs.testing import drain
from surveys.models import AccountCode, Payout, PayoutState, Wallet
from surveys.models.payouts import ProviderAccount
from surveys.models.wallets import Withdrawal, WithdrawalState
from surveys.payments.base import (
    TransferOrder,
)
from surveys.payments.stripe import StripeProvider
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import provider_events, review, sending, wallets
from surveys.services.payouts import payment_view
from surveys.tests.money_world import (
    balance,
    books,
    complete,
    connect_account,
    make_paid_company,
    make_response,
    make_survey,
    run_in_threads,
)
from surveys.tests.stripe_world import (
    TRANSFERS,
    add_unready_account,
    owe,
    post_event,
    send_again,
    state_of,
)
from tests.fakes.stripe_server import Fault, StripeServer

pytestmark = pytest.mark.django_db


# --- sending ----------------------------------------------------------------------------------


def test_a_payout_is_sent_by_the_nudged_job(stripe_server: StripeServer) -> None:
    payout = owe(stripe_server)
    assert state_of(payout) == PayoutState.APPROVED
    assert payment_view(payout.response).payment_status == "pending"
    provider_events_before = stripe_server.count("POST", TRANSFERS)
    drain()
    sending.send_due()
    assert state_of(payout) == PayoutState.PAID
    assert provider_events_before == 0
    (made,) = stripe_server.transfers.values()
    assert payout.provider_reference == made["id"]
    assert (made["amount"], made["currency"], made["transfer_group"]) == (
        1550,
        "usd",
        f"payout:{payout.public_id}",
    )
    assert made["metadata"]["reference"] == f"payout:{payout.public_id}:1"
    assert stripe_server.requests[0][2] == f"payout:{payout.public_id}:1"
    assert books(payout.response.survey)["paid"] == 1550
    assert balance(AccountCode.WALLET, wallet=payout.wallet) == 0
    assert payment_view(payout.response).message == "Thank you! You've earned $15.50"
    assert verify_ledger() == []
    assert sending.send_due() == 0


@pytest.mark.parametrize(
    ("kind", "attempt"),
    [
        ("error_before", 1),
        ("error_after", 1),
        ("time_out_after", 1),
        ("garbage", 1),
        ("in_use", 1),
        ("limited", 1),
    ],
)
def test_one_fault_makes_one_transfer_in_the_end(
    stripe_server: StripeServer, kind: str, attempt: int
) -> None:
    payout = owe(stripe_server)
    stripe_server.faults.append(Fault(TRANSFERS, kind))
    sending.send_due()
    assert state_of(payout) == PayoutState.SENDING
    assert payout.next_attempt_at is not None
    assert payout.next_attempt_at > clock.now()
    assert sending.send_due() == 0
    assert send_again() == 1
    assert state_of(payout) == PayoutState.PAID
    assert payout.attempt == attempt
    assert len(stripe_server.transfers) == 1
    assert verify_ledger() == []


def test_a_time_out_after_the_transfer_is_found_by_looking_up(
    stripe_server: StripeServer,
) -> None:
    payout = owe(stripe_server)
    stripe_server.faults.append(Fault(TRANSFERS, "time_out_after"))
    sending.send_due()
    send_again()
    assert state_of(payout) == PayoutState.PAID
    assert stripe_server.count("POST", TRANSFERS) == 1
    assert stripe_server.count("GET", TRANSFERS) == 1


def test_a_stored_server_error_gets_a_fresh_key_after_a_look_up(
    stripe_server: StripeServer,
) -> None:
    payout = owe(stripe_server)
    stripe_server.faults.append(Fault(TRANSFERS, "error_stored"))
    sending.send_due()
    assert state_of(payout) == PayoutState.SENDING
    assert payout.attempt == 1
    send_again()
    assert (state_of(payout), payout.attempt) == (PayoutState.SENDING, 2)
    send_again()
    assert (state_of(payout), payout.attempt) == (PayoutState.PAID, 2)
    keys = [key for method, _, key in stripe_server.requests if method == "POST"]
    assert keys == [f"payout:{payout.public_id}:{number}" for number in (1, 1, 2)]
    assert len(stripe_server.transfers) == 1
    assert verify_ledger() == []


@pytest.mark.parametrize("code", ["balance_insufficient", "account_invalid"])
def test_a_refusal_is_not_believed_while_the_provider_has_the_transfer(
    stripe_server: StripeServer, code: str
) -> None:
    payout = owe(stripe_server)
    stripe_server.faults.append(Fault(TRANSFERS, "refused_after", code=code))
    sending.send_due()
    assert (state_of(payout), payout.attempt) == (PayoutState.PAID, 1)
    assert len(stripe_server.transfers) == 1
    assert verify_ledger() == []


def test_a_look_up_that_fails_never_raises_the_attempt(stripe_server: StripeServer) -> None:
    payout = owe(stripe_server)
    stripe_server.faults.append(Fault(TRANSFERS, "error_stored"))
    sending.send_due()
    stripe_server.faults.append(Fault(TRANSFERS, "error_before", method="GET"))
    send_again()
    assert (state_of(payout), payout.attempt) == (PayoutState.SENDING, 1)
    assert stripe_server.count("POST", TRANSFERS) == 1


def test_an_empty_platform_balance_waits_and_uses_fresh_keys(
    stripe_server: StripeServer,
) -> None:
    payout = owe(stripe_server)
    for _ in range(2):
        stripe_server.faults.append(Fault(TRANSFERS, "refused", code="balance_insufficient"))
        send_again()
    assert (state_of(payout), payout.attempt) == (PayoutState.SENDING, 3)
    assert payout.last_error_code == "balance_insufficient"
    send_again()
    assert state_of(payout) == PayoutState.PAID
    assert len(stripe_server.transfers) == 1


def test_a_refusal_for_good_fails_and_gives_the_money_back(
    stripe_server: StripeServer, ana: Any
) -> None:
    payout = owe(stripe_server)
    stripe_server.faults.append(Fault(TRANSFERS, "refused", code="account_invalid"))
    sending.send_due()
    assert state_of(payout) == PayoutState.FAILED
    assert payout.last_error_code == "account_invalid"
    assert books(payout.response.survey)["budget"] == 48_000
    view = payment_view(payout.response)
    assert (view.payment_status, view.amount_minor) == ("failed", 0)
    assert verify_ledger() == []
    assert send_again() == 0
    review.retry_failed(payout=payout, actor=ana)
    send_again()
    assert (state_of(payout), payout.attempt) == (PayoutState.PAID, 2)
    assert len(stripe_server.transfers) == 1
    assert verify_ledger() == []


def test_a_row_found_in_sending_is_looked_up_before_anything_is_sent(
    stripe_server: StripeServer,
) -> None:
    payout = owe(stripe_server)
    order = TransferOrder(
        f"payout:{payout.public_id}:1",
        f"payout:{payout.public_id}",
        1550,
        "USD",
        f"acct_{payout.wallet.public_id}",
    )
    # What a worker killed between the provider's answer and its own write leaves behind.
    StripeProvider(
        secret_key="sk_test_123",
        webhook_secret="",
        api_base=stripe_server.url,
        timeout_seconds=2,
    ).send(order)
    Payout.objects.update(state=PayoutState.SENDING, try_count=1)
    send_again()
    assert state_of(payout) == PayoutState.PAID
    assert stripe_server.count("POST", TRANSFERS) == 1
    assert len(stripe_server.transfers) == 1


@pytest.mark.django_db(transaction=True)
def test_many_senders_send_each_payout_once(stripe_server: StripeServer) -> None:
    rows = [owe(stripe_server, 1000 + number) for number in range(4)]
    results = run_in_threads(8, lambda _: sending.send_due())
    assert all(isinstance(one, int) for one in results), results
    assert [state_of(row) for row in rows] == ["paid"] * 4
    assert len(stripe_server.transfers) == 4
    assert stripe_server.count("POST", TRANSFERS) == 4
    assert verify_ledger() == []


def test_without_its_key_a_provider_is_left_alone_and_the_payout_waits(
    stripe_server: StripeServer, settings: Any
) -> None:
    payout = owe(stripe_server)
    settings.STRIPE_SECRET_KEY = ""
    assert sending.send_due() == 0
    assert state_of(payout) == PayoutState.APPROVED
    settings.STRIPE_SECRET_KEY = "sk_test_123"
    assert sending.send_due() == 1
    assert state_of(payout) == PayoutState.PAID


def test_a_payout_that_was_cancelled_is_not_sent(stripe_server: StripeServer, ana: Any) -> None:
    payout = owe(stripe_server)
    review.cancel(payout=payout, actor=ana, reason="Test run")
    assert send_again() == 0
    assert stripe_server.requests == []


# --- unclaimed --------------------------------------------------------------------------------


def test_pay_without_an_account_waits_until_it_is_claimed(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server, connected=False)
    sending.send_due()
    assert state_of(payout) == PayoutState.UNCLAIMED
    view = payment_view(payout.response)
    assert view.payment_status == "pending"
    assert stripe_server.count("POST", TRANSFERS) == 0
    reference = add_unready_account(stripe_server, payout.wallet)
    stripe_server.finish_onboarding(reference)
    body = stripe_server.event("account.updated", {"id": reference}, account=reference)
    assert post_event(client, stripe_server, body) == 200
    provider_events.handle_events()
    assert state_of(payout) == PayoutState.APPROVED
    send_again()
    assert state_of(payout) == PayoutState.PAID
    assert len(stripe_server.transfers) == 1
    assert verify_ledger() == []


def test_a_lost_webhook_is_made_up_for(stripe_server: StripeServer) -> None:
    payout = owe(stripe_server, connected=False)
    sending.send_due()
    reference = add_unready_account(stripe_server, payout.wallet)
    stripe_server.finish_onboarding(reference)
    assert sending.wake_unclaimed() == 0
    ProviderAccount.objects.update(is_ready=True)
    assert sending.wake_unclaimed() == 1
    send_again()
    assert state_of(payout) == PayoutState.PAID


def test_pay_nobody_claims_goes_back(stripe_server: StripeServer) -> None:
    payout = owe(stripe_server, connected=False)
    sending.send_due()
    Payout.objects.update(updated_at=clock.now() - timedelta(days=91))
    assert sending.wake_unclaimed() == 1
    assert state_of(payout) == PayoutState.FAILED
    assert payout.last_error_code == "never_claimed"
    assert books(payout.response.survey)["budget"] == 48_000
    assert verify_ledger() == []


def test_connecting_over_http(stripe_server: StripeServer, client: Client) -> None:
    from core.tokens import mint

    receipt = mint("rt_").plain
    response = make_response(make_survey(make_paid_company()), receipt=receipt)
    payout = complete(response, 1550)
    assert payout is not None
    sending.send_due()
    headers = {"Authorization": f"Bearer {receipt}"}
    waiting = client.get("/api/wallet", headers=headers).json()
    assert waiting["waiting"] == [{"currency": "USD", "amount": 15.5, "is_play_money": False}]
    for _ in range(2):
        answer = client.post("/api/wallet/connect", headers=headers)
        assert answer.status_code == 200
    (reference,) = stripe_server.accounts
    assert answer.json()["url"] == f"{stripe_server.url}/onboard/{reference}"
    assert client.post("/api/wallet/connect/refresh", headers=headers).json() == {"is_ready": False}
    stripe_server.finish_onboarding(reference)
    assert client.post("/api/wallet/connect/refresh", headers=headers).json() == {"is_ready": True}
    send_again()
    assert state_of(payout) == PayoutState.PAID
    stripe_server.faults.append(
        Fault("/v1/account_links", "error_before"),
    )
    down = client.post("/api/wallet/connect", headers=headers)
    assert (down.status_code, down.json()["code"]) == (503, "provider_unavailable")


# --- withdrawals ------------------------------------------------------------------------------


def real_credit(server: StripeServer, settings: Any, amount: int = 1550) -> Wallet:
    """Credit a wallet with real money: pay lands in wallets, Stripe is for withdrawing."""
    settings.PAYOUT_PROVIDER = "local"
    response = make_response(make_survey(make_paid_company()))
    server.add_account(connect_account(response.wallet))
    assert complete(response, amount) is not None
    return response.wallet


def withdraw(wallet: Wallet, amount: int = 1000) -> Withdrawal:
    return wallets.withdraw(
        wallet=wallet,
        amount_minor=amount,
        currency="USD",
        provider="stripe",
        idempotency_key="k1",
    )


@pytest.mark.parametrize("kind", ["", "time_out_after", "error_before", "error_after"])
def test_a_withdrawal_is_sent_once(stripe_server: StripeServer, settings: Any, kind: str) -> None:
    wallet = real_credit(stripe_server, settings)
    taken = withdraw(wallet)
    assert taken.state == WithdrawalState.REQUESTED
    assert balance(AccountCode.WALLET, wallet=wallet) == 550
    if kind:
        stripe_server.faults.append(Fault(TRANSFERS, kind))
        send_again()
    send_again()
    taken.refresh_from_db()
    assert taken.state == WithdrawalState.PAID
    assert len(stripe_server.transfers) == 1
    assert balance(AccountCode.PAID, wallet=wallet) == 1000
    assert verify_ledger() == []


def test_a_refused_withdrawal_gives_the_credit_back(
    stripe_server: StripeServer, settings: Any
) -> None:
    wallet = real_credit(stripe_server, settings)
    taken = withdraw(wallet)
    stripe_server.faults.append(Fault(TRANSFERS, "refused", code="account_invalid"))
    send_again()
    taken.refresh_from_db()
    assert (taken.state, taken.last_error_code) == (WithdrawalState.FAILED, "account_invalid")
    assert balance(AccountCode.WALLET, wallet=wallet) == 1550
    assert verify_ledger() == []


def test_a_withdrawal_needs_a_ready_account(stripe_server: StripeServer, settings: Any) -> None:
    wallet = real_credit(stripe_server, settings)
    ProviderAccount.objects.update(is_ready=False)
    from core.errors import ConflictError

    with pytest.raises(ConflictError) as refused:
        withdraw(wallet)
    assert refused.value.code == "provider_account_missing"
    assert balance(AccountCode.WALLET, wallet=wallet) == 1550


# --- reversal ---------------------------------------------------------------------------------


def test_reversing_goes_through_stripe_first(stripe_server: StripeServer, ana: Any) -> None:
    from core.errors import UnavailableError

    payout = owe(stripe_server)
    sending.send_due()
    payout.refresh_from_db()
    path = f"/v1/transfers/{payout.provider_reference}/reversals"
    stripe_server.faults.append(Fault(path, "time_out_after"))
    with pytest.raises(UnavailableError):
        review.reverse_paid(payout=payout, actor=ana, reason="Paid by mistake.")
    assert state_of(payout) == PayoutState.PAID
    assert review.reverse_paid(payout=payout, actor=ana, reason="Mistake").state == "reversed"
    (made,) = stripe_server.transfers.values()
    assert made["amount_reversed"] == 1550
    assert books(payout.response.survey)["budget"] == 48_000
    assert verify_ledger() == []
