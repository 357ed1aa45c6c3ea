"""Stripe's webhooks: duplicates, any order, forgeries, foreign accounts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core import clock
from core.models import AuditEvent
from surveys.models import Payout, PayoutState, ProviderEvent
from surveys.selectors.ledger_check import verify_ledger
from surveys.services import provider_events, sending, settlements
from surveys.tests.money_world import (
    books,
)
from surveys.tests.stripe_world import (
    add_unready_account,
    owe,
    post_event,
    state_of,
)
from tests.fakes.stripe_server import Fault, StripeServer

pytestmark = pytest.mark.django_db


def transfer_object(payout: Payout, **change: Any) -> dict[str, Any]:
    return {
        "id": "tr_webhook",
        "object": "transfer",
        "amount": payout.amount_minor,
        "amount_reversed": 0,
        "currency": "usd",
        "destination": f"acct_{payout.wallet.public_id}",
        "transfer_group": f"payout:{payout.public_id}",
        "metadata": {"reference": f"payout:{payout.public_id}:1"},
    } | change


def deliver(client: Client, server: StripeServer, body: bytes) -> None:
    assert post_event(client, server, body) == 200
    provider_events.handle_events()


def test_a_webhook_settles_a_payout_whose_answer_was_lost(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server)
    Payout.objects.update(state=PayoutState.SENDING)
    body = stripe_server.event("transfer.created", transfer_object(payout), event_id="evt_1")
    for _ in range(3):
        deliver(client, stripe_server, body)
    assert state_of(payout) == PayoutState.PAID
    assert payout.provider_reference == "tr_webhook"
    assert ProviderEvent.objects.count() == 1
    assert books(payout.response.survey)["paid"] == 1550
    assert verify_ledger() == []


def test_a_reversal_that_overtakes_the_transfer_ends_reversed(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server)
    Payout.objects.update(state=PayoutState.SENDING)
    reversed_ = transfer_object(payout, amount_reversed=payout.amount_minor)
    deliver(client, stripe_server, stripe_server.event("transfer.reversed", reversed_))
    assert state_of(payout) == PayoutState.REVERSED
    deliver(client, stripe_server, stripe_server.event("transfer.created", transfer_object(payout)))
    assert state_of(payout) == PayoutState.REVERSED
    assert books(payout.response.survey)["budget"] == 48_000
    assert verify_ledger() == []


def test_a_partial_reversal_asks_for_a_person(stripe_server: StripeServer, client: Client) -> None:
    payout = owe(stripe_server)
    sending.send_due()
    payout.refresh_from_db()
    part = transfer_object(payout, id=payout.provider_reference, amount_reversed=50)
    deliver(client, stripe_server, stripe_server.event("transfer.reversed", part))
    assert state_of(payout) == PayoutState.PAID
    assert AuditEvent.objects.filter(action="payout.partly_reversed_at_provider").count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1},
        {"currency": "eur"},
        {"destination": "acct_somebody_else"},
        {"transfer_group": "payout:payout_00000000000000000000000000"},
        {"transfer_group": None},
        {"transfer_group": "nonsense"},
    ],
)
def test_a_signed_event_that_does_not_agree_changes_nothing(
    stripe_server: StripeServer, client: Client, change: dict[str, Any]
) -> None:
    payout = owe(stripe_server)
    Payout.objects.update(state=PayoutState.SENDING)
    body = stripe_server.event("transfer.created", transfer_object(payout, **change))
    deliver(client, stripe_server, body)
    assert state_of(payout) == PayoutState.SENDING
    assert ProviderEvent.objects.get().handled_at is not None
    assert verify_ledger() == []


def test_an_event_of_a_foreign_account_changes_nothing(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server)
    Payout.objects.update(state=PayoutState.SENDING)
    deliver(
        client,
        stripe_server,
        stripe_server.event(
            "transfer.created", transfer_object(payout), account="acct_of_another_platform"
        ),
    )
    deliver(
        client,
        stripe_server,
        stripe_server.event("account.updated", {"id": "acct_unknown"}, account="acct_unknown"),
    )
    assert state_of(payout) == PayoutState.SENDING
    assert ProviderEvent.objects.filter(handled_at=None).count() == 0


def test_forged_webhooks_are_refused_and_not_stored(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server)
    Payout.objects.update(state=PayoutState.SENDING)
    body = stripe_server.event("transfer.created", transfer_object(payout))
    good = stripe_server.sign(body)
    for signature in (
        "",
        "t=1,v1=00",
        good.replace("v1=", "v0="),
        stripe_server.sign(body, secret="whsec_other"),
        stripe_server.sign(body, at=clock.now().timestamp() - 600),
        stripe_server.sign(body + b" "),
        "é",
    ):
        assert post_event(client, stripe_server, body, signature) == 400
    for junk in (b"", b"[]", b"{}", b'{"id":1}', b"\xff\xfe", b"[" * 100_000):
        assert post_event(client, stripe_server, junk) == 400
    assert ProviderEvent.objects.count() == 0
    assert state_of(payout) == PayoutState.SENDING


def test_without_a_secret_every_webhook_is_refused(
    stripe_server: StripeServer, client: Client, settings: Any
) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    body = stripe_server.event("transfer.created", {"id": "tr_1"})
    assert post_event(client, stripe_server, body) == 400


def test_without_stripe_there_is_no_webhook(client: Client) -> None:
    answer = client.post("/webhook/stripe", b"{}", content_type="application/json")
    assert answer.status_code == 404


def test_an_event_waits_while_the_provider_is_down(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server, connected=False)
    sending.send_due()
    reference = add_unready_account(stripe_server, payout.wallet)
    stripe_server.finish_onboarding(reference)
    stripe_server.faults.append(Fault(f"/v1/accounts/{reference}", "error_before", method="GET"))
    deliver(client, stripe_server, stripe_server.event("account.updated", {"id": reference}))
    assert state_of(payout) == PayoutState.UNCLAIMED
    assert ProviderEvent.objects.filter(handled_at=None).count() == 1
    assert provider_events.handle_events() == 1
    assert state_of(payout) == PayoutState.APPROVED


def test_money_sent_for_a_closed_payout_is_shown_to_a_person(
    stripe_server: StripeServer, client: Client
) -> None:
    payout = owe(stripe_server)
    Payout.objects.update(state=PayoutState.SENDING)
    settlements.settle_failed(payout=payout, error_code="account_invalid")
    deliver(client, stripe_server, stripe_server.event("transfer.created", transfer_object(payout)))
    assert state_of(payout) == PayoutState.FAILED
    assert AuditEvent.objects.filter(action="payout.sent_but_not_owed").count() == 1
    assert verify_ledger() == []
