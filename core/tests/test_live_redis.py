"""Live sockets with Redis between processes: emptied, killed, back again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from channels.layers import get_channel_layer

from core.live import aappend_event, apublish_ephemeral
from core.live import hub as hub_module
from core.live.grants import StreamGrant
from core.tests.live_rooms import COMMITS, STREAM, RoomClient, RoomConsumer

pytestmark = [pytest.mark.services, COMMITS]
WAIT = 30.0


class RedisServer:
    """A redis-server of this test's own, which it may kill."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed (make services installs it)"
        self.program = program
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.02)
        client.close()

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT)
        self.process = None


@pytest.fixture
def redis_server(tmp_path: Path, settings: Any) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [server.url], "prefix": "parley-test"},
        }
    }
    yield server
    if server.process is not None:
        server.kill()


@pytest.fixture(autouse=True)
async def _room(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 0.2)
    RoomConsumer.grants = {
        "participant": StreamGrant(STREAM, "participant", "p"),
        "watcher": StreamGrant(STREAM, "watch", "w"),
    }
    RoomConsumer.revoked, RoomConsumer.heard, RoomConsumer.ended = set(), [], []
    yield
    if redis_server.process is not None:
        await get_channel_layer().flush()


async def append(number: int) -> int:
    return await aappend_event(stream=STREAM, type="n", payload={"n": number})


async def say_until_heard(client: RoomClient) -> dict[str, Any]:
    """Send ephemeral events until one arrives: the way through Redis is open again."""
    async with asyncio.timeout(WAIT):
        while True:
            await apublish_ephemeral(stream=STREAM, type="delta", payload={})
            if not await client.is_silent(0.2):
                return await client.receive()


async def test_events_go_through_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 60)
    client, other = RoomClient(), RoomClient("watcher")
    await client.open()
    await other.open()

    await append(1)
    await apublish_ephemeral(stream=STREAM, type="delta", payload={})

    for one in (client, other):
        assert [(await one.receive())["seq"] for _ in range(2)] == [1, None]
        await one.leave()


async def test_emptying_redis_loses_no_member(
    monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 60)
    client = RoomClient()
    await client.open()
    await append(1)
    assert (await client.receive())["seq"] == 1

    admin = redis.Redis.from_url(redis_server.url)
    await asyncio.to_thread(admin.flushall)
    admin.close()
    await append(2)

    assert (await client.receive())["seq"] == 2
    await client.leave()


async def test_without_redis_events_arrive_by_looking_and_with_it_again_at_once(
    redis_server: RedisServer,
) -> None:
    client = RoomClient()
    await client.open()
    await append(1)
    assert (await client.receive())["seq"] == 1

    await asyncio.to_thread(redis_server.kill)
    for number in (2, 3, 4):
        assert await append(number) == number
    assert [event["seq"] for event in await client.receive_many(3)] == [2, 3, 4]
    joined_while_down = RoomClient("watcher", after=2)
    await joined_while_down.open()
    assert [event["seq"] for event in await joined_while_down.receive_many(2)] == [3, 4]

    await asyncio.to_thread(redis_server.start)
    assert (await say_until_heard(client))["type"] == "delta"
    await append(5)
    for one in (client, joined_while_down):
        while (event := await one.receive())["seq"] is None:
            pass
        assert event["seq"] == 5
        await one.leave()


async def test_a_socket_opened_while_redis_is_down_is_joined_to_it_later(
    redis_server: RedisServer,
) -> None:
    await asyncio.to_thread(redis_server.kill)
    client = RoomClient()
    await client.open()
    await append(1)
    assert (await client.receive())["seq"] == 1

    await asyncio.to_thread(redis_server.start)

    assert (await say_until_heard(client))["type"] == "delta"
    await client.leave()
