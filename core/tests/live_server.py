"""An ASGI application with one live socket, for tests that start a real server."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

from core.live import apublish_ephemeral  # noqa: E402 - after the apps are loaded
from core.live.grants import StreamGrant  # noqa: E402
from core.live.messages import Integer, MessageShape  # noqa: E402
from core.tests.live_rooms import STREAM, RoomConsumer  # noqa: E402


class FloodConsumer(RoomConsumer):
    """The test room, where a client can have ephemeral events sent to everybody."""

    client_messages = {
        **RoomConsumer.client_messages,
        "flood": MessageShape({"events": Integer(), "size": Integer()}),
    }
    grants = {
        name: StreamGrant(STREAM, "participant", name) for name in ("one", "two", "three", "slow")
    }

    async def handle_flood(self, message: dict[str, Any]) -> None:
        for _ in range(message["events"]):
            await apublish_ephemeral(
                stream=STREAM, type="delta", payload={"text": "x" * message["size"]}
            )


socket_application = FloodConsumer.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve sockets; answer the life of the server; leave the rest to Django."""
    if scope["type"] == "websocket":
        await socket_application(scope, receive, send)
    elif scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await http_application(scope, receive, send)
