from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import make_user
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.tokens import digest, mint
from surveys.models import AccountCode, LedgerTransaction, Payout, Wallet, Withdrawal
from surveys.models.wallets import WithdrawalState
from surveys.selectors import money
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import payouts, settlements, wallets
from surveys.services.ledger import InsufficientFundsError
from surveys.tests.money_world import (
    balance,
    complete,
    connect_account,
    make_paid_company,
    make_response,
    make_survey,
    run_in_threads,
)

pytestmark = pytest.mark.django_db


def earn(amount: int = 1550, *, is_demo: bool = True, **fields: Any) -> tuple[Wallet, str]:
    """Let somebody earn an amount; return their wallet and the receipt that opens it."""
    receipt = mint("rt_").plain
    survey = make_survey(make_paid_company(is_demo=is_demo))
    response = make_response(survey, receipt=receipt, **fields)
    assert complete(response, amount) is not None
    return response.wallet, receipt


def credit(wallet: Wallet) -> int:
    return balance(AccountCode.WALLET, wallet=wallet)


# --- whose ------------------------------------------------------------------------------------


def test_each_kind_of_owner_has_one_wallet(vera: User) -> None:
    assert wallets.open_wallet().pk != wallets.open_wallet().pk
    signed = wallets.open_wallet(signed_user_hash="a" * 64)
    assert wallets.open_wallet(signed_user_hash="a" * 64) == signed
    own = wallets.open_wallet(user=vera)
    assert wallets.open_wallet(user=vera) == own
    response = make_response(make_survey(make_paid_company()))
    assert wallets.open_wallet(receipt=response) == response.wallet


@pytest.mark.django_db(transaction=True)
def test_one_signed_user_in_many_threads_has_one_wallet() -> None:
    results = run_in_threads(12, lambda _: wallets.open_wallet(signed_user_hash="b" * 64).public_id)
    assert len(set(results)) == 1
    assert Wallet.objects.count() == 1


def test_a_receipt_opens_its_wallet_until_it_expires() -> None:
    wallet, receipt = earn()
    assert wallets.wallet_by_receipt(digest(receipt)) == wallet
    with pytest.raises(NotFoundError):
        wallets.wallet_by_receipt(digest("rt_other"))
    Payout.objects.get().response.__class__.objects.update(
        receipt_expires_at="2020-01-01T00:00:00Z"
    )
    with pytest.raises(NotFoundError):
        wallets.wallet_by_receipt(digest(receipt))


def test_attaching_to_an_account_without_a_wallet_keeps_the_wallet(vera: User) -> None:
    wallet, _ = earn()
    assert wallets.attach_wallet(wallet=wallet, user=vera) == wallet
    wallet.refresh_from_db()
    assert wallet.user == vera
    assert LedgerTransaction.objects.filter(kind="wallets_merged").count() == 0


def test_attaching_a_second_wallet_moves_its_credit(vera: User) -> None:
    first, _ = earn(1550)
    second, receipt = earn(1000)
    wallets.attach_wallet(wallet=first, user=vera)
    for _ in range(2):
        assert wallets.attach_wallet(wallet=second, user=vera) == first
    assert (credit(first), credit(second)) == (2550, 0)
    second.refresh_from_db()
    assert second.merged_into == first
    assert wallets.wallet_by_receipt(digest(receipt)) == first
    assert [line.amount_minor for line in money.history_of(first)] == [1000, 1550]
    assert verify_ledger() == []


def test_somebody_elses_wallet_stays_theirs(vera: User) -> None:
    wallet, _ = earn()
    wallets.attach_wallet(wallet=wallet, user=vera)
    other = make_user("other@example.test")
    with pytest.raises(ConflictError) as refused:
        wallets.attach_wallet(wallet=wallet, user=other)
    assert refused.value.code == "wallet_of_another_account"
    wallet.refresh_from_db()
    assert wallet.user == vera


def test_pay_that_comes_after_a_merge_goes_to_the_account(vera: User) -> None:
    own, _ = earn(1000)
    wallets.attach_wallet(wallet=own, user=vera)
    survey = make_survey(make_paid_company(is_demo=True))
    from agents.interview.types import FlagKind

    late = make_response(survey)
    held = complete(late, 1500, flags=(FlagKind.LOW_EFFORT,))
    wallets.attach_wallet(wallet=late.wallet, user=vera)
    assert held is not None
    payouts.approve_payout(payout=held, actor=None)
    assert (credit(own), credit(late.wallet)) == (2500, 0)
    assert settlements.settle_reversed(payout=held, reason="mistake") is True
    assert credit(own) == 1000
    assert verify_ledger() == []


def test_play_money_and_real_credit_stay_apart_in_a_merge(vera: User, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    play, _ = earn(1000, is_demo=True)
    real, _ = earn(700, is_demo=False)
    wallets.attach_wallet(wallet=play, user=vera)
    wallets.attach_wallet(wallet=real, user=vera)
    assert [(one.amount_minor, one.is_play_money) for one in money.balances_of(play)] == [
        (700, False),
        (1000, True),
    ]


# --- withdrawing ------------------------------------------------------------------------------


def test_play_money_leaves_through_the_local_provider_at_once() -> None:
    wallet, _ = earn(1550)
    taken = wallets.withdraw(
        wallet=wallet,
        amount_minor=1000,
        currency="USD",
        provider="local",
        idempotency_key="k1",
        is_play_money=True,
    )
    assert taken.state == WithdrawalState.PAID
    assert credit(wallet) == 550
    assert balance(AccountCode.PAID, wallet=wallet) == 1000
    assert verify_ledger() == []


def test_the_same_key_withdraws_once_and_another_amount_is_refused() -> None:
    wallet, _ = earn(1550)
    fields: dict[str, Any] = {
        "wallet": wallet,
        "currency": "USD",
        "provider": "local",
        "idempotency_key": "k1",
        "is_play_money": True,
    }
    first = wallets.withdraw(amount_minor=1000, **fields)
    assert wallets.withdraw(amount_minor=1000, **fields) == first
    with pytest.raises(ConflictError) as refused:
        wallets.withdraw(amount_minor=500, **fields)
    assert refused.value.code == "idempotency_key_reused"
    assert (credit(wallet), Withdrawal.objects.count()) == (550, 1)


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"amount_minor": 0}, InvalidInputError, "invalid_amount"),
        ({"amount_minor": 1551}, InsufficientFundsError, "insufficient_funds"),
        ({"currency": "EUR"}, InsufficientFundsError, "insufficient_funds"),
        ({"idempotency_key": ""}, InvalidInputError, "invalid_idempotency_key"),
        ({"provider": "paypal"}, InvalidInputError, "unknown_provider"),
        ({"provider": "stripe"}, ConflictError, "provider_not_for_this_credit"),
        ({"is_play_money": False}, ConflictError, "provider_not_for_this_credit"),
        (
            {"provider": "stripe", "is_play_money": False},
            ConflictError,
            "provider_not_configured",
        ),
    ],
)
def test_withdrawals_that_cannot_be_move_nothing(
    change: dict[str, Any], error: type[Exception], code: str
) -> None:
    wallet, _ = earn(1550)
    fields: dict[str, Any] = {
        "wallet": wallet,
        "amount_minor": 100,
        "currency": "USD",
        "provider": "local",
        "idempotency_key": "k1",
        "is_play_money": True,
    }
    with pytest.raises(error) as refused:
        wallets.withdraw(**fields | change)
    assert refused.value.code == code
    assert (credit(wallet), Withdrawal.objects.count()) == (1550, 0)


def test_play_money_never_becomes_real(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    wallet, _ = earn(1550, is_demo=True)
    connect_account(wallet)
    for is_play_money, code in (
        (True, "provider_not_for_this_credit"),
        (False, "insufficient_funds"),
    ):
        with pytest.raises(ConflictError) as refused:
            wallets.withdraw(
                wallet=wallet,
                amount_minor=100,
                currency="USD",
                provider="stripe",
                idempotency_key="k1",
                is_play_money=is_play_money,
            )
        assert refused.value.code == code
    assert credit(wallet) == 1550


@pytest.mark.django_db(transaction=True)
def test_parallel_withdrawals_never_take_more_than_there_is() -> None:
    wallet, _ = earn(1550)

    def take(number: int) -> str:
        try:
            wallets.withdraw(
                wallet=wallet,
                amount_minor=500,
                currency="USD",
                provider="local",
                idempotency_key=f"k{number}",
                is_play_money=True,
            )
        except InsufficientFundsError:
            return "refused"
        return "taken"

    assert sorted(map(str, run_in_threads(10, take))) == ["refused"] * 7 + ["taken"] * 3
    assert credit(wallet) == 50
    assert verify_ledger() == []


@pytest.mark.django_db(transaction=True)
def test_merging_while_pay_arrives_loses_nothing(vera: User) -> None:
    own, _ = earn(1000)
    wallets.attach_wallet(wallet=own, user=vera)
    survey = make_survey(make_paid_company(is_demo=True))
    wallet = Wallet.objects.create()
    running = [make_response(survey, wallet=wallet) for _ in range(6)]

    def work(number: int) -> str:
        if number == 3:
            wallets.attach_wallet(wallet=wallet, user=vera)
        else:
            complete(running[number].__class__.objects.get(pk=running[number].pk), 1000)
        return "done"

    assert run_in_threads(6, work) == ["done"] * 6
    complete(running[3], 1000)
    assert (credit(own), credit(wallet)) == (7000, 0)
    assert verify_ledger() == []


# --- HTTP -------------------------------------------------------------------------------------


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_api_shows_a_wallet_to_its_receipt(client: Client) -> None:
    wallet, receipt = earn(1550)
    answer = client.get("/api/wallet", headers=bearer(receipt))
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["wallet_id"] == wallet.public_id
    assert shown["is_attached"] is False
    assert shown["balances"] == [{"currency": "USD", "amount": 15.5, "is_play_money": True}]
    line = shown["history"][0]
    assert (line["kind"], line["title"], line["amount"], line["state"]) == (
        "payout",
        "Coffee at work",
        15.5,
        "paid",
    )
    assert line["is_play_money"] is True
    assert receipt not in answer.content.decode()


@pytest.mark.parametrize("token", ["", "rt_wrong", "sk_key", "rt_" + "x" * 5000, "rt_é"])
def test_no_receipt_no_wallet(client: Client, token: str) -> None:
    earn()
    answer = client.get("/api/wallet", headers=bearer(token) if token else {})
    assert answer.status_code == 401
    assert answer["Content-Type"].startswith("application/problem+json")
    assert "balances" not in answer.json()


def test_a_receipt_in_the_address_opens_nothing(client: Client) -> None:
    _, receipt = earn()
    assert client.get(f"/api/wallet?receipt_token={receipt}").status_code == 401


def test_withdrawing_over_http(client: Client) -> None:
    wallet, receipt = earn(1550)
    body = {"amount": "5.50", "currency": "USD", "provider": "local", "is_play_money": True}
    headers = bearer(receipt) | {"Idempotency-Key": '"one"'}
    for _ in range(2):
        answer = client.post(
            "/api/wallet/withdraw", body, content_type="application/json", headers=headers
        )
        assert answer.status_code == 201
        assert answer.json()["state"] == "paid"
        assert "nothing real was sent" in answer.json()["message"]
    assert credit(wallet) == 1000


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"amount": "1e3"}, 400),
        ({"amount": 5}, 400),
        ({"amount": "1.001"}, 400),
        ({"amount": "-1"}, 400),
        ({"amount": "999999999999999999999999"}, 400),
        ({"currency": "XXX"}, 400),
        ({"provider": "bank"}, 400),
        ({"is_play_money": "yes"}, 400),
        ({"amount": "99.00"}, 409),
    ],
)
def test_odd_withdrawals_are_refused_over_http(
    client: Client, change: dict[str, Any], status: int
) -> None:
    wallet, receipt = earn(1550)
    body = {"amount": "5.50", "currency": "USD", "provider": "local", "is_play_money": True}
    answer = client.post(
        "/api/wallet/withdraw",
        body | change,
        content_type="application/json",
        headers=bearer(receipt) | {"Idempotency-Key": "one"},
    )
    assert answer.status_code == status
    assert credit(wallet) == 1550


def test_a_withdrawal_needs_a_key(client: Client) -> None:
    wallet, receipt = earn(1550)
    body = {"amount": "5.50", "currency": "USD", "provider": "local", "is_play_money": True}
    answer = client.post(
        "/api/wallet/withdraw", body, content_type="application/json", headers=bearer(receipt)
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert credit(wallet) == 1550


def test_attaching_needs_a_login_and_its_csrf_token(vera: User) -> None:
    wallet, receipt = earn()
    client = Client(enforce_csrf_checks=True)
    body = {"receipt_token": receipt}
    anonymous = client.post("/api/wallet/attach", body, content_type="application/json")
    assert anonymous.status_code == 401
    client.force_login(vera)
    forged = client.post("/api/wallet/attach", body, content_type="application/json")
    assert forged.status_code == 403
    wallet.refresh_from_db()
    assert wallet.user is None
    client.get("/wallet/")
    token = client.cookies["csrftoken"].value
    answer = client.post(
        "/api/wallet/attach",
        body,
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    assert answer.status_code == 200
    wallet.refresh_from_db()
    assert wallet.user == vera
    own = client.get("/api/wallet").json()
    assert (own["wallet_id"], own["is_attached"]) == (wallet.public_id, True)


def test_a_person_without_a_wallet_sees_an_empty_one(client: Client, vera: User) -> None:
    client.force_login(vera)
    assert client.get("/api/wallet").json() == {
        "wallet_id": None,
        "is_attached": False,
        "balances": [],
        "waiting": [],
        "history": [],
        "providers": [],
    }
    body = {"amount": "1", "currency": "USD", "provider": "local", "is_play_money": True}
    answer = client.post(
        "/api/wallet/withdraw",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert answer.status_code == 404


def test_other_sites_get_no_answer_of_the_wallet(client: Client) -> None:
    _, receipt = earn()
    answer = client.get("/api/wallet", headers=bearer(receipt) | {"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_is_the_same_for_everybody_and_never_cached(client: Client) -> None:
    answer = client.get("/wallet/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert b"data-wallet" in answer.content


def test_the_wallet_is_read_in_a_fixed_number_of_queries(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    wallet, receipt = earn()
    survey = make_survey(make_paid_company(is_demo=True))
    for _ in range(5):
        complete(make_response(survey, wallet=wallet), 600)
    with django_assert_max_num_queries(12):
        answer = client.get("/api/wallet", headers=bearer(receipt))
    assert len(answer.json()["history"]) == 6
