"""The pages on which a company connects its WhatsApp numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Company, Membership, Role, User
from core import clock
from core.jobs.testing import drain
from core.models import AuditEvent
from messaging.models import BusinessNumber, Conversation, OutboundMessage, OutboundState
from messaging.services import simulation
from messaging.services.numbers import NUMBERS_MAX
from messaging.tests.messages_world import make_messages
from messaging.tests.shop_world import Phone

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]
NEW = "/shop/numbers/new/"
FIELDS = {
    "label": "Support",
    "display_number": "+52 55 1234 5678",
    "phone_number_id": "109876543210",
    "default_language": "en",
}


def connect(company: Company, phone_number_id: str = "109876543210") -> BusinessNumber:
    return BusinessNumber.objects.create(
        company=company, phone_number_id=phone_number_id, display_number="+52 55 0000 0001"
    )


def lines(action: str) -> list[tuple[str, str, str, str]]:
    rows = AuditEvent.objects.filter(action=action).order_by("pk")
    return list(rows.values_list("actor", "object_ref", "company_ref", "note"))


def test_several_numbers_are_connected_and_their_messages_come_in(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    assert "No number yet" in browser.get("/shop/numbers/").content.decode()
    other = FIELDS | {"phone_number_id": " 555000111222 ", "label": "Sales"}
    for fields in (FIELDS, other):
        assert browser.post(NEW, fields).status_code == 302

    first, second = BusinessNumber.objects.order_by("pk")
    assert (first.company, first.label, first.display_number, first.default_language) == (
        acme,
        "Support",
        "+52 55 1234 5678",
        "en",
    )
    assert second.phone_number_id == "555000111222"
    assert lines("number.added") == [
        (ana.public_id, number.public_id, acme.public_id, number.phone_number_id)
        for number in (first, second)
    ]
    assert Phone(second).says("hello") != ""
    page = browser.get("/shop/numbers/").content.decode()
    for number, count in ((first, 0), (second, 1)):
        row = page.split(f"/shop/numbers/{number.public_id}/")[1].split("</tr>")[0]
        assert f">{count}</td>" in row
        assert "Active" in row
    assert "/shop/numbers/" in browser.get("/shop/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"phone_number_id": "+52 55 1234"}, "5 to 32 digits"),
        ({"phone_number_id": "１２３４５６"}, "5 to 32 digits"),
        ({"phone_number_id": ""}, "5 to 32 digits"),
        ({"phone_number_id": "9" * 33}, "5 to 32 digits"),
        ({"display_number": "call us"}, "as people dial it"),
        ({"display_number": "+52 55"}, "as people dial it"),
        ({"display_number": "+52 55 1234 5678\x00"}, "as people dial it"),
        ({"default_language": "xx"}, "Spanish, English"),
    ],
)
def test_fields_that_cannot_be_used_are_named_and_kept(
    wrong: dict[str, str], said: str, ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    answer = browser_of(ana).post(NEW, FIELDS | wrong)

    assert answer.status_code == 400
    page = answer.content.decode()
    assert said in page
    assert 'value="Support"' in page
    assert not BusinessNumber.objects.exists()


def test_an_id_that_is_taken_is_refused_and_nothing_is_told_of_its_owner(
    ana: User, acme: Company, globex: Company, browser_of: BrowserOf
) -> None:
    BusinessNumber.objects.create(
        company=globex,
        phone_number_id="109876543210",
        display_number="+1 202 555 0100",
        label="Carlas shop",
    )
    own = connect(acme, "555000111222")
    browser = browser_of(ana)
    path = f"/shop/numbers/{own.public_id}/"

    for answer in (browser.post(NEW, FIELDS), browser.post(path, FIELDS)):
        assert answer.status_code == 409
        page = answer.content.decode()
        assert "it is in use already" in page
        for secret in ("Carlas shop", "202 555", globex.name, globex.public_id):
            assert secret not in page
    again = browser.post(NEW, FIELDS | {"phone_number_id": own.phone_number_id})
    assert again.status_code == 409
    assert "Your company has this phone number ID already" in again.content.decode()

    own.refresh_from_db()
    assert (own.phone_number_id, own.label) == ("555000111222", "")
    assert BusinessNumber.objects.filter(company=acme).count() == 1
    assert lines("number.added") == lines("number.changed") == []


def test_a_change_leaves_what_senders_wrote_and_a_line(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    number = connect(acme)
    BusinessNumber.objects.update(
        stopped_at=clock.now(), stop_code="190", messages_per_second=1000, send_slot_at=clock.now()
    )
    sent = FIELDS | {"phone_number_id": "555000111222", "is_active": "", "messages_per_second": "1"}
    assert browser_of(ana).post(f"/shop/numbers/{number.public_id}/", sent).status_code == 302

    number.refresh_from_db()
    assert (number.label, number.phone_number_id) == ("Support", "555000111222")
    assert (number.stop_code, number.messages_per_second, number.is_active) == ("190", 1000, True)
    assert lines("number.changed") == [
        (ana.public_id, number.public_id, acme.public_id, "109876543210 to 555000111222")
    ]


def test_a_paused_number_keeps_what_people_write_and_answers_after_it_is_resumed(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    number, browser = connect(acme), browser_of(ana)
    path = f"/shop/numbers/{number.public_id}/"
    for _ in range(2):
        assert browser.post(path, {"pause": "1"}).status_code == 302
    assert lines("number.paused") == [(ana.public_id, number.public_id, acme.public_id, "")]

    phone = simulation.add_phone(number=number, name="Luz")
    simulation.write(phone=phone, message_type="text", fields={"text": "Hola"})
    drain()
    assert Conversation.objects.get().version == 1
    assert {one.state for one in OutboundMessage.objects.all()} == {OutboundState.QUEUED}
    page = browser.get(path).content.decode()
    assert "Somebody of your company paused it" in page
    assert "somebody of your company paused it" in browser.get("/inbox/").content.decode()

    assert browser.post(path, {"resume": "1"}).status_code == 302
    drain()
    assert {one.state for one in OutboundMessage.objects.all()} == {OutboundState.SENT}
    assert "Paused" not in browser.get("/shop/numbers/").content.decode()


def test_a_pause_keeps_the_code_whatsapp_stopped_a_number_with(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    number = connect(acme)
    BusinessNumber.objects.update(stopped_at=clock.now(), stop_code="190")

    browser_of(ana).post(f"/shop/numbers/{number.public_id}/", {"pause": "1"})

    number.refresh_from_db()
    assert number.stop_code == "190"


def test_what_an_administrator_switched_off_stays_off_and_keeps_its_id(
    ana: User, acme: Company, browser_of: BrowserOf
) -> None:
    number, browser = connect(acme), browser_of(ana)
    BusinessNumber.objects.update(is_active=False)
    path = f"/shop/numbers/{number.public_id}/"

    answer = browser.post(path, FIELDS | {"phone_number_id": "555000111222"})
    assert answer.status_code == 409
    assert "switched off" in answer.content.decode()
    assert browser.post(path, FIELDS).status_code == 302

    number.refresh_from_db()
    assert (number.phone_number_id, number.label, number.is_active) == (
        "109876543210",
        "Support",
        False,
    )


def test_only_people_of_the_company_who_edit_its_shop_see_its_numbers(
    acme: Company, beto: User, vera: User, carla: User, globex: Company, browser_of: BrowserOf
) -> None:
    number = connect(acme)
    path = f"/shop/numbers/{number.public_id}/"
    assert browser_of(beto).get(path).status_code == 200
    Membership.objects.filter(user=beto).update(role=Role.OPERATOR)

    for person in (beto, carla):
        for sent in (FIELDS, {"pause": "1"}, {"resume": "1"}):
            assert browser_of(person).post(path, sent).status_code == 404
    assert browser_of(beto).post(NEW, FIELDS).status_code == 404
    assert number.phone_number_id not in browser_of(carla).get("/shop/numbers/").content.decode()
    assert browser_of(vera).get(path).status_code == 302
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(carla, backend="django.contrib.auth.backends.ModelBackend")
    assert guarded.post(NEW, FIELDS | {"phone_number_id": "777000"}).status_code == 403

    number.refresh_from_db()
    assert (number.label, number.stopped_at) == ("", None)
    assert BusinessNumber.objects.count() == 1


def test_with_the_cloud_connecting_needs_the_installations_right(
    ana: User, acme: Company, browser_of: BrowserOf, settings: Any
) -> None:
    settings.WHATSAPP_BACKEND = "cloud"
    settings.WHATSAPP_TOKEN = "shared-token-zq"
    settings.WHATSAPP_TOKENS = {"555000111222": "own-token-zq"}
    number = connect(acme)
    path = f"/shop/numbers/{number.public_id}/"
    moved = FIELDS | {"phone_number_id": "555000111222"}

    browser = browser_of(ana)
    assert browser.get("/shop/numbers/").content.decode().count(NEW) == 0
    for address, sent in ((NEW, moved), (path, moved)):
        answer = browser.post(address, sent)
        assert answer.status_code == 403
        assert "An administrator gives it" in answer.content.decode()
    assert browser.post(path, FIELDS).status_code == 302
    assert BusinessNumber.objects.get().label == "Support"

    ana.user_permissions.add(Permission.objects.get(codename="add_businessnumber"))
    assert browser.post(NEW, moved | {"label": "Second"}).status_code == 302
    second = BusinessNumber.objects.get(label="Second")
    for address, variable in (
        (path, "WHATSAPP_TOKEN"),
        (f"/shop/numbers/{second.public_id}/", "WHATSAPP_TOKENS"),
    ):
        page = browser.get(address).content.decode()
        assert f"comes from <code>{variable}</code>" in page
        assert "token-zq" not in page
    settings.WHATSAPP_TOKEN = ""
    assert "nothing can be sent from it" in browser.get(path).content.decode()
    assert browser.get("/shop/numbers/").content.decode().count("No key") == 1


def test_more_numbers_cost_no_more_queries_and_have_a_limit(
    ana: User,
    acme: Company,
    browser_of: BrowserOf,
    django_assert_num_queries: Any,
) -> None:
    number_id = make_messages(acme, ana, "words")["number_id"]
    browser = browser_of(ana)
    for _ in range(2):
        with django_assert_num_queries(4):
            browser.get("/shop/numbers/")
        with django_assert_num_queries(4):
            browser.get(f"/shop/numbers/{number_id}/")
        BusinessNumber.objects.bulk_create(
            BusinessNumber(
                company=acme,
                public_id=f"number_{at}",
                phone_number_id=str(880000 + at),
                display_number="+1 202 555 0100",
            )
            for at in range(BusinessNumber.objects.count(), NUMBERS_MAX)
        )

    answer = browser.post(NEW, FIELDS)
    assert answer.status_code == 409
    assert f"at most {NUMBERS_MAX} numbers" in answer.content.decode()
