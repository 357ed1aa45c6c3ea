"""One stream as this process sees it: its last number, its recent frames, its local clients.

Owns the order: every client gets each number once, in order, whatever the channel layer loses
or repeats. Knows rows and outboxes, no channel layer and no sockets.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from django.db import DatabaseError

from core.live.outbox import Outbox
from core.live.selectors import MAX_EVENTS_PER_READ, last_seq, read_events, read_latest_events
from core.live.threads import in_thread

logger = logging.getLogger(__name__)

# What a client usually missed while it reconnected, kept so that many who come back together
# cost no query each.
RECENT_FRAMES: Final = 256
HELD_EPHEMERALS: Final = 64

_read_events = in_thread(read_events)
_read_latest = in_thread(read_latest_events)
_read_last_seq = in_thread(last_seq)


class Feed:
    """The events of one stream on their way to the clients of this process."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.seq = 0
        """The last number forwarded here."""
        self.live: set[Outbox] = set()
        """Clients that have everything up to `seq`."""
        self._loaded = False
        self._announced = 0
        self._recent: deque[tuple[int, str]] = deque(maxlen=RECENT_FRAMES)
        self._held: deque[str] = deque(maxlen=HELD_EPHEMERALS)
        self._catching_up: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read where the stream stands.

        Raises:
            DatabaseError: the rows cannot be read.
        """
        latest = await _read_latest(self.stream, RECENT_FRAMES)
        # Pruned events leave the stream's number behind them.
        seq = latest[-1].seq if latest else await _read_last_seq(self.stream)
        self._recent.extend((event.seq, event.encode()) for event in latest)
        self.seq = seq
        self._loaded = True
        self.announce(seq)

    def forward(self, seq: int | None, text: str) -> None:
        """Pass a published frame on: at once when it is the next one, after the gap otherwise."""
        if not self._loaded:
            # Published while the rows were read: perhaps among them, perhaps not. Nobody is live.
            self._announced = max(self._announced, seq or 0)
        elif seq is None:
            if self._catching_up is None:
                self._send(text)
            else:
                # Interim text must not overtake the final text that is being read.
                self._held.append(text)
        elif seq == self.seq + 1 and self._catching_up is None:
            self._advance(seq, text)
        else:
            self.announce(seq)

    def announce(self, seq: int) -> None:
        """Take note that the stream has come this far, and read what is missing, once for all."""
        self._announced = max(self._announced, seq)
        if self._announced > self.seq and self._catching_up is None:
            self._catching_up = asyncio.ensure_future(self._catch_up())

    async def replay(self, outbox: Outbox, after: int) -> None:
        """Queue the frames after a number, then make the client live.

        Args:
            outbox: leaves the set of live clients meanwhile.
            after: the last number the client has; more than the stream has counts as all.

        Raises:
            DatabaseError: the rows cannot be read.
        """
        self.live.discard(outbox)
        position = after
        while outbox.is_open:
            frames, position = await self._frames_after(position)
            for text in frames:
                if not await outbox.put(text):
                    return
            # No await between the look and the act: nothing can slip in.
            if position >= self.seq:
                self.live.add(outbox)
                return

    def leave(self, outbox: Outbox) -> None:
        """Forget a client; one that never joined is fine."""
        self.live.discard(outbox)

    def stop(self) -> None:
        """End the reading of a gap, if one is going on."""
        if self._catching_up is not None:
            self._catching_up.cancel()

    def _advance(self, seq: int, text: str) -> None:
        self.seq = seq
        self._announced = max(self._announced, seq)
        self._recent.append((seq, text))
        self._send(text)

    def _send(self, text: str) -> None:
        dropped = [outbox for outbox in self.live if not outbox.offer(text)]
        self.live.difference_update(dropped)

    async def _catch_up(self) -> None:
        try:
            while self._announced > self.seq:
                events = await _read_events(self.stream, self.seq, MAX_EVENTS_PER_READ)
                for event in events:
                    self._advance(event.seq, event.encode())
                    # Give the writers their turn, as the hub does.
                    await asyncio.sleep(0)
                if not events:
                    # Announced and not there: erased since, or a message nobody committed.
                    self._announced = self.seq
        except DatabaseError:
            # The next published number or the next look, two seconds away, tries again.
            logger.warning("live.gap_not_read", extra={"stream": self.stream})
        finally:
            self._catching_up = None
            held = tuple(self._held)
            self._held.clear()
        for text in held:
            self._send(text)

    async def _frames_after(self, position: int) -> tuple[list[str], int]:
        """Return frames after the position, at most up to the feed's number, and where they end.

        Of what was asked for and is pruned nothing is left; the client goes on from the feed's
        number, with the snapshot to stand on.
        """
        target = self.seq
        if position >= target:
            return [], position
        if self._recent and self._recent[0][0] <= position + 1:
            return [text for seq, text in self._recent if seq > position], target
        events = await _read_events(self.stream, position, MAX_EVENTS_PER_READ)
        known = [event for event in events if event.seq <= target]
        return [event.encode() for event in known], known[-1].seq if known else target
