"""Hands committed events to the channel layer, from whatever thread they were committed in.

Owns the choice of event loop and what happens when publishing fails: it is logged, counted and
never raised, because the row is already there and readers look for it every two seconds. Knows
no rows and no clients.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final

from channels.layers import InMemoryChannelLayer, get_channel_layer
from prometheus_client import Counter

logger = logging.getLogger(__name__)

PUBLISH_TIMEOUT_SECONDS: Final = 3.0
MAX_IN_FLIGHT: Final = 10_000
FLUSH_SECONDS: Final = 2.0
LOG_EVERY_SECONDS: Final = 10.0
_GROUP_PREFIX: Final = "live."

publish_failures_total = Counter(
    "parley_live_publish_failures_total", "Live events the channel layer did not take."
)


def group_name(stream: str) -> str:
    """Return the channel layer group of a stream."""
    return _GROUP_PREFIX + stream


def frame_message(stream: str, seq: int | None, text: str) -> dict[str, Any]:
    """Return the channel layer message that carries an encoded frame."""
    return {"type": "live.frame", "stream": stream, "seq": seq, "text": text}


def close_message(stream: str, code: int, identity: str | None) -> dict[str, Any]:
    """Return the channel layer message that closes sockets of a stream."""
    return {"type": "live.close", "stream": stream, "code": code, "identity": identity}


class _Publisher:
    """Sends messages on the server's loop, or on a loop of its own where there is no server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server_loop: asyncio.AbstractEventLoop | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._in_flight: set[Future[None]] = set()
        self._logged_at = float("-inf")
        self._unlogged = 0

    def use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Publish on this loop from now on: it is where clients wait."""
        self._server_loop = loop

    def publish(self, stream: str, message: dict[str, Any]) -> None:
        """Schedule the message and return at once; from any thread."""
        loop = self._find_loop()
        if loop is None:
            return
        with self._lock:
            if len(self._in_flight) >= MAX_IN_FLIGHT:
                self._note_failure(stream, "TooManyInFlight")
                return
        sending: Coroutine[Any, Any, None] = self.send(stream, message)
        try:
            # A plain call of the layer would put the message into a queue whose reader sleeps
            # on another loop and is not woken: an idle client got it a second late (measured).
            future = asyncio.run_coroutine_threadsafe(sending, loop)
        except RuntimeError:
            # The loop was closed between the look and the call: the process is ending.
            sending.close()
            self._note_failure(stream, "LoopClosed")
            return
        with self._lock:
            self._in_flight.add(future)
        future.add_done_callback(self._forget)

    async def send(self, stream: str, message: dict[str, Any]) -> None:
        """Send the message on the running loop; a failure is logged."""
        try:
            layer = get_channel_layer()
            if layer is not None:
                sending = layer.group_send(group_name(stream), message)
                await asyncio.wait_for(sending, PUBLISH_TIMEOUT_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever the layer's client library raises
            self._note_failure(stream, type(error).__name__)

    def flush(self) -> None:
        """Wait a moment for what is on its way, so that a short command still publishes."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while time.monotonic() < deadline:
            with self._lock:
                if not self._in_flight:
                    return
            time.sleep(0.01)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._in_flight.discard(future)

    def _find_loop(self) -> asyncio.AbstractEventLoop | None:
        server = self._server_loop
        if server is not None and server.is_running():
            return server
        if isinstance(get_channel_layer(), InMemoryChannelLayer | None):
            # Without a server in this process nobody can be listening to its memory.
            return None
        with self._lock:
            if self._own_loop is None:
                self._own_loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._own_loop.run_forever, name="live-publisher", daemon=True
                ).start()
                atexit.register(self.flush)
            return self._own_loop

    def _note_failure(self, stream: str, error: str) -> None:
        publish_failures_total.inc()
        # With Redis down every event fails; one line in ten seconds says as much.
        moment = time.monotonic()
        if moment - self._logged_at < LOG_EVERY_SECONDS:
            self._unlogged += 1
            return
        logger.warning(
            "live.publish_failed",
            extra={"stream": stream, "error": error, "not_logged": self._unlogged},
        )
        self._logged_at, self._unlogged = moment, 0


_publisher: Final = _Publisher()
use_loop: Final = _publisher.use_loop
publish: Final = _publisher.publish
apublish: Final = _publisher.send
