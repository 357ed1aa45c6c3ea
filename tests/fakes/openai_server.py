"""A chat completions server on the loopback that answers and fails as told.

Owns the protocol's small part Parley uses and a script of faults. For tests and local trials; it
is no language model: what it answers is what the test gave it.

Use::

    with FakeOpenAIServer() as server:
        server.script({"label": "late deliveries"})       # the object the model "answers"
        server.script(Fault.STATUS_429, retry_after=1)     # then a limit
        ...
        server.requests[0]["messages"]                     # what was sent
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Fault(StrEnum):
    """What can go wrong, one answer each."""

    SLOW = "slow"
    """Answers after `seconds`, correctly."""
    STATUS_400 = "status_400"
    STATUS_401 = "status_401"
    STATUS_429 = "status_429"
    """With Retry-After when `retry_after` is given."""
    STATUS_500 = "status_500"
    GARBAGE = "garbage"
    """Status 200, bytes that are no JSON."""
    NOT_JSON_CONTENT = "not_json_content"
    """A proper completion whose text is prose."""
    PARTIAL = "partial"
    """A completion cut short: finish_reason length, half an object."""
    HTML = "html"
    """Status 200 with a web page, as captive portals and proxies do."""
    HUGE = "huge"
    """Ten megabytes."""
    ENDLESS = "endless"
    """A body that trickles and never ends."""
    CLOSED = "closed"
    """The connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class _Step:
    answer: object = None
    fault: Fault | None = None
    seconds: float = 0.0
    retry_after: int | None = None


Responder = Callable[[dict[str, Any]], object]
"""Takes the request body, returns the object to answer."""


class FakeOpenAIServer:
    """One server on a free loopback port; a context manager.

    Scripted answers come in order. When the script is empty, `responder` decides, or the last
    answer is repeated, or an empty object is sent.
    """

    def __init__(self, *, port: int = 0, responder: Responder | None = None) -> None:
        """Bind to 127.0.0.1; nothing is served before the context is entered."""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.responder = responder
        self._steps: deque[_Step] = deque()
        self._last: object = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                fake._serve(self)

            def log_message(self, *args: object) -> None:
                """Stay silent: tests read `requests` instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def script(
        self,
        answer: object = None,
        *,
        seconds: float = 0.0,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Add a step: an object to answer, a string to answer word for word, or a `Fault`."""
        fault = answer if isinstance(answer, Fault) else None
        step = _Step(None if fault else answer, fault, seconds, retry_after)
        with self._lock:
            self._steps.extend([step] * times)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _next_step(self, body: dict[str, Any]) -> _Step:
        with self._lock:
            if self._steps:
                step = self._steps.popleft()
                if step.fault is None:
                    self._last = step.answer
                return step
        return _Step(self.responder(body) if self.responder else self._last)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("content-length", "0")))
        body = json.loads(raw)
        with self._lock:
            self.requests.append(body)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
        step = self._next_step(body)
        try:
            self._answer(handler, step)
        except (BrokenPipeError, ConnectionResetError):
            # The client gave up, which is what many of these faults are there to provoke.
            handler.close_connection = True

    def _answer(self, handler: BaseHTTPRequestHandler, step: _Step) -> None:
        if step.seconds:
            self._stopping.wait(step.seconds)
        fault = step.fault
        if fault is None or fault is Fault.SLOW:
            answer = self._last if fault else step.answer
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self._send(handler, 200, _completion(text))
        elif fault is Fault.CLOSED:
            handler.close_connection = True
            handler.connection.close()
        elif fault is Fault.ENDLESS:
            self._trickle(handler)
        else:
            status, payload, kind = _FAULTY[fault]
            self._send(handler, status, payload(), kind=kind, retry_after=step.retry_after)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        payload: bytes,
        *,
        kind: str = "application/json",
        retry_after: int | None = None,
    ) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(payload)))
        if retry_after is not None:
            handler.send_header("Retry-After", str(retry_after))
        handler.end_headers()
        handler.wfile.write(payload)

    def _trickle(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        started = time.monotonic()
        while not self._stopping.wait(0.05) and time.monotonic() - started < 60:
            handler.wfile.write(b"1\r\n \r\n")
            handler.wfile.flush()
        handler.close_connection = True


def _completion(text: str, *, finish_reason: str = "stop") -> bytes:
    return json.dumps(
        {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 0,
            "model": "fake",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish_reason,
                    "message": {"role": "assistant", "content": text},
                }
            ],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
    ).encode()


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "fake"}}).encode()


_FAULTY: dict[Fault, tuple[int, Callable[[], bytes], str]] = {
    Fault.STATUS_400: (400, lambda: _error("response_format is not supported"), "application/json"),
    Fault.STATUS_401: (401, lambda: _error("no such key"), "application/json"),
    Fault.STATUS_429: (429, lambda: _error("slow down"), "application/json"),
    Fault.STATUS_500: (500, lambda: _error("out of order"), "application/json"),
    Fault.GARBAGE: (200, lambda: b"\x00\xffnot json", "application/json"),
    Fault.NOT_JSON_CONTENT: (200, lambda: _completion("Sure! Here you are."), "application/json"),
    Fault.PARTIAL: (
        200,
        lambda: _completion('{"label": "hal', finish_reason="length"),
        "application/json",
    ),
    Fault.HTML: (200, lambda: b"<!doctype html><title>Welcome</title>", "text/html"),
    Fault.HUGE: (200, lambda: _completion("x" * 10_000_000), "application/json"),
}
