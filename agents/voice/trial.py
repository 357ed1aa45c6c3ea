"""Whether a voice can be heard: what counts as sound, and a short trial after a failure.

A person who was not spoken to says nothing either, so a second sentence that would show whether
a failure lasts may never come; the trial takes its place. Knows no conversation.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, tts

AUDIBLE_PEAK: Final = 64
"""Of 32767; what lies below is silence or the noise of a coder."""
AUDIBLE_SECONDS: Final = 0.08
"""Less is no word: a server that answers with something else than sound makes a click of it."""


class SilentVoiceError(APIConnectionError):
    """The voice answered with silence, or with no more than a click."""

    def __init__(self) -> None:
        super().__init__("the voice answers with silence", retryable=False)


def is_audible(frame: rtc.AudioFrame) -> bool:
    """Tell whether a piece of PCM16 sound is more than silence."""
    samples = np.frombuffer(frame.data, dtype=np.int16)
    # Not abs(): the lowest sample has no positive twin.
    return samples.size > 0 and max(int(samples.max()), -int(samples.min())) >= AUDIBLE_PEAK


class Audibility:
    """Whether what a voice has sent so far can be words."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self.has_come = False
        """Anything at all."""

    def hear(self, frame: rtc.AudioFrame) -> bool:
        """Take a piece; True when by this one there is enough to be heard."""
        self.has_come = True
        if self.is_enough or not is_audible(frame):
            return False
        self._seconds += frame.duration
        return self.is_enough

    @property
    def is_enough(self) -> bool:
        return self._seconds >= AUDIBLE_SECONDS


async def try_voice(voice: tts.TTS[Any], text: str, seconds: float) -> Exception | None:
    """Have a voice say something that nobody hears.

    Returns:
        None when its sound began in time, else what went wrong.
    """
    options = APIConnectOptions(max_retry=0, timeout=seconds)
    try:
        async with asyncio.timeout(seconds), voice.synthesize(text, conn_options=options) as said:
            heard = Audibility()
            async for piece in said:
                if heard.hear(piece.frame):
                    return None
    except Exception as error:  # noqa: BLE001 - whatever an engine raises, it did not speak
        return error
    return SilentVoiceError()
