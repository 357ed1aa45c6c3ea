"""One sentence of the agent on its way to a browser: paced, captioned, cut, held and resumed.

Owns the clock of what was heard. Sound is sent at most `VoiceOptions.ahead_seconds` ahead, so
that a cut leaves little to drop; the browser's reports correct the clock, a timer replaces those
that do not come. Knows no socket and nothing of livekit: `browser` ties it to both.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from agents.voice.options import VoiceOptions
from agents.voice.types import (
    OUTPUT_RATE,
    AgentCaption,
    AgentLine,
    AudioCleared,
    AudioEnded,
    OutgoingAudio,
    PlaybackReport,
    VoiceSink,
)
from core import clock

BYTES_PER_SECOND: Final = OUTPUT_RATE * 2
PIECE_BYTES: Final = BYTES_PER_SECOND // 25
TICK_SECONDS: Final = 0.04
LEAD_SECONDS: Final = 0.06
"""A browser keeps so much in hand before it begins to play."""
REPORT_WAIT_SECONDS: Final = 0.2
"""How long a cut waits for the browser to say how far it came."""
MOST_LAG_SECONDS: Final = 2.0
"""How far a browser's report may lie behind our clock. One that may not play (no tap yet) reports
0 for ever, and the talk must go on."""
CHARACTERS_PER_SECOND: Final = 14.0
"""Of speech, until a sentence's own length is known."""


class Hold(StrEnum):
    """Why nothing is sent for now."""

    BARGE_IN = "barge_in"
    PAUSED = "paused"
    LEFT = "left"


@dataclass(slots=True)
class SpokenLine:
    """The sentence that is being spoken."""

    line: AgentLine
    number: int
    """The segment number its sound carries."""
    text: str = ""
    pcm: bytearray = field(default_factory=bytearray)
    is_text_complete: bool = False
    is_sound_complete: bool = False
    sent: int = 0
    """Bytes handed out in this generation."""
    base: int = 0
    """Bytes known to have been heard at `base_at`."""
    base_at: float = 0.0
    first_sent_at: float | None = None
    shown: str = ""
    is_end_told: bool = False
    is_reported: bool = False
    """The browser has told of it at least once."""
    silenced_at: int = 0
    """Bytes that had been handed out when it was last silenced."""
    clock_from: float = 0.0
    """When its playing last began or went on."""

    def heard(self, now: float) -> int:
        """Return how many bytes have been heard at `now`."""
        if self.first_sent_at is None:
            return 0
        passed = max(0.0, now - self.base_at)
        found = min(self.sent, self.base + int(passed * BYTES_PER_SECOND))
        return found - found % 2

    def text_at(self, heard: int) -> str:
        """Return the words whose sound has been heard, whole words only."""
        if not self.text or not heard:
            return ""
        if self.is_sound_complete:
            share = heard / max(1, len(self.pcm))
            if share >= 1.0:
                return self.text
            until = int(len(self.text) * share)
        else:
            until = int(heard / BYTES_PER_SECOND * CHARACTERS_PER_SECOND)
        if until >= len(self.text):
            # Its sound may go on, so its last word has not been heard.
            until = len(self.text) - 1
        cut = self.text.rfind(" ", 0, until + 1)
        return self.text[:cut].rstrip() if cut > 0 else ""


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """How a sentence ended."""

    spoken: SpokenLine
    heard_text: str
    played_seconds: float
    interrupted: bool
    reached_sound: bool


class PlayoutListener(Protocol):
    """Who is told of a sentence's beginning and end."""

    def take_line(self) -> AgentLine:
        """Return the line whose text or sound arrives now."""
        ...

    def line_started(self, spoken: SpokenLine) -> None: ...

    def line_ended(self, outcome: LineOutcome) -> None: ...

    def line_held(self, is_held: bool) -> None:
        """The sentence fell silent for now, or goes on."""
        ...

    def sound_sent(self, pcm: bytes) -> None: ...


class Playout:
    """Sends one sentence after the other. `aclose` ends its task."""

    def __init__(
        self,
        sink: VoiceSink,
        options: VoiceOptions,
        listener: PlayoutListener,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._sink = sink
        self._ahead = int(options.ahead_seconds * BYTES_PER_SECOND)
        self._listener = listener
        self._now = now
        self._line: SpokenLine | None = None
        self._lines = 0
        self._holds: set[Hold] = set()
        self._wake = asyncio.Event()
        self._cut_timer: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._run(), name="voice.playout")
        self.generation = 0
        self.on_silenced: Callable[[], None] = lambda: None
        """Told when the browser is made to fall silent."""

    @property
    def is_active(self) -> bool:
        """Tell whether a sentence is under way."""
        return self._line is not None

    @property
    def is_sounding(self) -> bool:
        """Tell whether the browser has sound to play now."""
        return self._line is not None and self._line.first_sent_at is not None and not self._holds

    # --- what comes from the voice --------------------------------------------------------------

    def add_text(self, text: str) -> None:
        """Take words of the present sentence; the first ones begin it."""
        self._require_line().text += text

    def end_text(self) -> None:
        """All words of the present sentence are there."""
        if self._line is not None:
            self._line.is_text_complete = True
            self._look_for_silence(self._line)

    def add_sound(self, pcm: bytes) -> None:
        """Take sound of the present sentence: mono PCM16 at `OUTPUT_RATE`."""
        self._require_line().pcm += pcm
        self._wake.set()

    def end_sound(self) -> None:
        """All sound of the present sentence is there."""
        if self._line is not None:
            self._line.is_sound_complete = True
            self._look_for_silence(self._line)
            self._wake.set()

    def cut(self) -> None:
        """End the present sentence where it is."""
        spoken = self._line
        if spoken is None or self._cut_timer is not None:
            return
        if self._holds:
            # Silent already, and the browser has had its time to say where.
            self._end(spoken, interrupted=True)
            return
        self._silence(spoken)
        if not spoken.is_reported:
            self._end(spoken, interrupted=True)
            return
        # The browser answers a clearing with how far it came, which is better than our clock.
        loop = asyncio.get_running_loop()
        self._cut_timer = loop.call_later(REPORT_WAIT_SECONDS, self._end_cut, spoken)

    # --- what comes from the conversation -------------------------------------------------------

    def hold(self, why: Hold) -> None:
        """Fall silent at once; the sentence is kept."""
        if why in self._holds:
            return
        is_first = not self._holds
        self._holds.add(why)
        if is_first and self._line is not None:
            self._silence(self._line)
            if self._line.first_sent_at is not None:
                self._listener.line_held(True)

    def release(self, why: Hold) -> None:
        """Go on where the sentence was left, unless it is held for another reason."""
        if why not in self._holds:
            return
        self._holds.discard(why)
        if not self._holds and self._line is not None:
            self._line.base_at = self._now() + LEAD_SECONDS
            self._line.clock_from = self._now()
            self._line.is_end_told = False
            if self._line.first_sent_at is not None:
                self._listener.line_held(False)
        self._wake.set()

    def report(self, report: PlaybackReport) -> None:
        """Correct the clock by what the browser says; what it cannot have heard is not believed."""
        spoken = self._line
        if spoken is None or spoken.line.segment_id != report.segment_id:
            return
        spoken.is_reported = True
        told = report.played_ms * BYTES_PER_SECOND // 1000
        told -= told % 2
        if self._holds or self._cut_timer is not None:
            spoken.base = spoken.sent = max(0, min(told, spoken.silenced_at))
            if self._cut_timer is not None:
                self._end_cut(spoken)
            return
        now = self._now()
        lagging = int((now - spoken.clock_from - MOST_LAG_SECONDS) * BYTES_PER_SECOND)
        floor = spoken.silenced_at + lagging - lagging % 2
        spoken.base = max(0, min(max(told, floor), spoken.sent))
        spoken.base_at = now
        self._wake.set()

    async def aclose(self) -> None:
        """End the present sentence and the task."""
        if self._cut_timer is not None and self._line is not None:
            self._end_cut(self._line)
        elif self._line is not None:
            self._silence(self._line)
            self._end(self._line, interrupted=True)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    # --- the work -------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            spoken = self._line
            if spoken is None or self._holds or self._cut_timer is not None:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._step(spoken)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
                    # Sound comes in bursts: what a tick would have sent is sent in one go.
                    await asyncio.sleep(0)

    def _step(self, spoken: SpokenLine) -> None:
        now = self._now()
        heard = spoken.heard(now)
        self._send(spoken, heard, now)
        self._show(spoken, spoken.text_at(heard))
        is_all_sent = spoken.is_sound_complete and spoken.sent >= len(spoken.pcm)
        if is_all_sent and not spoken.is_end_told:
            spoken.is_end_told = True
            self._sink.publish(AudioEnded(spoken.line.segment_id, spoken.number, self.generation))
        if is_all_sent and spoken.pcm and heard >= len(spoken.pcm):
            self._end(spoken, interrupted=False)

    def _send(self, spoken: SpokenLine, heard: int, now: float) -> None:
        if heard >= spoken.sent and spoken.sent < len(spoken.pcm):
            # The browser ran dry or begins: its clock starts anew with this piece.
            spoken.base = spoken.sent
            spoken.base_at = now + LEAD_SECONDS
        while spoken.sent < len(spoken.pcm) and spoken.sent - heard < self._ahead:
            piece = bytes(spoken.pcm[spoken.sent : spoken.sent + PIECE_BYTES])
            if len(piece) < PIECE_BYTES and not spoken.is_sound_complete:
                return
            spoken.sent += len(piece)
            self._sink.send_audio(
                OutgoingAudio(self.generation, spoken.number, spoken.line.segment_id, piece)
            )
            self._listener.sound_sent(piece)
            if spoken.first_sent_at is None:
                spoken.first_sent_at = spoken.clock_from = now
                self._listener.line_started(spoken)

    def _show(self, spoken: SpokenLine, text: str) -> None:
        if len(text) > len(spoken.shown):
            spoken.shown = text
            self._sink.publish(AgentCaption(spoken.line.segment_id, text))

    def _silence(self, spoken: SpokenLine) -> None:
        """Tell the browser to drop what it has, and stand where it was heard."""
        if spoken.first_sent_at is None:
            return
        spoken.silenced_at = spoken.sent
        spoken.base = spoken.sent = spoken.heard(self._now())
        spoken.base_at = self._now()
        self.generation += 1
        self._sink.publish(AudioCleared(self.generation))
        self.on_silenced()

    def _require_line(self) -> SpokenLine:
        if self._line is None:
            self._lines += 1
            self._line = SpokenLine(line=self._listener.take_line(), number=self._lines)
        return self._line

    def _look_for_silence(self, spoken: SpokenLine) -> None:
        """End a sentence whose voice failed: it has words and no sound, and is not being cut."""
        if spoken.is_text_complete and spoken.is_sound_complete and not spoken.pcm:
            asyncio.get_running_loop().call_later(TICK_SECONDS, self._end_unspoken, spoken)

    def _end_unspoken(self, spoken: SpokenLine) -> None:
        if self._line is spoken and not spoken.pcm:
            self._end(spoken, interrupted=False)

    def _end_cut(self, spoken: SpokenLine) -> None:
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None
        if self._line is spoken:
            self._end(spoken, interrupted=True)

    def _end(self, spoken: SpokenLine, *, interrupted: bool) -> None:
        heard = spoken.base if interrupted else len(spoken.pcm)
        # What was shown has been heard: a caption never goes back.
        text = spoken.text
        if interrupted:
            text = max(spoken.text_at(heard), spoken.shown, key=len)
        self._line = None
        self._wake.set()
        self._listener.line_ended(
            LineOutcome(
                spoken=spoken,
                heard_text=text.strip(),
                played_seconds=heard / BYTES_PER_SECOND,
                interrupted=interrupted,
                reached_sound=spoken.first_sent_at is not None,
            )
        )
