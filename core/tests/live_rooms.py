"""A small live socket for the tests of `core.live`, and a client that speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from channels.testing import WebsocketCommunicator

from core.errors import ConflictError
from core.live.consumers import LiveConsumer, in_thread
from core.live.grants import SocketRefusedError, StreamGrant
from core.live.messages import Choice, Flag, Integer, MessageShape, Text
from core.live.selectors import last_seq

STREAM = "test.room"
# Commits are real, seen by every thread; afterwards only the tables of core are emptied, which
# is much quicker than emptying all.
COMMITS = pytest.mark.django_db(transaction=True, available_apps=["core"])
ORIGIN = "http://testserver"


class RoomConsumer(LiveConsumer):
    """A stream with participants and watchers; tokens are in a table of the class."""

    client_messages: ClassVar[Mapping[str, MessageShape]] = {
        "say": MessageShape(
            {
                "text": Text(max_length=100, min_length=1),
                "client_id": Text(max_length=20, required=False),
            }
        ),
        "rate": MessageShape(
            {
                "stars": Integer(1, 5),
                "kind": Choice(("call", "chat")),
                "public": Flag(required=False),
            }
        ),
        "conflict": MessageShape(),
        "crash": MessageShape(),
        "wait": MessageShape(),
    }
    grants: ClassVar[dict[str, StreamGrant]] = {}
    revoked: ClassVar[set[str]] = set()
    heard: ClassVar[list[Any]] = []
    ended: ClassVar[list[int]] = []
    snapshots: ClassVar[int] = 0
    read_state: ClassVar[Any] = staticmethod(in_thread(last_seq))
    release: ClassVar[asyncio.Event]

    async def authorize(self) -> StreamGrant:
        token = self.handshake.bearer_token or "cookie"
        if token not in type(self).grants:
            raise SocketRefusedError
        return type(self).grants[token]

    async def snapshot(self) -> dict[str, Any]:
        type(self).snapshots += 1
        return {"complete_to": await type(self).read_state(self.grant.stream)}

    async def still_allowed(self) -> bool:
        return self.grant.identity not in type(self).revoked

    async def left(self, code: int) -> None:
        type(self).ended.append(code)

    async def handle_say(self, message: dict[str, Any]) -> None:
        type(self).heard.append(message)

    async def handle_rate(self, message: dict[str, Any]) -> None:
        type(self).heard.append(message)

    async def handle_conflict(self, message: dict[str, Any]) -> None:
        raise ConflictError("already_done", "It is done already.")

    async def handle_crash(self, message: dict[str, Any]) -> None:
        raise RuntimeError("what a person said")

    async def handle_wait(self, message: dict[str, Any]) -> None:
        await type(self).release.wait()
        type(self).heard.append("waited")


class AudioConsumer(RoomConsumer):
    """The same with binary frames."""

    accepts_binary = True

    async def handle_binary(self, frame: bytes) -> None:
        type(self).heard.append(frame)
        await self.send_binary(frame[::-1])


class RoomClient:
    """A client of a consumer under test."""

    def __init__(
        self,
        token: str | None = "participant",
        *,
        consumer: type[LiveConsumer] = RoomConsumer,
        after: int | str | None = None,
        origin: str | None = ORIGIN,
        protocols: list[str] | None = None,
        headers: list[tuple[bytes, bytes]] | None = None,
        scheme: str = "ws",
    ) -> None:
        if protocols is None:
            protocols = ["parley.v1"] + ([] if token is None else [f"bearer.{token}"])
        sent = [(b"host", b"testserver")] if headers is None else list(headers)
        if origin is not None:
            sent.append((b"origin", origin.encode()))
        path = "/ws/test/" + ("" if after is None else f"?after={after}")
        self.socket = WebsocketCommunicator(
            consumer.as_asgi(), path, headers=sent, subprotocols=protocols
        )
        self.socket.scope["scheme"] = scheme
        self.seen = 0

    async def connect(self) -> bool:
        """Connect and tell whether the server took the socket."""
        connected, answer = await self.socket.connect(timeout=30)
        self.answer = answer
        return connected

    async def open(self) -> dict[str, Any]:
        """Connect and return the snapshot."""
        assert await self.connect()
        snapshot = await self.receive()
        assert snapshot["type"] == "snapshot"
        return snapshot

    async def receive(self, seconds: float = 30) -> dict[str, Any]:
        """Return the next frame as an object."""
        return json.loads(await self.socket.receive_from(timeout=seconds))

    async def receive_many(self, count: int) -> list[dict[str, Any]]:
        """Return the next frames."""
        return [await self.receive() for _ in range(count)]

    async def send(self, message: Any) -> None:
        """Send an object as JSON."""
        await self.socket.send_json_to(message)

    async def closing(self, seconds: float = 30) -> tuple[list[dict[str, Any]], int]:
        """Return what comes before the server closes, and the close code."""
        frames: list[dict[str, Any]] = []
        while True:
            event = await self.socket.receive_output(timeout=seconds)
            if event["type"] == "websocket.close":
                return frames, event["code"]
            frames.append(json.loads(event["text"]))

    async def is_silent(self, seconds: float = 0.1) -> bool:
        """Tell whether nothing comes for a moment."""
        return await self.socket.receive_nothing(timeout=seconds)

    async def leave(self) -> None:
        """Close the socket from the client's side."""
        await self.socket.disconnect()
