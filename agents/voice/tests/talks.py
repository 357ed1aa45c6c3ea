"""A conversation of a test, with speech that takes no time, and how to speak to it."""

from __future__ import annotations

import asyncio
import threading
import time

from agents.voice.options import VoiceOptions
from agents.voice.tests import sounds
from agents.voice.tests.stubs import StubEngine, StubHost, StubSink, ticket
from agents.voice.types import VoiceBriefing

OPTIONS = VoiceOptions(nudge_seconds=600, idle_seconds=3600)
"""As in production, but nudges never come by themselves."""


async def tasks_left(before):
    """Return the names of tasks that were not there, after a moment for the cancelled ones."""
    until = time.monotonic() + 1.0
    while True:
        names = [
            task.get_name()
            for task in asyncio.all_tasks()
            if id(task) not in before and task is not asyncio.current_task()
        ]
        if not names or time.monotonic() > until:
            return names
        await asyncio.sleep(0.01)


def threads_of_ours():
    """Return the names of threads beyond the main one, the loop's pool and the test runner's."""
    # Whatever tests of other parts have left in this process is theirs: the model client's pool,
    # the keeper of leases, PostgreSQL's pool and Redis's publisher live as long as a process.
    known = ("MainThread", "asyncio_", "ThreadPoolExecutor", "pytest", "execnet", "Thread-",
             "llm-client", "lease-keeper", "webhook-intake", "pool-", "live-publisher")  # fmt: skip
    return [
        t.name
        for t in threading.enumerate()
        if not t.name.startswith(known)
        # Threads of libraries that Python did not start have no end it could wait for.
        and not t.name.startswith("Dummy-")
    ]


class Talk:
    """One conversation of a test."""

    def __init__(self, manager, voice, host, sink):
        self.manager = manager
        self.voice = voice
        self.host = host
        self.sink = sink
        self.spoke_until = 0.0

    async def speak(self, text="I liked it a lot.", *, tail=0.6):
        """Say a sentence at real pace, then be quiet; the microphone goes on all the time."""
        await self.sound(sounds.say(text))
        self.spoke_until = time.monotonic()
        await self.sound(sounds.quiet(tail))

    async def sound(self, pcm):
        started = time.monotonic()
        step = 640
        for at in range(0, len(pcm), step):
            self.voice.audio.push(pcm[at : at + step])
            ahead = started + (at + step) / 32_000 - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)

    async def until(self, condition, seconds=5.0):
        """Wait until the condition holds; fail when it does not in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.01)

    async def until_quiet(self, lines, seconds=8.0):
        """Wait until so many lines of the agent are over."""
        await self.until(lambda: len(self.sink.spoken) >= lines, seconds)

    async def stop(self):
        return await self.manager.stop(self.voice.session_id)


class Scene:
    """A manager of its own for one test."""

    def __init__(self, detector, options=OPTIONS):
        from agents.voice.agent_manager import AgentManager

        self.detector = detector
        self.options = options
        self.engine = StubEngine()
        self.manager = AgentManager(options, detector)
        self.manager.use_engine(self.engine)

    async def start_talk(self, *, greeting="Hi.", briefing=None, host=None, sink=None, **changes):
        """Start a conversation."""
        host = host or StubHost(greeting=greeting)
        sink = sink or StubSink()
        voice = await self.manager.start(ticket(**changes), briefing or VoiceBriefing(), sink, host)
        return Talk(self.manager, voice, host, sink)
