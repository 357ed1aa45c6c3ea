"""A client of the socket under test."""

from __future__ import annotations

import asyncio
import json

from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client

from sessions.routing import websocket_urlpatterns

application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
OWN = "http://testserver"
# How long a busy machine may take; what holds already is not waited for.
WAIT = 30


class Socket:
    """One client of the socket under test."""

    def __init__(self, session_id, *, token=None, origin=OWN, cookie="", after=None, offer=None):
        headers = [(b"host", b"testserver")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        if cookie:
            headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
        offered = offer or ["parley.v1", *([f"bearer.{token}"] if token else [])]
        path = f"/ws/transcript/{session_id}" + ("" if after is None else f"?after={after}")
        self.line = WebsocketCommunicator(application, path, headers=headers, subprotocols=offered)
        self.seen = []

    async def connect(self):
        is_open, self.answer = await self.line.connect(timeout=WAIT)
        return is_open

    async def open(self):
        assert await self.connect()
        return await self.receive()

    async def receive(self):
        event = json.loads(await self.line.receive_from(timeout=WAIT))
        self.seen.append(event)
        return event

    async def receive_binary(self):
        """Return the next frame of sound, reading the events before it."""
        while True:
            frame = await self.line.receive_output(timeout=WAIT)
            if frame.get("bytes") is not None:
                return frame["bytes"]
            self.seen.append(json.loads(frame["text"]))

    async def receive_until(self, event_type, **fields):
        while True:
            event = await self.receive()
            if event["type"] == event_type and fields.items() <= event.items():
                return event

    async def send(self, **message):
        await self.line.send_to(text_data=json.dumps(message))

    async def closed(self):
        """Return the code the server closes with, reading what comes before."""
        while True:
            output = await self.line.receive_output(timeout=WAIT)
            if output["type"] == "websocket.close":
                await self.line.wait(timeout=WAIT)
                return output.get("code", 1000)
            if output.get("text"):
                self.seen.append(json.loads(output["text"]))

    async def leave(self):
        await self.line.disconnect(timeout=WAIT)


def cookie_of(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def socket_of(created, **options):
    return Socket(created.session.public_id, token=created.token_plain, **options)


async def wait_until_quiet(before):
    """Wait for the tasks a socket leaves behind for a moment; return those that stay.

    The Redis layer keeps a reader of its own as long as the loop lives; that one is its.
    """
    # Channels' test client keeps connections open while it runs the application; the login was
    # read in the one thread that nobody uses after it.
    await sync_to_async(connections.close_all)()
    left = set()
    for _ in range(300):
        left = {
            task
            for task in asyncio.all_tasks() - before - {asyncio.current_task()}
            if "channels_redis" not in task.get_coro().cr_code.co_filename
        }
        if not left:
            break
        await asyncio.sleep(0.01)
    return left
