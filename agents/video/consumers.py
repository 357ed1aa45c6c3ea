"""The status socket of a video: ``/ws/status/{sessionId}``.

Owns who may open it, and that it sends nothing but status messages as the seed spells them. The
life of a socket, the order of events and what is replayed are `LiveConsumer`'s.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from agents.video import payloads, selectors
from agents.video.models import VideoSession
from agents.video.selectors import StoredStatus
from agents.video.status import EVENT_TYPE
from core.errors import ParleyError
from core.live.consumers import LiveConsumer, in_thread
from core.live.grants import SocketRefusedError, StreamGrant
from core.live.logins import is_login_alive, login_identity

Send = Callable[[Any], Awaitable[None]]


class StatusConsumer(LiveConsumer):
    """One look at one video's lights, by the person it belongs to.

    The base frames what it sends as events. Here each frame becomes the bare message it carries:
    the snapshot becomes the latest word of each agent, and what is no status is not sent.
    """

    messages_per_second: ClassVar[float] = 5
    message_burst: ClassVar[float] = 20

    _video_session: VideoSession
    _user_pk: int

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """Serve one socket, with every text frame turned into status messages."""

        async def send_status(event: Any) -> None:
            text = event.get("text") if event["type"] == "websocket.send" else None
            if text is None:
                await send(event)
                return
            for message in await self._read_frame(json.loads(text)):
                encoded = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
                await send({"type": "websocket.send", "text": encoded})

        await super().__call__(scope, receive, send_status)

    async def authorize(self) -> StreamGrant:
        """Admit whoever may watch the video, by the login cookie.

        Raises:
            SocketRefusedError: anybody else, and whatever is no such video.
        """
        user: Any = self.scope.get("user")
        if self.handshake.bearer_token is not None or user is None or not user.is_authenticated:
            raise SocketRefusedError
        session_id = self.scope["url_route"]["kwargs"]["session_id"]
        try:
            self._video_session = await in_thread(selectors.find_visible_video)(user, session_id)
        except ParleyError:
            raise SocketRefusedError from None
        self._user_pk = user.pk
        return StreamGrant(
            stream=self._video_session.stream_name,
            scope="watch",
            identity=login_identity(self.scope, f"user-{user.pk}"),
            snapshot_key="lights",
        )

    async def still_allowed(self) -> bool:
        """Tell whether the person is signed in, and may still watch the video."""
        if not await in_thread(is_login_alive)(self.scope, self._user_pk):
            return False
        return await in_thread(selectors.may_watch)(self._user_pk, self._video_session.pk)

    async def snapshot(self) -> Mapping[str, Any]:
        """Return the latest word of each agent in the newest run."""
        latest = await in_thread(selectors.latest_messages)(self._video_session.pk)
        return {"latest": [[number, message] for number, message in latest]}

    async def _read_frame(self, frame: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the status messages in a frame of the base."""
        if frame["type"] == "snapshot":
            found = [StoredStatus(number, message) for number, message in frame["latest"]]
        elif frame["type"] == EVENT_TYPE:
            stored = {key: value for key, value in frame.items() if key not in _FRAME_FIELDS}
            found = [StoredStatus(frame["seq"], stored)]
        else:
            # Answers to a ping and refusals: whoever listens here gets status messages alone.
            found = []
        # Links of S3 are signed with its client library, whose first use takes a moment.
        return await in_thread(self._as_sent)(found) if found else []

    def _as_sent(self, found: list[StoredStatus]) -> list[dict[str, Any]]:
        origin = own_origin(self.handshake.host, is_secure=self.handshake.is_secure)
        return [payloads.status_message(self._video_session, one, origin=origin) for one in found]


_FRAME_FIELDS = frozenset({"seq", "type", "ts"})


def own_origin(host: str, *, is_secure: bool) -> str:
    """Return the address of this server as the client of a socket knows it."""
    return f"{'https' if is_secure else 'http'}://{host}"
