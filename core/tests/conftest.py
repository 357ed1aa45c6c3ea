"""Fixtures of the tests of core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest


@pytest.fixture
async def live_room() -> AsyncIterator[None]:
    """Start with fresh grants, and see that nothing is left running."""
    from core.live.grants import StreamGrant
    from core.live.hub import find_hub, sockets_open
    from core.tests.live_rooms import STREAM, RoomConsumer

    RoomConsumer.grants = {
        "participant": StreamGrant(STREAM, "participant", "p"),
        "watcher": StreamGrant(STREAM, "watch", "w", snapshot_key="watch"),
    }
    RoomConsumer.revoked, RoomConsumer.heard, RoomConsumer.ended = set(), [], []
    RoomConsumer.snapshots = 0
    RoomConsumer.release = asyncio.Event()
    open_before = sockets_open._value.get()
    tasks_before = asyncio.all_tasks()
    yield
    for _ in range(300):
        left = {
            task
            for task in asyncio.all_tasks() - tasks_before - {asyncio.current_task()}
            # The Redis layer keeps a reader as long as the loop lives.
            if "channels_redis" not in task.get_coro().cr_code.co_filename
        }
        if not left:
            break
        await asyncio.sleep(0.01)
    assert left == set()
    assert find_hub()._rooms == {}
    assert sockets_open._value.get() == open_before
