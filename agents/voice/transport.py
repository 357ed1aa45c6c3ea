"""What carries a conversation's sound, as `live.LiveAgent` sees it. Knows neither of the two."""

from __future__ import annotations

from typing import Any, Protocol

from livekit.agents import Agent, AgentSession

from agents.voice.playout import Hold
from agents.voice.types import AudioLink


class VoiceTransport(Protocol):
    """Ears and mouth of one conversation: `browser.BrowserTransport`, `room.RoomTransport`."""

    @property
    def link(self) -> AudioLink | None:
        """The browser's side, where the sound comes through us."""
        ...

    async def start(self, session: AgentSession[Any], agent: Agent) -> None:
        """Tie the session to the sound and start it.

        Raises:
            VoiceUnavailableError: the room cannot be reached.
        """
        ...

    def is_heard(self) -> bool:
        """Tell whether what is said now reaches somebody, as far as the transport knows."""
        ...

    def set_deaf(self, is_deaf: bool) -> None:
        """Hear nothing, or hear again; what was being said ends as a turn."""
        ...

    def finish_turn(self, session: AgentSession[Any]) -> None:
        """Take what was heard as the whole turn."""
        ...

    def hold(self, why: Hold) -> None:
        """Fall silent, keeping the sentence where the transport can."""
        ...

    def release(self, why: Hold) -> None:
        """Go on."""
        ...

    async def aclose(self) -> None:
        """Let go of it. The session has been closed before."""
        ...
