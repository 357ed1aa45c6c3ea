"""Live sockets: joining, replay, live events, and losing nothing on the way."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from channels.layers import get_channel_layer

from core.live import (
    aappend_event,
    append_event,
    apublish_ephemeral,
)
from core.live import hub as hub_module
from core.live.consumers import in_thread
from core.live.grants import StreamGrant
from core.live.models import LiveEvent
from core.tests.live_rooms import COMMITS, STREAM, RoomClient, RoomConsumer

pytestmark = [COMMITS, pytest.mark.usefixtures("live_room")]


async def append(number: int, stream: str = STREAM) -> int:
    return await aappend_event(stream=stream, type="n", payload={"n": number})


async def append_silently(*numbers: int) -> None:
    """Append events whose publication is lost."""

    def write() -> None:
        from unittest.mock import patch

        with patch("core.live.events.publish"):
            for number in numbers:
                append_event(stream=STREAM, type="n", payload={"n": number})

    await in_thread(write)()


async def test_a_client_gets_the_snapshot_then_live_events() -> None:
    await append(1)
    client = RoomClient()

    snapshot = await client.open()
    await append(2)
    event = await client.receive()

    assert client.answer == "parley.v1"
    assert (snapshot["seq"], snapshot["complete_to"]) == (1, 1)
    assert (event["seq"], event["type"], event["n"]) == (2, "n", 2)
    await client.leave()
    assert RoomConsumer.ended == [1000]


async def test_a_client_that_comes_back_gets_what_it_missed_and_goes_on() -> None:
    for number in range(1, 6):
        await append(number)
    client = RoomClient(after=2)

    snapshot = await client.open()
    replayed = await client.receive_many(3)
    await append(6)
    live = await client.receive()

    assert snapshot["seq"] == 5
    assert [event["seq"] for event in [*replayed, live]] == [3, 4, 5, 6]
    assert await client.is_silent()
    await client.leave()


async def test_after_zero_replays_everything_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.live.feed.MAX_EVENTS_PER_READ", 7)
    monkeypatch.setattr("core.live.feed.RECENT_FRAMES", 4)
    for number in range(1, 31):
        await append(number)
    client = RoomClient(after=0)

    await client.open()
    events = await client.receive_many(30)

    assert [event["seq"] for event in events] == list(range(1, 31))
    assert await client.is_silent()
    await client.leave()


async def test_an_after_from_the_future_is_taken_as_all() -> None:
    await append(1)
    client = RoomClient(after=99)

    snapshot = await client.open()
    await append(2)

    assert snapshot["seq"] == 1
    assert (await client.receive())["seq"] == 2
    await client.leave()


async def test_ephemeral_events_carry_no_number_and_are_not_replayed() -> None:
    client = RoomClient()
    await client.open()

    await apublish_ephemeral(stream=STREAM, type="delta", payload={"text": "Hel"})
    event = await client.receive()
    other = RoomClient(after=0)
    await other.open()

    assert (event["seq"], event["type"], event["text"]) == (None, "delta", "Hel")
    assert await other.is_silent()
    await client.leave()
    await other.leave()


async def test_joining_while_others_write_gives_every_number_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten clients join at different moments of a flood; each has 1..60 without gap or repeat."""
    total = 60

    async def write() -> None:
        for number in range(1, total + 1):
            await append(number)

    async def follow(delay: float) -> list[int]:
        await asyncio.sleep(delay)
        client = RoomClient("watcher", after=0)
        await client.open()
        seen = [event["seq"] for event in await client.receive_many(total)]
        if not await client.is_silent():
            seen.append((await client.receive())["seq"])
        await client.leave()
        return seen

    monkeypatch.setattr(RoomConsumer, "max_sockets_per_identity", 20)
    writing = asyncio.ensure_future(write())
    results = await asyncio.gather(*[follow(0.01 * turn) for turn in range(10)])
    await writing

    assert results == [list(range(1, total + 1))] * 10


async def test_an_event_published_while_the_rows_are_read_comes_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from core.live import feed

    real = feed._read_latest

    async def read_late(stream: str, limit: int) -> Any:
        await append(1)
        await asyncio.sleep(0.05)
        found = await real(stream, limit)
        await append(2)
        await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(feed, "_read_latest", read_late)
    client = RoomClient(after=0)

    snapshot = await client.open()

    assert snapshot["seq"] == 1
    assert [event["seq"] for event in await client.receive_many(2)] == [1, 2]
    assert await client.is_silent()
    await client.leave()


async def test_a_lost_publication_is_noticed_by_the_next_one() -> None:
    client = RoomClient()
    await client.open()
    await append_silently(1, 2)

    await append(3)

    assert [event["seq"] for event in await client.receive_many(3)] == [1, 2, 3]
    assert await client.is_silent()
    await client.leave()


async def test_a_lost_publication_is_noticed_without_a_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "LOOK_SECONDS", 0.1)
    client, other = RoomClient(), RoomClient("watcher")
    await client.open()
    await other.open()

    await append_silently(1, 2)

    assert [event["seq"] for event in await client.receive_many(2)] == [1, 2]
    assert [event["seq"] for event in await other.receive_many(2)] == [1, 2]
    assert await client.is_silent(0.3)
    await client.leave()
    await other.leave()


async def test_publications_out_of_order_or_twice_are_put_right() -> None:
    layer = get_channel_layer()
    client = RoomClient()
    await client.open()
    caught: list[tuple[str, dict[str, Any]]] = []

    def write() -> None:
        from unittest.mock import patch

        with patch("core.live.events.publish", lambda *call: caught.append(call)):
            for number in (1, 2, 3):
                append_event(stream=STREAM, type="n", payload={"n": number})

    await in_thread(write)()
    for index in (1, 0, 2, 2, 0):
        await layer.group_send(f"live.{STREAM}", caught[index][1])

    assert [event["seq"] for event in await client.receive_many(3)] == [1, 2, 3]
    assert await client.is_silent()
    await client.leave()


async def test_interim_text_does_not_overtake_the_gap_before_it() -> None:
    layer = get_channel_layer()
    client = RoomClient()
    await client.open()
    await append_silently(1)

    await append_silently(2)
    announcement = {"type": "live.frame", "stream": STREAM, "seq": 2, "text": "not used"}
    await layer.group_send(f"live.{STREAM}", announcement)
    await apublish_ephemeral(stream=STREAM, type="delta", payload={})

    assert [event["seq"] for event in await client.receive_many(3)] == [1, 2, None]
    await client.leave()


async def test_a_gap_is_read_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[tuple[Any, ...]] = []
    from core.live import feed

    real = feed._read_events

    async def counting(*call: Any) -> Any:
        reads.append(call)
        return await real(*call)

    monkeypatch.setattr(feed, "_read_events", counting)
    clients = [RoomClient("watcher") for _ in range(8)]
    for client in clients:
        await client.open()
    await append_silently(1, 2)
    await append(3)
    for client in clients:
        assert [event["seq"] for event in await client.receive_many(3)] == [1, 2, 3]

    assert len(reads) == 1
    for client in clients:
        await client.leave()


async def test_joining_costs_no_query_once_the_stream_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(1, 6):
        await append(number)
    first = RoomClient("watcher")
    await first.open()

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a query")

    monkeypatch.setattr("core.live.feed._read_events", refuse)
    monkeypatch.setattr("core.live.feed._read_latest", refuse)
    second = RoomClient("watcher", after=3)
    await second.open()

    assert [event["seq"] for event in await second.receive_many(2)] == [4, 5]
    assert RoomConsumer.snapshots == 1
    await first.leave()
    await second.leave()


async def test_a_shared_snapshot_still_misses_nothing() -> None:
    """What happened since the snapshot was made follows it as events."""
    first = RoomClient("watcher")
    await first.open()
    await append(1)
    assert (await first.receive())["seq"] == 1
    second = RoomClient("watcher")

    snapshot = await second.open()

    assert snapshot["seq"] == 0
    assert (await second.receive())["seq"] == 1
    assert RoomConsumer.snapshots == 1
    await first.leave()
    await second.leave()


async def test_participants_never_share_a_snapshot() -> None:
    first, second = RoomClient(), RoomClient()
    await first.open()
    await second.open()

    assert RoomConsumer.snapshots == 2
    await first.leave()
    await second.leave()


async def test_streams_do_not_see_each_other() -> None:
    RoomConsumer.grants["elsewhere"] = StreamGrant("test.other", "participant", "o")
    here, elsewhere = RoomClient(), RoomClient("elsewhere")
    await here.open()
    await elsewhere.open()

    await append(1)
    await append(7, stream="test.other")

    assert (await here.receive())["n"] == 1
    assert (await elsewhere.receive())["n"] == 7
    assert await here.is_silent()
    assert await elsewhere.is_silent()
    await here.leave()
    await elsewhere.leave()


async def test_after_asks_for_events_again() -> None:
    client = RoomClient()
    await client.open()
    for number in range(1, 4):
        await append(number)
    assert [event["seq"] for event in await client.receive_many(3)] == [1, 2, 3]

    await client.send({"type": "after", "seq": 1})
    assert [event["seq"] for event in await client.receive_many(2)] == [2, 3]
    await client.send({"type": "after", "seq": 99})
    await append(4)

    assert (await client.receive())["seq"] == 4
    assert await client.is_silent()
    await client.leave()


async def test_after_pruned_events_the_client_goes_on_from_the_snapshot() -> None:
    for number in range(1, 5):
        await append(number)
    await in_thread(LiveEvent.objects.filter(seq__lte=4).delete)()
    client = RoomClient(after=1)

    snapshot = await client.open()
    await append(5)

    assert snapshot["seq"] == 4
    assert (await client.receive())["seq"] == 5
    await client.leave()


async def test_an_event_from_a_job_thread_reaches_an_idle_client_at_once() -> None:
    client = RoomClient()
    await client.open()
    waits = []
    for number in range(5):
        await asyncio.sleep(0.1)
        began = time.monotonic()
        # A thread of its own, as the job runner's: it has no loop.
        await asyncio.to_thread(_append_and_disconnect, number)
        await client.receive()
        waits.append(time.monotonic() - began)

    # The best of five, as others may be using the machine. Without a way to the loop each would
    # wait for its next look around.
    assert min(waits) < 0.5
    await client.leave()


def _append_and_disconnect(number: int) -> None:
    from django.db import connection

    append_event(stream=STREAM, type="n", payload={"n": number})
    connection.close()
