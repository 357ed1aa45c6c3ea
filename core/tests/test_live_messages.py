"""Handshakes and client messages: who gets in, what may be said, and what junk does."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.live import aappend_event, codes
from core.live.consumers import BASE_MESSAGES
from core.live.grants import StreamGrant, normalise_origin, read_handshake
from core.live.messages import InvalidMessageError, decode_message
from core.tests.live_rooms import COMMITS, ORIGIN, STREAM, AudioConsumer, RoomClient, RoomConsumer

LISTED = "https://shop.example"


async def _no_events(stream: str, limit: int) -> list[Any]:
    return []


async def _no_number(stream: str) -> int:
    return 0


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Give every token its grant; where a test needs no events, keep the database out of it."""
    if request.node.get_closest_marker("django_db") is None:
        monkeypatch.setattr("core.live.feed._read_latest", _no_events)
        monkeypatch.setattr("core.live.feed._read_last_seq", _no_number)
        monkeypatch.setattr(RoomConsumer, "read_state", staticmethod(_no_number))
    for consumer in (RoomConsumer, AudioConsumer):
        consumer.grants = {
            "participant": StreamGrant(
                STREAM, "participant", "p", allowed_origins=frozenset({LISTED})
            ),
            "watcher": StreamGrant(STREAM, "watch", "w"),
            "cookie": StreamGrant(STREAM, "participant", "c", allowed_origins=frozenset({LISTED})),
            "expired": StreamGrant(
                STREAM, "participant", "e", expires_at=timezone.now() - timedelta(seconds=1)
            ),
        }
        consumer.snapshots = 0
        consumer.revoked, consumer.heard, consumer.ended = set(), [], []


# --- handshake ------------------------------------------------------------------------------


async def test_the_token_is_not_echoed() -> None:
    client = RoomClient("participant")

    assert await client.connect()

    assert client.answer == "parley.v1"
    await client.leave()


@pytest.mark.parametrize(
    "protocols",
    [
        [],
        ["parley.v1"],
        ["bearer.participant"],
        ["parley.v1", "bearer."],
        ["parley.v1", "bearer.wrong"],
        ["parley.v1", "bearer.Participant"],
        ["parley.v1", "bearer.participant", "bearer.participant"],
        ["parley.v1", "bearer.expired"],
        ["parley.v2", "bearer.participant"],
        ["parley.v1", "participant"],
    ],
    ids=str,
)
async def test_a_handshake_without_a_good_token_is_refused(protocols: list[str]) -> None:
    RoomConsumer.grants.pop("cookie")
    client = RoomClient(protocols=protocols)

    assert not await client.connect()
    assert RoomConsumer.snapshots == 0


@pytest.mark.parametrize(
    ("origin", "token", "accepted"),
    [
        (ORIGIN, "participant", True),
        ("http://TESTSERVER", "participant", True),
        ("http://testserver:80", "participant", True),
        (None, "participant", True),
        (LISTED, "participant", True),
        ("https://shop.example:443", "participant", True),
        ("https://cors.example", "participant", True),
        (LISTED, "watcher", False),
        ("http://shop.example", "participant", False),
        ("https://shop.example:8443", "participant", False),
        ("https://shop.example.evil.example", "participant", False),
        ("https://evilshop.example", "participant", False),
        ("https://shop.example@evil.example", "participant", False),
        ("https://shop.example/", "participant", False),
        ("https://testserver", "participant", False),
        ("http://testserver:8000", "participant", False),
        ("null", "participant", False),
        ("", "participant", False),
        ("file://", "participant", False),
        ("http://[::1", "participant", False),
        ("http://testserver:99999", "participant", False),
        # Without a token the credential is a cookie: only pages of this host.
        (ORIGIN, None, True),
        (None, None, False),
        (LISTED, None, False),
        ("https://cors.example", None, False),
        ("null", None, False),
    ],
)
async def test_origins(
    settings: Any, origin: str | None, token: str | None, accepted: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://cors.example"]
    client = RoomClient(token, origin=origin)

    assert await client.connect() is accepted
    if accepted:
        await client.leave()


@pytest.mark.parametrize(
    ("headers", "scheme", "accepted"),
    [
        ([(b"host", b"testserver")], "wss", True),
        ([(b"host", b"testserver"), (b"x-forwarded-proto", b"https")], "ws", True),
        ([(b"host", b"testserver"), (b"x-forwarded-proto", b"http")], "ws", False),
        ([(b"host", b"testserver")], "ws", False),
        ([(b"host", b"elsewhere.example")], "wss", False),
        ([(b"host", b"testserver:8443")], "wss", False),
        ([], "wss", False),
    ],
)
async def test_the_own_origin_behind_tls(
    settings: Any, headers: list[tuple[bytes, bytes]], scheme: str, accepted: bool
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client = RoomClient(headers=headers, scheme=scheme, origin="https://testserver")

    assert await client.connect() is accepted
    if accepted:
        await client.leave()


async def test_a_forwarded_header_counts_for_nothing_without_a_trusted_proxy(
    settings: Any,
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = None
    headers = [(b"host", b"testserver"), (b"x-forwarded-proto", b"https")]
    client = RoomClient(headers=headers, origin="https://testserver")

    assert not await client.connect()


async def test_a_doubled_origin_is_refused() -> None:
    headers = [(b"host", b"testserver"), (b"origin", ORIGIN.encode())]
    client = RoomClient(headers=headers, origin=ORIGIN)

    assert not await client.connect()


@pytest.mark.parametrize(
    "after", ["-1", "1.5", "abc", "1e3", "", "1&after=2", "9" * 17, "٣", "%00", "1%20"]
)
async def test_an_after_that_is_no_number_is_refused(after: str) -> None:
    assert not await RoomClient(after=after).connect()


async def test_a_token_that_crashes_the_lookup_is_a_refusal_without_a_traceback_in_the_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: RoomConsumer) -> StreamGrant:
        raise RuntimeError

    monkeypatch.setattr(RoomConsumer, "authorize", fail)
    with caplog.at_level(logging.ERROR, logger="core.live.consumers"):
        assert not await RoomClient().connect()

    assert [record.getMessage() for record in caplog.records] == ["live.authorize_failed"]
    assert "participant" not in caplog.text.split("Traceback")[0]


def test_a_handshake_shows_no_token() -> None:
    scope = {"subprotocols": ["parley.v1", "bearer.canary"], "headers": [], "query_string": b""}

    handshake = read_handshake(scope)

    assert handshake.bearer_token == "canary"
    assert "canary" not in repr(handshake)


@pytest.mark.parametrize(
    ("origin", "normal"),
    [
        ("https://A.example", "https://a.example:443"),
        ("http://a.example:80", "http://a.example:80"),
        ("http://[::1]:5173", "http://[::1]:5173"),
        ("https://a.example?x", None),
        ("https://a.example#x", None),
        ("ws://a.example", None),
        ("https://", None),
        ("null", None),
    ],
)
def test_origins_are_compared_in_one_form(origin: str, normal: str | None) -> None:
    assert normalise_origin(origin) == normal


# --- messages -------------------------------------------------------------------------------


async def test_messages_reach_their_handlers_checked() -> None:
    client = RoomClient()
    await client.open()

    await client.send({"type": "say", "text": "Hello", "client_id": "c1"})
    await client.send({"type": "rate", "stars": 5, "kind": "chat", "public": True})
    await client.send({"type": "ping"})

    pong = await client.receive()
    assert (pong["type"], pong["seq"]) == ("pong", None)
    assert RoomConsumer.heard == [
        {"text": "Hello", "client_id": "c1"},
        {"stars": 5, "kind": "chat", "public": True},
    ]
    await client.leave()


JUNK = {
    "empty": "",
    "not JSON": "hello",
    "half JSON": '{"type": "ping"',
    "two values": '{"type":"ping"} {"type":"ping"}',
    "number": "5",
    "list": "[]",
    "text": '"ping"',
    "null": "null",
    "no type": "{}",
    "type is null": '{"type": null}',
    "type is a list": '{"type": ["ping"]}',
    "type is an object": '{"type": {"ping": 1}}',
    "unknown type": '{"type": "shutdown"}',
    "server's type": '{"type": "transcript", "text": "forged"}',
    "private name": '{"type": "__class__"}',
    "hook's name": '{"type": "binary"}',
    "duplicate key": '{"type": "ping", "type": "say"}',
    "extra field": '{"type": "ping", "role": "agent"}',
    "missing field": '{"type": "say"}',
    "empty text": '{"type": "say", "text": ""}',
    "text too long": json.dumps({"type": "say", "text": "x" * 101}),
    "text is a number": '{"type": "say", "text": 5}',
    "NUL": '{"type": "say", "text": "a\\u0000b"}',
    "lone surrogate": '{"type": "say", "text": "\\ud800"}',
    "NaN": '{"type": "after", "seq": NaN}',
    "negative": '{"type": "after", "seq": -1}',
    "fraction": '{"type": "after", "seq": 1.5}',
    "true as a number": '{"type": "after", "seq": true}',
    "thousands of digits": '{"type": "after", "seq": ' + "9" * 5000 + "}",
    "too large a number": '{"type": "after", "seq": 9007199254740992}',
    "not a choice": '{"type": "rate", "stars": 5, "kind": "fax"}',
    "out of bounds": '{"type": "rate", "stars": 6, "kind": "chat"}',
    "nested": '{"type": "say", "text": ' + "[" * 20 + "]" * 20 + "}",
    "deep": "[" * 30_000 + "]" * 30_000,
    "deep and open": '{"a":' * 12_000,
    "byte order mark": '\ufeff{"type": "ping"}',
}


@pytest.mark.parametrize("frame", JUNK.values(), ids=JUNK.keys())
async def test_junk_closes_the_socket_politely(
    frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = RoomClient()
    await client.open()

    with caplog.at_level(logging.INFO):
        await client.socket.send_input({"type": "websocket.receive", "text": frame})
        frames, code = await client.closing()

    assert code == codes.MISUSE
    assert [(item["type"], item["code"]) for item in frames] == [("error", "invalid_message")]
    assert RoomConsumer.heard == []
    assert [record for record in caplog.records if record.name.startswith("core.")] == []


@pytest.mark.parametrize("size", [65_537, 2_000_000])
@pytest.mark.parametrize("kind", ["text", "bytes"])
async def test_a_large_frame_closes_with_its_own_code(size: int, kind: str) -> None:
    client = RoomClient(consumer=AudioConsumer)
    await client.open()

    if kind == "text":
        # Two bytes a character: the limit is in bytes.
        await client.socket.send_to(text_data="é" * (size // 2 + 1))
    else:
        await client.socket.send_to(bytes_data=b"x" * size)

    assert await client.closing() == ([], codes.TOO_LARGE)
    assert AudioConsumer.heard == []


async def test_the_largest_frame_is_looked_at() -> None:
    client = RoomClient()
    await client.open()

    await client.socket.send_to(text_data='{"type":"ping"}' + " " * (65_536 - 15))

    assert (await client.receive())["type"] == "pong"
    await client.leave()


@pytest.mark.parametrize("frame", [b"", b"\x00\x01", b'{"type":"ping"}'])
async def test_binary_where_text_is_due_is_refused(frame: bytes) -> None:
    client = RoomClient()
    await client.open()

    await client.socket.send_input({"type": "websocket.receive", "bytes": frame})
    frames, code = await client.closing()

    assert code == codes.WRONG_KIND
    assert [item["code"] for item in frames] == ["text_only"]


async def test_binary_frames_go_both_ways_where_they_are_due() -> None:
    client = RoomClient(consumer=AudioConsumer)
    await client.open()

    await client.socket.send_to(bytes_data=b"abc")

    assert await client.socket.receive_from(timeout=30) == b"cba"
    assert AudioConsumer.heard == [b"abc"]
    await client.leave()


@COMMITS
async def test_a_watcher_may_ask_and_not_speak() -> None:
    await aappend_event(stream=STREAM, type="n", payload={})
    client = RoomClient("watcher")
    await client.open()
    await client.send({"type": "after", "seq": 0})
    assert (await client.receive())["seq"] == 1
    await client.send({"type": "ping"})
    assert (await client.receive())["type"] == "pong"

    await client.send({"type": "say", "text": "Hello"})
    frames, code = await client.closing()

    assert code == codes.MISUSE
    assert [item["code"] for item in frames] == ["watch_only"]
    assert RoomConsumer.heard == []


async def test_a_watcher_sends_no_audio() -> None:
    client = RoomClient("watcher", consumer=AudioConsumer)
    await client.open()

    await client.socket.send_to(bytes_data=b"abc")

    assert (await client.closing())[1] == codes.WRONG_KIND
    assert AudioConsumer.heard == []


async def test_too_many_messages_close_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoomConsumer, "messages_per_second", 0.001)
    monkeypatch.setattr(RoomConsumer, "message_burst", 3)
    client = RoomClient()
    await client.open()

    for number in range(5):
        await client.send({"type": "say", "text": str(number)})
    frames, code = await client.closing()

    assert code == codes.TOO_MANY_MESSAGES
    assert [item["code"] for item in frames] == ["too_many_messages"]
    assert [item["text"] for item in RoomConsumer.heard] == ["0", "1", "2"]


async def test_too_much_audio_closes_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AudioConsumer, "binary_bytes_per_second", 100)
    client = RoomClient(consumer=AudioConsumer)
    await client.open()

    await client.socket.send_to(bytes_data=b"x" * 300)
    assert await client.socket.receive_from(timeout=30) == b"x" * 300
    await client.socket.send_to(bytes_data=b"x" * 200)

    assert (await client.closing())[1] == codes.TOO_MANY_MESSAGES


async def test_a_refusal_by_the_app_is_told_and_the_socket_stays() -> None:
    client = RoomClient()
    await client.open()

    await client.send({"type": "conflict"})
    error = await client.receive()
    await client.send({"type": "ping"})

    assert error["type"] == "error"
    assert (error["code"], error["title"]) == ("already_done", "Already done")
    assert (await client.receive())["type"] == "pong"
    await client.leave()


async def test_a_crash_in_a_handler_closes_with_1011_and_logs_no_input(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = RoomClient()
    await client.open()

    with caplog.at_level(logging.ERROR, logger="core.live.consumers"):
        await client.send({"type": "crash"})
        frames, code = await client.closing()

    assert (frames, code) == ([], codes.INTERNAL)
    assert [record.getMessage() for record in caplog.records] == ["live.socket_failed"]
    assert caplog.records[0].stream == STREAM


async def test_messages_after_the_close_are_not_heard() -> None:
    client = RoomClient()
    await client.open()

    await client.socket.send_to(text_data="junk")
    await client.send({"type": "say", "text": "too late"})
    await client.closing()
    await asyncio.sleep(0.05)

    assert RoomConsumer.heard == []


def test_every_message_has_a_schema_for_the_published_document() -> None:
    shapes = RoomConsumer.message_shapes()

    assert set(shapes) == {*BASE_MESSAGES, "say", "rate", "conflict", "crash", "wait"}
    assert shapes["say"].schema("say") == {
        "type": "object",
        "properties": {
            "type": {"const": "say"},
            "text": {"type": "string", "minLength": 1, "maxLength": 100},
            "client_id": {"type": "string", "minLength": 0, "maxLength": 20},
        },
        "required": ["type", "text"],
        "additionalProperties": False,
    }
    assert shapes["rate"].schema("rate")["properties"] == {
        "type": {"const": "rate"},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "kind": {"type": "string", "enum": ["call", "chat"]},
        "public": {"type": "boolean"},
    }


def test_a_refusal_never_repeats_the_input() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        decode_message('{"type": "say", "text": "canary\\u0000"}')

    assert "canary" not in str(caught.value)
