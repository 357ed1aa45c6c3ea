"""Erasing a person from the inbox, because they asked the company for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import Company, User
from core import clock
from messaging.models import (
    BusinessNumber,
    Contact,
    Conversation,
    ConversationNote,
    InboundMessage,
    Order,
)
from messaging.models.orders import OrderState
from messaging.tests.messages_world import make_messages
from messaging.tests.shop_world import make_order_payment
from tests.canaries import tables_with

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]
CANARY = "zq7inbox"
BUTTON = "Erase this person"


@pytest.fixture
def page(acme: Company, ana: User) -> str:
    """Return the address of a conversation full of words."""
    return f"/inbox/{make_messages(acme, ana, 'words')['conversation_id']}/"


def test_an_owner_erases_everything_said(
    page: str, ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    contact = Contact.objects.get()
    Contact.objects.create(company=acme, name=CANARY, merged_into=contact)
    InboundMessage.objects.filter(contact=contact).update(payload={"text": {"body": CANARY}})
    assert BUTTON in browser.get(page).content.decode()

    answer = browser.post(f"{page}do/erase/")

    assert (answer.status_code, answer["Location"]) == (302, "/inbox/")
    contact.refresh_from_db()
    assert (contact.name, contact.phone) == ("", None)
    assert not ConversationNote.objects.exists()
    assert tables_with(CANARY) == []
    after = browser.get(page)
    assert after.status_code == 200
    assert BUTTON not in after.content.decode()


def test_nobody_but_an_owner_does(page: str, beto: User, browser_of: BrowserOf) -> None:
    browser = browser_of(beto)
    assert BUTTON not in browser.get(page).content.decode()

    assert browser.post(f"{page}do/erase/").status_code == 403

    assert Contact.objects.get().phone is not None


def test_an_open_order_comes_first(ana: User, acme: Company, browser_of: BrowserOf) -> None:
    make_order_payment(acme, "words")
    order = Order.objects.get()
    assert order.state not in (OrderState.DELIVERED, OrderState.CANCELLED)
    number = BusinessNumber.objects.create(
        company=acme, phone_number_id="700701", display_number="+52 55 7007 0071"
    )
    conversation = Conversation.objects.create(
        number=number, contact=order.contact, last_activity_at=clock.now()
    )

    answer = browser_of(ana).post(f"/inbox/{conversation.public_id}/do/erase/")

    assert [str(one) for one in get_messages(answer.wsgi_request)] == [
        f"Order {order.number} is not finished. Deliver, cancel or refund it first."
    ]
    assert Contact.objects.get(pk=order.contact_id).phone is not None
