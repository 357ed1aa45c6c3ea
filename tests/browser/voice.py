"""What voice needs in browser tests: a server that speaks, and a Chromium that is spoken to."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM_ARGUMENTS, ParleyServer, free_port
from tests.fakes.speech_server import voices

RATE = 48_000


class VoiceServer(ParleyServer):
    """A server with live agents in its process and the offline engine."""

    extra: dict[str, str] = {}

    @property
    def environment(self):
        return (
            super().environment
            | {"VOICE_IN_PROCESS": "true", "VOICE_ENGINE": "local", "CHAT_PUBLIC": "true"}
            | self.extra
        )


@contextmanager
def serve_voice(**extra: str):
    """Run a server that speaks."""
    if not voices.has_clear_voice():
        pytest.skip("flite is not installed: the recogniser understands no other voice here")
    folder = Path(tempfile.mkdtemp(prefix="parley-voice-"))
    server = VoiceServer(folder=folder, port=free_port())
    server.extra = extra
    try:
        server.seed()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class BreakableLine:
    """A TCP proxy in front of a server, whose line can be cut as a lost network cuts it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lines: list[socket.socket] = []
        self._broken_until = 0.0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Drop every connection, and new ones for so long."""
        self._broken_until = time.monotonic() + seconds
        lines, self._lines = self._lines, []
        for line in lines:
            # A reset, as from a network that went away: no close frame, no last bytes.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def close(self) -> None:
        self._server.close()
        self.cut(0)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if time.monotonic() < self._broken_until:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._lines += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                target.sendall(piece)
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def script(*parts: str | float | np.ndarray) -> np.ndarray:
    """Return the sound of a microphone: texts are spoken, numbers are seconds of quiet."""
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(voices.speak(part, sample_rate=RATE))
        elif isinstance(part, (int, float)):
            pieces.append(voices.silence(part, sample_rate=RATE))
        else:
            pieces.append(part)
    return np.concatenate(pieces)


@contextmanager
def speaking_browser(tmp_path: Path, sound: np.ndarray, *, allows: bool = True):
    """Run a Chromium whose microphone hears this sound once, from when it is opened."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "Chromium is missing: run 'make test-browser', which installs it"
    path = tmp_path / "microphone.wav"
    path.write_bytes(voices.write_wav(sound, RATE))
    arguments = [
        *CHROMIUM_ARGUMENTS,
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}%noloop",
        "--autoplay-policy=no-user-gesture-required",
        "--use-fake-ui-for-media-stream" if allows else "--deny-permission-prompts",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        context = browser.new_context(locale="en-US", viewport={"width": 1100, "height": 850})
        context.set_default_timeout(20_000)
        try:
            yield context
        finally:
            browser.close()
