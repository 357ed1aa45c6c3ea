"""What a company's servers are told of its answers and payouts, step by step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import Company, User
from surveys.models import Payout
from surveys.models.payouts import PAYOUT_TRANSITIONS
from surveys.services import payouts, settlements
from surveys.services.appeals import file_appeal
from surveys.services.erasure import erase_response
from surveys.tests.builders import Visitor, make_survey
from webhooks.models import WebhookDelivery, WebhookEvent
from webhooks.services.endpoints import create_endpoint

pytestmark = pytest.mark.django_db
TYPES = ["payout.changed", "session.completed", "session.erased"]


@pytest.fixture(autouse=True)
def endpoint(acme: Company) -> Any:
    return create_endpoint(company=acme, url="https://hooks.acme.test/", event_types=TYPES).row


def told(event_type: str = "payout.changed") -> list[dict[str, Any]]:
    rows = WebhookEvent.objects.filter(type=event_type).order_by("pk")
    return [json.loads(row.body)["data"] for row in rows]


def held(acme: Company) -> tuple[Visitor, Payout]:
    """An answer that is held: its own words twice."""
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    visitor.session.segments.filter(role="user").update(had_hidden_text=True)
    visitor.done()
    payout = Payout.objects.get()
    assert payout.state == "held"
    return visitor, payout


def test_a_paid_answer_is_two_events_in_the_order_of_the_books(acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    result = visitor.answer_all()

    assert [row.type for row in WebhookEvent.objects.order_by("pk")] == [
        "payout.changed",
        "session.completed",
    ]
    (completed,) = told("session.completed")
    assert completed == {
        "session_id": visitor.session_id,
        "survey_id": visitor.survey.public_id,
        "survey_version": 1,
        "language": "en",
        "channel": "typing",
        "score": result["score"],
        "band": result["band"],
        "flags": [],
        "payment_amount": result["payment_amount"],
        "currency": "USD",
        "payment_status": "success",
        "transaction_id": result["transaction_id"],
        "completed_at": completed["completed_at"],
    }
    (paid,) = told()
    assert (paid["state"], paid["payment_status"], paid["amount"]) == (
        "paid",
        "success",
        result["payment_amount"],
    )
    assert WebhookDelivery.objects.filter(state="pending").count() == 2


def test_pressing_done_again_tells_nothing_again(acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    visitor.done()

    assert WebhookEvent.objects.count() == 2


def test_each_decision_about_a_payout_is_told_once(acme: Company, ana: User) -> None:
    visitor, payout = held(acme)
    payouts.reject_payout(payout=payout, actor=ana, reason="Copied.")
    file_appeal(response=visitor.response, text="It is mine.")
    payouts.approve_payout(payout=Payout.objects.get(), actor=ana)
    settlements.settle_reversed(payout=Payout.objects.get(), reason="A mistake.", actor=ana)

    assert [one["state"] for one in told()] == ["held", "rejected", "held", "paid", "reversed"]
    assert [one["payment_status"] for one in told()] == [
        "held",
        "failed",
        "held",
        "success",
        "failed",
    ]
    assert told()[0]["hold_reasons"] == ["hidden_text"]


def test_a_payout_that_is_called_off_is_told(acme: Company, ana: User) -> None:
    _, payout = held(acme)
    payouts.cancel_payout(payout=payout, actor=ana, reason="Wrong survey.")

    assert [one["state"] for one in told()] == ["held", "cancelled"]


def test_an_erased_answer_is_forgotten_and_told(acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()

    erase_response(response=visitor.response)
    erase_response(response=visitor.response)

    assert told("session.completed") == []
    (erased,) = told("session.erased")
    assert erased["session_id"] == visitor.session_id
    assert [one["state"] for one in told()] == ["paid"]


def test_what_others_decide_is_not_told_here(globex: Company) -> None:
    Visitor(make_survey(globex)).answer_all()

    assert not WebhookEvent.objects.exists()


def test_the_example_of_each_event_names_what_is_really_sent(acme: Company) -> None:
    from webhooks.events import find_event_type

    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    samples = {name: told(name) for name in TYPES[:2]}
    erase_response(response=visitor.response)
    samples["session.erased"] = told("session.erased")

    for name, (data, *_) in samples.items():
        assert list(data) == list(find_event_type(name).example), name
    assert set(PAYOUT_TRANSITIONS) >= {one["state"] for one in told()}
