"""The base of every live WebSocket: handshake, snapshot, replay, live events, client messages.

Owns the life of one socket. What a stream shows, who may see it and what a message does is
answered by the subclass; this module knows no session, no survey and no token table.

Of Channels it keeps `as_asgi` and leaves out the rest of a consumer's loop: that one opens a
channel per socket and sends every event of every client through a thread (2.3 times the work,
measured). Database work in hooks therefore goes through `in_thread`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final

from channels.consumer import AsyncConsumer
from django.db import DatabaseError

from core.clock import now
from core.errors import ParleyError
from core.live import codes
from core.live.daphne import allow_server_close_codes
from core.live.feed import Feed
from core.live.frames import encode_frame, encode_payload
from core.live.grants import (
    PROTOCOL,
    Handshake,
    SocketRefusedError,
    StreamGrant,
    check_origin,
    read_handshake,
)
from core.live.hub import Hub, Subscriber, find_hub
from core.live.messages import (
    MAX_FRAME_BYTES,
    Integer,
    InvalidMessageError,
    MessageShape,
    decode_message,
)
from core.live.outbox import Outbox
from core.live.threads import in_thread

__all__ = ["LiveConsumer", "in_thread"]

logger = logging.getLogger(__name__)

Event = dict[str, Any]

HANDLER_SECONDS: Final = 10.0
BASE_MESSAGES: Final[Mapping[str, MessageShape]] = {
    "ping": MessageShape(watchers_may_send=True, description="Answered with pong."),
    "after": MessageShape(
        {"seq": Integer()},
        watchers_may_send=True,
        description="Send the events after this number again.",
    ),
}


class _Allowance:
    """A bucket of tokens that fills with time."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at = time.monotonic()

    def take(self, amount: float) -> bool:
        """Take from the bucket, or tell that there is not enough in it."""
        moment = time.monotonic()
        self._left = min(self._burst, self._left + (moment - self._at) * self._per_second)
        self._at = moment
        if amount > self._left:
            return False
        self._left -= amount
        return True


class LiveConsumer(AsyncConsumer):
    """One live socket. Subclasses write the hooks and one ``handle_<type>`` a message type."""

    client_messages: ClassVar[Mapping[str, MessageShape]] = {}
    """Type to shape of what clients may send besides ``ping`` and ``after``. Each needs a method
    ``async handle_<type>(self, message)``, which gets the checked fields without the type."""
    accepts_binary: ClassVar[bool] = False
    messages_per_second: ClassVar[float] = 20
    message_burst: ClassVar[float] = 60
    binary_bytes_per_second: ClassVar[float] = 64_000
    """Twice PCM16 at 16 kHz, with four seconds' worth at once."""
    max_sockets_per_identity: ClassVar[int] = 8

    handshake: Handshake
    grant: StreamGrant

    # --- hooks ------------------------------------------------------------------------------

    async def authorize(self) -> StreamGrant:
        """Return what the client of `self.handshake` may do.

        Look the bearer token up, or for own pages ``self.scope["user"]``, and the stream the
        path names; say nothing about why not.

        Raises:
            SocketRefusedError: no, or no such stream.
        """
        raise NotImplementedError

    async def snapshot(self) -> Mapping[str, Any]:
        """Return the state of the stream as the payload of the first frame."""
        raise NotImplementedError

    async def still_allowed(self) -> bool:
        """Tell whether the grant still holds; asked every five seconds for its identity."""
        raise NotImplementedError

    async def joined(self) -> None:
        """Act on a socket that has its snapshot and is live."""

    async def left(self, code: int) -> None:
        """Act on a socket that has ended, with the code it was closed with."""

    async def handle_binary(self, frame: bytes) -> None:
        """Act on a binary frame; only called with `accepts_binary`."""
        raise NotImplementedError

    # --- for subclasses ---------------------------------------------------------------------

    def send_event(self, event_type: str, payload: Mapping[str, Any]) -> bool:
        """Send an ephemeral event to this client alone, after what is queued for it.

        Returns:
            False when the socket is closing.
        """
        return self._outbox.offer(encode_frame(None, event_type, now(), encode_payload(payload)))

    async def send_binary(self, frame: bytes) -> bool:
        """Send a binary frame to this client alone, waiting while it is slow."""
        return await self._outbox.put(frame)

    def send_error(self, code: str, title: str) -> None:
        """Send an ``error`` event to this client alone."""
        self.send_event("error", {"code": code, "title": title})

    def close_socket(self, code: int) -> None:
        """Close this socket after what is queued."""
        self._outbox.close(code)

    @classmethod
    def message_shapes(cls) -> dict[str, MessageShape]:
        """Return every message type a client may send, for the published document."""
        return {**BASE_MESSAGES, **cls.client_messages}

    # --- life of the socket -----------------------------------------------------------------

    async def __call__(
        self,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one socket from handshake to end."""
        # Here and not at import: by now the server is certainly loaded.
        allow_server_close_codes()
        self.scope = scope
        if (await receive())["type"] != "websocket.connect":
            return
        try:
            self.handshake = read_handshake(scope)
            self.grant = await self.authorize()
            check_origin(self.handshake, self.grant)
            if self.grant.is_expired:
                raise SocketRefusedError
        except SocketRefusedError:
            await send({"type": "websocket.close", "code": codes.GRANT_ENDED})
            return
        except Exception:
            logger.exception("live.authorize_failed")
            await send({"type": "websocket.close", "code": codes.INTERNAL})
            return
        self._outbox = Outbox(send)
        self._allowance = _Allowance(self.messages_per_second, self.message_burst)
        self._binary_allowance = _Allowance(
            self.binary_bytes_per_second, 4 * self.binary_bytes_per_second
        )
        self._is_handling = False
        self._peer_code: int | None = None
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        await self._serve(receive)

    async def _serve(self, receive: Callable[[], Awaitable[Any]]) -> None:
        hub = find_hub()
        subscriber = Subscriber(self.grant, self._outbox, self.still_allowed)
        conversation = asyncio.ensure_future(self._converse(hub, subscriber, receive))
        try:
            await self._outbox.run()
            if self._is_handling:
                # A message that was taken is dealt with, even if its sender left meanwhile.
                await asyncio.wait({conversation}, timeout=HANDLER_SECONDS)
        finally:
            hub.leave(subscriber)
            conversation.cancel()
        code = self._outbox.close_code or self._peer_code or 1006
        try:
            await self.left(code)
        except Exception:
            logger.exception("live.left_failed", extra={"stream": self.grant.stream})

    async def _converse(
        self, hub: Hub, subscriber: Subscriber, receive: Callable[[], Awaitable[Any]]
    ) -> None:
        try:
            await self._join(hub, subscriber)
            while True:
                event = await receive()
                if event["type"] == "websocket.disconnect":
                    self._peer_code = event.get("code", 1005)
                    self._outbox.abandon()
                    return
                self._is_handling = True
                try:
                    await self._take(event)
                finally:
                    self._is_handling = False
        except DatabaseError as error:
            logger.warning(
                "live.unavailable",
                extra={"stream": self.grant.stream, "error": type(error).__name__},
            )
            self._outbox.close(codes.TRY_LATER)
        except Exception:
            logger.exception("live.socket_failed", extra={"stream": self.grant.stream})
            self._outbox.close(codes.INTERNAL)

    async def _join(self, hub: Hub, subscriber: Subscriber) -> None:
        self._feed: Feed = await hub.join(subscriber, max_sockets=self.max_sockets_per_identity)
        seq, payload = await hub.make_snapshot(self.grant, self._encode_snapshot)
        self._outbox.offer(encode_frame(seq, "snapshot", now(), payload))
        after = self.handshake.after
        await self._feed.replay(self._outbox, seq if after is None else min(after, seq))
        await self.joined()

    async def _encode_snapshot(self) -> str:
        return encode_payload(await self.snapshot())

    # --- what clients send ------------------------------------------------------------------

    async def _take(self, event: Event) -> None:
        if not self._outbox.is_open:
            return
        frame: str | bytes | None = event.get("text")
        if frame is None:
            frame = event.get("bytes") or b""
        if _byte_length(frame) > MAX_FRAME_BYTES:
            self._outbox.close(codes.TOO_LARGE)
            return
        if isinstance(frame, bytes):
            await self._take_binary(frame)
            return
        if not self._allowance.take(1):
            self._refuse(codes.TOO_MANY_MESSAGES, "too_many_messages", "Too many messages.")
            return
        try:
            message = decode_message(frame)
            message_type = message.get("type")
            shapes = self.message_shapes()
            if not isinstance(message_type, str) or message_type not in shapes:
                raise InvalidMessageError("unknown type")
            fields = shapes[message_type].check(message)
        except InvalidMessageError as error:
            self._refuse(codes.MISUSE, "invalid_message", f"Not a message of this socket: {error}.")
            return
        if self.grant.scope == "watch" and not shapes[message_type].watchers_may_send:
            self._refuse(codes.MISUSE, "watch_only", "This socket may watch and not speak.")
            return
        await self._handle(message_type, fields)

    async def _take_binary(self, frame: bytes) -> None:
        if not self.accepts_binary or self.grant.scope == "watch":
            self._refuse(codes.WRONG_KIND, "text_only", "This socket takes text frames.")
        elif not self._binary_allowance.take(len(frame)):
            self._refuse(codes.TOO_MANY_MESSAGES, "too_many_messages", "Too much audio at once.")
        else:
            await self._guard(self.handle_binary(frame))

    async def _handle(self, message_type: str, fields: dict[str, Any]) -> None:
        if message_type == "ping":
            self.send_event("pong", {})
        elif message_type == "after":
            await self._feed.replay(self._outbox, min(fields["seq"], self._feed.seq))
        else:
            await self._guard(getattr(self, f"handle_{message_type}")(fields))

    async def _guard(self, handling: Awaitable[None]) -> None:
        """Tell the client of a refusal by the app; the socket stays open."""
        try:
            await handling
        except ParleyError as error:
            self.send_error(error.code, error.title)

    def _refuse(self, close_code: int, code: str, title: str) -> None:
        self.send_error(code, title)
        self._outbox.close(close_code)


def _byte_length(frame: str | bytes) -> int:
    # A character takes at least one byte, so a long text needs no encoding to be known as such.
    if isinstance(frame, bytes) or len(frame) > MAX_FRAME_BYTES:
        return len(frame)
    return len(frame.encode("utf-8", "surrogatepass"))
