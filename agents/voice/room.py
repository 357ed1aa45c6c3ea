"""LiveKit rooms: the agent as a participant of a room, beside the person.

Owns joining, leaving and deleting the room, and the tie between livekit's room output and the
course of the conversation (captions, what was really heard). Must not know who the person is
beyond an identity, nor verify webhooks: that is the app's above.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from livekit import api, rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.types import NOT_GIVEN
from livekit.agents.voice import io, room_io

from agents.voice.course import Course
from agents.voice.options import VoiceOptions
from agents.voice.playout import BYTES_PER_SECOND, Hold, LineOutcome, SpokenLine
from agents.voice.types import (
    AgentCaption,
    VoiceErrorCode,
    VoiceSink,
    VoiceTicket,
    VoiceUnavailableError,
)
from core import clock

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 8.0
CALL_SECONDS: Final = 5.0
TOKEN_LIFETIME: Final = timedelta(minutes=10)
"""To join by; a participant inside stays."""
AGENT_IDENTITY: Final = "parley-agent"


class RoomTransport:
    """Sound through a LiveKit server; see `transport.VoiceTransport`."""

    link = None

    def __init__(
        self,
        *,
        ticket: VoiceTicket,
        sink: VoiceSink,
        options: VoiceOptions,
        course: Course,
        on_presence: Callable[[bool], None],
        on_lost: Callable[[], None],
        room: rtc.Room | None = None,
    ) -> None:
        """Take a room that is connected already (a worker's job), or connect on `start`."""
        self._ticket = ticket
        self._options = options
        self._course = course
        self._is_own_room = room is None
        self._room = room or rtc.Room()
        self._session: AgentSession[Any] | None = None
        self._captions = _RoomCaptions(sink, course)
        self._holds: set[Hold] = set()
        self._on_presence = on_presence
        self._on_lost = on_lost
        self._is_leaving = False
        self._is_lost = False
        self._is_shaken = False

    async def start(self, session: AgentSession[Any], agent: Agent) -> None:
        self._session = session
        self._room.on("participant_disconnected", self._participant_left)
        self._room.on("participant_connected", self._participant_came)
        self._room.on("reconnecting", self._room_shaken)
        self._room.on("reconnected", self._room_steady)
        self._room.on("disconnected", self._room_lost)
        if self._is_own_room:
            await self._connect()
        await session.start(
            agent,
            room=self._room,
            room_options=room_io.RoomOptions(
                participant_identity=self._ticket.participant_identity or NOT_GIVEN,
                # Typing comes by our socket: nobody in the room may put words into a turn.
                text_input=False,
                text_output=room_io.TextOutputOptions(next_in_chain=self._captions),
                # A reload is no goodbye; `left_seconds` decides.
                close_on_disconnect=False,
                # It asks for a job's context and fails where there is none.
                delete_room_on_close=False,
            ),
            record=False,
            # With a host, any participant could read the agent's instructions.
            session_host=False,
        )
        output = session.output.audio
        if output is not None:
            _survive_cuts(output)
            self._captions.watch(output)
        self._course.is_agent_sounding = lambda: self._captions.is_speaking

    def is_heard(self) -> bool:
        return not self._is_shaken and any(
            self._is_the_person(one) for one in self._room.remote_participants.values()
        )

    def set_deaf(self, is_deaf: bool) -> None:
        if self._session is not None:
            self._session.input.set_audio_enabled(not is_deaf)

    def finish_turn(self, session: AgentSession[Any]) -> None:
        session.commit_user_turn(transcript_timeout=2.0)

    def hold(self, why: Hold) -> None:
        is_first = not self._holds
        self._holds.add(why)
        if is_first and self._session is not None and self._session.output.audio is not None:
            self._session.output.audio.pause()

    def release(self, why: Hold) -> None:
        self._holds.discard(why)
        if not self._holds and self._session is not None and self._session.output.audio is not None:
            self._session.output.audio.resume()

    async def aclose(self) -> None:
        self._is_leaving = True
        self._captions.end()
        if self._is_own_room:
            await self._room.disconnect()
            if self._is_lost:
                # Who came back before us may be in it; the end of the conversation deletes it.
                return
            await delete_room(self._options, self._ticket.room_name)

    async def _connect(self) -> None:
        token = agent_token(self._options, self._ticket.room_name)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._room.connect(self._options.livekit_url, token)
        except (rtc.ConnectError, TimeoutError) as error:
            logger.warning("voice.room_unreachable", extra={"error": type(error).__name__})
            raise VoiceUnavailableError(
                "room_unreachable", "The voice room cannot be reached. Please go on by typing."
            ) from error

    # --- who is there -------------------------------------------------------------------------

    def _participant_left(self, participant: rtc.RemoteParticipant) -> None:
        if self._is_the_person(participant):
            self._on_presence(False)

    def _participant_came(self, participant: rtc.RemoteParticipant) -> None:
        if self._is_the_person(participant):
            self._on_presence(True)

    def _is_the_person(self, participant: rtc.RemoteParticipant) -> bool:
        wanted = self._ticket.participant_identity
        return participant.identity == wanted if wanted else True

    # --- is the room there --------------------------------------------------------------------

    def _room_shaken(self) -> None:
        """The client joins again by itself, ten times; it hears again when it succeeds."""
        self._is_shaken = True
        self._course.tell_fault(
            VoiceErrorCode.ROOM_RECONNECTING,
            "The connection to the voice room was lost and is tried again. You can type meanwhile.",
        )

    def _room_steady(self) -> None:
        self._is_shaken = False

    def _room_lost(self, reason: Any) -> None:
        """The client has given up, or was shown out: nothing can be heard here any more."""
        if self._is_leaving or self._is_lost:
            return
        self._is_lost = True
        self._course.is_given_up = True
        logger.warning("voice.room_lost", extra={"reason": rtc.DisconnectReason.Name(reason)})
        self._on_lost()


class _RoomCaptions(io.TextOutput):
    """The end of livekit's caption chain: words in step with the room's sound."""

    def __init__(self, sink: VoiceSink, course: Course) -> None:
        super().__init__(label="parley", next_in_chain=None)
        self._sink = sink
        self._course = course
        self._spoken: SpokenLine | None = None
        self._lines = 0

    @property
    def is_speaking(self) -> bool:
        return self._spoken is not None

    def watch(self, output: io.AudioOutput) -> None:
        """Follow when sentences begin to sound and how far they are heard."""
        output.on("playback_started", self._started)
        output.on("playback_finished", self._finished)

    async def capture_text(self, text: str) -> None:
        spoken = self._require()
        spoken.shown += text
        self._sink.publish(AgentCaption(spoken.line.segment_id, spoken.shown.strip()))

    def flush(self) -> None:
        # The end of the sound ends a line; words may be complete long before.
        return

    def end(self) -> None:
        """At the end of the conversation: what is being said ends here."""
        if self._spoken is not None:
            self._end(self._spoken.shown, 0.0, interrupted=True)

    def _require(self) -> SpokenLine:
        if self._spoken is None:
            self._lines += 1
            line = self._course.take_line()
            self._spoken = SpokenLine(line=line, number=self._lines, text=line.text)
        return self._spoken

    def _started(self, event: io.PlaybackStartedEvent) -> None:
        spoken = self._require()
        if spoken.first_sent_at is None:
            spoken.first_sent_at = clock.monotonic()
            self._course.line_started(spoken)

    def _finished(self, event: io.PlaybackFinishedEvent) -> None:
        if self._spoken is None:
            return
        heard = event.synchronized_transcript
        shown = self._spoken.shown if heard is None else heard
        self._end(shown, event.playback_position, interrupted=event.interrupted)
        if event.interrupted:
            self._course.note_cut()

    def _end(self, heard: str, seconds: float, *, interrupted: bool) -> None:
        spoken, self._spoken = self._spoken, None
        if spoken is None:
            return
        # A model's words are known as far as they were said; a host's from the beginning.
        spoken.text = spoken.text or heard
        spoken.base = int(seconds * BYTES_PER_SECOND)
        self._course.line_ended(
            LineOutcome(
                spoken=spoken,
                heard_text=heard.strip(),
                played_seconds=seconds,
                interrupted=interrupted,
                reached_sound=spoken.first_sent_at is not None,
            )
        )


def _survive_cuts(output: io.AudioOutput) -> None:
    """Let a room's output speak even when a sentence was cut before anybody was there.

    Every sentence waits for one and the same future, the first listener. Cutting a sentence
    cancels what it waits for, and with livekit's future cancelled no sentence is ever heard again.
    """
    end = output
    while end.next_in_chain is not None:
        end = end.next_in_chain
    capture = end.capture_frame

    async def wait_and_capture(frame: rtc.AudioFrame) -> None:
        listened_to = getattr(end, "subscribed", None)
        if listened_to is not None:
            await asyncio.shield(listened_to)
        await capture(frame)

    end.capture_frame = wait_and_capture  # type: ignore[method-assign] # livekit makes the output


def agent_token(options: VoiceOptions, room_name: str) -> str:
    """Return the token by which an agent joins one room; makes no outside call."""
    grants = api.VideoGrants(
        room_join=True,
        room=room_name,
        can_publish=True,
        can_subscribe=True,
        can_publish_data=True,
        can_update_own_metadata=True,
        agent=True,
    )
    return (
        api.AccessToken(options.livekit_api_key, options.livekit_api_secret)
        .with_identity(AGENT_IDENTITY)
        .with_name("Agent")
        .with_kind("agent")
        .with_ttl(TOKEN_LIFETIME)
        .with_grants(grants)
        .to_jwt()
    )


async def delete_room(options: VoiceOptions, room_name: str) -> bool:
    """Delete a room with everybody in it; False when the server could not be asked.

    A room that is gone already counts as deleted. An empty one is deleted by the server itself
    after a while, so a failure is logged and no more.
    """
    with contextlib.suppress(api.TwirpError):
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                api.LiveKitAPI(
                    options.livekit_url, options.livekit_api_key, options.livekit_api_secret
                ) as server,
            ):
                await server.room.delete_room(api.DeleteRoomRequest(room=room_name))
        except (OSError, TimeoutError) as error:
            # aiohttp's connection errors are OSErrors.
            logger.warning("voice.room_not_deleted", extra={"error": type(error).__name__})
            return False
    return True
