"""From the fact to the endpoint: signed, in order, again until it is taken, never lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from base64 import b64decode, b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection, transaction

from core import clock
from core.jobs.testing import drain
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from webhooks.outbound.base import OutboundAnswer, RefusedAddressError, RetryableError
from webhooks.services import delivering, endpoints, notices
from webhooks.services.secrets import reveal_secret
from webhooks.tasks import find_due_deliveries, find_due_notices
from webhooks.tests.world import make_endpoint, publish, receiving

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


def status(code, **fields):
    return OutboundAnswer(status=code, excerpt="no", **fields)


def expected_signature(secret, message):
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode()
    return "v1," + b64encode(hmac.new(key, signed + message.body, hashlib.sha256).digest()).decode()


def make_due(endpoint):
    """Let the waiting be over."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(not_before=None)
    WebhookDelivery.objects.filter(endpoint=endpoint, state="pending").update(
        next_attempt_at=clock.now()
    )


def test_an_event_arrives_signed_with_a_stable_body(acme, sender):
    created = make_endpoint(acme)

    event = publish(acme)
    drain()

    (message,) = sender.sent
    assert message.url == "https://hooks.acme.test/parley"
    assert message.headers["webhook-id"] == event.public_id
    assert message.headers["webhook-signature"] == expected_signature(created.secret, message)
    assert abs(int(message.headers["webhook-timestamp"]) - clock.now().timestamp()) < 5
    body = json.loads(message.body)
    assert body == {
        "id": event.public_id,
        "type": "session.completed",
        "timestamp": body["timestamp"],
        "company_id": acme.public_id,
        "data": {"n": 1, "words": 'ñandú "quoted"'},
    }
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempt_count, delivery.last_status) == ("delivered", 1, 200)
    assert delivery.next_attempt_at is None
    attempt = WebhookAttempt.objects.get()
    assert (attempt.number, attempt.status, attempt.error, attempt.excerpt) == (1, 200, "", "ok")


def test_what_is_rolled_back_was_never_said(acme, sender):
    make_endpoint(acme)

    with transaction.atomic():
        publish(acme)
        transaction.set_rollback(True)
    drain()

    assert sender.sent == []
    assert not WebhookEvent.objects.exists()


def test_only_endpoints_of_the_company_that_asked_are_told(acme, globex, sender):
    make_endpoint(acme, event_types=["payout.changed"])
    make_endpoint(globex)

    assert publish(acme) is None
    drain()

    assert sender.sent == []
    assert not WebhookEvent.objects.exists()


def test_a_publication_nobody_wants_costs_one_query(acme, django_assert_num_queries):
    with django_assert_num_queries(1):
        publish(acme)


def test_both_secrets_sign_for_a_day_after_a_rotation(acme, ana, sender):
    created = make_endpoint(acme)
    rotated = endpoints.rotate_secret(endpoint=created.row, actor=ana)
    assert rotated.secret != created.secret

    publish(acme, 1)
    drain()
    WebhookEndpoint.objects.update(former_until=clock.now() - timedelta(seconds=1))
    publish(acme, 2)
    drain()

    first, second = sender.sent
    assert first.headers["webhook-signature"].split() == [
        expected_signature(rotated.secret, first),
        expected_signature(created.secret, first),
    ]
    assert second.headers["webhook-signature"] == expected_signature(rotated.secret, second)


def test_a_secret_outlives_a_change_of_the_secret_key(acme, settings):
    created = make_endpoint(acme)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-that-only-tests-know-9876543210"

    assert reveal_secret(created.row.secret_seed) == created.secret
    # And the database alone holds nothing to sign with.
    settings.SECRET_KEY_FALLBACKS = []
    assert reveal_secret(created.row.secret_seed) != created.secret


@pytest.mark.parametrize(
    ("answer", "code", "seen"),
    [
        (status(500), "status_500", 500),
        (status(404), "status_404", 404),
        (status(302), "redirect_refused", 302),
        (status(199), "status_199", 199),
        (RetryableError("timed_out"), "timed_out", None),
        (RefusedAddressError("address_not_public"), "address_not_public", None),
    ],
)
def test_whatever_is_not_taken_is_sent_again_under_the_same_id(acme, sender, answer, code, seen):
    endpoint = make_endpoint(acme).row
    sender.answers = [answer]
    publish(acme)
    drain()

    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.last_error, delivery.last_status) == ("pending", code, seen)
    wait = (delivery.next_attempt_at - delivery.last_attempt_at).total_seconds()
    assert 5 <= wait <= 11
    find_due_deliveries()
    drain()
    assert len(sender.sent) == 1, "it waits"

    make_due(endpoint)
    find_due_deliveries()
    drain()

    first, second = sender.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count, delivery.last_error) == ("delivered", 2, "")
    row = WebhookEndpoint.objects.get()
    assert (row.failing_since, row.failures_in_row, row.not_before) == (None, 0, None)


def test_waiting_doubles_and_retry_after_is_respected(acme, sender):
    endpoint = make_endpoint(acme).row
    publish(acme)
    waits = []
    for answer in [status(500)] * 6 + [status(429, retry_after_seconds=900)]:
        sender.answers = [answer]
        make_due(endpoint)
        find_due_deliveries()
        drain()
        row = WebhookDelivery.objects.get()
        waits.append((row.next_attempt_at - row.last_attempt_at).total_seconds())

    for number, wait in enumerate(waits[:6]):
        assert 5 * 2**number <= wait <= 10 * 2**number + 1
    assert 900 <= waits[6] <= 902


def test_order_is_kept_and_one_bad_event_does_not_hold_up_the_rest(acme, sender):
    endpoint = make_endpoint(acme).row
    events = [publish(acme, number) for number in range(4)]
    sender.answers = [status(400)]
    drain()
    assert len(sender.sent) == 1, "the endpoint rests after a failure"

    WebhookEndpoint.objects.update(not_before=None)
    find_due_deliveries()
    drain()

    told = [message.headers["webhook-id"] for message in sender.sent]
    assert told == [events[0].public_id, *(event.public_id for event in events[1:])]
    make_due(endpoint)
    find_due_deliveries()
    drain()
    assert sender.sent[-1].headers["webhook-id"] == events[0].public_id


def test_a_delivery_fails_after_three_days_and_the_owner_is_told(acme, ana, beto, sender):
    endpoint = make_endpoint(acme).row
    publish(acme, 1)
    publish(acme, 2)
    long_ago = clock.now() - timedelta(hours=71)
    WebhookDelivery.objects.filter(event__subject="session_1").update(
        give_up_at=clock.now() + timedelta(seconds=1), tries=12
    )
    WebhookEndpoint.objects.update(failing_since=long_ago, failures_in_row=30)
    sender.answers = [status(503)]
    drain()
    find_due_notices()
    drain()

    first, second = WebhookDelivery.objects.order_by("pk")
    assert (first.state, first.last_error, first.next_attempt_at) == ("failed", "status_503", None)
    assert (second.state, second.last_error) == ("skipped", "endpoint_stopped")
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.stop_reason) == ("stopped", "status_503")
    assert endpoint.notice_due_at is None
    (letter,) = mail.outbox
    assert letter.to == [ana.email]
    assert endpoint.url in letter.body
    assert f"/console/webhooks/{endpoint.public_id}/" in letter.body

    # While it is stopped nothing goes out, and nothing is forgotten.
    publish(acme, 3)
    drain()
    assert len(sender.sent) == 1
    endpoints.resume_endpoint(endpoint=endpoint, actor=ana)
    endpoint.refresh_from_db()
    assert endpoints.replay_undelivered(endpoint=endpoint, actor=ana) == 3
    drain()
    assert [json.loads(message.body)["data"]["n"] for message in sender.sent[1:]] == [1, 2, 3]
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_bad_event_alone_does_not_stop_an_endpoint_that_takes_others(acme, sender):
    make_endpoint(acme)
    publish(acme)
    WebhookDelivery.objects.update(give_up_at=clock.now() + timedelta(seconds=1))
    sender.answers = [status(400)]
    drain()

    assert WebhookDelivery.objects.get().state == "failed"
    assert WebhookEndpoint.objects.get().state == "active"


def test_an_endpoint_that_says_it_is_gone_is_left_alone(acme, sender):
    make_endpoint(acme)
    publish(acme)
    sender.answers = [status(410)]
    drain()

    row = WebhookEndpoint.objects.get()
    assert (row.state, row.stop_reason) == ("stopped", "gone")
    assert len(mail.outbox) == 1


def test_a_mail_server_that_is_down_is_asked_again(acme, sender, monkeypatch):
    make_endpoint(acme)
    WebhookEndpoint.objects.update(state="stopped", notice_due_at=clock.now())

    def refuse(**kwargs):
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr(notices, "send_mail", refuse)
        assert notices.tell_owners() == 0
    assert notices.tell_owners() == 0, "not at once"
    WebhookEndpoint.objects.update(notice_due_at=clock.now())
    assert notices.tell_owners() == 1
    assert len(mail.outbox) == 1


def test_a_paused_endpoint_gets_nothing_until_it_is_asked_for(acme, ana, sender):
    endpoint = make_endpoint(acme).row
    publish(acme, 1)
    endpoints.pause_endpoint(endpoint=endpoint, actor=ana)
    publish(acme, 2)
    drain()

    assert sender.sent == []
    assert set(WebhookDelivery.objects.values_list("state", "last_error")) == {
        ("skipped", "endpoint_paused")
    }


def test_what_was_paused_in_the_middle_of_a_call_is_written_down_as_it_ended(acme, ana):
    endpoint = make_endpoint(acme).row
    publish(acme)

    class Pausing:
        def send(self, message):
            endpoints.pause_endpoint(endpoint=endpoint, actor=ana)
            return OutboundAnswer(status=200, excerpt="")

    assert delivering.deliver_to(endpoint_id=endpoint.public_id, sender=Pausing()) == 1

    assert WebhookDelivery.objects.get().state == "delivered"


def test_who_lost_the_lease_in_the_middle_writes_nothing(acme, sender):
    endpoint = make_endpoint(acme).row
    publish(acme)

    class Slow:
        def send(self, message):
            # The lease ran out and another worker did the work.
            WebhookEndpoint.objects.update(leased_until=clock.now() - timedelta(seconds=1))
            assert delivering.deliver_to(endpoint_id=endpoint.public_id, sender=sender) == 1
            raise RetryableError("timed_out")

    delivering.deliver_to(endpoint_id=endpoint.public_id, sender=Slow())

    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempt_count) == ("delivered", 1)
    assert WebhookEndpoint.objects.get().failing_since is None


def test_two_workers_send_once(acme, sender):
    endpoint = make_endpoint(acme).row
    publish(acme)

    class Nested:
        def send(self, message):
            assert delivering.deliver_to(endpoint_id=endpoint.public_id, sender=sender) == 0
            return OutboundAnswer(status=204, excerpt="")

    assert delivering.deliver_to(endpoint_id=endpoint.public_id, sender=Nested()) == 1
    assert sender.sent == []
    assert WebhookDelivery.objects.get().state == "delivered"


CHILD = """
import os, sys
import django
django.setup()
from webhooks.services.delivering import deliver_to
deliver_to(endpoint_id=sys.argv[1])
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_during_its_call_loses_nothing(acme, loopback):
    children = []

    def kill_first(handler, number):
        if number == 1:
            # The message has arrived; its sender will never know.
            os.kill(children[0].pid, signal.SIGKILL)
            children[0].wait()
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with receiving(kill_first) as server:
        endpoint = make_endpoint(acme, url=server.url).row
        event = publish(acme)
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", CHILD, endpoint.public_id], cwd=ROOT, env=child_environment()
            )
        )
        children[0].wait(40)
        assert children[0].returncode == -signal.SIGKILL
        row = WebhookDelivery.objects.get()
        assert (row.state, row.attempt_count) == ("pending", 0)
        find_due_deliveries()
        drain()
        assert len(server.requests) == 1, "the dead worker's lease still holds"

        WebhookEndpoint.objects.update(leased_until=clock.now() - timedelta(seconds=1))
        find_due_deliveries()
        drain()

    assert [headers["webhook-id"] for _, headers, _ in server.requests] == [event.public_id] * 2
    assert server.requests[0][2] == server.requests[1][2]
    row.refresh_from_db()
    assert (row.state, row.attempt_count) == ("delivered", 1)


def child_environment():
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{found['NAME']}"
    else:
        url = (
            f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}"
            f"/{found['NAME']}"
        )
    return {
        **os.environ,
        "DATABASE_URL": url,
        "DEBUG": "true",
        "WEBHOOK_ALLOW_LOOPBACK": "true",
        "PYTHONPATH": str(ROOT),
    }


def test_old_events_are_deleted_with_all_that_hangs_on_them(acme, sender, settings):
    make_endpoint(acme)
    publish(acme, 1)
    drain()
    WebhookEvent.objects.update(created_at=clock.now() - timedelta(days=31))
    kept = publish(acme, 2)
    drain()

    assert endpoints.purge_events() == 1
    assert endpoints.purge_events() == 0

    assert list(WebhookEvent.objects.all()) == [kept]
    assert WebhookDelivery.objects.count() == WebhookAttempt.objects.count() == 1
