"""Live sockets on real servers in processes of their own: broken frames, slow clients, the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core.live import append_event, codes
from core.tests.live_rooms import COMMITS, STREAM

pytestmark = COMMITS
ROOT = Path(__file__).resolve().parents[2]
WAIT = 30.0


def database_url() -> str:
    """Return the address of the test database, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return (
        f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}"
        f"/{found['NAME']}"
    )


class Server:
    """A running server and its address."""

    def __init__(self, kind: str, log: Path, environment: dict[str, str]) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        target = "core.tests.live_server:application"
        command = {
            "uvicorn": [
                "-m",
                "uvicorn",
                target,
                "--timeout-graceful-shutdown",
                "3",
                "--fd",
                str(listening.fileno()),
            ],
            "daphne": ["-m", "daphne", "--fd", str(listening.fileno()), target],
        }[kind]
        self.log = log
        self._clients = ExitStack()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": database_url(), **environment},
                pass_fds=[listening.fileno()],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        listening.close()

    def open(self, token: str = "one", **options: Any) -> ClientConnection:
        """Connect; the listening socket was open before the server, so this waits for it."""
        client = connect(
            f"ws://127.0.0.1:{self.port}/ws/test/",
            subprotocols=["parley.v1", f"bearer.{token}"],
            open_timeout=WAIT,
            close_timeout=1,
            proxy=None,
            **options,
        )
        return self._clients.enter_context(client)

    def closes(self, connection: socket.socket) -> None:
        """Close the connection before the server is stopped: it waits for those it serves."""
        self._clients.callback(connection.close)

    def shows_traceback_of_ours(self) -> bool:
        """Tell whether the log holds one; uvicorn writes its own for text that is no UTF-8."""
        return "core/live" in self.log.read_text() or "core/tests" in self.log.read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._clients.close()


# Production and the demo run uvicorn; daphne serves development.
@pytest.fixture(params=["uvicorn", pytest.param("daphne", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    running = Server(request.param, tmp_path / "server.log", {})
    yield running
    running.stop()


def receive(client: ClientConnection) -> dict[str, Any]:
    return json.loads(client.recv(timeout=WAIT))


def end_of(client: ClientConnection) -> int | None:
    """Read until the connection ends; return the close code, None when it was just cut."""
    try:
        while True:
            client.recv(timeout=WAIT)
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else None


BROKEN: dict[str, tuple[Callable[[ClientConnection], None], set[int | None]]] = {
    "900 kB": (lambda client: client.send("x" * 900_000), {codes.TOO_LARGE}),
    # Daphne cuts the connection above 1 MiB before the application sees anything.
    "2 MB": (lambda client: client.send("x" * 2_000_000), {codes.TOO_LARGE, None}),
    "10 MB binary": (lambda client: client.send(b"x" * 10_000_000), {codes.TOO_LARGE, None}),
    "200,000 deep": (lambda client: client.send("[" * 200_000), {codes.TOO_LARGE}),
    "60,000 deep": (lambda client: client.send("[" * 60_000), {codes.MISUSE}),
    "invalid UTF-8": (
        lambda client: client.protocol.send_text(b'{"type": "\xff\xfe"}'),
        {1007, None},
    ),
    "binary": (lambda client: client.send(b"\x00\x01"), {codes.WRONG_KIND}),
    "not JSON": (lambda client: client.send("hello"), {codes.MISUSE}),
    "reserved bits": (
        lambda client: client.socket.sendall(b"\xf1\x82\x00\x00\x00\x00{}"),
        {1002, None},
    ),
}


def send_raw(client: ClientConnection, send: Callable[[ClientConnection], None]) -> None:
    """Send and flush; a server that cuts the line meanwhile is one of the answers."""
    with suppress(ConnectionClosed, OSError):
        send(client)
        with client.protocol_mutex:
            client.send_data()


def test_broken_frames_end_their_own_socket_and_nothing_else(server: Server) -> None:
    bystander = server.open("two")
    assert receive(bystander)["type"] == "snapshot"

    found = {}
    for name, (send, _codes) in BROKEN.items():
        client = server.open(compression=None)
        assert receive(client)["type"] == "snapshot"
        send_raw(client, send)
        found[name] = end_of(client)

    assert {name: code for name, code in found.items() if code not in BROKEN[name][1]} == {}
    bystander.send('{"type":"ping"}')
    assert receive(bystander)["type"] == "pong"
    bystander.close()
    assert not server.shows_traceback_of_ours()


def test_a_refused_handshake_is_403_and_says_nothing(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refused:
        server.open("wrong")

    assert refused.value.response.status_code == 403
    assert "wrong" not in server.log.read_text()


def test_events_of_another_process_arrive_by_looking(server: Server) -> None:
    """This process has no way to the server's memory; the rows are the truth."""
    client = server.open()
    assert receive(client)["seq"] == 0

    for number in (1, 2, 3):
        append_event(stream=STREAM, type="n", payload={"n": number})

    assert [receive(client)["seq"] for _ in range(3)] == [1, 2, 3]
    client.close()


def test_a_client_that_does_not_read_is_dropped_and_the_others_get_everything(
    tmp_path: Path,
) -> None:
    server = Server("uvicorn", tmp_path / "server.log", {})
    try:
        reader = server.open("one", max_queue=None, compression=None)
        assert receive(reader)["type"] == "snapshot"
        slow = socket.create_connection(("127.0.0.1", server.port))
        server.closes(slow)
        slow.sendall(
            b"GET /ws/test/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: parley.v1, bearer.slow\r\n\r\n"
        )
        assert slow.recv(12) == b"HTTP/1.1 101"
        time.sleep(0.3)

        rounds, events, size = 50, 20, 20_000
        for _ in range(rounds):
            # In rounds, so that a busy machine does not make the reader slow, too.
            reader.send(json.dumps({"type": "flood", "events": events, "size": size}))
            for _ in range(events):
                assert len(receive(reader)["text"]) == size
        reader.send('{"type":"ping"}')
        assert receive(reader)["type"] == "pong"

        # It gets what was under way and then the end, far from all of it: a close frame that
        # says why, or when it began to read too late even for that, just the end.
        slow.settimeout(WAIT)
        received, tail = 0, b""
        while codes.ALL[codes.TOO_SLOW].encode() not in tail and (chunk := slow.recv(65_536)):
            received += len(chunk)
            tail = (tail + chunk)[-200:]
        assert received < rounds * events * size * 0.8
        reader.close()
    finally:
        server.stop()
    assert not server.shows_traceback_of_ours()


def test_a_server_that_ends_lets_its_clients_go(tmp_path: Path) -> None:
    server = Server("uvicorn", tmp_path / "server.log", {})
    client = server.open()
    assert receive(client)["type"] == "snapshot"

    server.stop()

    assert end_of(client) == 1012
    assert not server.shows_traceback_of_ours()
