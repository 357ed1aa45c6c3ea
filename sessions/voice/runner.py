"""The live agents of one process: who runs here, who listens, and when each must end.

Owns the leases of this process, the look at rows that other processes change, and the order in
which an agent's end is written down. How an agent hears and speaks is `agents.voice`'s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import weakref
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError

from agents.voice import get_manager
from agents.voice.engines import choose_engine
from agents.voice.types import (
    LiveVoice,
    PlaybackReport,
    ReplySource,
    TransportKind,
    UsageMeasured,
    VoiceBriefing,
    VoiceEnd,
    VoiceEnded,
    VoiceTicket,
    VoiceUnavailableError,
)
from core import clock
from core.live.threads import in_thread
from sessions import chat_agent, limits, selectors
from sessions.agent_turns import to_history
from sessions.models import EndReason, SessionStatus, Transport, VoiceSession
from sessions.services import conversations, endings, recordings, voices
from sessions.voice.bell import Bell
from sessions.voice.host import SpokenConversation
from sessions.voice.recordings import WavRecording
from sessions.voice.relay import AudioRelay, SendFrame
from sessions.voice.sink import TranscriptSink

logger = logging.getLogger(__name__)

RESUME_SECONDS: Final = 0.7
"""How long a page that came back may take to say how far it has played the agent's sentence."""
STOP_SECONDS: Final = 20.0

_KINDS: Final = {
    Transport.BROWSER_AUDIO: TransportKind.BROWSER_AUDIO,
    Transport.LIVEKIT: TransportKind.LIVEKIT,
}
_NO_USAGE: Final = UsageMeasured(())
_GIVES_UP_VOICE: Final = frozenset(
    {
        VoiceEnd.PROVIDER_FAILED,
        VoiceEnd.FAILED,
        VoiceEnd.ROOM_LOST,
        VoiceEnd.CLOSED,
        VoiceEnd.LEFT,
    }
)
"""Ends after which a room wants no new agent."""


@dataclass(eq=False)
class RunningAgent:
    """One life of one agent in this process."""

    voice_session: VoiceSession
    fence: int
    transport: Transport
    host: SpokenConversation
    relay: AudioRelay | None
    is_stop_wanted: bool = False
    is_paused: bool = False
    is_returning: bool = False
    """A socket is back and has not said yet how far its page had heard the sentence."""
    voice: LiveVoice | None = None
    sink: TranscriptSink | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the end is written down."""

    @property
    def is_running(self) -> bool:
        return self.voice is not None and self.voice.is_running and not self.ended.is_set()

    def hear(self, pcm: bytes) -> None:
        """Take sound of the person."""
        if self.voice is not None and self.voice.audio is not None:
            self.voice.audio.push(pcm)

    def note_played(self, segment: str, played_ms: int, *, interrupted: bool) -> None:
        """Take a page's report of how much it has played."""
        if self.voice is None or self.voice.audio is None or self.relay is None:
            return
        self.voice.audio.report_playback(
            PlaybackReport(self.relay.find_segment(segment), played_ms, interrupted)
        )
        self.go_on()

    def go_on(self) -> None:
        """Speak again to a page that came back, from where it had heard the sentence."""
        if self.is_returning and self.voice is not None and self.voice.audio is not None:
            self.is_returning = False
            self.voice.audio.set_connected(True)


class VoiceRunner:
    """Starts, watches and ends the agents of one process (one event loop, in tests)."""

    def __init__(self, manager: Any = None) -> None:
        self._manager = manager
        self._agents: dict[int, RunningAgent] = {}
        self._locks: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()
        self._looking: asyncio.Task[None] | None = None
        self._finishing: set[asyncio.Task[None]] = set()
        self._runs_rooms = False
        self._bell: Bell | None = None
        self._listening: asyncio.Task[None] | None = None
        self._owner = f"{socket.gethostname()}:{os.getpid()}"[:80]

    # --- for sockets ----------------------------------------------------------------------------

    def find(self, voice_session_pk: int) -> RunningAgent | None:
        """Return the agent of a conversation if it runs here."""
        agent = self._agents.get(voice_session_pk)
        return agent if agent is not None and agent.is_running else None

    async def attach(self, voice_session: VoiceSession, send: SendFrame) -> RunningAgent:
        """Let a socket carry the sound of a conversation, starting its agent if need be.

        An agent of another process lets go: the person is here now. A socket that carried the
        sound before carries it no more.

        Raises:
            VoiceUnavailableError: no agent can be had; `code` says why.
        """
        pk = voice_session.pk
        async with self._lock(pk):
            agent = self.find(pk)
            is_new = agent is None
            if agent is None:
                agent = await self._start(pk, Transport.BROWSER_AUDIO, takes_over=True)
            if agent.relay is None or agent.voice is None or agent.voice.audio is None:
                raise VoiceUnavailableError(
                    "voice_in_room", "This conversation is held in a room. Join it there."
                )
            agent.relay.attach(send)
            if is_new:
                agent.voice.audio.set_connected(True)
            else:
                agent.is_returning = True
                asyncio.get_running_loop().call_later(RESUME_SECONDS, agent.go_on)
            return agent

    def detach(self, agent: RunningAgent, send: SendFrame) -> None:
        """Take a socket off; the agent waits a while for the person to come back."""
        if agent.relay is None or not agent.relay.detach(send):
            return
        agent.is_returning = False
        if agent.voice is not None and agent.voice.audio is not None:
            agent.voice.audio.set_connected(False)

    # --- life of an agent -----------------------------------------------------------------------

    def _lock(self, pk: int) -> asyncio.Lock:
        lock = self._locks.get(pk)
        if lock is None:
            lock = self._locks[pk] = asyncio.Lock()
        return lock

    async def _start(self, pk: int, transport: Transport, *, takes_over: bool) -> RunningAgent:
        previous = self._agents.get(pk)
        if previous is not None:
            await asyncio.wait_for(previous.ended.wait(), STOP_SECONDS)
        row = await in_thread(selectors.read_session)(pk)
        if row.transport != transport:
            raise VoiceUnavailableError(
                "voice_not_on", "Voice is not on here. Switch it on, then speak."
            )
        if not settings.VOICE_IN_PROCESS and not self._runs_rooms:
            raise VoiceUnavailableError(
                "voice_not_loaded", "This server process carries no voice. Type instead."
            )
        await in_thread(_refuse_crowd)(row)
        fence = await in_thread(voices.claim_agent)(
            voice_session=row, owner=self._owner, takes_over=takes_over
        )
        if fence is None:
            raise VoiceUnavailableError(
                "voice_running", "This conversation is over, or its agent runs elsewhere."
            )
        try:
            return await self._launch(row, fence, transport)
        except BaseException:
            self._agents.pop(pk, None)
            await in_thread(voices.release_agent)(voice_session_pk=pk, fence=fence)
            raise

    async def _launch(self, row: VoiceSession, fence: int, transport: Transport) -> RunningAgent:
        host = SpokenConversation(row)
        is_browser = transport == Transport.BROWSER_AUDIO
        agent = RunningAgent(row, fence, transport, host, AudioRelay() if is_browser else None)
        agent.sink = TranscriptSink(
            row,
            fence=fence,
            host=host,
            relay=agent.relay,
            on_ended=lambda event: self._note_end(agent, event),
        )
        self._agents[row.pk] = agent
        ticket = VoiceTicket(
            session_id=row.public_id,
            company_key=row.company.public_id if row.company else "",
            transport=_KINDS[transport],
            engine=choose_engine(row.language),
            room_name=row.room_name,
            recording=WavRecording(row, fence=fence)
            if is_browser and settings.VOICE_RECORDING
            else None,
        )
        briefing = await in_thread(_brief)(row)
        try:
            agent.voice = await self._find_manager().start(ticket, briefing, agent.sink, host)
        except BaseException:
            await agent.sink.close()
            raise
        self._look_after()
        return agent

    def _find_manager(self) -> Any:
        if self._manager is None:
            # What speaks was loaded at start-up (`process`), or this raises.
            self._manager = get_manager()
        return self._manager

    def _note_end(self, agent: RunningAgent, event: VoiceEnded) -> None:
        finishing = asyncio.create_task(self._finish(agent, event))
        self._finishing.add(finishing)
        finishing.add_done_callback(self._finishing.discard)

    async def _finish(self, agent: RunningAgent, event: VoiceEnded) -> None:
        """Write down that an agent is gone, whatever made it go."""
        try:
            await in_thread(_settle_end)(agent, event)
        except Exception:
            # The lease runs out by itself and sweeps end what is due; the words are stored.
            logger.exception("voice.settle_failed")
        finally:
            if self._agents.get(agent.voice_session.pk) is agent:
                del self._agents[agent.voice_session.pk]
            if agent.sink is not None:
                await agent.sink.close()
            agent.ended.set()

    async def stop_all(self) -> None:
        """End every agent and all that watches them; for the end of a process and for tests."""
        self._runs_rooms = False
        for task in (self._looking, self._listening):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        self._looking = self._listening = self._bell = None
        await asyncio.gather(*(self._stop(agent) for agent in list(self._agents.values())))
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=STOP_SECONDS)

    async def _stop(self, agent: RunningAgent) -> None:
        agent.is_stop_wanted = True
        await self._find_manager().stop(agent.voice_session.public_id)
        try:
            await asyncio.wait_for(agent.ended.wait(), STOP_SECONDS)
        except TimeoutError:
            logger.error("voice.end_not_settled")
            await self._finish(
                agent, VoiceEnded(VoiceEnd.FAILED, 0.0, usage=_NO_USAGE, detail="no end")
            )

    # --- the look at the rows -------------------------------------------------------------------

    def run_rooms(self) -> None:
        """Also start agents in rooms that wait for one, from now on."""
        self._runs_rooms = True
        if self._bell is None:
            self._bell = Bell()
            self._listening = asyncio.create_task(self._bell.listen(), name="voice.bell")
        self._look_after()

    def _look_after(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_regularly())

    async def _look_regularly(self) -> None:
        next_look = clock.monotonic() + limits.AGENT_LOOK_SECONDS
        while self._agents or self._runs_rooms:
            pause = next_look - clock.monotonic()
            has_rung = False
            if self._bell is None:
                await asyncio.sleep(max(0.0, pause))
            else:
                has_rung = await self._bell.wait(pause)
            try:
                if not has_rung:
                    next_look = clock.monotonic() + limits.AGENT_LOOK_SECONDS
                    await self._look()
                if self._runs_rooms:
                    await self._enter_rooms()
            except DatabaseError as error:
                logger.warning("voice.look_failed", extra={"error": type(error).__name__})
            except Exception:
                logger.exception("voice.look_failed")

    async def _look(self) -> None:
        running = {pk: agent for pk, agent in self._agents.items() if agent.voice is not None}
        standings = await in_thread(voices.renew_agents)(
            fences={pk: agent.fence for pk, agent in running.items()}
        )
        for pk, agent in running.items():
            standing = standings[pk]
            is_over = not standing.is_ours or standing.status == SessionStatus.ENDED
            if is_over or standing.is_stop_requested or standing.transport != agent.transport:
                if not agent.is_stop_wanted:
                    agent.is_stop_wanted = True
                    self._note_stop(agent, ends=standing.is_ours and standing.is_stop_requested)
            elif agent.voice is not None:
                is_paused = standing.status == SessionStatus.PAUSED
                if is_paused != agent.is_paused:
                    agent.is_paused = is_paused
                    agent.voice.set_paused(is_paused)

    def _note_stop(self, agent: RunningAgent, *, ends: bool) -> None:
        async def stop() -> None:
            await self._stop(agent)
            if ends:
                await in_thread(endings.end_session)(
                    voice_session=agent.voice_session, reason=EndReason.STOPPED
                )

        stopping = asyncio.create_task(stop())
        self._finishing.add(stopping)
        stopping.add_done_callback(self._finishing.discard)

    async def _enter_rooms(self) -> None:
        free = settings.VOICE_MAX_AGENTS - len(self._agents)
        if free <= 0:
            return
        waiting = await in_thread(voices.find_wanted_agents)(limit=min(free, 5))
        # Side by side: joining one room takes a while, and its neighbours wait for no reason.
        outcomes = await asyncio.gather(
            *(self._enter_room(row) for row in waiting), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _enter_room(self, row: VoiceSession) -> None:
        async with self._lock(row.pk):
            if row.pk in self._agents:
                return
            try:
                await self._start(row.pk, Transport.LIVEKIT, takes_over=False)
            except VoiceUnavailableError as error:
                await self._give_up_room(row, error)

    async def _give_up_room(self, row: VoiceSession, error: VoiceUnavailableError) -> None:
        if error.code in ("voice_running", "voice_busy"):
            return
        await in_thread(voices.give_up_voice)(
            voice_session_pk=row.pk, code=error.code, title=error.title
        )


def _refuse_crowd(row: VoiceSession) -> None:
    company_pk = row.company_id
    if company_pk is None:
        return
    if voices.count_company_agents(company_pk) >= settings.VOICE_MAX_AGENTS_PER_COMPANY:
        raise VoiceUnavailableError(
            "voice_busy", "All voices of this company are talking. Type, or try again soon."
        )


def _brief(row: VoiceSession) -> VoiceBriefing:
    is_plain = row.briefing is None
    has_model = is_plain and chat_agent.has_model()
    return VoiceBriefing(
        language=row.language,
        instructions=(row.system_prompt or settings.SYSTEM_PROMPT) if has_model else "",
        is_survey=not is_plain,
        reply_source=ReplySource.MODEL if has_model else ReplySource.HOST,
        max_seconds=row.seconds_left(clock.now()) + limits.TIME_LIMIT_GRACE.total_seconds(),
        history=to_history(selectors.list_segments(row)) if has_model else (),
    )


def _settle_end(agent: RunningAgent, event: VoiceEnded) -> None:
    row = agent.voice_session
    if agent.host.offsets:
        recordings.place_in_recording(
            voice_session_pk=row.pk, fence=agent.fence, offsets=agent.host.offsets
        )
    has_failed = event.reason is VoiceEnd.PROVIDER_FAILED
    # A provider that failed fails the next visit too, whoever asked the agent to stop meanwhile.
    if event.reason in _GIVES_UP_VOICE and (has_failed or not agent.is_stop_wanted):
        if event.reason in (VoiceEnd.CLOSED, VoiceEnd.LEFT):
            voices.dismiss_agent(voice_session_pk=row.pk, fence=agent.fence)
        elif event.reason is VoiceEnd.ROOM_LOST:
            voices.give_up_voice(
                voice_session_pk=row.pk,
                fence=agent.fence,
                code="room_unreachable",
                title="The voice room was lost. All is kept; type, or switch voice on again.",
            )
        else:
            voices.give_up_voice(
                voice_session_pk=row.pk,
                fence=agent.fence,
                code="speech_unavailable",
                title="Speech failed. What was said is kept; go on by typing.",
            )
    if event.reason is VoiceEnd.IDLE:
        conversations.pause_unattended(voice_session=row)
    voices.release_agent(voice_session_pk=row.pk, fence=agent.fence)
    if event.reason is VoiceEnd.TIME_LIMIT:
        endings.end_session(voice_session=row, reason=EndReason.TIME_LIMIT)
    logger.info(
        "voice.ended",
        extra={
            "session_id": row.public_id,
            "reason": str(event.reason),
            "seconds": round(event.seconds, 1),
            "detail": event.detail,
        },
    )


_runners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, VoiceRunner] = (
    weakref.WeakKeyDictionary()
)


def find_runner() -> VoiceRunner:
    """Return the runner of the running loop."""
    loop = asyncio.get_running_loop()
    runner = _runners.get(loop)
    if runner is None:
        runner = _runners[loop] = VoiceRunner()
    return runner


def use_runner(runner: VoiceRunner) -> None:
    """Let this runner be the one of the running loop (for tests)."""
    _runners[asyncio.get_running_loop()] = runner
