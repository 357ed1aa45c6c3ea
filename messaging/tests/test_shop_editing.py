"""What the console edits: profile, hours, policies, questions, catalogue, templates, tickets."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from core.errors import ConflictError, InvalidInputError
from core.jobs.testing import drain
from core.models import AuditEvent
from messaging.lanes.base import find_language, find_quantity, means_no, means_yes
from messaging.lanes.info.facts import say_hours
from messaging.models import (
    Contact,
    FaqEntry,
    MessageTemplate,
    OpeningHours,
    Product,
    StockMovement,
    Ticket,
    TicketKind,
    TicketState,
)
from messaging.search import Document, rank
from messaging.selectors import knowledge as reads
from messaging.selectors import shop, support
from messaging.services import catalogue, knowledge, templates, tickets
from messaging.services.knowledge import HoursSpan
from messaging.tests.shop_world import make_shop
from messaging.whatsapp import templates as adapter

pytestmark = pytest.mark.django_db


def test_hours_that_overlap_change_nothing(acme):
    span = HoursSpan(0, time(9), time(18))
    knowledge.replace_hours(company=acme, spans=[span])

    for wrong in (
        [span, HoursSpan(0, time(17), time(19))],
        [HoursSpan(0, time(9), time(9))],
        [HoursSpan(7, time(9), time(10))],
    ):
        with pytest.raises(InvalidInputError):
            knowledge.replace_hours(company=acme, spans=wrong)

    assert OpeningHours.objects.get().closes_at == time(18)


def test_a_special_day_wins_over_its_weekday(acme):
    make_shop(acme)
    knowledge.save_special_day(
        company=acme, day=datetime(2026, 11, 23, tzinfo=UTC).date(), note_es="Inventario"
    )

    said = say_hours(acme.pk, text="", now=datetime(2026, 11, 23, 16, tzinfo=UTC), language="es")

    assert "Ahora estamos cerrados; abrimos el martes a las 8:00" in said
    assert "Lunes 23/11/2026: cerrado (Inventario)" in said


def test_open_hours_follow_the_shops_own_clock(acme):
    make_shop(acme)

    said = say_hours(acme.pk, text="", now=datetime(2026, 11, 24, 1, tzinfo=UTC), language="en")

    assert said.startswith("🟢 We are open until 8:00 pm.")


def test_a_profile_with_wrong_fields_is_refused_whole(acme):
    with pytest.raises(InvalidInputError) as refused:
        knowledge.save_profile(
            company=acme,
            fields={"name": "X", "time_zone": "Mars/Base", "latitude": 95, "website": "x.com"},
        )

    assert set(refused.value.extra["errors"]) == {"time_zone", "latitude", "website"}
    assert reads.profile_of(acme.pk) is None


def test_questions_are_found_in_both_languages(acme, globex):
    make_shop(acme)
    make_shop(globex, "200000000000002")

    for text, word in (
        ("¿de dónde es su café?", "cooperativas"),
        ("do you sell wholesale", "mayoreo@"),
        ("los perros pueden entrar?", "terraza"),
    ):
        entry = reads.find_faq(acme.pk, text)[0][0]
        assert entry.company == acme
        assert word in entry.answer_es


def test_a_question_without_an_answer_is_refused(acme):
    with pytest.raises(InvalidInputError):
        knowledge.save_faq(company=acme, fields={"question_es": "¿Qué?", "answer_en": "That"})

    assert FaqEntry.objects.count() == 0


def test_another_companys_entry_cannot_be_changed(acme, globex):
    entry = knowledge.save_faq(
        company=acme, fields={"question_en": "Why?", "answer_en": "Because."}
    )

    with pytest.raises(InvalidInputError):
        knowledge.save_faq(company=globex, fields={"answer_en": "X"}, public_id=entry.public_id)
    assert knowledge.delete_faq(company=globex, public_id=entry.public_id) is False

    entry.refresh_from_db()
    assert entry.answer_en == "Because."


def test_a_product_is_checked_field_by_field(acme, ana):
    catalogue.save_category(company=acme, name_es="Café", slug="coffee")
    with pytest.raises(InvalidInputError) as refused:
        catalogue.save_product(
            company=acme,
            fields={"sku": "", "price": "free", "currency": "MXN", "category": "x", "stock": -1},
        )
    assert set(refused.value.extra["errors"]) == {"name_es", "sku", "price", "category", "stock"}
    assert Product.objects.count() == 0

    fields = {"sku": "A", "name_en": "Beans", "price": "15.50", "currency": "MXN"}
    made = catalogue.save_product(
        company=acme, fields={**fields, "category": "coffee", "stock": 3}, actor=ana
    )
    assert (made.price_minor, made.name_es, made.stock) == (1550, "Beans", 3)
    assert StockMovement.objects.get().delta == 3

    changed = catalogue.save_product(
        company=acme, fields={"price": "16"}, public_id=made.public_id, actor=ana
    )
    assert (changed.price_minor, changed.stock) == (1600, 3)
    assert AuditEvent.objects.filter(action="product.saved", note="price changed").count() == 1


def test_the_catalogue_is_found_by_what_people_write(acme):
    make_shop(acme)
    for text, sku in (
        ("molino", "MET-MOL-MAN"),
        ("prensa francesa de un litro", "MET-PRE-1L"),
        ("decaf coffee", "CAF-DEC-250"),
        ("moka pot", "MET-MOK-3"),
        ("te verde", "TEC-VER-20"),
        ("thermos", "TAZ-TER-500"),
        ("cafetera italina", "MET-MOK-3"),
    ):
        assert shop.find_products(acme.pk, text)[0][0].sku == sku, text
    assert shop.find_products(acme.pk, "bicicletas") == []


def test_an_address_names_its_place(acme):
    make_shop(acme)

    named = {
        address: [place.name for place in shop.find_places(acme.pk, address)]
        for address in ("Calle 5, Coyoacán", "Orizaba 12, Roma Norte", "221 Baker Street")
    }

    assert named == {
        "Calle 5, Coyoacán": ["Ciudad de México"],
        "Orizaba 12, Roma Norte": ["Roma y Condesa"],
        "221 Baker Street": [],
    }


def test_a_template_goes_to_approval_and_then_stands(acme, ana):
    row = templates.save_template(
        company=acme,
        name="shipped",
        language="es",
        category="utility",
        body="Hola {{1}}",
        actor=ana,
    )
    for body in ("", "Hola {{2}}", "x" * 1025):
        with pytest.raises(InvalidInputError):
            templates.save_template(
                company=acme, name="other", language="es", category="utility", body=body, actor=ana
            )
    templates.submit_template(template=row, actor=ana)
    drain()

    row.refresh_from_db()
    assert row.status == "approved"
    with pytest.raises(ConflictError):
        templates.save_template(
            company=acme, name="shipped", language="es", category="utility", body="New", actor=ana
        )
    assert MessageTemplate.objects.get().body == "Hola {{1}}"


def test_an_outage_leaves_a_template_for_later_and_a_refusal_says_why(acme, ana, monkeypatch):
    class Failing:
        is_final = False

        def submit(self, **fields):
            raise adapter.TemplateError("graph_2388", is_final=self.is_final)

    failing = Failing()
    monkeypatch.setattr(templates, "get_template_client", lambda: failing)
    row = templates.save_template(
        company=acme, name="a", language="es", category="utility", body="Hola", actor=ana
    )
    templates.submit_template(template=row, actor=ana)
    assert templates.send_submitted() == 0
    row.refresh_from_db()
    assert row.status == "submitted"

    failing.is_final = True
    templates.send_submitted()
    row.refresh_from_db()
    assert (row.status, row.rejection_reason) == ("rejected", "graph_2388")


def test_a_ticket_gathers_what_an_upset_person_writes(acme, ana):
    contact = Contact.objects.create(company=acme, phone="5211")
    first, second = (
        tickets.open_ticket(
            company_id=acme.pk,
            contact_id=contact.pk,
            conversation_id=None,
            kind=TicketKind.LATE,
            text=text,
        )
        for text in ("Where is it?", "Hello??")
    )

    assert first == second
    assert (Ticket.objects.get().priority, first.entries.count()) == ("high", 2)
    with pytest.raises(tickets.TicketStateError):
        tickets.rate_ticket(ticket=first, score=5)
    tickets.change_ticket(ticket=first, wanted=TicketState.RESOLVED, actor=ana)
    tickets.reopen_ticket(ticket=first, text="Not solved")
    first.refresh_from_db()
    assert (first.state, first.resolved_at) == ("open", None)
    tickets.change_ticket(ticket=first, wanted=TicketState.RESOLVED, actor=ana)
    tickets.rate_ticket(ticket=first, score=2)
    tickets.rate_ticket(ticket=first, score=5)
    assert support.average_satisfaction(acme.pk) == (2.0, 1)


def test_ranking_forgives_a_slip_and_prefers_the_title():
    documents = [Document(1, "French press"), Document(2, "Cup", "for the french press")]

    assert [match.key for match in rank("french pres", documents)] == [1, 2]
    assert rank("", documents) == []


@pytest.mark.parametrize(
    ("text", "known", "language"),
    [
        ("Hola", "en", "es"),
        ("hello", "es", "en"),
        ("ok", "es", "es"),
        ("what time do you open", "es", "en"),
        ("¿y el café?", "en", "es"),
        ("Calle 5 de Mayo 120", "en", "en"),
    ],
)
def test_the_words_tell_the_language(text, known, language):
    assert find_language(text, known) == language


def test_short_answers_are_understood():
    assert [means_yes(text) for text in ("sí", "Yes!", "dale pues", "no", "si no")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert means_no("No, gracias")
    assert [find_quantity(text) for text in ("dos", "3 bolsas", "a dozen", "café")] == [
        2,
        3,
        1,
        None,
    ]
