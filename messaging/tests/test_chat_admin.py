"""The admin's pages of numbers and conversations."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Company, User
from core import clock
from messaging.models import BusinessNumber, Conversation
from messaging.tests.shop_world import Phone, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> Client:
    """Return the browser of an administrator."""
    ada = User.objects.create_superuser("ada@parley.test", password="a-long-password-1")
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_lists_and_rows_open_and_nothing_said_can_be_changed(acme: Company, ada: Client) -> None:
    phone = Phone(make_shop(acme))
    phone.says("Hola")
    for name in (
        *("businessnumber", "contact", "conversation", "turnrecord", "inboundmessage"),
        *("outboundmessage", "rawwebhook", "messagestatus", "simulatedphone"),
    ):
        assert ada.get(reverse(f"admin:messaging_{name}_changelist")).status_code == 200
    row = phone.conversation
    path = reverse("admin:messaging_conversation_change", args=[row.pk])
    assert ada.get(path).status_code == 200
    assert ada.post(path, {"lane": "support"}).status_code == 403
    assert Conversation.objects.get().lane == "info"


def test_a_stopped_number_is_resumed(acme: Company, ada: Client) -> None:
    number = make_shop(acme)
    BusinessNumber.objects.update(stopped_at=clock.now(), stop_code="190")

    answer = ada.post(
        reverse("admin:messaging_businessnumber_changelist"),
        {"action": "resume", "_selected_action": [number.pk]},
        follow=True,
    )

    assert "They send again" in answer.content.decode()
    number.refresh_from_db()
    assert number.stopped_at is None
