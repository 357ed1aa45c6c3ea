"""Browser audio: livekit's microphone and loudspeaker, made of frames that come over a socket.

Owns the two ends of an agent's sound where there is no room: what comes in is bounded to the pace
of real time, what goes out is paced by `playout`. Knows no socket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice import io

from agents.voice.course import Course
from agents.voice.options import VoiceOptions
from agents.voice.playout import Hold, LineOutcome, Playout
from agents.voice.recorder import Recorder
from agents.voice.types import (
    INPUT_RATE,
    OUTPUT_RATE,
    PlaybackReport,
    VoiceErrorCode,
    VoiceSink,
)
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


class BrowserTransport:
    """Sound over our own socket; see `transport.VoiceTransport`."""

    def __init__(
        self,
        *,
        sink: VoiceSink,
        options: VoiceOptions,
        course: Course,
        recorder: Recorder | None,
        on_connected: Callable[[bool], None],
    ) -> None:
        self._course = course
        self._recorder = recorder
        self._playout = Playout(sink, options, course)
        self._speaker = BrowserSpeaker(self._playout)
        self._microphone = MicrophoneInput(on_overflow=self._tell_overflow, on_sound=self._record)
        self.link: BrowserLink | None = BrowserLink(self._microphone, self._playout, on_connected)
        self._playout.on_silenced = self._silenced
        course.is_agent_sounding = lambda: self._playout.is_active
        course.on_line_started = self._speaker.tell_started
        course.on_line_ended = self._speaker.tell_ended
        if recorder is not None:
            course.on_sound_sent = recorder.add_agent

    async def start(self, session: AgentSession[Any], agent: Agent) -> None:
        session.input.audio = self._microphone
        session.output.audio = self._speaker
        session.output.transcription = CaptionOutput(self._playout)
        # Without session_host=False whoever reaches the session may read its instructions.
        await session.start(agent, record=False, session_host=False)

    def is_heard(self) -> bool:
        # A browser that went away is told by its socket, see `LiveAgent.set_connected`.
        return True

    def set_deaf(self, is_deaf: bool) -> None:
        if is_deaf and not self._microphone.is_deaf:
            self._microphone.push_silence()
        self._microphone.is_deaf = is_deaf

    def finish_turn(self, session: AgentSession[Any]) -> None:
        self._microphone.push_silence()

    def hold(self, why: Hold) -> None:
        self._playout.hold(why)

    def release(self, why: Hold) -> None:
        self._playout.release(why)

    async def aclose(self) -> None:
        self._microphone.close()
        await self._playout.aclose()

    def _tell_overflow(self) -> None:
        self._course.tell_fault(
            VoiceErrorCode.AUDIO_OVERFLOW,
            "More sound came than there is time; some of it was dropped.",
        )

    def _record(self, pcm: bytes) -> None:
        if self._recorder is not None:
            self._recorder.add_microphone(pcm)

    def _silenced(self) -> None:
        if self._recorder is not None:
            self._recorder.cut_agent()
        self._course.note_cut()
