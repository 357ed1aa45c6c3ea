from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import SyncToAsync
from channels.testing import WebsocketCommunicator

from core.asgi import BodyLimit, LifespanAware, OneThreadHandler, refuse_socket


def http_scope(path="/api/test", method="POST", length=None, headers=()):
    given = [(b"host", b"testserver"), *headers]
    if length is not None:
        given.append((b"content-length", str(length).encode()))
    return {"type": "http", "method": method, "path": path, "headers": given}


def page_scope(path):
    return {
        **http_scope(path, "GET"),
        "query_string": b"",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }


class Chunks:
    """A client that sends a body in pieces and counts how many were taken."""

    def __init__(self, *pieces, endless=False):
        self.pieces = list(pieces)
        self.endless = endless
        self.taken = 0

    async def __call__(self):
        self.taken += 1
        if not self.pieces:
            # All is sent; the connection stays open until the answer is there.
            await asyncio.Event().wait()
        piece = self.pieces[0] if self.endless else self.pieces.pop(0)
        return {
            "type": "http.request",
            "body": piece,
            "more_body": self.endless or bool(self.pieces),
        }


class Inner:
    """An application that reads all it is given."""

    def __init__(self):
        self.body = None
        self.scope = None

    async def __call__(self, scope, receive, send):
        self.scope = scope
        self.body = b""
        while True:
            message = await receive()
            self.body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def answer(app, scope, receive):
    sent = []

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


@pytest.fixture(autouse=True)
def _small_limit(settings):
    settings.MAX_BODY_BYTES = 1000


async def test_an_endless_body_is_refused_after_the_limit():
    inner, client = Inner(), Chunks(b"x" * 100, endless=True)

    start, body = await answer(BodyLimit(inner), http_scope(), client)

    assert start["status"] == 413
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    problem = json.loads(body["body"])
    assert problem["code"] == "body_too_large"
    assert headers[b"x-request-id"].decode() == problem["request_id"]
    assert client.taken == 11
    assert inner.body is None


async def test_a_declared_body_above_the_limit_is_refused_unread():
    inner, client = Inner(), Chunks(b"x")

    start, _ = await answer(BodyLimit(inner), http_scope(length=1001), client)

    assert start["status"] == 413
    assert client.taken == 0
    assert inner.body is None


async def test_a_body_of_unknown_length_arrives_whole_and_with_its_length():
    inner = Inner()
    chunked = http_scope(headers=[(b"transfer-encoding", b"chunked")])

    start, _ = await answer(BodyLimit(inner), chunked, Chunks(b"a" * 600, b"b" * 400, b""))

    assert start["status"] == 200
    assert inner.body == b"a" * 600 + b"b" * 400
    assert (b"content-length", b"1000") in inner.scope["headers"]


@pytest.mark.parametrize("length", [0, 1, 1000])
async def test_a_declared_body_within_the_limit_passes_untouched(length):
    inner = Inner()

    await answer(BodyLimit(inner), http_scope(length=length), Chunks(b"x" * length))

    assert len(inner.body) == length


async def test_a_client_that_leaves_in_the_middle_is_nobodys_request():
    inner = Inner()

    async def leaves():
        return {"type": "http.disconnect"}

    assert await answer(BodyLimit(inner), http_scope(), leaves) == []
    assert inner.body is None


async def test_a_socket_at_an_address_that_serves_none_is_refused_quietly(caplog):
    socket = WebsocketCommunicator(refuse_socket, "/ws/nowhere")

    connected, code = await socket.connect()

    assert connected is False
    assert code == 1008
    assert caplog.records == []


async def test_start_up_and_shut_down_of_a_server_are_answered():
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return messages.pop(0)

    sent = await answer(LifespanAware(None), {"type": "lifespan"}, receive)

    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_a_request_crosses_to_its_thread_once_whatever_the_view(monkeypatch):
    crossings = []

    class Counting(SyncToAsync):
        async def __call__(self, *args, **kwargs):
            crossings.append(self.func)
            return await super().__call__(*args, **kwargs)

    for place in ("core.asgi", "django.core.handlers.base", "django.utils.deprecation"):
        monkeypatch.setattr(f"{place}.sync_to_async", Counting)
    handler = OneThreadHandler()

    for path in ("/health/live", "/api/nothing"):
        crossings.clear()
        await answer(handler, page_scope(path), Chunks(b""))
        assert crossings == [handler.get_response]


@pytest.mark.urls("core.tests.urls")
async def test_an_asynchronous_view_is_answered_too():
    start, body = await answer(OneThreadHandler(), page_scope("/page/async"), Chunks(b""))

    assert (start["status"], body["body"]) == (200, b"asynchronous")


@pytest.mark.django_db(transaction=True)
async def test_the_application_serves_pages_and_refuses_unknown_sockets():
    asgi = await asyncio.to_thread(__import__, "config.asgi", fromlist=["application"])
    try:
        socket = WebsocketCommunicator(asgi.application, "/ws/nowhere")
        assert await socket.connect() == (False, 1008)

        start, *_ = await answer(
            asgi.application,
            page_scope("/health/live"),
            Chunks(b""),
        )
        assert start["status"] == 200
    finally:
        if asgi.server_lock is not None:
            asgi.server_lock.release()
