"""The demo shop: goods, and people who have written already."""

from __future__ import annotations

import pytest

from accounts.models import Company, Role, User
from accounts.tests.factories import add_member, make_user
from messaging.demo import prepare_demo
from messaging.models import (
    Conversation,
    ConversationMode,
    Order,
    OrderState,
    OutboundMessage,
    SimulatedPhone,
    SurveyKeyword,
)
from surveys.tests.money_world import make_paid_company, make_survey


@pytest.mark.django_db(transaction=True)
def test_the_demo_inbox_opens_with_four_conversations(acme: Company, ana: User) -> None:
    olga = make_user("olga@acme.test", full_name="Olga Mora")
    add_member(acme, olga, role=Role.OPERATOR)

    prepare_demo(acme, lambda line: None)

    modes = dict(Conversation.objects.values_list("contact__name", "mode"))
    assert modes == {
        "Nora": ConversationMode.AGENT,
        "Diego": ConversationMode.AGENT,
        "Priya": ConversationMode.WAITING,
        "Marta": ConversationMode.OPERATOR,
    }
    order = Order.objects.get()
    assert order.state == OrderState.PAID
    assert order.total_minor == 35000
    answer = OutboundMessage.objects.get(author_user=olga)
    assert answer.conversation.contact.name == "Marta"
    assert answer.conversation.notes.count() == 1

    prepare_demo(acme, lambda line: None)

    assert SimulatedPhone.objects.count() == 4
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_demo_starts_again_beside_surveys_made_since() -> None:
    company = make_paid_company()
    first = make_survey(company)
    prepare_demo(company, lambda line: None)
    make_survey(company)

    prepare_demo(company, lambda line: None)

    assert list(SurveyKeyword.objects.values_list("code", "survey_id")) == [("COFFEE", first.pk)]
