"""An AgentManager that makes no sound: it does at a test's word what a real one does by itself."""

from __future__ import annotations

from agents.voice.types import (
    UsageMeasured,
    VoiceEnd,
    VoiceEnded,
    VoiceUnavailableError,
)

NO_USAGE = UsageMeasured(())


class QuietLink:
    """The browser's side of the sound, written down."""

    def __init__(self):
        self.heard = b""
        self.reports = []
        self.connected = []

    def push(self, pcm):
        self.heard += pcm

    def report_playback(self, report):
        self.reports.append(report)

    def set_connected(self, is_connected):
        self.connected.append(is_connected)


class QuietVoice:
    """A live agent that waits to be told what it hears."""

    def __init__(self, ticket, briefing, host, sink):
        self.session_id = ticket.session_id
        self.ticket = ticket
        self.briefing = briefing
        self.host = host
        self.sink = sink
        self.audio = QuietLink() if ticket.transport == "browser_audio" else None
        self.is_running = True
        self.done = []

    async def say_text(self, turn):
        self.done.append(("say_text", turn.text))
        if await self.host.take_turn(turn):
            self.done.append(("reply", await self.host.reply()))

    def interrupt(self):
        self.done.append(("interrupt",))

    def finish_turn(self):
        self.done.append(("finish_turn",))

    def set_muted(self, muted):
        self.done.append(("muted", muted))

    def set_paused(self, paused):
        self.done.append(("paused", paused))

    async def end(self, reason=VoiceEnd.STOPPED, usage=NO_USAGE):
        if self.is_running:
            self.is_running = False
            await self.sink.store(VoiceEnded(reason, 1.0, usage=usage))


class QuietManager:
    """Implements what the runner needs of an AgentManager."""

    def __init__(self):
        self.voices = {}
        self.refuses = None
        self.stops_as = VoiceEnd.STOPPED

    async def start(self, ticket, briefing, sink, host):
        if self.refuses is not None:
            raise VoiceUnavailableError(self.refuses, "Not now.")
        voice = QuietVoice(ticket, briefing, host, sink)
        self.voices[ticket.session_id] = voice
        return voice

    async def stop(self, session_id):
        await self.voices[session_id].end(self.stops_as)
