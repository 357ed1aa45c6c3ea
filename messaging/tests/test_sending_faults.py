"""The Graph API failing over loopback HTTP: what each class of error comes to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Company, User
from core import clock
from core.jobs.testing import drain, run_sweeps
from messaging.models import (
    BusinessNumber,
    Conversation,
    HandOff,
    InboundMedia,
    OutboundMessage,
    OutboundState,
)
from messaging.replies import Reply, ReplyKind, say
from messaging.services import hand_offs, outbox, sending
from messaging.services.intake import receive_webhook
from messaging.storage import save_media
from messaging.tests.shop_world import Phone, make_shop
from messaging.tests.webhook_bodies import encode, envelope, status
from messaging.whatsapp import cloud, factory
from tests.fakes.graph_server import Fault, GraphServer

pytestmark = pytest.mark.django_db
BrowserOf = Callable[..., Client]
TOKEN = "a-token"


@pytest.fixture
def graph(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphServer]:
    monkeypatch.setattr(cloud, "READ_SECONDS", 0.25)
    # This server tells no statuses by itself; the one test of their order waits for them.
    monkeypatch.setattr(sending, "ORDER_WAIT_SECONDS", 0.0)
    with GraphServer(token=TOKEN, hang_seconds=0.5) as server:
        settings.WHATSAPP_BACKEND = "cloud"
        settings.WHATSAPP_BASE_URL = f"{server.url}/v26.0"
        settings.WHATSAPP_TOKEN = TOKEN
        factory._cloud.cache_clear()
        yield server
        factory._cloud(settings.WHATSAPP_BASE_URL).close()
        factory._cloud.cache_clear()


@pytest.fixture
def number(acme: Company) -> BusinessNumber:
    return make_shop(acme)


@pytest.fixture
def phone(number: BusinessNumber, graph: GraphServer) -> Phone:
    """Return somebody whose greeting was answered."""
    someone = Phone(number)
    someone.says("Hola")
    graph.sent.clear()
    graph.marks.clear()
    return someone


def queue(phone: Phone, words: str) -> OutboundMessage:
    """Queue a message and try to send what is due."""
    row = outbox.queue_reply(conversation=phone.conversation, reply=say(words))
    drain()
    row.refresh_from_db()
    return row


def wait_seconds(seconds: float, *rows: OutboundMessage) -> None:
    """Let the worker look again after a while, as its sweeps do."""
    with time_machine.travel(clock.now() + timedelta(seconds=seconds)):
        run_sweeps("messaging.due_sends", "messaging.due_statuses")
        drain()
    for row in rows:
        row.refresh_from_db()


def tell(number: BusinessNumber, wamid: str, name: str, opaque: str) -> None:
    told = status(wamid, name, biz_opaque_callback_data=opaque)
    receive_webhook(raw=encode(envelope(statuses=[told], number_id=number.phone_number_id)))
    drain()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", 130429, 429),
        Fault("error", 130429, 400),
        Fault("error", 131000, 500),
        Fault("error", 131016, 503),
        Fault("error", 4, 400),
        Fault("bare", status=429),
        Fault("bare", status=500),
        Fault("bare", status=503),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.code}-{fault.status}",
)
def test_what_passes_is_tried_again_later_and_sent_once(
    phone: Phone, graph: GraphServer, fault: Fault
) -> None:
    graph.faults.append(fault)
    row = queue(phone, "Uno")

    assert (row.state, row.error_class, row.attempts) == (OutboundState.QUEUED, "retry", 1)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > clock.now()
    assert graph.texts == []
    wait_seconds(300, row)
    assert (row.state, row.error_code) == (OutboundState.SENT, "")
    assert graph.texts == ["Uno"]


def test_pauses_grow_and_end_in_a_failure_that_lets_the_next_one_pass(
    phone: Phone, graph: GraphServer
) -> None:
    graph.faults.extend([Fault("error", 131000, 500)] * sending.RETRIES_MAX)
    row = queue(phone, "Uno")
    following = queue(phone, "Dos")
    assert following.state == OutboundState.QUEUED  # it does not overtake

    for _ in range(sending.RETRIES_MAX):
        row.refresh_from_db()
        OutboundMessage.objects.filter(pk=row.pk).update(next_attempt_at=clock.now())
        run_sweeps("messaging.due_sends")
        drain()

    row.refresh_from_db()
    following.refresh_from_db()
    assert (row.state, row.attempts, row.error_code) == (OutboundState.FAILED, 8, "131000")
    assert following.state == OutboundState.SENT
    assert graph.texts == ["Dos"]


def test_too_much_for_one_person_holds_up_that_person_alone(
    phone: Phone, number: BusinessNumber, graph: GraphServer
) -> None:
    other = Phone(number, wa_id="5215533334444", name="Paz")
    other.says("Hola")
    graph.sent.clear()
    graph.faults.extend([Fault("error", 131056, to=phone.wa_id)] * 2)
    row = queue(phone, "Uno")
    assert row.error_class == "pair"
    assert row.next_attempt_at is not None
    assert 3 < (row.next_attempt_at - clock.now()).total_seconds() <= 4
    assert queue(other, "Para Paz").state == OutboundState.SENT

    with time_machine.travel(clock.now() + timedelta(seconds=5)):
        run_sweeps("messaging.due_sends")
        drain()
        row.refresh_from_db()
        assert 15 < (row.next_attempt_at - clock.now()).total_seconds() <= 16
    wait_seconds(60, row)
    assert row.state == OutboundState.SENT
    assert graph.texts == ["Para Paz", "Uno"]


def test_a_closed_window_holds_the_message_until_the_person_writes(
    phone: Phone, graph: GraphServer
) -> None:
    graph.faults.append(Fault("error", 131047))
    row = queue(phone, "Tu pedido salió")
    assert (row.state, row.error_code) == (OutboundState.HELD, "131047")
    wait_seconds(3600, row)
    assert row.state == OutboundState.HELD
    assert graph.texts == []

    phone.says("¿A qué hora abren?")
    row.refresh_from_db()
    assert row.state == OutboundState.SENT
    assert graph.texts.count("Tu pedido salió") == 1


def test_after_a_day_of_silence_only_a_template_goes_out(phone: Phone, graph: GraphServer) -> None:
    Conversation.objects.filter(pk=phone.conversation.pk).update(
        last_inbound_at=clock.now() - timedelta(hours=25)
    )
    row = queue(phone, "Hola otra vez")
    assert row.state == OutboundState.HELD
    template = Reply(
        ReplyKind.TEMPLATE, "Tu pedido salió", template_name="order_sent", template_language="es"
    )
    sent = outbox.queue_reply(conversation=phone.conversation, reply=template)
    drain()
    sent.refresh_from_db()
    assert sent.state == OutboundState.SENT
    assert [one.body["type"] for one in graph.sent] == ["template"]
    assert graph.sent[0].body["template"]["name"] == "order_sent"


@pytest.mark.parametrize("code", [190, 10, 200, 368, 131031, 131042, 131048])
def test_a_refused_token_or_account_stops_the_number_until_a_person_resumes_it(
    phone: Phone,
    number: BusinessNumber,
    graph: GraphServer,
    code: int,
    ana: User,
    browser_of: BrowserOf,
) -> None:
    other = Phone(number, wa_id="5215533334444", name="Paz")
    other.says("Hola")
    graph.sent.clear()
    graph.faults.append(Fault("error", code, 401 if code == 190 else 400))
    row = queue(phone, "Uno")
    number.refresh_from_db()
    assert number.stop_code == str(code)
    assert row.state == OutboundState.QUEUED
    asked = len(graph.requests)

    waiting = queue(other, "Dos")
    wait_seconds(3600, row, waiting)
    assert (row.state, waiting.state) == (OutboundState.QUEUED, OutboundState.QUEUED)
    assert len(graph.requests) == asked

    assert f"code {code}" in browser_of(ana).get("/inbox/").content.decode()
    answer = browser_of(ana).post("/shop/save/number/", {"number": number.public_id})
    assert answer.status_code == 302
    drain()
    row.refresh_from_db()
    waiting.refresh_from_db()
    assert (row.state, waiting.state) == (OutboundState.SENT, OutboundState.SENT)
    assert sorted(graph.texts) == ["Dos", "Uno"]


@pytest.mark.parametrize("code", [131026, 131008, 100, 132001, 131062])
def test_what_can_never_work_fails_at_once_and_holds_nobody_up(
    phone: Phone, graph: GraphServer, code: int
) -> None:
    graph.faults.append(Fault("error", code))
    row = queue(phone, "Uno")
    assert (row.state, row.error_code, row.attempts) == (OutboundState.FAILED, str(code), 1)
    assert queue(phone, "Dos").state == OutboundState.SENT
    wait_seconds(4000, row)
    assert graph.texts == ["Dos"]


def test_a_marketing_limit_waits_a_day(phone: Phone, graph: GraphServer) -> None:
    graph.faults.append(Fault("error", 131049))
    row = queue(phone, "Uno")
    assert row.next_attempt_at is not None
    assert (row.next_attempt_at - clock.now()).total_seconds() > 86_000
    wait_seconds(80_000, row)
    assert graph.texts == []


AMBIGUOUS = [
    Fault("time_out_after"),
    Fault("reset_after"),
    Fault("garbage"),
]


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=lambda fault: fault.kind)
def test_taken_without_an_answer_it_waits_for_its_status_and_is_sent_once(
    phone: Phone, number: BusinessNumber, graph: GraphServer, fault: Fault
) -> None:
    graph.faults.append(fault)
    row = queue(phone, "Uno")
    assert (row.state, row.error_class) == (OutboundState.SENDING, "ambiguous")
    following = queue(phone, "Dos")
    wait_seconds(30, row, following)
    assert (row.state, following.state) == (OutboundState.SENDING, OutboundState.QUEUED)

    taken = graph.sent[0]
    assert taken.opaque == row.public_id
    tell(number, taken.wamid, "delivered", taken.opaque)
    row.refresh_from_db()
    assert (row.state, row.wamid) == (OutboundState.DELIVERED, taken.wamid)
    wait_seconds(61, row, following)
    assert (row.state, following.state) == (OutboundState.DELIVERED, OutboundState.SENT)
    assert graph.texts == ["Uno", "Dos"]


@pytest.mark.parametrize(
    "fault",
    [*AMBIGUOUS, Fault("time_out_before"), Fault("bare", status=502), Fault("bare", status=504)],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_without_a_status_it_is_unknown_shown_to_an_operator_and_never_sent_again(
    phone: Phone,
    number: BusinessNumber,
    graph: GraphServer,
    fault: Fault,
    ana: User,
    browser_of: BrowserOf,
) -> None:
    graph.faults.append(fault)
    row = queue(phone, "Uno")
    taken = list(graph.texts)
    wait_seconds(61, row)
    wait_seconds(86_400, row)
    assert row.state == OutboundState.UNKNOWN
    assert graph.texts == taken
    hand_off = HandOff.objects.get(conversation=phone.conversation)
    assert hand_off.reason == "unknown_send"
    page = browser_of(ana).get(f"/inbox/{phone.conversation.public_id}/").content.decode()
    assert "Send it again" in page

    # An operator decides: then, and only then, it goes out again.
    answer = browser_of(ana).post(
        f"/inbox/{phone.conversation.public_id}/do/resend/", {"message": row.public_id}
    )
    assert answer.status_code == 302
    drain()
    row.refresh_from_db()
    assert row.state == OutboundState.SENT
    assert graph.texts == [*taken, "Uno"]


def test_a_status_that_comes_after_all_settles_an_unknown_message(
    phone: Phone, number: BusinessNumber, graph: GraphServer, ana: User, browser_of: BrowserOf
) -> None:
    graph.faults.append(Fault("time_out_after"))
    row = queue(phone, "Uno")
    wait_seconds(61, row)
    assert row.state == OutboundState.UNKNOWN
    tell(number, graph.sent[0].wamid, "read", row.public_id)
    row.refresh_from_db()
    assert row.state == OutboundState.READ
    browser_of(ana).post(
        f"/inbox/{phone.conversation.public_id}/do/resend/", {"message": row.public_id}
    )
    drain()
    assert graph.texts == ["Uno"]


def test_nobody_listens_so_nothing_was_taken_and_it_is_tried_again(
    phone: Phone, graph: GraphServer, settings: Any
) -> None:
    reachable = settings.WHATSAPP_BASE_URL
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed_port = free.getsockname()[1]
    settings.WHATSAPP_BASE_URL = f"http://127.0.0.1:{closed_port}/v26.0"
    row = queue(phone, "Uno")
    assert (row.state, row.error_class) == (OutboundState.QUEUED, "retry")

    settings.WHATSAPP_BASE_URL = reachable
    wait_seconds(60, row)
    assert row.state == OutboundState.SENT
    assert graph.texts == ["Uno"]


def test_a_status_that_says_failed_ends_it_with_metas_code(
    phone: Phone, number: BusinessNumber, graph: GraphServer
) -> None:
    row = queue(phone, "Uno")
    told = status(graph.sent[0].wamid, "failed", errors=[{"code": 131026, "title": "?"}])
    receive_webhook(raw=encode(envelope(statuses=[told], number_id=number.phone_number_id)))
    drain()
    row.refresh_from_db()
    assert (row.state, row.error_code) == (OutboundState.FAILED, "131026")
    tell(number, graph.sent[0].wamid, "delivered", row.public_id)
    row.refresh_from_db()
    assert row.state == OutboundState.FAILED


def test_a_closed_window_told_by_a_status_holds_the_message_and_sends_it_once_more(
    phone: Phone, number: BusinessNumber, graph: GraphServer
) -> None:
    row = queue(phone, "Tu pedido salió")
    assert row.state == OutboundState.SENT
    first = graph.sent[0].wamid

    def refuse(at: int) -> None:
        told = status(
            first,
            "failed",
            at=at,
            errors=[{"code": 131047, "title": "Re-engagement message"}],
            biz_opaque_callback_data=row.public_id,
        )
        receive_webhook(raw=encode(envelope(statuses=[told], number_id=number.phone_number_id)))
        drain()
        row.refresh_from_db()

    Conversation.objects.filter(pk=phone.conversation.pk).update(
        last_inbound_at=clock.now() - timedelta(hours=1)
    )
    refuse(1790000001)
    assert (row.state, row.error_code, row.wamid) == (OutboundState.HELD, "131047", None)
    wait_seconds(3600, row)
    assert graph.texts == ["Tu pedido salió"]

    phone.says("¿A qué hora abren?")
    wait_seconds(10, row)
    assert row.state == OutboundState.SENT
    assert graph.texts.count("Tu pedido salió") == 2  # refused once, taken once
    second = row.wamid
    refuse(1790000002)  # Meta tells of the first try again
    wait_seconds(10, row)
    assert (row.state, row.wamid) == (OutboundState.SENT, second)
    tell(number, str(second), "delivered", row.public_id)
    row.refresh_from_db()
    assert row.state == OutboundState.DELIVERED
    assert graph.texts.count("Tu pedido salió") == 2


def test_a_second_message_waits_until_the_first_is_on_its_way(
    phone: Phone, number: BusinessNumber, graph: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = 5.0
    OutboundMessage.objects.update(sent_at=clock.now() - timedelta(seconds=wait))
    monkeypatch.setattr(sending, "ORDER_WAIT_SECONDS", wait)
    first = queue(phone, "Uno")
    second = queue(phone, "Dos")
    assert (first.state, second.state) == (OutboundState.SENT, OutboundState.QUEUED)
    tell(number, graph.sent[0].wamid, "sent", first.public_id)
    second.refresh_from_db()
    assert second.state == OutboundState.SENT

    third = queue(phone, "Tres")
    assert third.state == OutboundState.QUEUED
    wait_seconds(wait - 2, third)
    assert third.state == OutboundState.QUEUED
    wait_seconds(wait + 1, third)  # no status came
    assert third.state == OutboundState.SENT
    assert graph.texts == ["Uno", "Dos", "Tres"]


def test_an_operators_look_gives_the_person_their_blue_ticks_once(
    phone: Phone, graph: GraphServer, ana: User, browser_of: BrowserOf
) -> None:
    hand_offs.take_over(conversation=phone.conversation, operator=ana)
    phone.says("¿Hay alguien?")
    phone.says("Hola…")
    assert graph.marks == []

    page = f"/inbox/{phone.conversation.public_id}/"
    for _ in range(2):
        assert browser_of(ana).get(page).status_code == 200
        drain()
    last = phone.conversation.inbound.order_by("-pk").first()
    assert [mark["message_id"] for mark in graph.marks] == [last.wamid]
    assert "typing_indicator" not in graph.marks[0]


def test_a_message_is_marked_read_with_a_typing_sign_before_its_answer(
    number: BusinessNumber, graph: GraphServer
) -> None:
    someone = Phone(number)
    someone.says("Hola")

    assert [mark["status"] for mark in graph.marks] == ["read"]
    assert graph.marks[0]["typing_indicator"] == {"type": "text"}
    assert graph.marks[0]["message_id"].startswith("wamid.test")
    assert len(graph.sent) >= 1


def test_an_upload_without_an_answer_is_made_again_since_nobody_saw_it(
    phone: Phone, graph: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.delay_seconds = 0.5
    picture = Reply(
        ReplyKind.MEDIA,
        "",
        media_kind="image",
        media_key=save_media(b"\x89PNG\r\n\x1a\n", folder="outbound"),
        file_name="x.png",
        extra={"mime_type": "image/png"},
    )
    row = outbox.queue_reply(conversation=phone.conversation, reply=picture)
    drain()
    row.refresh_from_db()
    assert (row.state, row.error_class) == (OutboundState.QUEUED, "retry")

    graph.delay_seconds = 0
    wait_seconds(60, row)
    assert row.state == OutboundState.SENT
    assert [one.body["type"] for one in graph.sent] == ["image"]


def test_a_picture_is_fetched_by_a_job_and_shown_by_what_its_bytes_say(
    phone: Phone, number: BusinessNumber, graph: GraphServer, ana: User, browser_of: BrowserOf
) -> None:
    graph.media["media-1"] = ("image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 300)
    graph.media["media-2"] = ("image/png", b"<script>alert(1)</script>")
    for key in ("media-1", "media-2", "media-gone"):
        phone.send({"type": "image", "image": {"id": key, "mime_type": "image/png"}})

    kept = {one.media_id: one for one in InboundMedia.objects.all()}
    assert {key: one.state for key, one in kept.items()} == {
        "media-1": "stored",
        "media-2": "stored",
        "media-gone": "gone",
    }
    shown = browser_of(ana).get(f"/inbox/media/{kept['media-1'].message_id}/")
    assert shown["Content-Type"] == "image/png"
    assert b"".join(shown.streaming_content).startswith(b"\x89PNG")
    hidden = browser_of(ana).get(f"/inbox/media/{kept['media-2'].message_id}/")
    assert hidden["Content-Type"] == "application/octet-stream"
    assert hidden["Content-Disposition"].startswith("attachment")
    assert "sandbox" in hidden["Content-Security-Policy"]
    assert b"".join(hidden.streaming_content) == b"<script>alert(1)</script>"
