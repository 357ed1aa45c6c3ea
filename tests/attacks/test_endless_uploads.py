"""Fifty megabytes that never say how many they are, sent to a real server.

uvicorn, which serves production and the demo, hands a body over as it comes: it is refused early
and not kept. (daphne, behind `manage.py runserver` alone, reads to the end: docs/threat-model.md.)
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SENT_BYTES = 50 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
GROWTH_KIB = 30 * 1024
START_SECONDS = 60
UPLOAD = "/api/outcome"
JSON = "/survey/survey_none/session/start"
COMMAND = ("uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port")


class Server:
    """One server process with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.log = folder / "server.log"
        environment = {**os.environ, "DATA_DIR": str(folder)}
        environment["DATABASE_URL"] = f"sqlite:///{folder / 'none.sqlite3'}"
        environment.pop("REDIS_URL", None)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *COMMAND, str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
            )

    def wait(self) -> None:
        """Wait until it has answered, so that everything it needs is loaded."""
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as peer:
                    peer.sendall(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
                    if b" 200 " in peer.recv(64):
                        return
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < until, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def peak_kib(self) -> int:
        """Return the most memory the process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of a process is read from /proc")
    one = Server(tmp_path)
    try:
        one.wait()
        yield one
    finally:
        one.process.terminate()
        one.process.wait(timeout=20)


def send_endlessly(port: int, path: str, content_type: str, beginning: bytes) -> tuple[bytes, int]:
    """Send chunks until the server answers; return its answer and how much it let through."""
    chunk = b"%x\r\n%s\r\n" % (CHUNK_BYTES, b"a" * CHUNK_BYTES)
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
            "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        peer.sendall(head.encode() + b"%x\r\n%s\r\n" % (len(beginning), beginning))
        try:
            while sent < SENT_BYTES and not answer:
                peer.sendall(chunk)
                sent += CHUNK_BYTES
                peer.setblocking(False)
                with suppress(BlockingIOError):
                    answer = peer.recv(65536)
                peer.settimeout(20)
            peer.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has stopped listening; what it said may still be there.
        try:
            while more := peer.recv(65536):
                answer += more
        except ConnectionResetError:
            pass
    return answer, sent


@pytest.mark.parametrize(
    ("path", "content_type", "beginning"),
    [
        (
            UPLOAD,
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="proof"; filename="a.png"\r\n\r\n',
        ),
        (JSON, "application/json", b'{"publishable_key": "'),
    ],
    ids=["upload", "json"],
)
def test_a_body_without_a_length_is_cut_off(
    server: Server, path: str, content_type: str, beginning: bytes
) -> None:
    before = server.peak_kib()

    answer, sent = send_endlessly(server.port, path, content_type, beginning)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 "), answer[:300]
    assert json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])["status"] == 413
    assert server.peak_kib() - before < GROWTH_KIB
    assert sent < SENT_BYTES // 2
