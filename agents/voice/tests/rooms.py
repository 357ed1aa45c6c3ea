"""A LiveKit server of one test's own that may die, and somebody with a microphone in its rooms."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from livekit import rtc

from agents.voice.tests import sounds
from scripts.services.livekit import VERSION, LiveKitService

ROOT = Path(__file__).resolve().parents[3]
HOME = Path(os.environ.get("TEST_SERVICES_HOME", "") or ROOT / "var" / "services")
RATE = 16_000
PIECE = RATE // 50

server_marks = [
    pytest.mark.slow,  # As long as livekit's client tries again.
    pytest.mark.enable_socket,
    pytest.mark.timeout(120),
    # The server outlives the object that started it, which is what Popen warns of.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.skipif(
        not (HOME / "bin" / f"livekit-server-{VERSION}").is_file(),
        reason="no LiveKit server: Go or its module proxy is missing",
    ),
]
"""Of every test that has such a server."""


class MortalServer(LiveKitService):
    """One that can crash: asked to stop, it would wait for everybody to leave."""

    def kill(self) -> None:
        pid = int((Path(self.require_state().folder) / "livekit.pid").read_text(encoding="ascii"))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextmanager
def mortal_server(folder: Path) -> Iterator[MortalServer]:
    """Run a server with the program that `make test-services` builds."""
    (folder / "bin").symlink_to(HOME / "bin")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    made = MortalServer(folder, {LiveKitService.port_variable: port})
    made.start()
    try:
        yield made
    finally:
        if made.is_running():
            made.kill()


class Person:
    """Somebody with a microphone that is on all the time."""

    def __init__(self) -> None:
        self._room = rtc.Room()
        self._speech: asyncio.Queue[bytes] = asyncio.Queue()
        self._speaking: asyncio.Task[None] | None = None

    async def join(self, url: str, token: str) -> None:
        """Enter, and wait until the agent listens."""
        await self._room.connect(url, token)
        source = rtc.AudioSource(RATE, 1)
        published = await self._room.local_participant.publish_track(
            rtc.LocalAudioTrack.create_audio_track("microphone", source),
            rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
        )
        self._speaking = asyncio.create_task(self._speak(source))
        await asyncio.wait_for(published.wait_for_subscription(), 30)

    def say(self, text: str) -> None:
        """Speak, as soon as what was said before is over."""
        self._speech.put_nowait(sounds.say(text))

    async def leave(self) -> None:
        """Go, with or without a server."""
        if self._speaking is not None:
            self._speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._speaking
        await self._room.disconnect()

    async def _speak(self, source: rtc.AudioSource) -> None:
        while True:
            sound = bytes(PIECE * 2) if self._speech.empty() else self._speech.get_nowait()
            for at in range(0, len(sound) - PIECE * 2 + 1, PIECE * 2):
                piece = sound[at : at + PIECE * 2]
                await source.capture_frame(rtc.AudioFrame(piece, RATE, 1, PIECE))
