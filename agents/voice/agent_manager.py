"""The AgentManager: the live agents of one process, and the only way to start and stop them.

Owns the register (one agent a conversation), the caps, the shared detector and the speech
engines. Which process may run an agent for a conversation is the lease of its row, which is the
app's above. All calls on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from livekit import rtc
from livekit.agents import llm, vad

from agents.voice.browser import BrowserTransport
from agents.voice.course import Course
from agents.voice.engines import SpeechEngine, make_engine
from agents.voice.hearing import VadTap
from agents.voice.live import LiveAgent
from agents.voice.options import VoiceOptions
from agents.voice.outbox import Outbox
from agents.voice.recorder import Recorder
from agents.voice.transport import VoiceTransport
from agents.voice.types import (
    ConversationHost,
    EngineKind,
    LiveVoice,
    ReplySource,
    TransportKind,
    VoiceBriefing,
    VoiceEnd,
    VoiceErrorCode,
    VoiceSink,
    VoiceTicket,
    VoiceUnavailableError,
)

logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 30.0
"""For all agents together when a process shuts down."""


class AgentManager:
    """Starts and stops agents; `aclose` ends them all."""

    def __init__(self, options: VoiceOptions, detector: vad.VAD) -> None:
        """Take the options and the one detector whose streams all conversations use."""
        self.options = options
        self._detector = detector
        self._agents: dict[str, LiveAgent] = {}
        self._starting: dict[str, str] = {}
        self._engines: dict[EngineKind, SpeechEngine] = {}
        self._reapers: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many agents live here."""
        return len(self._agents) + len(self._starting)

    def find(self, session_id: str) -> LiveVoice | None:
        """Return the agent of a conversation, if it lives here."""
        return self._agents.get(session_id)

    def use_engine(self, engine: SpeechEngine) -> None:
        """Use this engine for its kind from now on (tests, benchmarks)."""
        self._engines[engine.kind] = engine

    async def warm(self, kind: EngineKind) -> None:
        """Get an engine ready, so that the first conversation need not wait."""
        if kind is not EngineKind.NONE:
            await self._engine(kind).warm()

    async def start(
        self,
        ticket: VoiceTicket,
        briefing: VoiceBriefing,
        sink: VoiceSink,
        host: ConversationHost,
        *,
        room: rtc.Room | None = None,
    ) -> LiveVoice:
        """Start the agent of a conversation; it listens when this returns.

        Args:
            ticket: which conversation, by which means.
            briefing: what it is about; private.
            sink: gets every event; the last one is `VoiceEnded`.
            host: what is said, and where words are kept.
            room: of a worker's job, connected already; else the agent joins by itself.

        Raises:
            VoiceUnavailableError: it has an agent already, the caps are reached, or the sound
                cannot be had. Nothing is left of the attempt.
        """
        self._admit(ticket)
        self._starting[ticket.session_id] = ticket.company_key
        try:
            agent = await self._start(ticket, briefing, sink, host, room)
        finally:
            del self._starting[ticket.session_id]
        self._agents[ticket.session_id] = agent
        reaper = asyncio.create_task(self._reap(agent), name="voice.reaper")
        self._reapers.add(reaper)
        reaper.add_done_callback(self._reapers.discard)
        return agent

    async def stop(self, session_id: str, reason: VoiceEnd = VoiceEnd.STOPPED) -> bool:
        """End the agent of a conversation and wait until nothing of it is left.

        Returns:
            False when there was none: the same call again is harmless.
        """
        agent = self._agents.get(session_id)
        if agent is None:
            return False
        agent.leave(reason)
        await agent.wait_ended()
        # The reaper does the same a moment later; whoever stops may start again at once.
        self._forget(agent)
        return True

    async def aclose(self) -> None:
        """Stop every agent and let go of the engines; nothing can be started any more."""
        self._is_closed = True
        agents = list(self._agents.values())
        for agent in agents:
            agent.leave(VoiceEnd.STOPPED)
        if agents:
            ending = [asyncio.ensure_future(agent.wait_ended()) for agent in agents]
            _, late = await asyncio.wait(ending, timeout=STOP_SECONDS)
            if late:
                logger.error("voice.stop_timed_out", extra={"count": len(late)})
        if self._reapers:
            await asyncio.wait(set(self._reapers), timeout=1.0)
        engines, self._engines = self._engines, {}
        for engine in engines.values():
            await engine.aclose()

    def _admit(self, ticket: VoiceTicket) -> None:
        if self._is_closed:
            raise VoiceUnavailableError("voice_closing", "The server is restarting. Try again.")
        if ticket.session_id in self._agents or ticket.session_id in self._starting:
            raise VoiceUnavailableError("voice_running", "This conversation has its agent.")
        if ticket.engine is EngineKind.NONE:
            raise VoiceUnavailableError("voice_engine", "There is no voice here. Please type.")
        companies = [agent.ticket.company_key for agent in self._agents.values()]
        companies += self._starting.values()
        is_full = len(companies) >= self.options.max_agents
        if is_full or companies.count(ticket.company_key) >= self.options.max_agents_per_company:
            raise VoiceUnavailableError(
                "voice_busy", "All voices are taken at the moment. Type, or try again soon."
            )

    async def _start(
        self,
        ticket: VoiceTicket,
        briefing: VoiceBriefing,
        sink: VoiceSink,
        host: ConversationHost,
        room: rtc.Room | None,
    ) -> LiveAgent:
        engine = self._engine(ticket.engine)
        outbox = Outbox(sink)
        recorder = Recorder(ticket.recording) if ticket.recording is not None else None
        course = Course(
            sink=sink,
            outbox=outbox,
            engine=ticket.engine,
            on_finish=lambda: agent.leave(VoiceEnd.CLOSED),
        )
        agent = LiveAgent(
            ticket=ticket,
            briefing=briefing,
            sink=sink,
            host=host,
            options=self.options,
            course=course,
            outbox=outbox,
            recorder=recorder,
        )
        tap = VadTap(self._detector)

        def tell_restart() -> None:
            course.tell_fault(
                VoiceErrorCode.ENGINE_RESTARTED,
                "The offline voice had to start again. If you were not understood, say it again.",
            )

        try:
            await agent.start(
                transport=self._transport(ticket, sink, course, recorder, agent, room),
                tap=tap,
                ears=engine.make_stt(briefing.language, tap, tell_restart),
                voice=engine.make_tts(briefing.language, tell_restart),
                model=self._model(engine, briefing),
            )
        except BaseException:
            await outbox.aclose()
            if recorder is not None:
                await recorder.aclose()
            raise
        return agent

    def _transport(
        self,
        ticket: VoiceTicket,
        sink: VoiceSink,
        course: Course,
        recorder: Recorder | None,
        agent: LiveAgent,
        room: rtc.Room | None,
    ) -> VoiceTransport:
        if ticket.transport is TransportKind.LIVEKIT:
            from agents.voice.room import RoomTransport

            return RoomTransport(
                ticket=ticket,
                sink=sink,
                options=self.options,
                course=course,
                on_presence=agent.set_connected,
                on_lost=lambda: agent.leave(VoiceEnd.ROOM_LOST),
                room=room,
            )
        return BrowserTransport(
            sink=sink,
            options=self.options,
            course=course,
            recorder=recorder,
            on_connected=agent.set_connected,
        )

    def _model(self, engine: SpeechEngine, briefing: VoiceBriefing) -> llm.LLM[Any] | None:
        is_wanted = briefing.reply_source is ReplySource.MODEL or (
            briefing.is_survey and self.options.model_picks_tools
        )
        return engine.make_llm() if is_wanted else None

    def _engine(self, kind: EngineKind) -> SpeechEngine:
        if kind not in self._engines:
            self._engines[kind] = make_engine(kind, self.options)
        return self._engines[kind]

    async def _reap(self, agent: LiveAgent) -> None:
        await agent.wait_ended()
        self._forget(agent)

    def _forget(self, agent: LiveAgent) -> None:
        if self._agents.get(agent.session_id) is agent:
            del self._agents[agent.session_id]
