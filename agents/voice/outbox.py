"""Durable events on their way to the sink, one after the other, off the path of the sound.

Owns the order and that a slow or failing store never holds up the talk. Knows no event.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from agents.voice.types import DurableEvent, VoiceSink

logger = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 10.0
"""How long the end of an agent waits for its last rows."""


class Outbox:
    """A queue with one worker; `aclose` waits until all is stored."""

    def __init__(self, sink: VoiceSink) -> None:
        self._sink = sink
        self._pending: asyncio.Queue[Callable[[], Awaitable[object]] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name="voice.outbox")

    def store(self, event: DurableEvent) -> None:
        """Have an event stored after those before it."""
        self._pending.put_nowait(lambda: self._sink.store(event))

    def do(self, work: Callable[[], Awaitable[object]]) -> None:
        """Have something else awaited in the same order."""
        self._pending.put_nowait(work)

    async def aclose(self) -> None:
        """Store what is left and end; what takes longer than `DRAIN_SECONDS` is given up."""
        self._pending.put_nowait(None)
        done, _ = await asyncio.wait({self._task}, timeout=DRAIN_SECONDS)
        if not done:
            logger.error("voice.events_given_up", extra={"pending": self._pending.qsize()})
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while (work := await self._pending.get()) is not None:
            try:
                await work()
            except Exception:
                # Whatever a store raises: the next event is worth storing all the same.
                logger.exception("voice.event_not_stored")
