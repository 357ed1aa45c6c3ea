"""An order is paid by the local page or a provider's verified word, and by nothing else."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from core import clock
from core.errors import ConflictError
from messaging.models import Order, OrderPayment, OrderState, PaymentEvent
from messaging.payments import factory
from messaging.payments.base import (
    CheckoutOrder,
    CheckoutPage,
    PaymentNotice,
    RetryablePaymentError,
)
from messaging.services import orders, payments
from messaging.services.checkout import place_order
from messaging.tests.shop_world import make_shop, product
from messaging.tests.test_checkout import buyer, fill, request_for

pytestmark = pytest.mark.django_db
SECRET = "whsec_only_tests_know"


@pytest.fixture
def payment(acme) -> OrderPayment:
    contact = buyer(make_shop(acme))
    fill(contact, "MET-V60")
    return OrderPayment.objects.get(order=place_order(request_for(contact, 39000)))


@pytest.fixture
def stripe_payment(payment, settings) -> OrderPayment:
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    settings.STRIPE_ORDERS_WEBHOOK_SECRET = SECRET
    payment.provider = "stripe"
    payment.is_play_money = False
    payment.save()
    return payment


class FakeProvider:
    """Opens pages in memory."""

    name = "stripe"

    def __init__(self) -> None:
        self.opened: dict[str, CheckoutOrder] = {}
        self.paid = False
        self.is_down = False

    def open_checkout(self, order: CheckoutOrder) -> CheckoutPage:
        if self.is_down:
            raise RetryablePaymentError("down")
        self.opened[order.key] = order
        return CheckoutPage(f"cs_{len(self.opened)}", "https://pay.example/1", order.expires_at)

    def read_checkout(self, checkout_reference: str) -> PaymentNotice:
        payment = OrderPayment.objects.get(checkout_reference=checkout_reference)
        return PaymentNotice(
            f"read:{checkout_reference}",
            "read",
            payment.public_id,
            checkout_reference,
            "pi_1",
            self.paid,
            payment.amount_minor,
            payment.currency,
        )


@pytest.fixture
def provider(monkeypatch) -> FakeProvider:
    fake = FakeProvider()
    monkeypatch.setattr(factory, "get_provider", lambda name: fake)
    return fake


def event(payment: OrderPayment, **changes) -> bytes:
    subject = {
        "id": "cs_1",
        "object": "checkout.session",
        "client_reference_id": payment.public_id,
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "amount_total": payment.amount_minor,
        "currency": "mxn",
        **changes.pop("subject", {}),
    }
    body = {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "data": {"object": subject},
        **changes,
    }
    return json.dumps(body).encode()


def deliver(api, body: bytes, *, secret: str = SECRET, at: float | None = None):
    moment = int(time.time() if at is None else at)
    signature = stripe.WebhookSignature._compute_signature(f"{moment}.{body.decode()}", secret)
    return api.post(
        "/webhooks/stripe/orders",
        body,
        content_type="application/json",
        HTTP_STRIPE_SIGNATURE=f"t={moment},v1={signature}",
    )


def state_of(payment: OrderPayment) -> tuple[str, str]:
    payment.refresh_from_db()
    return payment.state, Order.objects.get(pk=payment.order_id).state


def test_the_local_page_shows_goods_and_no_person(payment, client):
    Order.objects.update(address="Calle Secreta 5", recipient="Luz Paz")

    answer = client.get(f"/pay/{payment.public_id}/")

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "V60" in text
    assert "390" in text
    assert "Calle Secreta" not in text
    assert "Luz Paz" not in text
    assert state_of(payment) == ("open", "awaiting_payment")


def test_pressing_pay_makes_it_paid_once(payment, client):
    for _ in range(2):
        answer = client.post(f"/pay/{payment.public_id}/")
        assert answer.status_code == 302

    assert state_of(payment) == ("paid", "paid")
    order = Order.objects.get()
    assert [one.kind for one in order.events.all()] == ["awaiting_payment", "paid"]
    assert order.due_on == (order.paid_at + timedelta(days=1)).date()
    assert "Recibimos tu pago" in client.get(f"/pay/{payment.public_id}/").content.decode()


def test_an_unknown_page_is_not_there(client, db):
    assert client.get("/pay/pay_00000000000000000000000000/").status_code == 404


def test_a_cancelled_order_cannot_be_paid(payment, client):
    orders.cancel_order(order=payment.order)

    answer = client.post(f"/pay/{payment.public_id}/")

    assert answer.status_code == 409
    assert "ya no se puede pagar" in answer.content.decode()
    assert state_of(payment) == ("void", "cancelled")


def test_the_local_button_does_not_pay_a_real_order(stripe_payment):
    with pytest.raises(ConflictError):
        payments.pay_locally(payment=stripe_payment)

    assert state_of(stripe_payment) == ("open", "awaiting_payment")


def test_the_button_leads_to_the_providers_page(stripe_payment, provider, client):
    answer = client.post(f"/pay/{stripe_payment.public_id}/")

    assert (answer.status_code, answer["Location"]) == (303, "https://pay.example/1")
    assert state_of(stripe_payment) == ("open", "awaiting_payment")
    client.post(f"/pay/{stripe_payment.public_id}/")
    sent = list(provider.opened.values())
    assert len(sent) == 1
    assert [(item.quantity, item.unit_minor) for item in sent[0].items] == [(1, 39000)]
    assert sent[0].expires_at >= clock.now() + timedelta(minutes=30)


def test_a_provider_that_is_down_is_said_so(stripe_payment, provider, client):
    provider.is_down = True

    answer = client.post(f"/pay/{stripe_payment.public_id}/")

    assert answer.status_code == 503
    assert "no responde" in answer.content.decode()


def test_a_page_that_ran_out_is_opened_anew_under_another_key(stripe_payment, provider):
    payments.open_checkout(payment=stripe_payment)
    OrderPayment.objects.update(checkout_expires_at=datetime(2026, 1, 1, tzinfo=UTC))

    payments.open_checkout(payment=stripe_payment)

    public_id = stripe_payment.public_id
    assert list(provider.opened) == [f"order:{public_id}:1", f"order:{public_id}:2"]


def test_a_signed_notice_makes_the_order_paid_once(stripe_payment, api):
    for _ in range(2):
        assert deliver(api, event(stripe_payment)).status_code == 200

    assert state_of(stripe_payment) == ("paid", "paid")
    assert stripe_payment.reference == "pi_1"
    assert PaymentEvent.objects.get().outcome == "paid"


def test_a_wrong_or_old_signature_changes_nothing(stripe_payment, api):
    body = event(stripe_payment)

    for answer in (
        deliver(api, body, secret="whsec_wrong"),
        deliver(api, body, at=time.time() - 3600),
        api.post("/webhooks/stripe/orders", body, content_type="application/json"),
    ):
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_webhook"

    assert state_of(stripe_payment) == ("open", "awaiting_payment")
    assert PaymentEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("subject", "outcome"),
    [
        ({"amount_total": 1}, "other_amount"),
        ({"currency": "usd"}, "other_amount"),
        ({"payment_status": "unpaid"}, "not_paid"),
        ({"client_reference_id": "pay_nobody"}, "unknown"),
    ],
)
def test_a_notice_that_does_not_agree_pays_nothing(stripe_payment, api, subject, outcome):
    assert deliver(api, event(stripe_payment, subject=subject)).status_code == 200

    assert state_of(stripe_payment) == ("open", "awaiting_payment")
    assert PaymentEvent.objects.get().outcome == outcome


def test_money_for_an_order_that_was_given_up_is_owed_back(stripe_payment, api):
    Order.objects.update(pay_by_at=clock.now())
    orders.expire_unpaid()

    deliver(api, event(stripe_payment))

    order = Order.objects.get()
    assert (order.state, order.is_refund_due) == (OrderState.EXPIRED, True)
    assert PaymentEvent.objects.get().outcome == "owed_back"
    assert product(order.company, "MET-V60").stock == 11


def test_a_notice_that_never_came_is_asked_for(stripe_payment, provider):
    payments.open_checkout(payment=stripe_payment)
    OrderPayment.objects.update(created_at=clock.now() - timedelta(minutes=5))
    assert payments.reconcile_payments() == 0
    provider.paid = True

    assert (payments.reconcile_payments(), payments.reconcile_payments()) == (1, 0)

    assert state_of(stripe_payment) == ("paid", "paid")


def test_without_stripe_there_is_no_webhook(payment, api):
    assert deliver(api, event(payment)).status_code == 404
