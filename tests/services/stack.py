"""The product as its users run it: web servers and job workers in processes of their own.

Owns their environment, start, end and sudden death, and a PostgreSQL database made for them and
dropped after. Uses the standard library and psycopg only, so that whoever starts a stack need not
have loaded the product. `tests.services.rows` looks into the database.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
APP_SECRET = "an-app-secret-only-for-this-stack-0123456789"
START_SECONDS = 60.0
STOP_SECONDS = 25.0


def free_port() -> int:
    """Return a port nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """Make a database on the server of this address; yield its address; drop it."""
    name = f"parley_stack_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server_url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Stack:
    """Web servers and workers on one database.

    Args:
        database_url: an empty PostgreSQL database.
        redis_url: whose channels nobody else uses.
        variables: more of the environment, such as a bucket.
    """

    def __init__(
        self, *, database_url: str, redis_url: str, variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="parley-stack-"))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "PARLEY_ENV_FILE": "",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "false",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "SECURE_SSL_REDIRECT": "false",
            "DATA_DIR": str(self.folder),
            "STATIC_ROOT": str(self.folder / "static"),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "WHATSAPP_APP_SECRET": APP_SECRET,
            "METRICS_TOKEN": "for-this-stack",
            "LOG_LEVEL": "warning",
            # One machine plays a crowd.
            "SURVEY_STARTS_PER_IP_HOUR": "1000000",
            "SURVEY_STARTS_PER_SURVEY_MINUTE": "1000000",
            "SURVEY_TURNS_PER_MINUTE": "1000000",
            "DAILY_PAY_CAP_MINOR": "1000000000",
            **(variables or {}),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, *, people: int = 50) -> dict[str, Any]:
        """Migrate, collect static files, make a company with a survey and a shop; describe it."""
        self.manage("migrate", "--noinput", "--verbosity", "0")
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        return self.ask_rows("prepare", str(people))

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed.

        Raises:
            RuntimeError: it failed.
        """
        return self._run("manage.py", *arguments)

    def ask_rows(self, *arguments: str) -> dict[str, Any]:
        """Run `tests.services.rows` in this stack's environment."""
        answer: dict[str, Any] = json.loads(self._run("-m", "tests.services.rows", *arguments))
        return answer

    def start_web(self, name: str = "web", *, port: int = 0, workers: int = 1) -> str:
        """Start a web server, wait until it takes traffic, and return its address."""
        self.ports[name] = port or self.ports.get(name) or free_port()
        self.start(
            name,
            ["scripts/serve_web.sh"],
            {"PORT": str(self.ports[name]), "WEB_CONCURRENCY": str(workers)},
        )
        url = f"http://127.0.0.1:{self.ports[name]}"
        self.wait_until_ready(name)
        return url

    def wait_until_ready(self, name: str = "web") -> None:
        """Wait until a web server says that it can take traffic."""
        url = f"http://127.0.0.1:{self.ports[name]}/health/ready"
        ends_at = time.monotonic() + START_SECONDS
        while time.monotonic() < ends_at:
            if self.processes[name].poll() is not None:
                break
            with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"{name} does not take traffic:\n{self.log(name)[-3000:]}")

    def start_worker(self, name: str, *, lanes: str = "default,webhooks") -> None:
        """Start a job worker."""
        self.start(name, [sys.executable, "manage.py", "run_worker", "--lanes", lanes], {})

    def start_voice_worker(self, name: str) -> None:
        """Start a worker of live agents in rooms."""
        self.start(name, [sys.executable, "manage.py", "run_voice_worker"], {})

    def start(self, name: str, command: list[str], variables: Mapping[str, str]) -> None:
        """Start any process in this stack's environment; what it prints is its `log`."""
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a process and its children as a power cut would."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End everything as an operator would."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        ends_at = time.monotonic() + STOP_SECONDS
        for process in self.processes.values():
            try:
                process.wait(max(0.1, ends_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def log(self, name: str) -> str:
        """Return what a process has printed."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def family(self, name: str) -> list[int]:
        """Return the process ids of a process and its children (Linux)."""
        found = [self.processes[name].pid]
        for pid in found:
            path = Path(f"/proc/{pid}/task/{pid}/children")
            if path.is_file():
                found += [int(child) for child in path.read_text().split()]
        return found

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments} failed:\n{done.stdout}{done.stderr}")
        return done.stdout
