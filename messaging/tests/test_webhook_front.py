"""The webhook's address as a server meets it: verified, stored together, answered one by one."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Company
from messaging import webhook_front
from messaging.models import BusinessNumber, InboundMessage, RawWebhook
from messaging.services import intake
from messaging.tests.webhook_bodies import NUMBER_ID, encode, envelope, text
from messaging.webhook_front import PATH, GroupCommit, WebhookFront

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def front():
    async def django(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    company = Company.objects.create(name="Acme", slug="acme-front")
    BusinessNumber.objects.create(company=company, phone_number_id=NUMBER_ID)
    return WebhookFront(django)


async def post(
    front: Any, raw: bytes, *, signature: str | None, path: str = PATH, method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    headers = [] if signature is None else [(b"x-hub-signature-256", signature.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    # In two parts, as a socket may deliver it.
    parts = [
        {"type": "http.request", "body": raw[:10], "more_body": True},
        {"type": "http.request", "body": raw[10:]},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await front(scope, receive, send)
    started, body = sent
    told = {name.decode(): value.decode() for name, value in started["headers"]}
    return started["status"], told, body["body"]


def sign(raw: bytes, settings: Any) -> str:
    return intake.sign_body(raw, settings.WHATSAPP_SIGNING_SECRET)


def test_a_signed_body_is_stored_and_answered(front, settings):
    raw = encode(envelope(messages=[text("Hola")]))

    status, headers, body = asyncio.run(post(front, raw, signature=sign(raw, settings)))

    assert (status, body) == (200, b'{"received":true}')
    assert headers["content-type"] == "application/json"
    assert len(headers["x-request-id"]) == 24
    assert InboundMessage.objects.count() == 1


@pytest.mark.parametrize(
    "case", ["missing", "wrong", "of_another_body", "without_prefix", "ünicode"]
)
def test_a_bad_signature_is_refused_and_nothing_is_stored(front, settings, case):
    raw = encode(envelope(messages=[text("Hola")]))
    signature = {
        "missing": None,
        "wrong": "sha256=" + "0" * 64,
        "of_another_body": sign(raw + b" ", settings),
        "without_prefix": sign(raw, settings).removeprefix("sha256="),
        "ünicode": "sha256=ü",
    }[case]

    status, headers, body = asyncio.run(post(front, raw, signature=signature))

    assert status == 401
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["code"] == "invalid_signature"
    assert RawWebhook.objects.count() == 0
    assert InboundMessage.objects.count() == 0


def test_other_requests_go_to_django(front, settings):
    raw = encode(envelope(messages=[text("Hola")]))

    for path, method in ((PATH, "GET"), (PATH + "/", "POST"), ("/", "POST")):
        status, _, _ = asyncio.run(
            post(front, raw, signature=sign(raw, settings), path=path, method=method)
        )
        assert status == 299
    assert RawWebhook.objects.count() == 0


def test_bodies_that_come_together_are_each_stored(front, settings):
    bodies = [encode(envelope(messages=[text(f"m{n}")])) for n in range(40)]

    async def everyone() -> list[Any]:
        return await asyncio.gather(
            *(post(front, raw, signature=sign(raw, settings)) for raw in [*bodies, *bodies])
        )

    answers = asyncio.run(everyone())

    assert {status for status, _, _ in answers} == {200}
    assert InboundMessage.objects.count() == 40
    assert RawWebhook.objects.count() == 40


def test_one_body_that_cannot_be_stored_does_not_harm_the_others(front, settings, monkeypatch):
    bad = encode(envelope(messages=[text("bad")]))
    good = [encode(envelope(messages=[text(f"good {n}")])) for n in range(6)]
    store = intake.receive_webhooks

    def store_all_but_one(*, raws: list[bytes]) -> Any:
        if bad in raws:
            raise OperationalError("no space left")
        return store(raws=raws)

    monkeypatch.setattr(intake, "receive_webhooks", store_all_but_one)

    async def everyone() -> list[Any]:
        return await asyncio.gather(
            *(post(front, raw, signature=sign(raw, settings)) for raw in [*good, bad])
        )

    *answers, (status, headers, body) = asyncio.run(everyone())

    assert {status for status, _, _ in answers} == {200}
    assert (status, headers["retry-after"]) == (503, "5")
    assert json.loads(body)["code"] == "unavailable"
    assert InboundMessage.objects.count() == 6


def test_a_sender_who_leaves_does_not_stop_the_thread(front, monkeypatch):
    commits = GroupCommit()
    gone: Future[None] = commits.submit(encode(envelope(messages=[text("first")])))
    gone.result(timeout=10)
    monkeypatch.setattr(
        webhook_front, "_store", lambda group: [s.set_result(None) for _, s in group]
    )
    left: Future[None] = Future()
    left.cancel()
    commits._waiting.append((b"", left))

    assert commits.submit(b"next").result(timeout=10) is None
    assert commits.submit(b"and the next").result(timeout=10) is None
