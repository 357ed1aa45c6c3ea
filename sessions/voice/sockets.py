"""The sound of one socket: when its agent starts, what is kept meanwhile, who carries the sound.

Owns the few states a socket has for voice. Knows the socket as a place for frames and errors.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from agents.voice.types import VoiceUnavailableError
from core import clock
from sessions import limits
from sessions.models import VoiceSession
from sessions.voice.runner import RunningAgent, find_runner

logger = logging.getLogger(__name__)


class VoiceSocket(Protocol):
    """What voice needs of a socket."""

    @property
    def voice_session(self) -> VoiceSession:
        """The conversation it is open for."""
        ...

    def send_frame(self, frame: bytes) -> bool:
        """Send a binary frame."""
        ...

    def send_error(self, code: str, title: str) -> None:
        """Tell the client of a refusal; the socket stays open."""
        ...


class SocketVoice:
    """Voice as one socket has it. All calls on the socket's loop; none waits."""

    def __init__(self, socket: VoiceSocket) -> None:
        self._socket = socket
        self._agent: RunningAgent | None = None
        self._starting: asyncio.Task[None] | None = None
        self._early = bytearray()
        self._is_muted: bool | None = None
        self._reports: list[tuple[str, int, bool]] = []
        self._quiet_until = 0.0
        self._has_left = False

    def hear(self, pcm: bytes) -> None:
        """Take sound of the microphone."""
        agent = self._carrying()
        if agent is not None:
            agent.hear(pcm)
        elif self._begin():
            self._early += pcm
            del self._early[: max(0, len(self._early) - limits.EARLY_AUDIO_BYTES)]

    def mute(self, is_muted: bool) -> None:
        """Switch the microphone off or on for the agent; begins to speak too."""
        self._is_muted = is_muted
        agent = self._carrying()
        if agent is not None and agent.voice is not None:
            agent.voice.set_muted(is_muted)
        else:
            self._begin()

    def note_played(self, segment: str, played_ms: int, *, interrupted: bool) -> None:
        """Take the page's report; the first thing a page says after it came back."""
        agent = self._carrying()
        if agent is not None:
            agent.note_played(segment, played_ms, interrupted=interrupted)
        elif find_runner().find(self._socket.voice_session.pk) is not None and self._begin():
            self._reports.append((segment, played_ms, interrupted))

    def leave(self) -> None:
        """The socket is closed."""
        self._has_left = True
        if self._starting is not None:
            self._starting.cancel()
        if self._agent is not None:
            find_runner().detach(self._agent, self._socket.send_frame)
            self._agent = None

    def _carrying(self) -> RunningAgent | None:
        """Return the agent if it runs and this socket carries its sound."""
        agent = self._agent
        if agent is None:
            return None
        if not agent.is_running:
            self._agent = None
            return None
        if agent.relay is None or not agent.relay.is_attached(self._socket.send_frame):
            # Another tab has taken the microphone; two would answer each other's echo.
            self._agent = None
            self._quiet_until = float("inf")
            self._socket.send_error(
                "voice_elsewhere", "The microphone is on in another tab. Go on there, or type here."
            )
            return None
        return agent

    def _begin(self) -> bool:
        """See to it that the agent starts; tell whether it is on its way."""
        if self._starting is not None:
            return True
        if self._has_left or clock.monotonic() < self._quiet_until:
            return False
        self._starting = asyncio.create_task(self._attach())
        return True

    async def _attach(self) -> None:
        try:
            agent = await find_runner().attach(self._socket.voice_session, self._socket.send_frame)
        except VoiceUnavailableError as error:
            self._refuse(error.code, error.title)
        except Exception:
            logger.exception("voice.start_failed")
            self._refuse("voice_failed", "Voice could not be started. Go on by typing.")
        else:
            self._take(agent)
        finally:
            self._starting = None

    def _take(self, agent: RunningAgent) -> None:
        if self._has_left:
            find_runner().detach(agent, self._socket.send_frame)
            return
        self._agent = agent
        if self._is_muted is not None and agent.voice is not None:
            agent.voice.set_muted(self._is_muted)
        reports, self._reports = self._reports, []
        for segment, played_ms, interrupted in reports:
            agent.note_played(segment, played_ms, interrupted=interrupted)
        early, self._early = bytes(self._early), bytearray()
        if early:
            agent.hear(early)

    def _refuse(self, code: str, title: str) -> None:
        self._early.clear()
        self._reports.clear()
        wait = 1.0 if code == "voice_not_on" else limits.VOICE_RETRY_SECONDS
        self._quiet_until = clock.monotonic() + wait
        self._socket.send_error(code, title)
