"""A conversation's recording: both voices on one track, at the times at which they were heard.

Owns the mixing. Knows no file: finished parts go to a `Recording` from a worker thread, so that
neither a slow disk nor a slow bucket holds up the talk.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.voice.types import INPUT_RATE, OUTPUT_RATE, Recording
from core import clock

logger = logging.getLogger(__name__)

SETTLED_SECONDS: Final = 2.0
"""Sound older than this changes no more: what is sent to be played lies less far ahead."""
PART_SECONDS: Final = 4.0


class Recorder:
    """Mixes what comes; `aclose` writes the rest."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._started_at = clock.monotonic()
        self._mixed: NDArray[np.int32] = np.zeros(0, np.int32)
        self._written = 0
        """Samples handed over; `_mixed` begins there."""
        self._microphone_until = 0
        self._agent_until = 0
        self._has_failed = False
        self._writing: asyncio.Task[None] | None = None

    @property
    def seconds(self) -> float:
        """How long the recording is, as far as it is mixed."""
        return (self._written + len(self._mixed)) / OUTPUT_RATE

    def add_microphone(self, pcm: bytes) -> None:
        """Take sound that has just been heard, at `INPUT_RATE`."""
        samples = np.frombuffer(pcm, np.int16)
        length = len(samples) * OUTPUT_RATE // INPUT_RATE
        places = np.arange(length) * (INPUT_RATE / OUTPUT_RATE)
        louder = np.interp(places, np.arange(len(samples)), samples).astype(np.int32)
        begins = max(self._microphone_until, self._now() - length)
        self._microphone_until = self._add(louder, begins)

    def add_agent(self, pcm: bytes) -> None:
        """Take sound that is being sent to be played, at `OUTPUT_RATE`."""
        samples = np.frombuffer(pcm, np.int16).astype(np.int32)
        self._agent_until = self._add(samples, max(self._agent_until, self._now()))

    def cut_agent(self) -> None:
        """What was sent and not yet played was dropped: it is no part of the recording."""
        now = self._now() - self._written
        until = self._agent_until - self._written
        if 0 <= now < until:
            # Only the agent's sound lies ahead of the present.
            self._mixed = self._mixed[:now]
        self._agent_until = self._now()

    async def aclose(self) -> float:
        """Write what is left; return the length in seconds."""
        if self._writing is not None:
            await self._writing
        rest, self._mixed = self._mixed, np.zeros(0, np.int32)
        self._written += len(rest)
        seconds = self._written / OUTPUT_RATE
        await self._write(rest)
        try:
            await asyncio.to_thread(self._recording.close, seconds=seconds)
        except Exception:
            # A storage may fail in its own ways; the conversation is over and its words are kept.
            logger.exception("voice.recording_not_closed")
            return 0.0
        return 0.0 if self._has_failed else seconds

    def _now(self) -> int:
        return int((clock.monotonic() - self._started_at) * OUTPUT_RATE)

    def _add(self, samples: NDArray[np.int32], begins: int) -> int:
        """Mix in sound that begins at a sample of the whole; return where it ends."""
        at = max(0, begins - self._written)

        missing = at + len(samples) - len(self._mixed)
        if missing > 0:
            self._mixed = np.concatenate([self._mixed, np.zeros(missing, np.int32)])
        self._mixed[at : at + len(samples)] += samples
        # Before what is settled moves on: where it ends is counted from the start of the whole.
        ends = self._written + at + len(samples)
        settled = self._now() - int(SETTLED_SECONDS * OUTPUT_RATE) - self._written
        is_idle = self._writing is None or self._writing.done()
        if is_idle and settled >= PART_SECONDS * OUTPUT_RATE:
            part, self._mixed = self._mixed[:settled], self._mixed[settled:]
            self._written += len(part)
            self._writing = asyncio.create_task(self._write(part), name="voice.recording")
        return ends

    async def _write(self, part: NDArray[np.int32]) -> None:
        if self._has_failed or not len(part):
            return
        pcm = part.clip(-32_768, 32_767).astype(np.int16).tobytes()
        try:
            await asyncio.to_thread(self._recording.write, pcm)
        except Exception:
            # The talk goes on without a recording rather than the other way round.
            logger.exception("voice.recording_failed")
            self._has_failed = True
