"""The live socket of a conversation: ``/ws/transcript/{session_id}``.

Owns who may open it and what each client message does. The life of a socket is `LiveConsumer`'s;
rules of a conversation are the services'.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

from django.conf import settings

from agents.voice.types import LiveVoice, VisitorTurn
from core import clock
from core.errors import ParleyError
from core.live import codes
from core.live.consumers import LiveConsumer, in_thread
from core.live.grants import Handshake, SocketRefusedError, StreamGrant
from core.live.logins import is_login_alive, login_identity
from core.live.messages import Flag, Integer, MessageShape, Text
from sessions import limits, payloads, selectors
from sessions.models import SessionKind, VoiceSession
from sessions.origins import is_origin_allowed
from sessions.services import conversations, turns
from sessions.voice.runner import find_runner
from sessions.voice.sockets import SocketVoice

logger = logging.getLogger(__name__)

_VOICE_ONLY_TITLE: Final = "Nobody is speaking here: there is no voice to act on."
_LEAVE_SECONDS: Final = 5.0
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True)
class Seconds:
    """A message field: a duration of at most a day."""

    required: bool = True

    def check(self, value: object) -> bool:
        """Tell whether the value is an allowed number; true and false are none."""
        return type(value) in (int, float) and 0 <= cast("float", value) <= _DAY_SECONDS

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "number", "minimum": 0, "maximum": _DAY_SECONDS}


class TranscriptConsumer(LiveConsumer):
    """One participant or watcher of one conversation."""

    client_messages: ClassVar[Mapping[str, MessageShape]] = {
        "say": MessageShape(
            {
                # The service refuses what is too long, with a reason; a frame bounds it anyway.
                "text": Text(max_length=settings.SURVEY_MAX_TURN_CHARS * 2),
                "client_id": Text(max_length=limits.CLIENT_ID_LENGTH, min_length=1),
                "typing_seconds": Seconds(required=False),
            },
            description="A typed turn. The same client_id again is the same turn.",
        ),
        "done_speaking": MessageShape(description="Take what was heard as the whole turn. Voice."),
        "mute": MessageShape({"muted": Flag()}, description="Microphone off or on. Voice."),
        "interrupt": MessageShape(description="Stop the agent's speech. Voice."),
        "playback": MessageShape(
            {
                # Of the segment, or the number its frames carry.
                "segment_id": Text(max_length=64, min_length=1),
                "played_ms": Integer(maximum=86_400_000),
                "interrupted": Flag(),
            },
            description="How much of a spoken segment was heard. Voice.",
        ),
        "pause": MessageShape(description="Stop the clock."),
        "resume": MessageShape(description="Let the clock run again."),
    }
    accepts_binary: ClassVar[bool] = True
    binary_bytes_per_second: ClassVar[float] = 40_000
    """A quarter more than a microphone sends, with a burst of four seconds."""
    max_sockets_per_identity: ClassVar[int] = settings.SESSION_SOCKETS_MAX

    _voice_session: VoiceSession
    _token_digest: str = ""
    _user_pk: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._answering: set[asyncio.Task[None]] = set()
        self._breathing: asyncio.Task[None] | None = None
        self._voice = SocketVoice(self)

    # --- who may -------------------------------------------------------------------------------

    async def authorize(self) -> StreamGrant:
        """Admit the participant by token, or on own pages the owner and the company by cookie.

        Raises:
            SocketRefusedError: nobody of these, whatever the reason.
        """
        session_id = self.scope["url_route"]["kwargs"]["session_id"]
        if self.handshake.bearer_token is not None:
            return await in_thread(self._authorize_token)(self.handshake, session_id)
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            raise SocketRefusedError
        return await in_thread(self._authorize_user)(user, session_id)

    def _authorize_token(self, handshake: Handshake, session_id: str) -> StreamGrant:
        try:
            found = selectors.authenticate_token(handshake.bearer_token or "")
            self._voice_session = selectors.find_for_token(found, session_id)
        except ParleyError:
            raise SocketRefusedError from None
        self._token_digest = found.token_digest
        admitted: frozenset[str] = frozenset()
        # The list of a survey may be empty, which admits any page: only this app knows that.
        if handshake.origin is not None and is_origin_allowed(found, handshake.origin):
            admitted = frozenset({handshake.origin})
        is_over = found.is_ended and found.kind == SessionKind.SURVEY
        return StreamGrant(
            stream=found.stream_name,
            scope="participant",
            identity=f"token-{found.pk}",
            expires_at=found.token_expires_at,
            allowed_origins=admitted,
            snapshot_key="over" if is_over else "full",
        )

    def _authorize_user(self, user: Any, session_id: str) -> StreamGrant:
        try:
            found = selectors.find_for_reader(user, session_id)
        except ParleyError:
            raise SocketRefusedError from None
        self._voice_session = found
        self._user_pk = user.pk
        is_owner = found.owner_id == user.pk
        return StreamGrant(
            stream=found.stream_name,
            scope="participant" if is_owner else "watch",
            identity=login_identity(self.scope, f"user-{user.pk}"),
            snapshot_key="full",
        )

    async def still_allowed(self) -> bool:
        """Tell whether token or login, and ownership or membership, still hold."""
        return await in_thread(self._is_still_allowed)()

    def _is_still_allowed(self) -> bool:
        pk = self._voice_session.pk
        if self._user_pk is None:
            return selectors.is_token_alive(pk, self._token_digest)
        if not is_login_alive(self.scope, self._user_pk):
            return False
        if self.grant.scope == "participant":
            return selectors.is_owner(self._user_pk, pk)
        return selectors.may_watch(self._user_pk, pk)

    # --- life ----------------------------------------------------------------------------------

    async def snapshot(self) -> Mapping[str, Any]:
        """Return the whole conversation; of a survey that is over, only that it is."""
        return await in_thread(self._read_snapshot)()

    def _read_snapshot(self) -> dict[str, Any]:
        rows = selectors.read_snapshot(self._voice_session.pk)
        segments = [] if self.grant.snapshot_key == "over" else rows.segments
        return payloads.snapshot_payload(rows.voice_session, segments, clock.now())

    def _read_status(self) -> dict[str, Any]:
        row = selectors.read_session(self._voice_session.pk)
        return payloads.status_payload(row, clock.now())

    async def joined(self) -> None:
        """Join the conversation as its participant; part at once from one that is over."""
        if self.grant.scope == "participant" and not self._voice_session.is_ended:
            try:
                self._voice_session = await in_thread(conversations.open_conversation)(
                    voice_session=self._voice_session
                )
            except conversations.SessionEndedError:
                # It ended while this socket joined, perhaps before it could hear of it.
                self.send_event(payloads.SESSION, await in_thread(self._read_status)())
                self.close_socket(codes.ENDED)
            except ParleyError as error:
                self._send_refusal(error)
            else:
                self._breathing = asyncio.create_task(self._breathe())
        elif self._voice_session.is_ended:
            self.close_socket(codes.ENDED)

    async def left(self, code: int) -> None:
        """Let replies that are being written finish; whatever remains the sweep answers."""
        self._voice.leave()
        if self._breathing is not None:
            self._breathing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._breathing
        if self._answering:
            await asyncio.wait(self._answering, timeout=_LEAVE_SECONDS)

    async def _breathe(self) -> None:
        """Record a sign of life as long as the socket is open."""
        note = in_thread(conversations.note_sign_of_life)
        while True:
            await asyncio.sleep(limits.SIGN_OF_LIFE_SECONDS)
            try:
                await note(voice_session=self._voice_session)
            except Exception:
                # A database that is away for a moment must not end the conversation.
                logger.exception("transcript.sign_of_life_failed")

    # --- what clients send ---------------------------------------------------------------------

    async def handle_say(self, message: dict[str, Any]) -> None:
        """Take a typed turn; the reply is written beside the socket, which stays responsive."""
        try:
            taken = await in_thread(turns.take_turn)(
                voice_session=self._voice_session,
                text=message["text"],
                client_id=message["client_id"],
                typing_seconds=message.get("typing_seconds"),
            )
        except ParleyError as error:
            self._send_refusal(error, client_id=message["client_id"])
            return
        self._voice_session = taken.voice_session
        if taken.is_new:
            answering = asyncio.create_task(self._answer(taken))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
        else:
            # The event went out the first time; whoever repeats the turn has missed it.
            self.send_event(payloads.TRANSCRIPT, payloads.segment_payload(taken.segment))

    async def _answer(self, taken: turns.TakenTurn) -> None:
        try:
            agent = find_runner().find(taken.voice_session.pk)
            if agent is not None and agent.voice is not None:
                # The agent that is speaking answers, aloud.
                await agent.voice.say_text(
                    VisitorTurn(
                        segment_id=taken.segment.public_id,
                        text=taken.segment.text,
                        is_typed=True,
                        client_id=taken.segment.client_id,
                    )
                )
            else:
                await in_thread(turns.answer_turn)(voice_session=taken.voice_session)
        except Exception:
            # The turn is stored with its due time, so the sweep asks the agent again.
            logger.exception("transcript.answer_failed")

    async def handle_pause(self, message: dict[str, Any]) -> None:
        """Stop the clock."""
        await in_thread(conversations.pause)(voice_session=self._voice_session)

    async def handle_resume(self, message: dict[str, Any]) -> None:
        """Let the clock run again."""
        self._voice_session = await in_thread(conversations.resume)(
            voice_session=self._voice_session
        )

    # --- voice ---------------------------------------------------------------------------------

    @property
    def voice_session(self) -> VoiceSession:
        """The conversation of this socket."""
        return self._voice_session

    def send_frame(self, frame: bytes) -> bool:
        """Send a frame of the agent's voice; False when the socket takes no more."""
        return self._outbox.offer(frame)

    async def handle_binary(self, frame: bytes) -> None:
        """Take sound of the microphone; the first piece begins to speak."""
        self._voice.hear(frame)

    async def handle_mute(self, message: dict[str, Any]) -> None:
        """Listen to nothing, or listen again."""
        self._voice.mute(message["muted"])

    async def handle_playback(self, message: dict[str, Any]) -> None:
        """Take how much of the agent's voice was heard."""
        self._voice.note_played(
            message["segment_id"], message["played_ms"], interrupted=message["interrupted"]
        )

    async def handle_interrupt(self, message: dict[str, Any]) -> None:
        """Stop the agent's sentence."""
        voice = self._find_voice()
        if voice is not None:
            voice.interrupt()

    async def handle_done_speaking(self, message: dict[str, Any]) -> None:
        """Take what was heard as the whole turn."""
        voice = self._find_voice()
        if voice is not None:
            voice.finish_turn()

    def _find_voice(self) -> LiveVoice | None:
        agent = find_runner().find(self._voice_session.pk)
        if agent is None or agent.voice is None:
            self.send_error("voice_only", _VOICE_ONLY_TITLE)
            return None
        return agent.voice

    def _send_refusal(self, error: ParleyError, *, client_id: str | None = None) -> None:
        payload = {"code": error.code, "title": error.title, "detail": error.detail}
        if client_id is not None:
            payload["client_id"] = client_id
        self.send_event("error", payload)
