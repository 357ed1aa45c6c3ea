"""WhatsApp's Graph API on a loopback port: what sending and media need of it, with its faults.

It keeps what matters of the real one: no idempotency key, so a repeated call is a repeated
message; ``accepted`` is answered before anything is delivered; a time-out may follow a message
that was taken. Faults are scripted and used up in order.

    with GraphServer() as graph:
        graph.faults.append(Fault("time_out_after"))
        ... WHATSAPP_BASE_URL=graph.url ...
        assert graph.texts == ["Hola"]
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Answer = tuple[int, dict[str, Any] | bytes, str]
JSON = "application/json"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next send.

    ``error``: an error of Graph with ``code`` under ``status``; nothing is sent.
    ``bare``: ``status`` without a body Graph would write; nothing is sent.
    ``time_out_after``: the message is taken, the answer comes too late.
    ``time_out_before``: nothing is taken, and no answer comes.
    ``reset_after``: the message is taken, then the connection is cut.
    ``garbage``: 200 with a page of HTML, although the message is taken.
    """

    kind: str
    code: int = 131000
    status: int = 400
    to: str = ""
    """Only for sends to this person, if set."""


@dataclass(frozen=True)
class Sent:
    """A message Graph has taken."""

    wamid: str
    number: str
    body: dict[str, Any]
    at: float
    """By the monotonic clock."""

    @property
    def to(self) -> str:
        """Whom it goes to: a phone or a user id."""
        return str(self.body.get("to") or self.body.get("recipient") or "")

    @property
    def opaque(self) -> str:
        """What statuses will repeat."""
        return str(self.body.get("biz_opaque_callback_data", ""))

    @property
    def told(self) -> dict[str, str]:
        """What ``/test/sent`` says of it, to processes that cannot see this object."""
        return {"wamid": self.wamid, "number": self.number, "to": self.to, "opaque": self.opaque}


@dataclass
class GraphServer:
    """Serve on 127.0.0.1 until the block ends.

    Args:
        token: the only bearer token that is accepted; empty accepts any.
        hang_seconds: how long a time-out lasts.
        delay_seconds: how long every answer takes.
    """

    token: str = ""
    hang_seconds: float = 1.0
    delay_seconds: float = 0.0
    faults: deque[Fault] = field(default_factory=deque)
    sent: list[Sent] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    """Read marks and typing indicators."""
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Media id to type and bytes, for downloads."""
    uploads: list[bytes] = field(default_factory=list)
    templates: list[dict[str, Any]] = field(default_factory=list)
    """Message templates that were submitted; the first has the id 9001."""
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = 0
        self.url = ""

    @property
    def texts(self) -> list[str]:
        """Bodies of the text messages that were taken, in order."""
        return [one.body.get("text", {}).get("body", "") for one in self.sent]

    def __enter__(self) -> Self:
        graph = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                graph._serve(self, "GET")

            def do_POST(self) -> None:
                graph._serve(self, "POST")

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.partition("?")[0]
        given = handler.headers.get("Authorization", "")
        with self._lock:
            self.requests.append((method, path))
            fault, (status, answer, mime_type) = self._answer(method, path, raw, given)
        kind = fault.kind if fault else ""
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if kind in ("time_out_after", "time_out_before"):
            time.sleep(self.hang_seconds)
        if kind in ("reset_after", "time_out_before"):
            handler.close_connection = True
            return
        payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", mime_type)
            handler.send_header("Content-Length", str(len(payload)))
            handler.end_headers()
            handler.wfile.write(payload)
        except (BrokenPipeError, ConnectionResetError):
            return  # the client has given up, which is what a time-out is

    def _answer(
        self, method: str, path: str, raw: bytes, given: str
    ) -> tuple[Fault | None, Answer]:
        if path == "/test/sent":
            return None, (200, {"sent": [one.told for one in self.sent]}, JSON)
        if self.token and given != f"Bearer {self.token}":
            return None, _error(190, 401)
        found = re.fullmatch(
            r"(/v[\d.]+)?/([^/]+)(?:/(messages|media|file|message_templates))?", path
        )
        if found is None:
            return None, _error(100, 404)
        version, subject, edge = found.groups()
        if method == "POST" and edge == "media":
            self.uploads.append(raw)
            return None, (200, {"id": f"upload-{len(self.uploads)}"}, JSON)
        if method == "GET" and subject in self.media:
            mime_type, content = self.media[subject]
            if edge == "file":
                return None, (200, content, mime_type)
            described = {
                "id": subject,
                "url": f"{self.url}{version or ''}/{subject}/file",
                "mime_type": mime_type,
                "file_size": len(content),
                "messaging_product": "whatsapp",
            }
            return None, (200, described, JSON)
        if method == "POST" and edge == "message_templates":
            self.templates.append(json.loads(raw))
            made = {"id": str(9000 + len(self.templates)), "status": "PENDING"}
            return None, (200, made, JSON)
        if method == "POST" and edge == "messages":
            return self._take(subject, json.loads(raw))
        return None, _error(100, 404)

    def _take(self, number: str, body: dict[str, Any]) -> tuple[Fault | None, Answer]:
        if body.get("status") == "read":
            self.marks.append(body)
            return None, (200, {"success": True}, JSON)
        to = str(body.get("to") or body.get("recipient") or "")
        fault = None
        if self.faults and self.faults[0].to in ("", to):
            fault = self.faults.popleft()
        if fault is not None and fault.kind == "error":
            return fault, _error(fault.code, fault.status)
        if fault is not None and fault.kind == "bare":
            return fault, (fault.status, b"upstream", "text/plain")
        if fault is not None and fault.kind == "time_out_before":
            return fault, (200, {}, JSON)
        if not to or not body.get("type"):
            return fault, _error(100, 400)
        self._numbers += 1
        wamid = f"wamid.TEST{self._numbers:06}"
        self.sent.append(Sent(wamid, number, body, time.monotonic()))
        if fault is not None and fault.kind == "garbage":
            return fault, (200, b"<html>bad gateway</html>", "text/html")
        taken = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": to}],
            "messages": [{"id": wamid, "message_status": "accepted"}],
        }
        return fault, (200, taken, JSON)


def _error(code: int, status: int) -> Answer:
    return (
        status,
        {"error": {"message": f"(#{code}) refused", "type": "OAuthException", "code": code}},
        JSON,
    )
