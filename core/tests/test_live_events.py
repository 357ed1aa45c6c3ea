"""Numbering, storing and publishing live events."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import connection, transaction
from django.utils import timezone

from core.live import (
    InvalidEventError,
    append_event,
    erase_streams,
    last_seq,
    prune_events,
    publish_ephemeral,
    read_events,
)
from core.live.models import LiveEvent, LiveStream
from core.live.publishing import _Publisher, publish_failures_total
from core.live.selectors import read_last_seqs, read_latest_events
from core.tests.live_rooms import COMMITS

WAIT = 20.0


def run_together(*jobs: Any) -> None:
    """Run the functions on threads at once and raise what any of them raised."""
    errors: list[Exception] = []

    def run(work: Any) -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)
            raise
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_events_are_numbered_from_one_per_stream(db: None) -> None:
    assert append_event(stream="session.a", type="status", payload={"status": "open"}) == 1
    assert append_event(stream="session.a", type="status", payload={"status": "ended"}) == 2
    assert append_event(stream="session.b", type="status", payload={}) == 1

    assert last_seq("session.a") == 2
    assert last_seq("session.none") == 0
    assert read_last_seqs(["session.a", "session.b", "session.none"]) == {
        "session.a": 2,
        "session.b": 1,
    }


def test_what_is_read_is_what_was_written(db: None) -> None:
    payload = {"text": 'Olá "mundo" \\u0000 \U0001f600', "final": True, "at": [1, None, 2.5]}
    append_event(stream="session.a", type="transcript", payload=payload)

    (event,) = read_events("session.a")

    assert (event.seq, event.type, event.payload) == (1, "transcript", payload)
    message = json.loads(event.encode())
    assert message == event.as_message()
    # PostgreSQL keeps no order inside the payload.
    assert list(message)[:3] == ["seq", "type", "ts"]
    assert set(message) == {"seq", "type", "ts", "text", "final", "at"}
    assert message["ts"].endswith("Z")


def test_reading_after_a_number_and_with_a_limit(db: None) -> None:
    for number in range(1, 8):
        append_event(stream="session.a", type="n", payload={"n": number})
    append_event(stream="session.b", type="n", payload={"n": 99})

    assert [event.seq for event in read_events("session.a", 4)] == [5, 6, 7]
    assert [event.payload["n"] for event in read_events("session.a", 2, 3)] == [3, 4, 5]
    assert read_events("session.a", 7) == []
    assert read_events("session.none") == []
    assert read_events("session.a", 0, -1) == []
    assert [event.seq for event in read_latest_events("session.a", 3)] == [5, 6, 7]


def test_a_rollback_gives_the_number_back(db: None) -> None:
    append_event(stream="session.a", type="status", payload={})

    with contextlib.suppress(RuntimeError), transaction.atomic():
        append_event(stream="session.a", type="status", payload={})
        append_event(stream="session.new", type="status", payload={})
        raise RuntimeError

    assert append_event(stream="session.a", type="status", payload={}) == 2
    assert [event.seq for event in read_events("session.a")] == [1, 2]
    assert not LiveStream.objects.filter(name="session.new").exists()


def test_an_append_is_two_statements(db: None, django_assert_num_queries: Any) -> None:
    append_event(stream="session.a", type="status", payload={})

    with transaction.atomic(), django_assert_num_queries(2):
        append_event(stream="session.a", type="status", payload={})


@pytest.mark.parametrize(
    "payload",
    [
        {"seq": 5},
        {"type": "other"},
        {"ts": "now"},
        {"text": "a\x00b"},
        {"text\x00": 1},
        {"text": "half \ud800 pair"},
        {"score": float("nan")},
        {"score": float("inf")},
        {"thing": Ellipsis},
        {1: {2, 3}},
    ],
    ids=repr,
)
def test_a_payload_that_cannot_be_sent_is_refused_and_nothing_is_stored(
    db: None, payload: dict[str, Any]
) -> None:
    with pytest.raises(InvalidEventError) as caught:
        append_event(stream="session.a", type="status", payload=payload)

    assert "half" not in str(caught.value)
    assert not LiveStream.objects.exists()


@pytest.mark.parametrize("stream", ["", "a b", "a/b", "é", "x" * 91])
def test_a_name_no_group_can_have_is_refused(db: None, stream: str) -> None:
    with pytest.raises(InvalidEventError, match="stream"):
        append_event(stream=stream, type="status", payload={})
    with pytest.raises(InvalidEventError, match="stream"):
        publish_ephemeral(stream=stream, type="status", payload={})

    assert not LiveStream.objects.exists()


@pytest.mark.parametrize("event_type", ["", "Status", "a-b", "x" * 41, "1st"])
def test_a_type_that_is_no_word_is_refused(db: None, event_type: str) -> None:
    with pytest.raises(InvalidEventError, match="type"):
        append_event(stream="session.a", type=event_type, payload={})

    assert not LiveStream.objects.exists()


def test_erasing_removes_every_event_of_the_streams_only(db: None) -> None:
    for stream in ("session.a", "session.a", "session.b"):
        append_event(stream=stream, type="transcript", payload={"text": "canary"})

    assert erase_streams(["session.a", "session.none"]) == 2
    assert erase_streams(["session.a"]) == 0

    assert read_events("session.a") == []
    assert last_seq("session.a") == 0
    assert last_seq("session.b") == 1


def test_pruning_keeps_numbers_going(db: None) -> None:
    for number in range(4):
        append_event(stream="session.a", type="n", payload={"n": number})
    LiveEvent.objects.filter(seq__lte=3).update(created_at=timezone.now() - timedelta(days=40))

    limit = timezone.now() - timedelta(days=30)
    assert prune_events(before=limit, limit=2) == 2
    assert prune_events(before=limit, limit=2) == 1
    assert prune_events(before=limit, limit=2) == 0

    assert [event.seq for event in read_events("session.a")] == [4]
    assert append_event(stream="session.a", type="n", payload={}) == 5


@COMMITS
def test_a_writer_that_commits_late_loses_no_event() -> None:
    """The second writer waits for the first, so a reader never sees 2 without 1."""
    append_event(stream="session.a", type="n", payload={"by": "setup"})
    numbered, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def slow_writer() -> None:
        with transaction.atomic():
            append_event(stream="session.a", type="n", payload={"by": "slow"})
            numbered.set()
            go_on.wait(WAIT)

    def quick_writer() -> None:
        assert numbered.wait(WAIT)
        append_event(stream="session.a", type="n", payload={"by": "quick"})

    def reader() -> None:
        assert numbered.wait(WAIT)
        # The quick writer is waiting by now; nothing new may be visible meanwhile.
        time.sleep(0.3)
        assert [event.seq for event in read_events("session.a")] == [1]
        go_on.set()
        deadline = time.monotonic() + WAIT
        while len(seen) < 3 and time.monotonic() < deadline:
            after = seen[-1] if seen else 0
            seen.extend(event.seq for event in read_events("session.a", after))

    run_together(slow_writer, quick_writer, reader)

    assert seen == [1, 2, 3]
    assert [event.payload["by"] for event in read_events("session.a")] == [
        "setup",
        "slow",
        "quick",
    ]


@COMMITS
def test_many_writers_and_a_reader_that_only_looks_ahead() -> None:
    """A reader that goes on after the highest number it saw meets every event exactly once."""
    writers, each = 6, 10
    seen: list[tuple[int, str]] = []
    wanted = writers * each

    def write(name: int) -> Any:
        def work() -> None:
            dice = random.Random(name)
            for number in range(each):
                with transaction.atomic():
                    append_event(stream="session.a", type="n", payload={"is": f"{name}.{number}"})
                    time.sleep(dice.random() / 500)

        return work

    def read() -> None:
        deadline = time.monotonic() + WAIT
        while len(seen) < wanted and time.monotonic() < deadline:
            after = seen[-1][0] if seen else 0
            seen.extend(
                (event.seq, event.payload["is"]) for event in read_events("session.a", after)
            )

    run_together(read, *[write(name) for name in range(writers)])

    assert [seq for seq, _ in seen] == list(range(1, wanted + 1))
    assert sorted(text for _, text in seen) == sorted(
        f"{name}.{number}" for name in range(writers) for number in range(each)
    )


@COMMITS
def test_two_first_events_at_once_are_one_and_two() -> None:
    numbers: list[int] = []
    barrier = threading.Barrier(4)

    def first() -> None:
        barrier.wait(WAIT)
        numbers.append(append_event(stream="session.a", type="n", payload={}))

    run_together(first, first, first, first)

    assert sorted(numbers) == [1, 2, 3, 4]
    assert LiveStream.objects.count() == 1


@COMMITS
async def test_a_channel_layer_that_is_down_fails_no_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import asyncio

    from core.live import aappend_event, apublish_ephemeral, publishing

    async def refuse(group: str, message: dict[str, Any]) -> None:
        raise ConnectionError("redis is down, and here is what was said: canary")

    monkeypatch.setattr(get_channel_layer(), "group_send", refuse, raising=False)
    publishing.use_loop(asyncio.get_running_loop())
    monkeypatch.setattr(publishing._publisher, "_logged_at", float("-inf"))
    before = publish_failures_total._value.get()

    with caplog.at_level(logging.WARNING, logger="core.live.publishing"):
        assert await aappend_event(stream="session.a", type="n", payload={"text": "canary"}) == 1
        await apublish_ephemeral(stream="session.a", type="n", payload={"text": "canary"})
        for _ in range(500):
            if publish_failures_total._value.get() >= before + 2:
                break
            await asyncio.sleep(0.01)

    (record,) = caplog.records
    assert record.getMessage() == "live.publish_failed"
    assert (record.stream, record.error) == ("session.a", "ConnectionError")
    assert "canary" not in caplog.text


def test_a_process_without_a_server_publishes_to_redis_and_not_to_its_own_memory(
    settings: Any,
) -> None:
    """A management command beside a server on SQLite writes rows; the server looks for them."""
    in_memory = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    redis = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    settings.CHANNEL_LAYERS = in_memory
    assert _Publisher()._find_loop() is None

    settings.CHANNEL_LAYERS = redis
    loop = _Publisher()._find_loop()
    assert loop is not None
    loop.call_soon_threadsafe(loop.stop)
