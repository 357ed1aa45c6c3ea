"""The meeting point of streams and sockets: one a process (one an event loop, in tests).

Owns the subscriptions to the channel layer, one a stream, and the regular look at what they may
have lost. Knows the consumers only as outboxes with a grant.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from channels.layers import get_channel_layer
from django.db import DatabaseError
from prometheus_client import Gauge

from core.live import codes
from core.live.feed import Feed
from core.live.grants import StreamGrant
from core.live.outbox import Outbox
from core.live.publishing import group_name, use_loop
from core.live.selectors import read_last_seqs
from core.live.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
RECHECK_SECONDS: Final = 5.0
# The in-memory layer forgets members after a day.
RENEW_SECONDS: Final = 3600.0
SNAPSHOT_SECONDS: Final = 1.0

sockets_open = Gauge("parley_live_sockets", "Open live sockets.", multiprocess_mode="livesum")

_read_last_seqs = in_thread(read_last_seqs)


@dataclass(eq=False)
class Subscriber:
    """One socket on one stream."""

    grant: StreamGrant
    outbox: Outbox
    still_allowed: Callable[[], Awaitable[bool]]
    """Asks the app whether the grant still holds."""


@dataclass(eq=False)
class _Room:
    """A stream with everybody who is on it here."""

    feed: Feed
    ready: asyncio.Future[None]
    subscribers: dict[Outbox, Subscriber] = field(default_factory=dict)
    subscribed_at: float | None = None
    snapshots: dict[str, tuple[float, asyncio.Future[tuple[int, str]]]] = field(
        default_factory=dict
    )


class Hub:
    """Join sockets to streams and keep every stream's feed going."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._channel: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._endings: set[asyncio.Task[None]] = set()

    async def join(self, subscriber: Subscriber, *, max_sockets: int) -> Feed:
        """Put a socket on its stream and return the feed, which knows where the stream stands.

        The socket gets nothing yet: `Feed.replay` makes it live.

        Args:
            subscriber: the socket.
            max_sockets: of one identity on this stream in this process; the oldest is closed.

        Raises:
            DatabaseError: the stream cannot be read.
        """
        stream = subscriber.grant.stream
        room = self._rooms.get(stream)
        if room is None:
            room = self._rooms[stream] = _Room(
                Feed(stream), asyncio.get_running_loop().create_future()
            )
            self._start()
            self._add(room, subscriber, max_sockets)
            await self._open(room)
        else:
            self._add(room, subscriber, max_sockets)
            await asyncio.shield(room.ready)
        return room.feed

    def leave(self, subscriber: Subscriber) -> None:
        """Take a socket off its stream; the last one ends the subscription.

        It waits for nothing, because a server may cancel a socket's task at any await.
        """
        stream = subscriber.grant.stream
        room = self._rooms.get(stream)
        if room is None or room.subscribers.pop(subscriber.outbox, None) is None:
            return
        sockets_open.dec()
        room.feed.leave(subscriber.outbox)
        if not room.subscribers:
            self._end(room)

    async def make_snapshot(
        self, grant: StreamGrant, build: Callable[[], Awaitable[str]]
    ) -> tuple[int, str]:
        """Return an encoded snapshot payload and the number up to which it is complete.

        With a `snapshot_key` those who join within a second share one; what happened since it
        was made reaches them as events, since they continue from its number.
        """
        room = self._rooms[grant.stream]
        if grant.snapshot_key is None:
            return await self._build_snapshot(room, build)
        moment = asyncio.get_running_loop().time()
        made_at, sharing = room.snapshots.get(grant.snapshot_key, (float("-inf"), None))
        if sharing is None or moment - made_at > SNAPSHOT_SECONDS:
            sharing = asyncio.ensure_future(self._build_snapshot(room, build))
            room.snapshots[grant.snapshot_key] = (moment, sharing)
            sharing.add_done_callback(lambda done: self._forget_failed(room, grant, done))
        return await asyncio.shield(sharing)

    def receive(self, message: dict[str, Any]) -> None:
        """Take a message of the channel layer."""
        room = self._rooms.get(message["stream"])
        if room is None:
            return
        if message["type"] == "live.frame":
            room.feed.forward(message["seq"], message["text"])
        elif message["type"] == "live.close":
            for subscriber in tuple(room.subscribers.values()):
                if message["identity"] in (None, subscriber.grant.identity):
                    subscriber.outbox.close(message["code"])

    async def _build_snapshot(
        self, room: _Room, build: Callable[[], Awaitable[str]]
    ) -> tuple[int, str]:
        # The number first: what happens while the snapshot is made is sent again as an event.
        seq = room.feed.seq
        return seq, await build()

    @staticmethod
    def _forget_failed(
        room: _Room, grant: StreamGrant, done: asyncio.Future[tuple[int, str]]
    ) -> None:
        if done.cancelled() or done.exception() is not None:
            room.snapshots.pop(grant.snapshot_key or "", None)

    async def _open(self, room: _Room) -> None:
        try:
            # Subscribed before the rows are read: what is committed after shows up on one of
            # the two ways.
            await self._subscribe(room)
            await room.feed.load()
        except BaseException as error:
            # Those who wait for this stream fail with it, and the next one starts afresh.
            sockets_open.dec(len(room.subscribers))
            room.subscribers.clear()
            reason = error if isinstance(error, Exception) else DatabaseError("not read")
            room.ready.set_exception(reason)
            room.ready.exception()
            self._end(room)
            raise
        room.ready.set_result(None)

    @staticmethod
    def _add(room: _Room, subscriber: Subscriber, max_sockets: int) -> None:
        room.subscribers[subscriber.outbox] = subscriber
        sockets_open.inc()
        identity = subscriber.grant.identity
        own = [one for one in room.subscribers.values() if one.grant.identity == identity]
        for subscriber in own[: max(0, len(own) - max_sockets)]:
            subscriber.outbox.close(codes.REPLACED)

    async def _subscribe(self, room: _Room) -> None:
        """Subscribe to the stream; without the layer the regular look still finds the rows."""
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            if self._channel is None:
                self._channel = await layer.new_channel()
                self._tasks.append(asyncio.ensure_future(self._listen(self._channel)))
            await layer.group_add(group_name(room.feed.stream), self._channel)
        except Exception as error:  # noqa: BLE001 - whatever the layer's client library raises
            room.subscribed_at = None
            logger.warning(
                "live.subscribe_failed",
                extra={"stream": room.feed.stream, "error": type(error).__name__},
            )
        else:
            room.subscribed_at = asyncio.get_running_loop().time()

    def _end(self, room: _Room) -> None:
        """Forget a stream, and stop everything when it was the last one."""
        del self._rooms[room.feed.stream]
        ending = asyncio.ensure_future(self._unsubscribe(room, self._channel))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        room.feed.stop()
        if not self._rooms:
            for task in self._tasks:
                task.cancel()
            self._tasks, self._channel = [], None

    async def _unsubscribe(self, room: _Room, channel: str | None) -> None:
        layer = get_channel_layer()
        if layer is None or channel is None:
            return
        if room.feed.stream in self._rooms and channel == self._channel:
            # Somebody joined again meanwhile, by the same subscription.
            return
        try:
            await layer.group_discard(group_name(room.feed.stream), channel)
        except Exception as error:  # noqa: BLE001 - whatever the layer's client library raises
            logger.warning(
                "live.unsubscribe_failed",
                extra={"stream": room.feed.stream, "error": type(error).__name__},
            )

    def _start(self) -> None:
        if self._tasks:
            return
        use_loop(asyncio.get_running_loop())
        self._tasks = [
            asyncio.ensure_future(self._look_regularly()),
            asyncio.ensure_future(self._recheck_regularly()),
        ]

    async def _listen(self, channel: str) -> None:
        while (layer := get_channel_layer()) is not None:
            try:
                self.receive(await layer.receive(channel))
                # A backlog is taken without a pause by itself; the writers must get their turn,
                # or a burst would make every client look slow.
                await asyncio.sleep(0)
            except Exception:
                logger.exception("live.message_failed")
                await asyncio.sleep(1)

    async def _look_regularly(self) -> None:
        """Look at the last numbers of all streams in one query, every two seconds."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except DatabaseError as error:
                logger.warning("live.look_failed", extra={"error": type(error).__name__})
            except Exception:
                logger.exception("live.look_failed")

    async def _look(self) -> None:
        moment = asyncio.get_running_loop().time()
        for room in tuple(self._rooms.values()):
            since = room.subscribed_at
            if room.ready.done() and (since is None or moment - since > RENEW_SECONDS):
                await self._subscribe(room)
        for stream, seq in (await _read_last_seqs(tuple(self._rooms))).items():
            found = self._rooms.get(stream)
            if found is not None and found.ready.done():
                found.feed.announce(seq)

    async def _recheck_regularly(self) -> None:
        """Close the sockets whose grant ended, asking once for all sockets of an identity."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            for room in tuple(self._rooms.values()):
                by_identity: dict[tuple[str, str], list[Subscriber]] = {}
                for subscriber in room.subscribers.values():
                    key = (subscriber.grant.identity, subscriber.grant.scope)
                    by_identity.setdefault(key, []).append(subscriber)
                for alike in by_identity.values():
                    if not await self._is_allowed(alike[0]):
                        for subscriber in alike:
                            subscriber.outbox.close(codes.GRANT_ENDED)

    @staticmethod
    async def _is_allowed(subscriber: Subscriber) -> bool:
        if subscriber.grant.is_expired:
            return False
        try:
            return await subscriber.still_allowed()
        except Exception as error:  # noqa: BLE001 - an app's check must not end everybody's
            # Not knowing is no reason to cut a conversation; the next round asks again.
            logger.warning("live.recheck_failed", extra={"error": type(error).__name__})
            return True


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def find_hub() -> Hub:
    """Return the hub of the running loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
