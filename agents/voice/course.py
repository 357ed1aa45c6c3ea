"""The course of one conversation: what was heard, what is being said, and when.

Owns segments and times: which interim words belong to which turn, which sentence is under way,
how long each part of a reply took. Stands between the agent, the sound and the sink; opens and
closes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from livekit.agents import vad

from agents.voice import measures
from agents.voice.backchannels import is_turn
from agents.voice.outbox import Outbox
from agents.voice.playout import LineOutcome, SpokenLine
from agents.voice.types import (
    AgentLine,
    AgentSpoken,
    EngineKind,
    InterimTranscript,
    SpeakerRole,
    SpeechChanged,
    TranscriptDropped,
    TurnLatency,
    VisitorTurn,
    VoiceErrorCode,
    VoiceFault,
    VoiceSink,
)
from core import clock
from core.ids import new_id

FAULT_QUIET_SECONDS: Final = 10.0
"""The same failure is not told again within this time."""
UNHEARD_SECONDS: Final = 1.0
"""Somebody who spoke so long and is not understood is told; a cough is shorter."""
NOT_UNDERSTOOD: Final = "I could not understand that. Please say it again, or type."


@dataclass(slots=True)
class _Heard:
    """One turn of the person on its way."""

    segment_id: str
    speech_seconds: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    final_at: float | None = None
    claimed_at: float | None = None


class Course:
    """Implements what the agent (`TurnRoom`) and the sound (`PlayoutListener`) need."""

    def __init__(
        self,
        *,
        sink: VoiceSink,
        outbox: Outbox,
        engine: EngineKind,
        on_finish: Callable[[], None],
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._sink = sink
        self._outbox = outbox
        self._engine = engine
        self._on_finish = on_finish
        self._now = now
        self.started_at = now()
        self._sound_at = self._user_sound_at = self.started_at
        self.is_user_speaking = False
        self._claimed_ids: set[str] = set()
        self._claimed_text = ""
        self.is_agent_sounding: Callable[[], bool] = lambda: False
        self.on_silent_voice: Callable[[Exception], None] = lambda error: None
        self.on_audible_voice: Callable[[], None] = lambda: None
        self.on_heard: Callable[[], None] = lambda: None
        self.on_line_started: Callable[[], None] = lambda: None
        self.on_line_ended: Callable[[LineOutcome], None] = lambda outcome: None
        self.on_sound_sent: Callable[[bytes], None] = lambda pcm: None
        self.is_given_up = False
        """Speech or the room failed for good: what was to be said is read instead, all of it."""
        self._is_over_agent = False
        self._heard: _Heard | None = None
        self._answered: _Heard | None = None
        self._next: tuple[AgentLine, bool, float] | None = None
        self._saying = ""
        self._is_saying_heard = False
        self._to_read: set[str] = set()
        self._words: dict[str, str] = {}
        self._line_from_model = False
        self._line_begun_at: float | None = None
        self._cut_after: float | None = None
        self._faults_told: dict[VoiceErrorCode, float] = {}
        self._speech_started_at: float | None = None
        self._speech_begins = 0.0

    def seconds(self) -> float:
        """Return the age of the conversation's agent."""
        return self._now() - self.started_at

    def quiet_seconds(self) -> float:
        """Return for how long neither side has made a sound."""
        return self._now() - self._sound_at

    def user_quiet_seconds(self) -> float:
        """Return for how long nothing has come from the person."""
        return self._now() - self._user_sound_at

    def touch(self) -> None:
        """Count this moment as a sign of the person."""
        self._sound_at = self._user_sound_at = self._now()

    # --- the person's sound ---------------------------------------------------------------------

    def follow_detector(self, event: vad.VADEvent) -> None:
        """Take what voice activity detection found."""
        now = self._now()
        if event.type == vad.VADEventType.START_OF_SPEECH:
            self.is_user_speaking = True
            self._speech_started_at = now - event.speech_duration
            self._speech_begins = event.timestamp - event.speech_duration
            self._is_over_agent = self.is_agent_sounding()
            self._sink.publish(SpeechChanged(SpeakerRole.USER, True))
        elif event.type == vad.VADEventType.END_OF_SPEECH:
            self.is_user_speaking = False
            # By the sound's own clock: a network that stutters delivers it in bursts.
            lasted = event.timestamp - event.silence_duration - self._speech_begins
            self._note_speech(now - event.silence_duration, max(0.0, lasted))
            self._sink.publish(SpeechChanged(SpeakerRole.USER, False))

    def _note_speech(self, ended_at: float, seconds: float) -> None:
        heard = self._require_heard()
        heard.speech_seconds = (heard.speech_seconds or 0.0) + seconds
        if heard.started_at is None:
            heard.started_at = self._speech_started_at
        heard.ended_at = ended_at

    # --- TurnRoom -------------------------------------------------------------------------------

    def hear_interim(self, text: str) -> bool:
        """Show words that may still change, unless they are no turn so far."""
        if not is_turn(text, speech_seconds=None, is_over_agent=self._is_over_agent):
            return False
        heard = self._require_heard()
        self._sink.publish(InterimTranscript(heard.segment_id, text))
        return True

    def hear_final(self, text: str) -> bool:
        """Judge final words; what is no turn is taken off the page again."""
        heard = self._require_heard()
        if not is_turn(
            text, speech_seconds=heard.speech_seconds, is_over_agent=self._is_over_agent
        ):
            self._sink.publish(TranscriptDropped(heard.segment_id))
            self._heard = None
            if not text.strip() and (heard.speech_seconds or 0.0) >= UNHEARD_SECONDS:
                self.tell_fault(VoiceErrorCode.SPEECH_RETRYING, NOT_UNDERSTOOD)
            return False
        heard.final_at = self._now()
        self.touch()
        self.on_heard()
        self._sink.publish(InterimTranscript(heard.segment_id, text))
        return True

    def claim_turn(self, message_id: str, text: str) -> VisitorTurn:
        """Return the turn these heard words make; the next words begin another one."""
        self._claimed_ids.add(message_id)
        self._claimed_text = text.strip()
        heard, self._heard = self._require_heard(), None
        heard.claimed_at = self._now()
        self.touch()
        self._answered = heard
        started = None
        if heard.started_at is not None:
            started = max(0.0, heard.started_at - self.started_at)
        return VisitorTurn(
            segment_id=heard.segment_id,
            text=text.strip(),
            speech_seconds=heard.speech_seconds,
            started_offset_seconds=started,
        )

    def has_claimed(self, message_id: str, text: str) -> bool:
        """Tell whether the host has these words: livekit may give one turn two ids."""
        return message_id in self._claimed_ids or text == self._claimed_text

    def claim_typed(self, message_id: str) -> None:
        """Note a typed turn, which is answered like a spoken one."""
        self._claimed_ids.add(message_id)
        self._answered = _Heard(segment_id="", claimed_at=self._now())
        self.touch()
        self.on_heard()

    def begin_line(self, line: AgentLine, *, is_from_model: bool = False) -> None:
        """Say which line the words that follow belong to."""
        if self._next is not None:
            self.drop_line(self._next[0], is_from_model=self._next[1])
        self._next = (line, is_from_model, self._now())

    def note_words(self, segment_id: str, words: str) -> None:
        """Keep a model's words: a room knows them only as far as they were heard."""
        self._words[segment_id] = self._words.get(segment_id, "") + words

    def type_over(self, *, is_heard: bool) -> None:
        """A typed turn takes the place of what is being said; what nobody heard stays to be read.

        Args:
            is_heard: the agent's voice reaches the person now.
        """
        if self._next is not None:
            self._to_read.add(self._next[0].segment_id)
        if self._saying and not (is_heard and self._is_saying_heard):
            self._to_read.add(self._saying)

    def drop_line(
        self, line: AgentLine, *, is_from_model: bool = False, is_typed_over: bool = False
    ) -> None:
        """Tell that a line was never heard."""
        is_read = self._is_read(line.segment_id) or is_typed_over
        text = line.text or self._words.pop(line.segment_id, "").strip()
        self._outbox.store(
            AgentSpoken(
                segment_id=line.segment_id,
                text=text if is_read else "",
                full_text=text,
                interrupted=not is_read,
                played_seconds=0.0,
                started_offset_seconds=None,
                is_from_model=is_from_model,
            )
        )

    def tell_fault(self, code: VoiceErrorCode, title: str, *, is_fatal: bool = False) -> None:
        """Show a failure, the same one at most every `FAULT_QUIET_SECONDS`."""
        now = self._now()
        told_at = self._faults_told.get(code)
        if not is_fatal and told_at is not None and now - told_at < FAULT_QUIET_SECONDS:
            return
        self._faults_told[code] = now
        measures.faults_total.labels(code.value).inc()
        self._sink.publish(VoiceFault(code, title, is_fatal=is_fatal))

    def note_silent_voice(self, error: Exception) -> None:
        """The voice did not begin to speak in time, or nothing it sent can be heard."""
        self.on_silent_voice(error)

    def note_audible_voice(self) -> None:
        """The voice works: its sound has begun."""
        self.on_audible_voice()

    def finish(self) -> None:
        """The conversation is over: have the agent ended."""
        self._on_finish()

    # --- PlayoutListener ------------------------------------------------------------------------

    def take_line(self) -> AgentLine:
        """Return the line whose words or sound arrive now."""
        if self._next is None:
            # Words nobody announced, such as a model's after a tool.
            self._next = (AgentLine("", new_id("seg")), True, self._now())
        line, self._line_from_model, self._line_begun_at = self._next
        self._next = None
        self._saying, self._is_saying_heard = line.segment_id, False
        return line

    def line_started(self, spoken: SpokenLine) -> None:
        """The first sound of a line went out."""
        self._is_saying_heard = True
        self._sink.publish(SpeechChanged(SpeakerRole.AGENT, True))
        self.on_line_started()

    def line_held(self, is_held: bool) -> None:
        """The agent's voice fell silent for now, or goes on."""
        self._sink.publish(SpeechChanged(SpeakerRole.AGENT, not is_held))

    def line_ended(self, outcome: LineOutcome) -> None:
        """A line was heard out, or cut: store it with its times."""
        spoken = outcome.spoken
        self._sound_at = self._now()
        started = spoken.first_sent_at
        latency = self._measure(started)
        if outcome.reached_sound:
            self._sink.publish(SpeechChanged(SpeakerRole.AGENT, False))
        segment_id = spoken.line.segment_id
        if self._saying == segment_id:
            self._saying = ""
        # A voice that failed leaves the words: they are shown and count as said.
        is_cut = not self._is_read(segment_id) and outcome.interrupted
        full_text = max(spoken.text, self._words.pop(segment_id, ""), key=len).strip()
        text = outcome.heard_text if is_cut else full_text
        self._outbox.store(
            AgentSpoken(
                segment_id=segment_id,
                text=text,
                full_text=full_text,
                interrupted=is_cut,
                played_seconds=round(outcome.played_seconds, 3),
                started_offset_seconds=None if started is None else started - self.started_at,
                latency=latency,
                is_from_model=self._line_from_model,
            )
        )
        if latency.total is not None:
            measures.first_audio_seconds.labels(self._engine.value).observe(latency.total)
        self._answered = None
        self._cut_after = None
        self.on_line_ended(outcome)

    def sound_sent(self, pcm: bytes) -> None:
        """Sound of the agent is on its way."""
        self.on_sound_sent(pcm)

    def note_cut(self) -> None:
        """The agent's voice was silenced because the person speaks."""
        if self._speech_started_at is not None and self.is_user_speaking:
            self._cut_after = self._now() - self._speech_started_at
            measures.barge_in_seconds.observe(self._cut_after)

    def drop_unsaid(self) -> None:
        """At the end: a line that was found and not begun is told as unheard."""
        if self._next is not None:
            line, is_from_model, _ = self._next
            self._next = None
            self.drop_line(line, is_from_model=is_from_model)

    def _is_read(self, segment_id: str) -> bool:
        """Tell whether a line is read instead of heard, and forget that it was to be."""
        is_read = self.is_given_up or segment_id in self._to_read
        self._to_read.discard(segment_id)
        return is_read

    def _measure(self, started: float | None) -> TurnLatency:
        heard, begun = self._answered, self._line_begun_at
        if heard is None:
            return TurnLatency(barge_in=self._cut_after)
        return TurnLatency(
            total=_between(heard.ended_at or heard.claimed_at, started),
            endpointing=_between(heard.ended_at, heard.claimed_at),
            transcription=_between(heard.ended_at, heard.final_at),
            reply=_between(heard.claimed_at, begun),
            speech=_between(begun, started),
            barge_in=self._cut_after,
        )

    def _require_heard(self) -> _Heard:
        if self._heard is None:
            self._heard = _Heard(segment_id=new_id("seg"))
        return self._heard


def _between(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return None
    return round(max(0.0, second - first), 4)
