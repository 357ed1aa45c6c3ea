"""A process of nothing but live agents in LiveKit rooms; any number of them, on any machines."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.voice import close_manager, preload
from sessions.livekit.tokens import is_configured
from sessions.voice.runner import VoiceRunner, use_runner


class Command(BaseCommand):
    help = (
        "Run live voice agents in LiveKit rooms. Each conversation that waits for its agent is "
        "taken by one worker, under a lease: should a worker die, another one goes on. Browser "
        "audio needs VOICE_IN_PROCESS in the web process instead."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_configured():
            raise CommandError(
                "No LiveKit server is configured: set LIVEKIT_URL, LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET. Without one, voice runs as browser audio in the web process."
            )
        if settings.DATABASE_IS_SQLITE:
            self.stderr.write(
                "SQLite is for one server process: run rooms in it with VOICE_IN_PROCESS=true, or "
                "use PostgreSQL."
            )
        preload()
        asyncio.run(self._run())

    async def _run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        runner = VoiceRunner()
        use_runner(runner)
        runner.run_rooms()
        self.stdout.write(
            f"voice worker: up to {settings.VOICE_MAX_AGENTS} agents for {settings.LIVEKIT_URL}"
        )
        await stop.wait()
        self.stdout.write("voice worker: leaving its rooms")
        await runner.stop_all()
        await close_manager()
