"""An endpoint of Ana's company, and real servers on loopback to send to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from accounts.models import Company
from webhooks.services.endpoints import CreatedEndpoint, create_endpoint
from webhooks.services.publishing import publish_event

EVENTS = ["session.completed", "payout.changed"]
URL = "https://hooks.acme.test/parley"


def make_endpoint(company: Company, *, url: str = URL, **fields: Any) -> CreatedEndpoint:
    return create_endpoint(
        company=company, url=url, event_types=fields.pop("event_types", EVENTS), **fields
    )


def publish(company: Company, number: int = 1) -> Any:
    """Publish one event of a real type."""
    return publish_event(
        company=company,
        event_type="session.completed",
        subject=f"session_{number}",
        build_data=lambda: {"n": number, "words": 'ñandú "quoted"'},
    )


@dataclass
class Receiver:
    """What a company's server saw."""

    url: str
    port: int
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


Answer = Callable[[BaseHTTPRequestHandler, int], None]


def answer_ok(handler: BaseHTTPRequestHandler, number: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"ok")


@contextmanager
def receiving(answer: Answer = answer_ok, *, tls: Any = None) -> Iterator[Receiver]:
    """Run a server on 127.0.0.1 that remembers what it is sent."""
    seen: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            seen.append(
                (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            try:
                answer(self, len(seen))
            except OSError:
                # The sender has hung up, as some of the tests want it to.
                self.close_connection = True

        def log_message(self, *args: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Receiver(url=f"{scheme}://localhost:{port}/hook?a=1", port=port, requests=seen)
    finally:
        server.shutdown()
        server.server_close()
