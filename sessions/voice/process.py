"""What makes a server process one that runs live agents. Knows ASGI's call, nothing inside it."""

from __future__ import annotations

from typing import Any

from sessions.livekit.tokens import is_configured
from sessions.voice.runner import find_runner


class RunsRooms:
    """Starts agents in the rooms that wait for one, from the first request on.

    The loop on which agents live exists only once the server calls the application; not every
    server tells of its start (Daphne does not).
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._is_running = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if not self._is_running and scope["type"] != "lifespan":
            self._is_running = True
            find_runner().run_rooms()
        await self._application(scope, receive, send)


def prepare_voice_process(application: Any) -> Any:
    """Load what speaks and listens, on the main thread, and return the application to serve.

    Plugins register on the main thread only, and loading takes seconds: both want it done before
    the port opens.
    """
    from agents.voice import preload

    preload()
    return RunsRooms(application) if is_configured() else application
