"""Endpoints and deliveries over REST."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Role
from accounts.tests.factories import add_member, make_user
from core.jobs.testing import drain
from core.models import AuditEvent
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.outbound.base import OutboundAnswer
from webhooks.services.endpoints import ENDPOINTS_MAX
from webhooks.tests.world import EVENTS, URL, make_endpoint, publish

pytestmark = pytest.mark.django_db

BODY = {"url": URL, "event_types": ["payout.changed", "session.completed"]}


def test_the_whole_life_of_an_endpoint(acme, api_of, sender):
    api = api_of(acme)

    created = api.post("/api/webhooks", {**BODY, "description": "CRM"})
    assert created.status_code == 201
    assert created["Cache-Control"] == "no-store"
    found = created.json()
    secret = found.pop("secret")
    assert secret.startswith("whsec_")
    assert len(secret) == 50
    assert found == {
        "id": found["id"],
        "url": URL,
        "description": "CRM",
        "event_types": ["payout.changed", "session.completed"],
        "state": "active",
        "stop_reason": None,
        "failing_since": None,
        "former_secret_valid_until": None,
        "created_at": found["created_at"],
    }
    path = f"/api/webhooks/{found['id']}"
    assert api.get(path).json() == found
    assert api.get("/api/webhooks").json() == [found]

    changed = api.patch(path, {"event_types": ["payout.changed"], "description": ""})
    assert changed.status_code == 200
    assert changed.json()["event_types"] == ["payout.changed"]
    assert api.patch(path, {"state": "paused"}).json()["state"] == "paused"
    refused = api.post(f"{path}/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_not_active")
    assert api.patch(path, {"state": "active"}).json()["state"] == "active"

    rotated = api.post(f"{path}/rotate").json()
    assert rotated["secret"] not in (secret, "")
    assert rotated["former_secret_valid_until"]

    sender.answers = [OutboundAnswer(status=500, excerpt="oops"), OutboundAnswer(200, "")]
    test = api.post(f"{path}/test")
    assert (test.status_code, test.json()["state"]) == (202, "pending")
    drain()
    delivery_path = f"/api/webhook-deliveries/{test.json()['id']}"
    seen = api.get(delivery_path).json()
    assert (seen["event_type"], seen["state"], seen["last_status"]) == (
        "webhook.test",
        "pending",
        500,
    )
    assert seen["attempts"][0]["excerpt"] == "oops"
    assert '"This is a test. Nothing happened."' in seen["body"]
    replayed = api.post(f"{delivery_path}/replay")
    assert replayed.status_code == 202
    drain()
    assert api.get(delivery_path).json()["state"] == "delivered"
    assert sender.sent[0].headers["webhook-id"] == sender.sent[1].headers["webhook-id"]
    page = api.get(f"{path}/deliveries?state=delivered&limit=1").json()
    assert [one["id"] for one in page["results"]] == [test.json()["id"]]
    assert api.get(f"{path}/deliveries?state=failed").json()["results"] == []

    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert not WebhookDelivery.objects.exists()
    trail = AuditEvent.objects.filter(action__startswith="webhook.").order_by("pk")
    assert list(trail.values_list("action", flat=True)) == [
        "webhook.created",
        "webhook.changed",
        "webhook.paused",
        "webhook.resumed",
        "webhook.secret_rotated",
        "webhook.replayed",
        "webhook.deleted",
    ]


def test_a_missed_delivery_is_replayed_with_the_rest(acme, api_of, sender):
    endpoint = make_endpoint(acme).row
    for number in range(3):
        publish(acme, number)
    WebhookDelivery.objects.update(state="failed", next_attempt_at=None)

    answer = api_of(acme).post(f"/api/webhooks/{endpoint.public_id}/replay")
    drain()

    assert (answer.status_code, answer.json()) == (202, {"replayed": 3})
    assert len(sender.sent) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "http://hooks.acme.test/"}, "invalid_webhook_url"),
        ({"url": "https://127.0.0.1/"}, "invalid_webhook_url"),
        ({"url": "https://169.254.169.254/latest"}, "invalid_webhook_url"),
        ({"url": "https://2130706433/"}, "invalid_webhook_url"),
        ({"url": "x" * 501}, "invalid_input"),
        ({"url": 5}, "invalid_input"),
        ({"event_types": []}, "invalid_input"),
        ({"event_types": ["webhook.test"]}, "invalid_event_types"),
        ({"event_types": ["no.such"]}, "invalid_event_types"),
        ({"secret": "mine"}, "invalid_input"),
        ({"state": "stopped"}, "invalid_input"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_stored(acme, api_of, change, code):
    answer = api_of(acme).post("/api/webhooks", {**BODY, **change})

    assert answer.status_code == 400
    assert answer.json()["code"] == code, answer.json()
    assert not WebhookEndpoint.objects.exists()


def test_a_change_is_checked_like_a_new_one(acme, api_of):
    endpoint = make_endpoint(acme).row

    answer = api_of(acme).patch(
        f"/api/webhooks/{endpoint.public_id}", {"url": "https://10.0.0.1/", "state": "paused"}
    )

    assert (answer.status_code, answer.json()["reason"]) == (400, "address_not_public")
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.state) == (URL, "active")


def test_a_company_has_ten_endpoints_at_most(acme, api_of):
    for number in range(ENDPOINTS_MAX):
        make_endpoint(acme, url=f"{URL}/{number}")

    answer = api_of(acme).post("/api/webhooks", BODY)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_endpoints")


def test_tests_are_limited(acme, api_of, sender):
    api = api_of(acme)
    endpoint = make_endpoint(acme).row

    codes = [api.post(f"/api/webhooks/{endpoint.public_id}/test").status_code for _ in range(31)]

    assert codes == [202] * 30 + [429]


def test_only_owners_and_keys_may(acme, ana, beto, globex, api, api_of):
    endpoint = make_endpoint(acme).row
    olga = make_user("olga@acme.test")
    add_member(acme, olga, Role.OPERATOR)
    path = f"/api/webhooks/{endpoint.public_id}"

    assert api_of(ana).get(path).status_code == 200
    assert api.get(path).status_code == 401
    for stranger in (beto, olga):
        assert api_of(stranger).get(path).status_code == 403
        assert api_of(stranger).post("/api/webhooks", BODY).status_code == 403
    for method in ("get", "patch", "delete"):
        assert getattr(api_of(globex), method)(path).status_code == 404
    for action in ("rotate", "test", "replay"):
        assert api_of(globex).post(f"{path}/{action}").status_code == 404
    assert WebhookEndpoint.objects.get().url == URL
    assert not WebhookDelivery.objects.exists()


def test_the_table_of_events_is_in_the_api_and_in_the_document(acme, api_of):
    listed = api_of(acme).get("/api/webhook-event-types").json()
    document = SchemaGenerator().get_schema(request=None, public=True)

    assert [one["name"] for one in listed] == [
        "payout.changed",
        "session.completed",
        "session.erased",
    ]
    assert sorted(document["webhooks"]) == sorted([*EVENTS, "session.erased"])
    described = document["webhooks"]["payout.changed"]["post"]
    assert [one["name"] for one in described["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
