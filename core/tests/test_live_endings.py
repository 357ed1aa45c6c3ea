"""Live sockets: how they end, what a broken stream says, and what slow clients get."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.utils import timezone

from core.live import (
    aappend_event,
    append_event,
    apublish_ephemeral,
    close_stream,
    codes,
    erase_streams,
)
from core.live import hub as hub_module
from core.live.consumers import in_thread
from core.live.grants import StreamGrant
from core.live.hub import find_hub
from core.live.outbox import Outbox
from core.tests.live_rooms import COMMITS, STREAM, RoomClient, RoomConsumer

pytestmark = [COMMITS, pytest.mark.usefixtures("live_room")]


async def append(number: int) -> int:
    return await aappend_event(stream=STREAM, type="n", payload={"n": number})


async def test_a_closed_stream_closes_its_sockets_after_the_last_event() -> None:
    client = RoomClient()
    await client.open()

    def end() -> None:
        append_event(stream=STREAM, type="session", payload={"status": "ended"})
        close_stream(stream=STREAM)

    await in_thread(end)()
    frames, code = await client.closing()
    await client.socket.wait()

    assert [frame["type"] for frame in frames] == ["session"]
    assert code == codes.ENDED
    assert RoomConsumer.ended == [codes.ENDED]


async def test_one_identity_can_be_closed_alone() -> None:
    client, watcher = RoomClient(), RoomClient("watcher")
    await client.open()
    await watcher.open()

    await in_thread(close_stream)(stream=STREAM, code=codes.GRANT_ENDED, identity="w")

    assert await watcher.closing() == ([], codes.GRANT_ENDED)
    await append(1)
    assert (await client.receive())["seq"] == 1
    await client.leave()


async def test_an_erased_stream_closes_its_sockets() -> None:
    client = RoomClient()
    await client.open()
    await append(1)
    await client.receive()

    await in_thread(erase_streams)([STREAM])

    assert await client.closing() == ([], codes.ENDED)


async def test_a_revoked_grant_closes_its_sockets_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "RECHECK_SECONDS", 0.1)
    client, watcher = RoomClient(), RoomClient("watcher")
    await client.open()
    await watcher.open()

    RoomConsumer.revoked = {"p"}

    assert await client.closing() == ([], codes.GRANT_ENDED)
    assert await watcher.is_silent(0.3)
    await watcher.leave()


async def test_an_expired_grant_closes_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RECHECK_SECONDS", 0.1)
    soon = timezone.now() + timedelta(seconds=0.5)
    RoomConsumer.grants["short"] = StreamGrant(STREAM, "watch", "s", expires_at=soon)
    client = RoomClient("short")
    await client.open()

    assert await client.closing() == ([], codes.GRANT_ENDED)
    late = RoomClient("short")
    assert not await late.connect()


async def test_a_recheck_that_fails_cuts_nobody_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "RECHECK_SECONDS", 0.05)

    async def fail(self: RoomConsumer) -> bool:
        raise ConnectionError

    monkeypatch.setattr(RoomConsumer, "still_allowed", fail)
    client = RoomClient()
    await client.open()
    await asyncio.sleep(0.2)
    await append(1)

    assert (await client.receive())["seq"] == 1
    await client.leave()


async def test_the_oldest_of_too_many_sockets_is_closed() -> None:
    clients = [RoomClient() for _ in range(9)]
    for client in clients:
        await client.open()

    assert await clients[0].closing() == ([], codes.REPLACED)
    await append(1)
    for client in clients[1:]:
        assert (await client.receive())["seq"] == 1
        await client.leave()


async def test_a_stream_that_cannot_be_read_says_try_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.db import OperationalError

    async def fail(*_: Any) -> None:
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr("core.live.feed._read_latest", fail)
        client, other = RoomClient(), RoomClient("watcher")
        assert await client.connect()
        assert await other.connect()
        assert await client.closing() == ([], codes.TRY_LATER)
        assert await other.closing() == ([], codes.TRY_LATER)
    again = RoomClient()

    await again.open()
    await again.leave()


async def test_without_a_channel_layer_events_still_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Redis is down: the look at the rows replaces it, and it is joined when it is back."""
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 0.1)
    layer = get_channel_layer()

    async def refuse(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as down:
        for name in ("group_add", "group_send"):
            down.setattr(layer, name, refuse, raising=False)
        client = RoomClient()
        await client.open()
        await append(1)
        assert (await client.receive())["seq"] == 1
    await asyncio.sleep(0.3)
    await apublish_ephemeral(stream=STREAM, type="delta", payload={})

    assert (await client.receive())["seq"] is None
    await client.leave()


class StuckSocket:
    """A send that takes a few frames and then no more until told."""

    def __init__(self, takes: int) -> None:
        self.sent: list[dict[str, Any]] = []
        self.takes = takes
        self.go_on = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        if len(self.sent) >= self.takes:
            await self.go_on.wait()
        self.sent.append(message)


async def test_a_slow_client_is_dropped_and_told_to_come_back() -> None:
    socket = StuckSocket(takes=2)
    outbox = Outbox(socket.send, max_frames=4)
    writing = asyncio.ensure_future(outbox.run())
    taken = []
    for number in range(12):
        taken.append(outbox.offer(str(number)))
        await asyncio.sleep(0)
    socket.go_on.set()
    await writing

    # Two were sent, one is in the stuck send, four wait; the next one is too many.
    assert taken == [True] * 7 + [False] * 5
    assert outbox.waiting == 0
    assert [message.get("text") for message in socket.sent[:3]] == ["0", "1", "2"]
    assert socket.sent[3] == {
        "type": "websocket.close",
        "code": codes.TOO_SLOW,
        "reason": codes.ALL[codes.TOO_SLOW],
    }


async def test_a_client_that_takes_nothing_at_all_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.live.outbox.CLOSE_SECONDS", 0.1)
    socket = StuckSocket(takes=0)
    outbox = Outbox(socket.send, max_bytes=10)
    writing = asyncio.ensure_future(outbox.run())
    await asyncio.sleep(0)
    for _ in range(3):
        outbox.offer("x" * 10)
        await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await writing
    assert socket.sent == []
    assert outbox.offer("late") is False


async def test_replay_waits_for_a_client_that_reads() -> None:
    socket = StuckSocket(takes=1)
    outbox = Outbox(socket.send, max_frames=4)
    writing = asyncio.ensure_future(outbox.run())

    async def replay() -> list[bool]:
        return [await outbox.put(str(number)) for number in range(20)]

    replaying = asyncio.ensure_future(replay())
    await asyncio.sleep(0.05)
    waiting_while_stuck = outbox.waiting
    socket.go_on.set()
    results = await replaying
    outbox.close(codes.ENDED)
    await writing

    assert waiting_while_stuck == 2
    assert results == [True] * 20
    assert [message.get("text") for message in socket.sent[:-1]] == [str(n) for n in range(20)]


async def test_one_slow_client_does_not_hold_up_the_others() -> None:
    slow, quick = RoomClient(), RoomClient("watcher")
    await slow.open()
    await quick.open()
    room = find_hub()._rooms[STREAM]
    slow_outbox = next(iter(room.subscribers))
    stuck = asyncio.Event()

    async def never(message: dict[str, Any]) -> None:
        await stuck.wait()

    slow_outbox._send = never
    slow_outbox._max_frames = 3
    for number in range(1, 11):
        await append(number)

    assert [event["seq"] for event in await quick.receive_many(10)] == list(range(1, 11))
    assert slow_outbox.close_code == codes.TOO_SLOW
    assert slow_outbox not in room.feed.live
    stuck.set()
    await slow.leave()
    await quick.leave()


async def test_a_message_in_work_is_finished_when_its_sender_leaves() -> None:
    client = RoomClient()
    await client.open()
    await client.send({"type": "wait"})
    await asyncio.sleep(0.05)
    leaving = asyncio.ensure_future(client.leave())
    await asyncio.sleep(0.05)
    RoomConsumer.release.set()
    await leaving

    assert RoomConsumer.heard == ["waited"]
