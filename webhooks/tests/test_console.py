"""The console's pages of webhooks, as an owner sees them."""

from __future__ import annotations

import re

import pytest

from core.jobs.testing import drain
from surveys.tests.builders import make_survey
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbound.base import OutboundAnswer
from webhooks.tests.world import EVENTS, URL, make_endpoint, publish

pytestmark = pytest.mark.django_db

LIST = "/console/webhooks/"


def test_an_owner_adds_tests_rotates_and_replays(ana, acme, browser_of, sender):
    browser = browser_of(ana)
    assert "No endpoints yet" in browser.get(LIST).content.decode()

    page = browser.post(LIST, {"url": URL, "event_types": EVENTS, "description": "CRM"})
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", page.content.decode())
    assert "no-cache" in page["Cache-Control"] or "no-store" in page["Cache-Control"]
    endpoint = WebhookEndpoint.objects.get()
    detail = f"{LIST}{endpoint.public_id}/"
    for path in (LIST, detail):
        assert "whsec_" not in browser.get(path).content.decode()

    sender.answers = [OutboundAnswer(status=503, excerpt="<b>down</b>")]
    opened = browser.post(f"{detail}test/", follow=True).content.decode()
    assert "Not tried yet" in opened
    drain()
    delivery = WebhookDelivery.objects.get()
    page = browser.get(f"{LIST}deliveries/{delivery.public_id}/").content.decode()
    assert "It answered 503" in page
    assert "&lt;b&gt;down&lt;/b&gt;" in page
    assert delivery.event.public_id in page
    assert "Failing since" in browser.get(LIST).content.decode()

    browser.post(f"{LIST}deliveries/{delivery.public_id}/replay/")
    drain()
    assert "Delivered" in browser.get(detail).content.decode()
    assert "Nothing here" in browser.get(f"{detail}?state=failed").content.decode()

    rotated = browser.post(f"{detail}rotate/").content.decode()
    (new,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", rotated)
    assert new != secret
    assert "the one before signs until" in browser.get(detail).content.decode()


def test_an_owner_edits_pauses_resumes_and_removes(ana, acme, browser_of, sender):
    browser = browser_of(ana)
    endpoint = make_endpoint(acme).row
    detail = f"{LIST}{endpoint.public_id}/"

    refused = browser.post(f"{detail}edit/", {"url": "https://10.1.1.1/", "event_types": EVENTS})
    assert refused.status_code == 400
    assert "belongs to a private network" in refused.content.decode()
    browser.post(f"{detail}edit/", {"url": f"{URL}/2", "event_types": EVENTS[:1]})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.event_types) == (f"{URL}/2", EVENTS[:1])

    browser.post(f"{detail}state/", {"state": "paused"})
    publish(acme)
    page = browser.get(detail).content.decode()
    assert "Not sent" in page
    assert "Send what was missed" not in page
    browser.post(f"{detail}state/", {"state": "active"})
    assert "Send what was missed" in browser.get(detail).content.decode()
    browser.post(f"{detail}replay/")
    drain()
    assert len(sender.sent) == 1

    browser.post(f"{detail}delete/")
    assert not WebhookEndpoint.objects.exists()


def test_a_wrong_address_is_said_beside_the_field(ana, acme, browser_of):
    answer = browser_of(ana).post(LIST, {"url": "http://x.test/", "event_types": EVENTS})

    assert answer.status_code == 400
    assert "The address must start with https://." in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_a_stopped_endpoint_is_on_the_first_page(ana, acme, browser_of):
    make_endpoint(acme)
    make_survey(acme)
    WebhookEndpoint.objects.update(state="stopped", stop_reason="gone")

    page = browser_of(ana).get("/console/").content.decode()

    assert "Nothing is sent to a webhook endpoint any more" in page
    assert URL in page


def test_members_and_others_read_404(acme, beto, carla, globex, browser_of, sender):
    endpoint = make_endpoint(acme).row
    publish(acme)
    delivery = WebhookDelivery.objects.get()
    paths = [
        f"{LIST}{endpoint.public_id}/",
        f"{LIST}{endpoint.public_id}/edit/",
        f"{LIST}deliveries/{delivery.public_id}/",
    ]

    for person in (beto, carla):
        for path in paths:
            assert browser_of(person).get(path).status_code == 404
        for action in ("rotate", "test", "state", "replay", "delete"):
            path = f"{LIST}{endpoint.public_id}/{action}/"
            assert browser_of(person).post(path).status_code == 404
    assert browser_of(beto).get(LIST).status_code == 404
    assert URL not in browser_of(carla).get(LIST).content.decode()
    assert WebhookDelivery.objects.count() == 1
