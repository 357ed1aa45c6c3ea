"""The simulator's phone: what is typed passes as a signed webhook, and what we send appears."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Company, User
from core.jobs.testing import drain
from messaging.models import (
    BusinessNumber,
    Conversation,
    InboundMedia,
    InboundMessage,
    OutboundMessage,
    OutboundState,
    RawWebhook,
    SimulatedMessage,
    SimulatedPhone,
    TurnRecord,
)
from messaging.services import simulation
from messaging.whatsapp import simulator

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]


@pytest.fixture
def number(acme: Company) -> BusinessNumber:
    return BusinessNumber.objects.create(
        company=acme, phone_number_id="1001", display_number="+52 55 1000 1000", label="Acme"
    )


@pytest.fixture
def phone(number: BusinessNumber) -> SimulatedPhone:
    return simulation.add_phone(number=number, name="Lucía")


@pytest.fixture(autouse=True)
def _statuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "STATUS_STEP_SECONDS", 0)


def post(browser: Client, path: str, body: Any) -> Any:
    return browser.post(path, json.dumps(body), content_type="application/json")


def write(browser: Client, phone: SimulatedPhone, text: str) -> None:
    answer = post(
        browser,
        f"/simulator/{phone.public_id}/messages/",
        {"type": "text", "fields": {"text": text}},
    )
    assert answer.status_code == 201, answer.content
    drain()


def test_a_greeting_is_answered_and_both_sides_see_it(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    write(browser, phone, "Hola")

    assert RawWebhook.objects.count() >= 1
    turn = TurnRecord.objects.get()
    assert (turn.lane, turn.intent, turn.is_success) == ("info", "greeting", True)
    feed = browser.get(f"/simulator/{phone.public_id}/feed/").json()
    assert [one["mine"] for one in feed["messages"]][:2] == [True, False]
    assert feed["messages"][0]["text"] == "Hola"
    assert feed["messages"][1]["text"]
    assert feed["conversation"]["lane"] == "info"
    sent = OutboundMessage.objects.first()
    assert sent is not None
    assert sent.state == OutboundState.DELIVERED
    # Opening the chat turns the ticks blue.
    assert post(browser, f"/simulator/{phone.public_id}/read/", {}).json()["read"] >= 1
    drain()
    sent.refresh_from_db()
    assert sent.state == OutboundState.READ
    conversation = Conversation.objects.get()
    page = browser.get(f"/inbox/{conversation.public_id}/").content.decode()
    assert "Hola" in page
    assert "Lucía" in page


def test_ten_words_in_a_burst_are_ten_turns_in_order(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf
) -> None:
    for index in range(10):
        simulation.write(phone=phone, message_type="text", fields={"text": f"Mensaje {index}"})
    drain()

    state = Conversation.objects.get().state
    assert state is not None
    said = [turn["text"] for turn in state["dialogue"]["turns"] if turn["role"] == "user"]
    assert said == [f"Mensaje {index}" for index in range(10)]
    assert InboundMessage.objects.filter(state="waiting").count() == 0


def test_a_lost_answer_is_never_sent_twice(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf
) -> None:
    simulation.set_faults(number=phone.number, loses_answers=1)
    write(browser_of(ana), phone, "Hola")
    drain()

    shown = SimulatedMessage.objects.filter(is_outgoing=False)
    assert shown.count() == OutboundMessage.objects.count()
    assert set(OutboundMessage.objects.values_list("state", flat=True)) == {OutboundState.DELIVERED}


def test_every_type_is_taken_and_shown_to_operators(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf
) -> None:
    fields = {
        "text": "Hola",
        "id": "x",
        "title": "Sí",
        "latitude": 19.4,
        "longitude": -99.1,
        "emoji": "👍",
        "items": [{"sku": "A", "quantity": 2, "price": 0.01}],
    }
    for message_type in simulation.TYPES:
        simulation.write(phone=phone, message_type=message_type, fields=fields)
    drain()

    assert InboundMessage.objects.count() == len(simulation.TYPES)
    assert set(InboundMessage.objects.values_list("state", flat=True)) <= {"done", "silent"}
    conversation = Conversation.objects.get()
    assert browser_of(ana).get(f"/inbox/{conversation.public_id}/").status_code == 200


def test_strangers_see_no_phone_and_no_inbox(
    phone: SimulatedPhone, carla: User, globex: Company, vera: User, browser_of: BrowserOf
) -> None:
    simulation.write(phone=phone, message_type="text", fields={"text": "Hola"})
    drain()
    conversation = Conversation.objects.get()
    before = SimulatedMessage.objects.count()
    for path in (
        f"/simulator/{phone.public_id}/",
        f"/simulator/{phone.public_id}/feed/",
        f"/inbox/{conversation.public_id}/",
    ):
        assert browser_of(carla).get(path).status_code == 404
    answer = post(
        browser_of(carla),
        f"/simulator/{phone.public_id}/messages/",
        {"type": "text", "fields": {"text": "Hi"}},
    )
    assert answer.status_code == 404
    assert SimulatedMessage.objects.count() == before


def test_with_the_real_back_end_there_is_no_simulator(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf, settings: Any
) -> None:
    settings.WHATSAPP_BACKEND = "cloud"
    assert browser_of(ana).get("/simulator/").status_code == 404


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def test_pictures_are_shown_on_both_sides(
    phone: SimulatedPhone, ana: User, carla: User, globex: Company, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    write(browser, phone, "Hola")
    conversation = Conversation.objects.get()
    browser.post(
        f"/inbox/{conversation.public_id}/reply/",
        {"file": SimpleUploadedFile("x.png", PNG, "image/png"), "client_id": "1"},
    )
    drain()

    sent = OutboundMessage.objects.get(kind="media")
    assert f"/inbox/media/sent/{sent.public_id}/" in browser.get(
        f"/inbox/{conversation.public_id}/"
    ).content.decode().replace("&amp;", "&")
    feed = browser.get(f"/simulator/{phone.public_id}/feed/").json()
    shown = feed["messages"][-1]
    assert shown["media"] == "image"
    path = f"/simulator/{phone.public_id}/media/{shown['id']}/"
    assert browser.get(path).content == PNG
    assert browser_of(carla).get(path).status_code == 404
    assert browser_of(carla).get(f"/inbox/media/sent/{sent.public_id}/").status_code == 404


@pytest.mark.parametrize(
    "key",
    ["../../../../etc/passwd", "/etc/passwd", "inbound/file_1", "simulator/../x", "\0", "x" * 999],
)
def test_a_file_named_with_tricks_is_gone_and_serves_nothing(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf, key: str
) -> None:
    browser = browser_of(ana)
    answer = post(
        browser,
        f"/simulator/{phone.public_id}/messages/",
        {"type": "image", "fields": {"media_key": key}},
    )
    assert answer.status_code in (201, 400)
    drain()
    for message in SimulatedMessage.objects.all():
        path = f"/simulator/{phone.public_id}/media/{message.wamid}/"
        assert browser.get(path).status_code in (200, 404)
        assert b"root:" not in browser.get(path).content
    assert set(InboundMedia.objects.values_list("state", flat=True)) <= {"gone"}


def test_the_window_is_closed_on_demand_and_any_code_can_be_told(
    phone: SimulatedPhone, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    path = f"/simulator/{phone.public_id}/faults/"
    browser.post(path, {"error_code": "131062", "error_count": "1"})
    write(browser, phone, "Hola")
    sent = OutboundMessage.objects.first()
    assert sent is not None
    assert (sent.state, sent.error_code) == (OutboundState.FAILED, "131062")

    browser.post(path, {"is_window_closed": "on"})
    write(browser, phone, "¿A qué hora abren?")
    last = OutboundMessage.objects.last()
    assert last is not None
    assert (last.state, last.error_code) == (OutboundState.HELD, "131047")
