"""What waits to be sent to one client, bounded.

Owns order and limits: everything a socket sends passes through here, so that one slow client
holds up nobody and grows no memory. Knows nothing of streams.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from prometheus_client import Counter

from core.live import codes

MAX_FRAMES: Final = 512
MAX_BYTES: Final = 1_000_000
# How long a full client may take until its close frame went out.
CLOSE_SECONDS: Final = 3.0
# How long a client may take to make room for the next replayed frame.
ROOM_SECONDS: Final = 20.0

slow_clients_total = Counter(
    "parley_live_slow_clients_total", "Clients dropped because they did not read fast enough."
)

Frame = str | bytes
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outbox:
    """A queue of frames with one writer.

    Args:
        send: the ASGI send of the socket.
        max_frames: more waiting frames than this close the socket.
        max_bytes: so do more characters and bytes than this.
    """

    __slots__ = (
        "_bytes",
        "_close",
        "_deadline",
        "_frames",
        "_gone",
        "_max_bytes",
        "_max_frames",
        "_room",
        "_send",
        "_waiter",
    )

    def __init__(
        self, send: Send, *, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._send = send
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._close: tuple[int, str] | None = None
        self._gone = False
        self._deadline: asyncio.Timeout | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether frames are still taken."""
        return self._close is None and not self._gone

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    @property
    def close_code(self) -> int | None:
        """The code this side closes with, if it does."""
        return None if self._close is None else self._close[0]

    def offer(self, frame: Frame) -> bool:
        """Queue a frame without waiting; a client that has no room left is dropped.

        Returns:
            False when the socket is closing or was just dropped for being slow.
        """
        if not self.is_open:
            return False
        if len(self._frames) >= self._max_frames or self._bytes >= self._max_bytes:
            slow_clients_total.inc()
            self._drop_frames()
            self.close(codes.TOO_SLOW)
            return False
        self._frames.append(frame)
        self._bytes += len(frame)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        return True

    async def put(self, frame: Frame) -> bool:
        """Queue a frame, waiting for room up to twenty seconds.

        Returns:
            False when the socket is closing, or was dropped for making no room.
        """
        deadline = asyncio.get_running_loop().time() + ROOM_SECONDS
        while self.is_open and self._is_half_full():
            self._room = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._room
            except TimeoutError:
                slow_clients_total.inc()
                self._drop_frames()
                self.close(codes.TOO_SLOW)
            finally:
                self._room = None
        return self.offer(frame)

    def close(self, code: int) -> None:
        """Close the socket after what is queued; the first code wins."""
        if self.is_open:
            self._close = (code, codes.ALL.get(code, ""))
            self._finish_within(CLOSE_SECONDS)

    def abandon(self) -> None:
        """Forget everything: the client is gone."""
        if not self._gone:
            self._gone = True
            self._drop_frames()
            self._finish_within(0)

    async def run(self) -> None:
        """Send frames until the socket is closed from either side.

        A client that is gone, or that does not take its close frame in time, ends it quietly.
        """
        try:
            async with asyncio.timeout(None) as self._deadline:
                await self._write()
        except (OSError, TimeoutError):
            # Servers raise a kind of OSError on a send to a client that left. Nothing is lost:
            # it comes back with the number it has seen.
            self._drop_frames()
        finally:
            self._deadline = None
            self._gone = True
            self._wake()

    async def _write(self) -> None:
        frames = self._frames
        while not self._gone:
            while frames:
                frame = frames.popleft()
                self._bytes -= len(frame)
                kind = "text" if isinstance(frame, str) else "bytes"
                await self._send({"type": "websocket.send", kind: frame})
                if self._room is not None:
                    self._wake()
            if self._close is not None:
                code, reason = self._close
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _is_half_full(self) -> bool:
        """Tell whether replay must wait: half the room is for what happens live meanwhile."""
        return 2 * len(self._frames) >= self._max_frames or 2 * self._bytes >= self._max_bytes

    def _drop_frames(self) -> None:
        self._frames.clear()
        self._bytes = 0

    def _finish_within(self, seconds: float) -> None:
        """Wake the writer, and cut it off when it is stuck in a send the client does not take."""
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + seconds)
        self._wake()

    def _wake(self) -> None:
        for future in (self._waiter, self._room):
            if future is not None and not future.done():
                future.set_result(None)
