"""Plans: what each allows, buying with play money and with Stripe, and going back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Plan, Profile, User
from core import clock
from workflows.models import BillingEvent, Execution, PlanPurchase, PurchaseState
from workflows.plans import PLANS
from workflows.services.billing import cancel_due, choose_free_plan, open_purchase, pay_locally
from workflows.services.entitlements import plan_of
from workflows.tests.builders import make_execution, set_profile
from workflows.tests.checkout_server import (
    SECRET,
    CheckoutServer,
    ended_event,
    paid_event,
    sign,
)

pytestmark = pytest.mark.django_db

WEBHOOK = "/webhook/stripe/plans"


@pytest.fixture
def stripe_server(settings: Any) -> Iterator[CheckoutServer]:
    """Run the fake and sell plans through it."""
    with CheckoutServer() as server:
        settings.STRIPE_SECRET_KEY = "sk_test_123"
        settings.STRIPE_PLANS_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = server.url
        settings.STRIPE_TIMEOUT_SECONDS = 5
        settings.PLAN_PAYMENTS = "stripe"
        yield server


def send(api: Any, event: dict[str, Any], **options: Any) -> Any:
    body = json.dumps(event).encode()
    return api.post(
        WEBHOOK,
        body,
        content_type="application/json",
        headers={"Stripe-Signature": sign(body, **options)},
    )


def state_of(purchase: PlanPurchase) -> str:
    purchase.refresh_from_db()
    return purchase.state


@pytest.mark.parametrize(
    ("plan", "workflow", "is_allowed"),
    [
        ("starter", "resume_generator", True),
        ("starter", "whatsapp_bot", False),
        ("starter", "prompt_selling", False),
        ("pro", "whatsapp_bot", True),
        ("pro", "prompt_selling", False),
        ("scale", "prompt_selling", True),
    ],
)
def test_a_plan_starts_what_it_includes_and_says_what_would_unlock_the_rest(
    vera: User, api_of: Callable[..., Any], plan: str, workflow: str, is_allowed: bool
):
    set_profile(vera, plan=plan)

    answer = api_of(vera).post("/api/execution", {"workflow_name": workflow}, format="json")

    assert answer.status_code == (201 if is_allowed else 403)
    assert Execution.objects.count() == int(is_allowed)
    if not is_allowed:
        needed = "pro" if workflow == "whatsapp_bot" else "scale"
        problem = answer.json()
        assert (problem["code"], problem["required_plan"]) == ("plan_required", needed)
        assert problem["price_minor"] == PLANS[Plan(needed)].price_minor
        assert problem["upgrade_url"] == "/upgrade/"


def test_upgrading_with_play_money_over_the_pages(vera: User, browser_of: Callable[..., Client]):
    browser = browser_of(vera)

    chosen = browser.post("/upgrade/", {"plan": "pro"})
    page = browser.get(chosen["Location"])
    assert plan_of(vera) == Plan.STARTER
    paid = browser.post(chosen["Location"])
    again = browser.post(chosen["Location"])

    assert "Play money" in page.content.decode()
    assert (paid.status_code, again.status_code) == (302, 302)
    assert plan_of(vera) == Plan.PRO
    assert PlanPurchase.objects.filter(state=PurchaseState.ACTIVE).count() == 1


def test_a_purchase_of_somebody_else_is_not_there(
    vera: User, carla: User, browser_of: Callable[..., Client]
):
    purchase, url = open_purchase(person=vera, plan=Plan.PRO)

    assert browser_of(carla).get(url).status_code == 404
    assert browser_of(carla).post(url).status_code == 404
    assert state_of(purchase) == PurchaseState.OPEN
    assert (plan_of(vera), plan_of(carla)) == (Plan.STARTER, Plan.STARTER)


def test_a_downgrade_keeps_running_executions(vera: User, api_of: Callable[..., Any]):
    purchase, _ = open_purchase(person=vera, plan=Plan.PRO)
    pay_locally(person=vera, purchase_id=purchase.public_id)
    execution = make_execution(vera, "whatsapp_bot")

    choose_free_plan(person=vera)

    assert (plan_of(vera), state_of(purchase)) == (Plan.STARTER, PurchaseState.ENDED)
    client = api_of(vera)
    saved = client.put(
        f"/api/execution/{execution.public_id}/progress",
        {"steps_completed": 4, "notes": "done"},
        format="json",
    )
    done = client.post(f"/api/execution/{execution.public_id}/complete")
    assert (saved.status_code, done.status_code) == (200, 200)
    refused = client.post("/api/execution", {"workflow_name": "whatsapp_bot"}, format="json")
    assert refused.status_code == 403


@pytest.mark.parametrize("plan", ["", "gold", "starter'--"])
def test_an_unknown_plan_is_refused(vera: User, browser_of: Callable[..., Client], plan: str):
    answer = browser_of(vera).post("/upgrade/", {"plan": plan}, follow=True)

    assert "Choose one of the plans below." in answer.content.decode()
    assert PlanPurchase.objects.count() == 0


def test_stripe_is_asked_once_and_the_webhook_alone_switches_the_plan(
    vera: User, api: Any, browser_of: Callable[..., Client], stripe_server: CheckoutServer
):
    page = browser_of(vera).post("/upgrade/", {"plan": "pro"})
    purchase = PlanPurchase.objects.get()
    browser_of(vera).get("/upgrade/?returned=1")

    assert "https://checkout.stripe.test/1" in page.content.decode()
    form = stripe_server.opened[purchase.public_id]
    assert form["mode"] == ["subscription"]
    assert form["client_reference_id"] == [purchase.public_id]
    assert form["line_items[0][price_data][unit_amount]"] == ["900"]
    assert plan_of(vera) == Plan.STARTER

    first = send(api, paid_event(purchase.public_id))
    second = send(api, paid_event(purchase.public_id))

    assert (first.status_code, second.status_code) == (200, 200)
    assert (plan_of(vera), state_of(purchase)) == (Plan.PRO, PurchaseState.ACTIVE)
    assert purchase.subscription_reference == "sub_1"
    assert BillingEvent.objects.get().result == "activated"


@pytest.mark.parametrize("options", [{"secret": "whsec_other"}, {"age_seconds": 900}])
def test_a_webhook_not_signed_by_stripe_changes_nothing(
    vera: User, api: Any, stripe_server: CheckoutServer, options: dict[str, Any]
):
    purchase, _ = open_purchase(person=vera, plan=Plan.PRO)

    answer = send(api, paid_event(purchase.public_id), **options)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_webhook")
    assert (plan_of(vera), state_of(purchase)) == (Plan.STARTER, PurchaseState.OPEN)
    assert BillingEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"amount": 1}, "other_amount"),
        ({"page": "cs_77"}, "foreign_checkout"),
        ({"reference": "purchase_nothing"}, "unknown_purchase"),
    ],
)
def test_a_signed_message_that_disagrees_with_our_row_changes_nothing(
    vera: User, api: Any, stripe_server: CheckoutServer, change: dict[str, Any], result: str
):
    purchase, _ = open_purchase(person=vera, plan=Plan.PRO)

    answer = send(api, paid_event(**{"reference": purchase.public_id, **change}))

    assert answer.status_code == 200
    assert BillingEvent.objects.get().result == result
    assert (plan_of(vera), state_of(purchase)) == (Plan.STARTER, PurchaseState.OPEN)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_event_is_refused(api: Any, stripe_server: Any, body: bytes):
    answer = api.post(
        WEBHOOK,
        body,
        content_type="application/json",
        headers={"Stripe-Signature": sign(body)},
    )

    assert answer.status_code == 400
    assert BillingEvent.objects.count() == 0


def test_an_end_that_overtakes_the_payment_stays_the_end(
    vera: User, api: Any, stripe_server: CheckoutServer
):
    purchase, _ = open_purchase(person=vera, plan=Plan.PRO)

    send(api, ended_event(purchase.public_id))
    send(api, paid_event(purchase.public_id))

    assert (plan_of(vera), state_of(purchase)) == (Plan.STARTER, PurchaseState.ENDED)
    results = BillingEvent.objects.order_by("pk").values_list("result", flat=True)
    assert list(results) == ["ended", "ended_before"]


def test_going_back_tells_stripe_again_until_it_listens(
    vera: User, api: Any, stripe_server: CheckoutServer
):
    purchase, _ = open_purchase(person=vera, plan=Plan.PRO)
    send(api, paid_event(purchase.public_id))
    choose_free_plan(person=vera)
    stripe_server.statuses = [500]

    assert plan_of(vera) == Plan.STARTER
    assert cancel_due() == 0
    PlanPurchase.objects.update(cancel_due_at=clock.now())
    assert cancel_due() == 1
    assert cancel_due() == 0

    assert stripe_server.cancelled == ["sub_1"]
    assert state_of(purchase) == PurchaseState.ENDED


def test_when_stripe_is_down_nothing_is_bought(
    vera: User, browser_of: Callable[..., Client], stripe_server: CheckoutServer
):
    stripe_server.statuses = [500]

    answer = browser_of(vera).post("/upgrade/", {"plan": "pro"}, follow=True)

    assert "Nothing was charged" in answer.content.decode()
    assert PlanPurchase.objects.get().state == PurchaseState.EXPIRED
    assert plan_of(vera) == Plan.STARTER


def test_a_second_plan_ends_the_first(vera: User):
    for plan in (Plan.PRO, Plan.SCALE):
        purchase, _ = open_purchase(person=vera, plan=plan)
        pay_locally(person=vera, purchase_id=purchase.public_id)

    states = dict(PlanPurchase.objects.values_list("plan", "state"))
    assert states == {"pro": "ended", "scale": "active"}
    assert Profile.objects.get(user=vera).plan == "scale"


def test_without_stripe_there_is_no_webhook(api: Any):
    assert api.post(WEBHOOK, b"{}", content_type="application/json").status_code == 404
