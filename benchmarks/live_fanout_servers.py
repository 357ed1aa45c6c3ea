"""The three servers that `live_fanout` compares, as ASGI applications for uvicorn.

`hub` is the product's live socket with handshake checks, snapshot and replay. `stock` is what
Channels' documentation shows: a group and one send per client, without snapshot, replay or
numbers. `bare` is ASGI without Channels or Django: a loop over the clients.

Every application answers on ``/control`` to ``cpu`` with the processor seconds its process has
used, and to ``{"publish": [...]}`` by publishing those texts itself, for a channel layer in memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - after the set-up
from channels.layers import get_channel_layer  # noqa: E402

from core.live import aappend_event  # noqa: E402
from core.live.consumers import LiveConsumer  # noqa: E402
from core.live.grants import SocketRefusedError, StreamGrant  # noqa: E402

STREAM = "benchmark.stream"
STOCK_GROUP = "benchmark.stock"
SNAPSHOT = {"status": "running", "answered": 3, "segments": ["x" * 60] * 5}

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Publish = Callable[[str], Awaitable[None]]


class BenchmarkConsumer(LiveConsumer):
    """A watcher per token, sharing one snapshot, as the watchers of a session do."""

    async def authorize(self) -> StreamGrant:
        token = self.handshake.bearer_token
        if not token:
            raise SocketRefusedError
        return StreamGrant(STREAM, "watch", token, snapshot_key="watch")

    async def snapshot(self) -> dict[str, Any]:
        return SNAPSHOT

    async def still_allowed(self) -> bool:
        return True


class StockConsumer(AsyncWebsocketConsumer):
    """What Channels' tutorial builds."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(STOCK_GROUP, self.channel_name)
        await self.accept("parley.v1")

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(STOCK_GROUP, self.channel_name)

    async def chat_message(self, event: Message) -> None:
        await self.send(text_data=event["text"])


class BareServer:
    """Clients in a set, a loop that sends."""

    clients: ClassVar[set[Send]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "parley.v1"})
        self.clients.add(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.clients.discard(send)


def make_application(serve: Any, publish: Publish) -> Any:
    """Return the application with its control socket."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["path"] == "/control":
            await control(receive, send, publish)
        else:
            await serve(scope, receive, send)

    return application


async def control(receive: Receive, send: Send, publish: Publish) -> None:
    """Answer the driver."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        command = json.loads(event["text"])
        for text in command.get("publish", []):
            await publish(text)
        await send({"type": "websocket.send", "text": json.dumps({"cpu": time.process_time()})})


async def publish_event(text: str) -> None:
    """Append a durable event."""
    await aappend_event(stream=STREAM, type="transcript", payload={"text": text})


async def publish_to_group(text: str) -> None:
    """Send to the stock group."""
    frame = json.dumps({"type": "transcript", "text": text})
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(STOCK_GROUP, {"type": "chat.message", "text": frame})


async def publish_bare(text: str) -> None:
    """Send to every client in turn."""
    message = {"type": "websocket.send", "text": json.dumps({"type": "transcript", "text": text})}
    for send in tuple(BareServer.clients):
        await send(message)
    await asyncio.sleep(0)


hub = make_application(BenchmarkConsumer.as_asgi(), publish_event)
stock = make_application(StockConsumer.as_asgi(), publish_to_group)
bare = make_application(BareServer(), publish_bare)
