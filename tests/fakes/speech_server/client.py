"""Starts the speech server for a test and tells it what to do. Owns the process."""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 20.0


@cache
def shared_speech_server() -> SpeechServer:
    """Return the one server of this test process, new to whoever calls `forget` first."""
    server = SpeechServer()
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return server


class SpeechServer:
    """One server on a loopback port; a context manager."""

    def __init__(self, *, port: int = 0) -> None:
        if not port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def script(
        self,
        route: str,
        answer: object = None,
        *,
        status: int = 200,
        seconds: float = 0.0,
        garbage: bool = False,
        silent: bool = False,
        hum: float = 0.0,
        api_key: str = "",
        times: int = 1,
    ) -> None:
        """Add steps to a route: chat, transcriptions or speech.

        Args:
            answer: what it answers word for word, instead of what the engine finds.
            status: an error status instead.
            seconds: wait so long first.
            garbage: status 200 with bytes that mean nothing.
            silent: speech without a sound.
            hum: speech that is so many seconds of a tone, which takes no time to make.
            api_key: only for whoever asks with this key, so that several may ask at once.
        """
        step = {"route": route, "status": status, "seconds": seconds, "times": times, "hum": hum}
        if answer is not None:
            step["answer"] = answer
        if api_key:
            step["api_key"] = api_key
        self._call("POST", "/script", {**step, "garbage": garbage, "silent": silent})

    def forget(self) -> None:
        """Drop what is scripted and what was asked: the next test begins anew."""
        self._call("DELETE", "/script")

    def requests(self, route: str) -> list[dict[str, Any]]:
        """Return what was asked of a route so far."""
        found: list[dict[str, Any]] = self._call("GET", f"/requests?route={route}")
        return found

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.fakes.speech_server", "--port", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self._call("GET", "/v1/models")
                return self
            except urllib.error.URLError:
                assert self._process.poll() is None, "the speech server ended at once"
                assert time.monotonic() < until, "the speech server did not start in time"
                time.sleep(0.1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())
