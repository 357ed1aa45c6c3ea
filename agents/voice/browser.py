"""Browser audio: livekit's microphone and loudspeaker, made of frames that come over a socket.

Owns the two ends of an agent's sound where there is no room: what comes in is bounded to the pace
of real time, what goes out is paced by `playout`. Knows no socket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from livekit import rtc
from livekit.agents.voice import io

from agents.voice.playout import Hold, LineOutcome, Playout
from agents.voice.types import INPUT_RATE, OUTPUT_RATE, PlaybackReport
from core import clock

SLACK_SECONDS: Final = 1.0
"""How far sound may run ahead of the clock: a network that stutters delivers in bursts."""
DRIFT: Final = 1.05
"""A sound card's clock may be a little fast."""
LONGEST_FRAME_BYTES: Final = INPUT_RATE * 2 // 10
SILENCE_SECONDS: Final = 1.0


class MicrophoneInput(io.AudioInput):
    """What the person's browser sends, as livekit wants to read it."""

    def __init__(
        self,
        *,
        on_overflow: Callable[[], None],
        on_sound: Callable[[bytes], None],
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        super().__init__(label="browser")
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._on_overflow = on_overflow
        self._on_sound = on_sound
        self._now = now
        self._started_at: float | None = None
        self._taken_seconds = 0.0
        self._is_overflow_told = False
        self._is_closed = False
        self.is_deaf = False
        """Muted or paused: what comes is dropped."""

    async def __anext__(self) -> rtc.AudioFrame:
        pcm = await self._frames.get()
        if pcm is None:
            raise StopAsyncIteration
        return rtc.AudioFrame(pcm, INPUT_RATE, 1, len(pcm) // 2)

    def push(self, pcm: bytes) -> None:
        """Take sound; see `AudioLink.push`."""
        pcm = pcm[: len(pcm) - len(pcm) % 2]
        if self._is_closed or self.is_deaf or not pcm:
            return
        if not self._fits(len(pcm) / (INPUT_RATE * 2)):
            if not self._is_overflow_told:
                self._is_overflow_told = True
                self._on_overflow()
            return
        self._on_sound(pcm)
        self._put(pcm)

    def push_silence(self) -> None:
        """Let the detector hear the end of what was being said; no sound follows by itself."""
        if not self._is_closed:
            self._put(bytes(int(INPUT_RATE * SILENCE_SECONDS) * 2))

    def close(self) -> None:
        """End the input."""
        if not self._is_closed:
            self._is_closed = True
            self._frames.put_nowait(None)

    def _put(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), LONGEST_FRAME_BYTES):
            self._frames.put_nowait(pcm[start : start + LONGEST_FRAME_BYTES])

    def _fits(self, seconds: float) -> bool:
        now = self._now()
        if self._started_at is None:
            self._started_at = now
        passed = (now - self._started_at) * DRIFT
        # Time in which nothing came is not saved up: a silence of an hour buys no flood.
        self._taken_seconds = max(self._taken_seconds, passed - SLACK_SECONDS)
        if self._taken_seconds + seconds > passed + SLACK_SECONDS:
            return False
        self._taken_seconds += seconds
        return True


class BrowserSpeaker(io.AudioOutput):
    """The agent's loudspeaker in the browser."""

    def __init__(self, playout: Playout) -> None:
        super().__init__(
            label="browser",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=OUTPUT_RATE,
        )
        self._playout = playout
        self._has_sound = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._has_sound = True
        self._playout.add_sound(bytes(frame.data))

    def flush(self) -> None:
        super().flush()
        self._playout.end_sound()

    def clear_buffer(self) -> None:
        self._playout.cut()

    def pause(self) -> None:
        super().pause()
        self._playout.hold(Hold.BARGE_IN)

    def resume(self) -> None:
        super().resume()
        self._playout.release(Hold.BARGE_IN)

    def tell_started(self) -> None:
        """Tell livekit that the first sound of a sentence went out."""
        self.on_playback_started(created_at=time.time())

    def tell_ended(self, outcome: LineOutcome) -> None:
        """Tell livekit how far a sentence was heard; one without sound it knows nothing of."""
        if self._has_sound:
            self._has_sound = False
            self.on_playback_finished(
                playback_position=outcome.played_seconds,
                interrupted=outcome.interrupted,
                synchronized_transcript=outcome.heard_text,
            )


class CaptionOutput(io.TextOutput):
    """Where the words of a sentence arrive, beside its sound."""

    def __init__(self, playout: Playout) -> None:
        super().__init__(label="browser", next_in_chain=None)
        self._playout = playout

    async def capture_text(self, text: str) -> None:
        self._playout.add_text(text)

    def flush(self) -> None:
        self._playout.end_text()


class BrowserLink:
    """`AudioLink` of one conversation."""

    def __init__(
        self,
        microphone: MicrophoneInput,
        playout: Playout,
        on_connected: Callable[[bool], None],
    ) -> None:
        self._microphone = microphone
        self._playout = playout
        self._on_connected = on_connected

    def push(self, pcm: bytes) -> None:
        self._microphone.push(pcm)

    def report_playback(self, report: PlaybackReport) -> None:
        self._playout.report(report)

    def set_connected(self, is_connected: bool) -> None:
        self._on_connected(is_connected)
