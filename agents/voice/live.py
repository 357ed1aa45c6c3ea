"""One live agent: livekit's session with everything around it, from start to its last row.

Owns the life of one conversation's agent: what is built, what ends it (Stop, the host, the time
limit, silence, a lost browser, a provider that fails) and that nothing of it is left afterwards.
Knows no other conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    APIConnectOptions,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    ErrorEvent,
    SessionUsageUpdatedEvent,
    llm,
    stt,
    tts,
)
from livekit.agents.utils import http_context
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.agent_session import SessionConnectOptions

from agents.voice import measures, phrases, prices
from agents.voice.agent import ConversationAgent, HostLLM
from agents.voice.course import Course
from agents.voice.failures import SpeechFailures
from agents.voice.hearing import VadTap
from agents.voice.options import VoiceOptions
from agents.voice.outbox import Outbox
from agents.voice.playout import Hold, LineOutcome
from agents.voice.recorder import Recorder
from agents.voice.transport import VoiceTransport
from agents.voice.trial import try_voice
from agents.voice.types import (
    AgentLine,
    AgentState,
    AgentStateChanged,
    AudioLink,
    ConversationHost,
    ReplySource,
    SpeechGivenUp,
    UsageMeasured,
    VisitorTurn,
    VoiceBriefing,
    VoiceEnd,
    VoiceEnded,
    VoiceSink,
    VoiceTicket,
)
from core.ids import new_id

logger = logging.getLogger(__name__)

CLOSE_SECONDS: Final = 10.0
"""livekit's own closing has hung in some versions; the rest of the stop does not wait longer."""
WATCH_SECONDS: Final = 0.5
FAREWELL_SECONDS: Final = 12.0
MOST_NUDGES: Final = 2
UNSPOKEN_SECONDS: Final = 0.3
TRIAL_SECONDS: Final = 4.0
_GIVEN_UP: Final = VoiceEnd.PROVIDER_FAILED
_STATES: Final = {
    "initializing": AgentState.INITIALIZING,
    "idle": AgentState.LISTENING,
    "listening": AgentState.LISTENING,
    "thinking": AgentState.THINKING,
    "speaking": AgentState.SPEAKING,
}


class LiveAgent:
    """Implements `LiveVoice`. Made and ended by `AgentManager` alone."""

    def __init__(
        self,
        *,
        ticket: VoiceTicket,
        briefing: VoiceBriefing,
        sink: VoiceSink,
        host: ConversationHost,
        options: VoiceOptions,
        course: Course,
        outbox: Outbox,
        recorder: Recorder | None,
    ) -> None:
        self.ticket = ticket
        self._briefing = briefing
        self._sink = sink
        self._host = host
        self._options = options
        self._course = course
        self._outbox = outbox
        self._recorder = recorder
        self._usage = UsageMeasured(())
        self._stored_usage = self._usage
        self._failures = SpeechFailures(
            course=course, try_voice=self._try_voice, on_given_up=self._give_up
        )
        self._nudges = 0
        self._is_paused = False
        self._is_muted = False
        self._left_at: float | None = None
        self._end: tuple[VoiceEnd, str] | None = None
        self._ending = asyncio.Event()
        self._opened = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._side_tasks: list[asyncio.Task[None]] = []
        self._transport: VoiceTransport | None = None
        self._session: AgentSession[Any] | None = None
        self._parts: list[Any] = []
        self._agent = ConversationAgent(
            briefing=briefing,
            host=host,
            room=course,
            model_picks_tools=options.model_picks_tools,
            patience_seconds=options.attempt_seconds,
        )

    # --- life -----------------------------------------------------------------------------------

    async def start(
        self,
        *,
        transport: VoiceTransport,
        tap: VadTap,
        ears: stt.STT[Any],
        voice: tts.TTS[Any],
        model: llm.LLM[Any] | None,
    ) -> None:
        """Begin to listen and say the first words. Whatever happens then, `wait_ended` returns.

        Raises:
            VoiceUnavailableError: the transport cannot be reached; all is closed again.
        """
        self._transport = transport
        self._voice = voice
        self._parts = [ears, voice, *([model] if model is not None else [])]
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def live() -> None:
            # Plugins that speak by sockets look for an HTTP client in the context of their task,
            # so all of a life, its end included, is one task.
            async with http_context.open():
                try:
                    session = self._build_session(tap, ears, voice, model)
                    await self._begin(session, transport, tap)
                except BaseException as error:  # noqa: BLE001 - handed to who waits, whatever it is
                    await self._close_parts()
                    started.set_exception(error)
                    return
                started.set_result(None)
                await self._ending.wait()
                await self._close()

        self._life = asyncio.create_task(live(), name="voice.agent")
        await asyncio.shield(started)

    def leave(self, reason: VoiceEnd, detail: str = "") -> None:
        """Have the agent ended; the first reason stands, a failed provider before all others.

        Returns at once.
        """
        if self._end is None:
            # Told already: whoever leaves first now, the next visit must not fail the same way.
            given_up = self._failures.given_up
            self._end = (reason, detail) if given_up is None else (_GIVEN_UP, given_up)
            self._ending.set()

    async def wait_ended(self) -> None:
        """Wait until nothing of the agent is left."""
        if self._life is not None:
            await asyncio.wait({self._life})

    async def _begin(
        self, session: AgentSession[Any], transport: VoiceTransport, tap: VadTap
    ) -> None:
        self._session = session
        tap.listeners.append(self._course.follow_detector)
        session.on("agent_state_changed", self._state_changed)
        session.on("conversation_item_added", self._item_added)
        session.on("session_usage_updated", self._usage_updated)
        session.on("error", self._failed)
        session.on("close", self._closed)
        self._course.on_heard = self._heard
        self._course.on_silent_voice = self._failures.note_silent_voice
        self._course.on_audible_voice = self._failures.note_audible_voice
        self._course.on_line_ended = _both(self._course.on_line_ended, self._line_ended)
        self._sink.publish(AgentStateChanged(AgentState.INITIALIZING))
        await transport.start(session, self._agent)
        measures.agents_running.inc()
        self._side_tasks = [
            asyncio.create_task(self._watch(), name="voice.watch"),
            asyncio.create_task(self._greet(), name="voice.greeting"),
        ]

    async def _close(self) -> None:
        """Close all and store the last rows, whatever fails on the way."""
        reason, detail = self._end or (VoiceEnd.FAILED, "")
        lived = self._course.seconds()
        recorded = 0.0
        try:
            for task in self._side_tasks:
                task.cancel()
            await asyncio.gather(*self._side_tasks, return_exceptions=True)
            self._opened.set()
            await self._failures.aclose()
            await self._close_parts()
            if self._recorder is not None:
                recorded = await self._recorder.aclose()
        finally:
            self._course.drop_unsaid()
            self._outbox.store(
                VoiceEnded(reason, round(lived, 3), self._usage, round(recorded, 3), detail)
            )
            await self._outbox.aclose()
            measures.ended_total.labels(reason.value).inc()
            measures.agents_running.dec()

    async def _close_parts(self) -> None:
        if self._session is not None:
            await self._close_one("session", self._session.aclose())
        if self._transport is not None:
            await self._close_one("transport", self._transport.aclose())
        for part in self._parts:
            await self._close_one("part", part.aclose())

    async def _close_one(self, what: str, closing: Any) -> None:
        try:
            await asyncio.wait_for(closing, CLOSE_SECONDS)
        except TimeoutError:
            logger.error("voice.close_timed_out", extra={"part": what})
        except Exception:
            # A part that fails to close must not keep the others from closing.
            logger.exception("voice.close_failed", extra={"part": what})

    # --- LiveVoice ------------------------------------------------------------------------------

    @property
    def session_id(self) -> str:
        return self.ticket.session_id

    @property
    def audio(self) -> AudioLink | None:
        return self._transport.link if self._transport is not None else None

    @property
    def is_running(self) -> bool:
        return bool(self._side_tasks) and self._end is None

    async def say_text(self, turn: VisitorTurn) -> None:
        # A greeting that is still looked for may turn out to be the answer to this very turn.
        await self._opened.wait()
        if not self.is_running or not await self._agent.store_turn(turn):
            return
        if self._end is not None or self._session is None or self._transport is None:
            return
        is_away = self._is_paused or self._left_at is not None
        self._course.type_over(is_heard=not is_away and self._transport.is_heard())
        self.interrupt()
        message = llm.ChatMessage(role="user", content=[turn.text])
        self._course.claim_typed(message.id)
        self._session.generate_reply(user_input=message, input_modality="text")

    def interrupt(self) -> None:
        if self.is_running and self._session is not None:
            self._session.interrupt()

    def finish_turn(self) -> None:
        if self.is_running and self._session is not None and self._transport is not None:
            self._transport.finish_turn(self._session)

    def set_muted(self, muted: bool) -> None:
        self._is_muted = muted
        self._apply_deafness()

    def set_paused(self, paused: bool) -> None:
        if paused == self._is_paused or self._transport is None:
            return
        self._is_paused = paused
        self._course.touch()
        if paused:
            self._transport.hold(Hold.PAUSED)
        else:
            self._transport.release(Hold.PAUSED)
        self._apply_deafness()

    def set_connected(self, is_connected: bool) -> None:
        """Hold the sentence while no browser listens; go on when one is back."""
        if self._transport is None or is_connected == (self._left_at is None):
            return
        self._course.touch()
        if is_connected:
            self._left_at = None
            self._transport.release(Hold.LEFT)
        else:
            self._left_at = self._course.seconds()
            self._transport.hold(Hold.LEFT)
        self._apply_deafness()

    def _apply_deafness(self) -> None:
        if self._transport is not None:
            is_deaf = self._is_muted or self._is_paused or self._left_at is not None
            self._transport.set_deaf(is_deaf)

    # --- what happens ---------------------------------------------------------------------------

    def _build_session(
        self, tap: VadTap, ears: stt.STT[Any], voice: tts.TTS[Any], model: llm.LLM[Any] | None
    ) -> AgentSession[Any]:
        options = self._options
        patience = APIConnectOptions(
            max_retry=1, retry_interval=0.3, timeout=options.attempt_seconds
        )
        is_model_talk = model is not None and self._briefing.reply_source is ReplySource.MODEL
        return AgentSession(
            stt=ears,
            vad=tap,
            llm=model or HostLLM(),
            tts=voice,
            turn_handling={
                # Left out, livekit takes a model of 240 MB, or its cloud.
                "turn_detection": _turn_detector() if options.uses_turn_detector else "vad",
                "endpointing": {
                    "mode": "fixed",
                    "min_delay": options.endpointing_seconds,
                    "max_delay": max(2.0, options.endpointing_seconds),
                },
                "interruption": {
                    "enabled": True,
                    "mode": "vad",
                    "min_duration": options.barge_in_seconds,
                    "min_words": 0,
                    "resume_false_interruption": True,
                    "false_interruption_timeout": options.resume_seconds,
                },
                # The host writes rows when it is asked: it is asked only once a turn is over.
                "preemptive_generation": {
                    "enabled": is_model_talk and not self._briefing.is_survey
                },
            },
            # Ours counts typing and pauses too.
            user_away_timeout=None,
            # Browsers cancel echo from the first sound on; three deaf seconds are three too many.
            aec_warmup_duration=None,
            session_close_transcript_timeout=0.5,
            max_tool_steps=1,
            conn_options=SessionConnectOptions(
                stt_conn_options=patience,
                llm_conn_options=patience,
                tts_conn_options=patience,
                # `_failed` counts and says so; livekit would only close.
                max_unrecoverable_errors=1000,
            ),
        )

    async def _greet(self) -> None:
        try:
            line = await self._agent.find_line(self._host.open())
            if line is not None and self._session is not None and self._end is None:
                self._say(line)
        finally:
            self._opened.set()

    def _say(self, line: AgentLine, *, is_own: bool = False) -> SpeechHandle | None:
        """Speak a line; our own words are in no row of the host's."""
        if self._session is None:
            return None
        self._course.begin_line(line, is_from_model=is_own)
        return self._session.say(line.text, allow_interruptions=True)

    def _say_own(self, wording: str, fallback: dict[str, str]) -> SpeechHandle | None:
        text = wording or phrases.in_language(self._briefing.language, fallback)
        return self._say(AgentLine(text, new_id("seg")), is_own=True)

    def _state_changed(self, event: AgentStateChangedEvent) -> None:
        self._sink.publish(AgentStateChanged(_STATES[event.new_state]))

    def _item_added(self, event: ConversationItemAddedEvent) -> None:
        """Catch words that were still on their way when the session was closed."""
        item = event.item
        # Before the end every turn passes through the agent, preemptive ones by another id.
        if self._end is None or not isinstance(item, llm.ChatMessage) or item.role != "user":
            return
        text = (item.text_content or "").strip()
        if not text or self._course.has_claimed(item.id, text):
            return
        turn = self._course.claim_turn(item.id, item.text_content or "")
        self._outbox.do(lambda: self._agent.store_turn(turn))

    def _usage_updated(self, event: SessionUsageUpdatedEvent) -> None:
        self._usage = prices.sum_usage(event.usage, self._options.prices)

    def _line_ended(self, outcome: LineOutcome) -> None:
        if self._usage != self._stored_usage:
            self._stored_usage = self._usage
            self._outbox.store(self._usage)
        if outcome.spoken.line.is_closing and not outcome.interrupted:
            self.leave(VoiceEnd.CLOSED)

    def _heard(self) -> None:
        self._failures.note_heard()
        self._nudges = 0

    def _failed(self, event: ErrorEvent) -> None:
        if self._end is None:
            self._failures.note_error(event)

    def _give_up(self, kind: str) -> None:
        self._course.is_given_up = True

        async def hand_over() -> None:
            # What is told must hold: a process killed now must not come back to this voice.
            try:
                await self._sink.store(SpeechGivenUp())
            finally:
                self._failures.tell_given_up()
                self.leave(_GIVEN_UP, kind)

        # A sentence whose voice failed is still on its way to the page as words.
        loop = asyncio.get_running_loop()
        loop.call_later(UNSPOKEN_SECONDS, self._outbox.do, hand_over)

    async def _try_voice(self) -> Exception | None:
        text = phrases.in_language(self._briefing.language, phrases.TRIAL)
        return await try_voice(self._voice, text, min(self._options.attempt_seconds, TRIAL_SECONDS))

    def _closed(self, event: CloseEvent) -> None:
        """livekit closed the session by itself."""
        if self._end is None:
            gone = event.reason == CloseReason.PARTICIPANT_DISCONNECTED
            self.leave(VoiceEnd.LEFT if gone else VoiceEnd.FAILED, event.reason.value)

    # --- the watch ------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Look twice a second whether it is time to nudge or to end."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            lived = self._course.seconds()
            if lived >= self._briefing.max_seconds:
                await self._say_farewell()
                self.leave(VoiceEnd.TIME_LIMIT)
                return
            if self._left_at is not None:
                if lived - self._left_at >= self._options.left_seconds:
                    self.leave(VoiceEnd.LEFT)
                    return
                continue
            if not self._is_paused and self._look_for_silence():
                self.leave(VoiceEnd.IDLE)
                return

    def _look_for_silence(self) -> bool:
        """Nudge a silent person, the second time after three times as long; True to end."""
        is_thinking = self._session is not None and self._session.agent_state == "thinking"
        if is_thinking or self._course.is_user_speaking or self._course.is_agent_sounding():
            return False
        if self._course.user_quiet_seconds() >= self._options.idle_seconds:
            return True
        due = self._options.nudge_seconds * (1 if self._nudges == 0 else 3)
        if self._nudges < MOST_NUDGES and self._course.quiet_seconds() >= due:
            self._nudges += 1
            self._say_own(self._briefing.idle_nudge, phrases.NUDGE)
        return False

    async def _say_farewell(self) -> None:
        if self._session is None or self._left_at is not None or self._is_paused:
            return
        await self._session.interrupt()
        handle = self._say_own(self._briefing.farewell, phrases.FAREWELL)
        if handle is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(handle.wait_for_playout(), FAREWELL_SECONDS)


def _both(
    first: Callable[[LineOutcome], None], second: Callable[[LineOutcome], None]
) -> Callable[[LineOutcome], None]:
    def call(outcome: LineOutcome) -> None:
        first(outcome)
        second(outcome)

    return call


def _turn_detector() -> Any:
    from livekit.agents import inference

    return inference.TurnDetector(version="v1-mini")
