"""Templates from the draft to the phone: Meta's words by webhook, in any order, and sending."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Company, User
from core import clock
from core.jobs.testing import drain
from messaging.models import (
    BusinessNumber,
    Contact,
    Conversation,
    MessageTemplate,
    OutboundMessage,
    RawWebhook,
)
from messaging.services import templates
from messaging.services.intake import receive_webhook
from messaging.tests.webhook_bodies import encode
from messaging.whatsapp import factory
from tests.fakes.graph_server import GraphServer

pytestmark = pytest.mark.django_db
BrowserOf = Callable[..., Client]
ACCOUNT = "waba-77"
TOKEN = "a-token"
NOW = 1_790_000_000


@pytest.fixture
def graph(settings: Any) -> Iterator[GraphServer]:
    with GraphServer(token=TOKEN) as server:
        settings.WHATSAPP_BACKEND = "cloud"
        settings.WHATSAPP_BASE_URL = f"{server.url}/v26.0"
        settings.WHATSAPP_TOKEN = TOKEN
        settings.WHATSAPP_BUSINESS_ACCOUNT_ID = ACCOUNT
        factory._cloud.cache_clear()
        yield server
        factory._cloud(settings.WHATSAPP_BASE_URL).close()
        factory._cloud.cache_clear()


@pytest.fixture
def submitted(graph: GraphServer, acme: Company, ana: User, browser_of: BrowserOf) -> Any:
    """Return a template that was written and submitted on the page, and lies with Meta."""
    browser = browser_of(ana)
    fields = {
        "name": "order_sent",
        "language": "es",
        "category": "utility",
        "body": "Hola {{1}}, tu pedido {{2}} va en camino.",
    }
    assert browser.post("/shop/templates/", fields).status_code == 302
    row = MessageTemplate.objects.get(company=acme)
    assert row.status == "draft"
    answer = browser.post("/shop/templates/", {"submit_template": row.public_id})
    assert answer.status_code == 302
    drain()
    row.refresh_from_db()
    assert (row.status, row.provider_reference) == ("submitted", "9001")
    return row


def event(field: str, *, at: int = NOW, account: str = ACCOUNT, **value: Any) -> dict[str, Any]:
    """Return the body of an event of a template, as Meta sends it: no number in it."""
    told = {
        "message_template_id": 9001,
        "message_template_name": "order_sent",
        "message_template_language": "es",
        **value,
    }
    changes = [{"field": field, "value": told}]
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": account, "time": at, "changes": changes}],
    }


def status_event(told: str, **more: Any) -> dict[str, Any]:
    return event("message_template_status_update", event=told, **{"reason": "NONE", **more})


def receive(*bodies: dict[str, Any]) -> None:
    for body in bodies:
        receive_webhook(raw=encode(body))


def test_meta_gets_the_text_with_examples_for_its_fields(
    submitted: MessageTemplate, graph: GraphServer
) -> None:
    assert graph.templates == [
        {
            "name": "order_sent",
            "language": "es",
            "category": "UTILITY",
            "components": [
                {
                    "type": "BODY",
                    "text": "Hola {{1}}, tu pedido {{2}} va en camino.",
                    "example": {"body_text": [["x1", "x2"]]},
                }
            ],
        }
    ]


def test_approval_by_webhook_makes_it_ready_and_the_page_says_so(
    submitted: MessageTemplate, ana: User, browser_of: BrowserOf
) -> None:
    receive(status_event("APPROVED"))
    submitted.refresh_from_db()
    assert submitted.status == "approved"
    assert RawWebhook.objects.get().unknown_count == 0
    receive(
        event(
            "message_template_quality_update",
            at=NOW + 5,
            previous_quality_score="GREEN",
            new_quality_score="YELLOW",
        )
    )
    page = browser_of(ana).get("/shop/templates/").content.decode()
    assert "Approved" in page
    assert "Quality: medium" in page


def test_a_rejection_says_why_and_may_be_written_anew(
    submitted: MessageTemplate, ana: User, browser_of: BrowserOf
) -> None:
    receive(status_event("REJECTED", reason="INVALID_FORMAT"))
    submitted.refresh_from_db()
    assert (submitted.status, submitted.rejection_reason) == ("rejected", "INVALID_FORMAT")
    assert "INVALID_FORMAT" in browser_of(ana).get("/shop/templates/").content.decode()
    templates.save_template(
        company=submitted.company,
        name="order_sent",
        language="es",
        category="utility",
        body="Tu pedido va en camino.",
        actor=ana,
    )
    # What was said of the former text is over.
    receive(status_event("APPROVED", at=NOW + 9))
    submitted.refresh_from_db()
    assert submitted.status == "draft"


WORDS = [
    status_event("APPROVED", at=NOW),
    status_event("PAUSED", at=NOW + 10),
    event("message_template_quality_update", at=NOW + 3, new_quality_score="RED"),
    event("message_template_quality_update", at=NOW + 7, new_quality_score="GREEN"),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_any_order_of_metas_words_and_repeats_end_the_same(
    submitted: MessageTemplate, order: tuple[int, ...]
) -> None:
    receive(*(WORDS[position] for position in order), WORDS[order[0]])
    submitted.refresh_from_db()
    assert (submitted.status, submitted.quality) == ("paused", "green")


def test_approval_that_overtakes_the_answer_to_the_submission_is_not_lost(
    submitted: MessageTemplate,
) -> None:
    MessageTemplate.objects.filter(pk=submitted.pk).update(provider_reference="")
    receive(status_event("APPROVED"))
    submitted.refresh_from_db()
    assert (submitted.status, submitted.provider_reference) == ("approved", "9001")


def test_a_template_of_another_account_or_an_unknown_one_changes_nothing(
    submitted: MessageTemplate,
) -> None:
    MessageTemplate.objects.filter(pk=submitted.pk).update(provider_reference="")
    receive(
        status_event("APPROVED", account="waba-of-somebody"),
        status_event("APPROVED", message_template_id=1, message_template_name="other"),
        status_event("FROBNICATED"),
    )
    submitted.refresh_from_db()
    assert submitted.status == "submitted"


def test_two_companies_with_one_name_are_told_apart_by_metas_id(
    submitted: MessageTemplate, globex: Company
) -> None:
    other = MessageTemplate.objects.create(
        company=globex,
        name="order_sent",
        language="es",
        body="Otro",
        status="submitted",
        provider_reference="",
    )
    receive(status_event("APPROVED"))
    submitted.refresh_from_db()
    other.refresh_from_db()
    assert (submitted.status, other.status) == ("approved", "submitted")


def test_a_category_meta_changed_is_taken_over(submitted: MessageTemplate) -> None:
    receive(event("template_category_update", new_category="MARKETING"))
    submitted.refresh_from_db()
    assert submitted.category == "marketing"


@pytest.fixture
def silent(acme: Company) -> Conversation:
    """Return a conversation whose 24 hours are over."""
    number = BusinessNumber.objects.create(
        company=acme, phone_number_id="7001", display_number="+52 55 7001"
    )
    contact = Contact.objects.create(company=acme, phone="5215500007001", name="Luz")
    return Conversation.objects.create(
        number=number, contact=contact, last_inbound_at=clock.now() - timedelta(hours=30)
    )


def test_an_operator_fills_in_an_approved_template_and_it_goes_out_as_one(
    submitted: MessageTemplate,
    silent: Conversation,
    graph: GraphServer,
    ana: User,
    browser_of: BrowserOf,
) -> None:
    browser = browser_of(ana)
    path = f"/inbox/{silent.public_id}/"
    assert "There is no approved template yet" in browser.get(path).content.decode()
    form = {"template": submitted.public_id, "value": ["Luz", "A-17"], "client_id": "c1"}
    browser.post(f"{path}reply/", form)
    assert not OutboundMessage.objects.exists()  # not approved

    receive(status_event("APPROVED"))
    assert "Field 2" in browser.get(path).content.decode()
    browser.post(f"{path}reply/", form | {"value": ["Luz"]})
    assert not OutboundMessage.objects.exists()  # a field is missing

    browser.post(f"{path}reply/", form)
    browser.post(f"{path}reply/", form)  # a double click
    drain()
    row = OutboundMessage.objects.get()
    assert (row.state, row.text) == ("sent", "Hola Luz, tu pedido A-17 va en camino.")
    assert [one.body["template"] for one in graph.sent] == [
        {
            "name": "order_sent",
            "language": {"code": "es"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Luz"},
                        {"type": "text", "text": "A-17"},
                    ],
                }
            ],
        }
    ]


def test_a_paused_template_is_no_longer_offered_nor_sent(
    submitted: MessageTemplate, silent: Conversation, ana: User, browser_of: BrowserOf
) -> None:
    receive(status_event("APPROVED"), status_event("PAUSED", at=NOW + 1))
    browser = browser_of(ana)
    assert "Field 1" not in browser.get(f"/inbox/{silent.public_id}/").content.decode()
    browser.post(
        f"/inbox/{silent.public_id}/reply/",
        {"template": submitted.public_id, "value": ["Luz", "A-17"]},
    )
    assert not OutboundMessage.objects.exists()
