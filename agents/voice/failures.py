"""Failures of ears and voice in one conversation: counted, told, and after several given up.

Knows neither livekit's session nor the end of the agent: who made it is told and ends it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from livekit.agents import ErrorEvent

from agents.voice.course import NOT_UNDERSTOOD, Course
from agents.voice.types import VoiceErrorCode

logger = logging.getLogger(__name__)

EARS: Final = "stt_error"
VOICE: Final = "tts_error"
TRIAL_AFTER_SECONDS: Final = 1.0
FAILURES_BEFORE_TYPING: Final = 2
"""Calls of ears or voice that fail in a row before speech is given up."""


class SpeechFailures:
    """What has failed in a row, and whether it was too much.

    Args:
        course: by which people are told.
        try_voice: has the voice say something that nobody hears; what went wrong, or None.
        on_given_up: called once, with what failed.
    """

    def __init__(
        self,
        *,
        course: Course,
        try_voice: Callable[[], Awaitable[Exception | None]],
        on_given_up: Callable[[str], None],
    ) -> None:
        self._course = course
        self._try_voice = try_voice
        self._on_given_up = on_given_up
        self._in_a_row: dict[str, int] = {}
        self._trials: list[asyncio.Task[None]] = []
        self.given_up: str | None = None
        """What failed too often."""
        self._is_closed = False

    def note_error(self, event: ErrorEvent) -> None:
        """Take an error of livekit's session."""
        kind = getattr(event.error, "type", "")
        # What a language model does not answer the host does; see `agent`.
        if kind in (EARS, VOICE) and not getattr(event.error, "recoverable", False):
            self.count(kind, getattr(event.error, "error", event.error))

    def note_silent_voice(self, error: Exception) -> None:
        """The voice answered with sound that nobody can hear."""
        self.count(VOICE, error)

    def note_audible_voice(self) -> None:
        """The voice works."""
        self._in_a_row.pop(VOICE, None)

    def note_heard(self) -> None:
        """The ears work."""
        self._in_a_row.pop(EARS, None)

    def count(self, kind: str, error: object) -> None:
        """Tell of one failure; after several in a row give up speech."""
        if self.given_up is not None or self._is_closed:
            return
        failures = self._in_a_row[kind] = self._in_a_row.get(kind, 0) + 1
        cause = type(error).__name__
        logger.warning("voice.speech_failed", extra={"kind": kind, "error": cause})
        if failures < FAILURES_BEFORE_TYPING:
            title = (
                NOT_UNDERSTOOD
                if kind == EARS
                else "The voice does not answer; the words are shown."
            )
            self._course.tell_fault(VoiceErrorCode.SPEECH_RETRYING, title)
            if kind == VOICE:
                self._trials.append(asyncio.create_task(self._look_again(), name="voice.trial"))
            return
        self.given_up = kind
        self._on_given_up(kind)

    def tell_given_up(self) -> None:
        """Say that speech is over and what to do."""
        self._course.tell_fault(
            VoiceErrorCode.SPEECH_UNAVAILABLE,
            "Speech is not available right now. Everything is kept; please go on by typing.",
            is_fatal=True,
        )

    async def aclose(self) -> None:
        """End what is still being tried; what fails from now on is of no account."""
        self._is_closed = True
        for trial in self._trials:
            trial.cancel()
        await asyncio.gather(*self._trials, return_exceptions=True)

    async def _look_again(self) -> None:
        """Find out whether a voice that failed works again; the next sentence may be far off."""
        await asyncio.sleep(TRIAL_AFTER_SECONDS)
        if not self._in_a_row.get(VOICE):
            return
        error = await self._try_voice()
        if error is not None and self._in_a_row.get(VOICE):
            self.count(VOICE, error)
