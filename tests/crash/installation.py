"""Parley as several processes with its services, each of which a test may kill, stop and start.

with Installation(folder, graph_url, database_url=..., turn_seconds=1) as parley:
    parley.start_server(); parley.start_worker()
    parley.post(body)
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from messaging.services.intake import sign_body

ROOT = Path(__file__).resolve().parents[2]
SECRET = "installation-secret"
START_SECONDS = 60


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


class OwnRedis:
    """A redis-server that belongs to one test."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program is not None, "redis-server is not installed (make services installs it)"
        self._program = program
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, on the same port as before."""
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [self._program, *arguments], cwd=self._folder, stdout=subprocess.DEVNULL
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


class Installation:
    """The processes of one installation."""

    def __init__(
        self,
        folder: Path,
        graph_url: str,
        *,
        database_url: str = "",
        redis_url: str = "",
        turn_seconds: float = 0,
        lease_seconds: float = 30,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = kept | {
            "PARLEY_ENV_FILE": "",
            # It is plain HTTP: a production server would lead to TLS.
            "DEBUG": "true",
            "PORT": str(self.port),
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "LOG_STREAM": "none",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "WHATSAPP_BACKEND": "cloud",
            "WHATSAPP_APP_SECRET": SECRET,
            "WHATSAPP_TOKEN": "a-token",
            "WHATSAPP_BASE_URL": f"{graph_url}/v26.0",
            "TURN_SECONDS": str(turn_seconds),
            "LEASE_SECONDS": str(lease_seconds),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._run("prepare", timeout=300)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait(10)

    def _run(self, what: str, *, timeout: float, **more: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "tests.crash.whatsapp_program", what],
            cwd=ROOT, env=self.environment | more, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-3000:]
        return ended.stdout

    def _start(self, what: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.whatsapp_program", what],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def start_server(self) -> subprocess.Popen[bytes]:
        """Start the web server; return once it answers."""
        process = self._start("serve")
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/health/live", timeout=2).close()
            except OSError:
                assert process.poll() is None, (self.folder / "serve.log").read_text()[-3000:]
                assert time.monotonic() < until, "the server did not start in time"
                time.sleep(0.1)
            else:
                return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker; it is at work a moment later."""
        return self._start("work")

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"

    def post(self, raw: bytes, *, signature: str | None = None, patience: float = 30) -> int:
        """Deliver a webhook as Meta does: again and again until the answer is 200 or a refusal."""
        until = time.monotonic() + patience
        while True:
            request = urllib.request.Request(
                f"{self.url}/webhooks/whatsapp",
                method="POST",
                data=raw,
                headers={
                    "X-Hub-Signature-256": signature or sign_body(raw, SECRET),
                    "Content-Type": "application/json",
                },
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code < 500 or time.monotonic() > until:
                        return error.code
            except OSError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def report(self, *, messages: int, wait_seconds: float) -> dict[str, dict[str, Any]]:
        """Wait until all is handled and sent; return what there is, by the person's phone."""
        printed = self._run(
            "report",
            timeout=wait_seconds + 60,
            MESSAGES=str(messages),
            WAIT_SECONDS=str(wait_seconds),
        )
        told: dict[str, dict[str, Any]] = json.loads(printed.strip().splitlines()[-1])
        return told
