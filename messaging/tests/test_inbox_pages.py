"""The operators' list and thread, and the words that open a survey, through the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Company, User
from core import clock
from core.jobs.testing import drain
from core.models import AuditEvent
from messaging.models import (
    Conversation,
    InboundMessage,
    SimulatedMessage,
    SimulatedPhone,
    SurveyKeyword,
)
from messaging.services import hand_offs, simulation
from messaging.tests.shop_world import Phone, make_shop
from messaging.whatsapp.factory import get_backend
from messaging.whatsapp.simulator import SimulatorBackend
from surveys.tests.builders import make_survey

pytestmark = pytest.mark.django_db
BrowserOf = Callable[..., Client]
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def rows_of(page: str) -> list[str]:
    """Return the text of each row of the list, tags taken away."""
    found = re.findall(r'<a class="inbox__row".*?</a>', page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]


def test_the_list_shows_who_wrote_what_was_said_last_and_who_has_it(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    number = make_shop(acme)
    luz, paz = Phone(number), Phone(number, wa_id="5215533334444", name="Paz Ríos")
    luz.says("Hola")
    paz.says("Quiero hablar con una persona")
    hand_offs.take_over(conversation=paz.conversation, operator=ana)
    paz.says("*¿Siguen ahí?*")
    last = paz.conversation.inbound.latest("pk")
    InboundMessage.objects.filter(pk=last.pk).update(sent_at=clock.now() + timedelta(seconds=2))

    page = browser_of(ana).get("/inbox/list/").content.decode()
    assert "<strong>¿Siguen ahí?</strong>" in page
    listed = rows_of(page)
    rows = {name: row for row in listed for name in ("Luz Paz", "Paz Ríos") if name in row}
    assert "¿Siguen ahí?" in rows["Paz Ríos"]
    assert f"With {ana.display_name}" in rows["Paz Ríos"]
    assert " 2 " in rows["Paz Ríos"]
    assert "Agent:" in rows["Luz Paz"]  # the agents had the last word
    assert "Agents: info" in rows["Luz Paz"]


@pytest.mark.parametrize("view", ["waiting", "mine", "agents", "all"])
def test_an_empty_view_says_what_would_stand_there(
    acme: Company, ana: User, browser_of: BrowserOf, view: str
) -> None:
    make_shop(acme)
    page = browser_of(ana).get(f"/inbox/list/?view={view}").content.decode()
    assert rows_of(page) == []
    assert "inbox__none" in page


def test_markup_in_names_messages_and_notes_stays_text(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    number = make_shop(acme)
    phone = Phone(number, name=MARKUP)
    hand_offs.take_over(conversation=_written(phone), operator=ana)
    hand_offs.add_note(conversation=phone.conversation, author=ana, text=MARKUP)
    for path in ("/inbox/list/", f"/inbox/{phone.conversation.public_id}/", f"/inbox/?q={MARKUP}"):
        page = browser_of(ana).get(path).content.decode()
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    thread = browser_of(ana).get(f"/inbox/{phone.conversation.public_id}/").content.decode()
    assert "<strong>&lt;script&gt;alert(1)&lt;/script&gt;" in thread  # WhatsApp's own markup


def _written(phone: Phone) -> Conversation:
    phone.says(f"*{MARKUP}*")
    return phone.conversation


def test_a_word_opens_a_survey_until_it_is_taken_away(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    number = make_shop(acme)
    survey = make_survey(acme)
    browser = browser_of(ana)
    answer = browser.post(
        "/shop/save/keyword/", {"code": "cafe-24", "survey": survey.public_id}, follow=True
    )
    assert "CAFE24" in answer.content.decode()
    assert list(SurveyKeyword.objects.values_list("code", "survey", "is_active")) == [
        ("CAFE24", survey.pk, True)
    ]
    phone = Phone(number)
    phone.says("ENCUESTA CAFE24")
    assert phone.contact.survey_runs.get().survey == survey

    browser.post("/shop/save/keyword-off/", {"keyword": "CAFE24"})
    other = Phone(number, wa_id="5215533334444", name="Paz")
    other.says("ENCUESTA CAFE24")
    assert not other.contact.survey_runs.exists()
    trail = AuditEvent.objects.filter(action__startswith="survey_keyword")
    assert sorted(trail.values_list("action", "actor")) == [
        ("survey_keyword.removed", ana.public_id),
        ("survey_keyword.saved", ana.public_id),
    ]


def test_a_word_is_refused_with_a_reason(
    acme: Company, globex: Company, ana: User, carla: User, browser_of: BrowserOf
) -> None:
    make_shop(acme)
    first, second = make_survey(acme), make_survey(acme)
    browser = browser_of(ana)
    browser.post("/shop/save/keyword/", {"code": "COFFEE", "survey": first.public_id})
    taken = browser.post("/shop/save/keyword/", {"code": "coffee", "survey": second.public_id})
    assert (taken.status_code, "opens another survey" in taken.content.decode()) == (409, True)
    short = browser.post("/shop/save/keyword/", {"code": "ab", "survey": first.public_id})
    assert (short.status_code, "3 to 24 letters" in short.content.decode()) == (409, True)
    # Another company's survey is none.
    foreign = browser_of(carla).post(
        "/shop/save/keyword/", {"code": "MINE", "survey": first.public_id}
    )
    assert foreign.status_code in (400, 422)
    browser_of(carla).post("/shop/save/keyword-off/", {"keyword": "COFFEE"})
    assert list(SurveyKeyword.objects.values_list("code", "is_active")) == [("COFFEE", True)]


def test_the_phone_shows_that_the_shop_types_until_the_answer_comes(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    number = make_shop(acme)
    phone: SimulatedPhone = simulation.add_phone(number=number, name="Lucía")
    first, second = (
        simulation.write(phone=phone, message_type="text", fields={"text": text})
        for text in ("Hola", "¿Hay alguien?")
    )
    backend = get_backend()
    assert isinstance(backend, SimulatorBackend)
    backend.mark_read(None, second, is_typing=True)  # type: ignore[arg-type]  # no sender is asked

    feed = f"/simulator/{phone.public_id}/feed/"
    assert browser_of(ana).get(feed).json()["is_typing"] is True
    read = SimulatedMessage.objects.filter(wamid__in=(first, second), status="read")
    assert read.count() == 2  # a mark stands for what came before as well
    drain()
    shown = browser_of(ana).get(feed).json()
    assert shown["is_typing"] is False
    assert any(not one["mine"] for one in shown["messages"])
