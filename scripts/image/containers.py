"""Starts the processes of compose.yaml from a rehearsed image and holds them to their checks."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from scripts.image.recipe import Stage

HOST = "parley.rehearsal.example"
HEALTHY_WITHIN_SECONDS = 120
DEFAULT_GRACE_SECONDS = 10
# Docker's default seconds before SIGKILL; compose.yaml says where a process needs more.


class Rehearsed(Protocol):
    """The image as the folder it was built in."""

    variables: dict[str, str]

    def here(self, text: str) -> str:
        """Return text with the image's paths turned into those of this machine."""

    def folder(self) -> Path:
        """Return the working directory."""


@dataclass(frozen=True)
class Compose:
    """What compose.yaml says of the processes made from this image."""

    services: dict[str, dict[str, Any]]
    settings: dict[str, str]
    """What stands in for the `.env` that compose.yaml asks for."""
    addresses: dict[str, str]
    """Where the other images' servers really are; inside compose they have names instead."""

    @classmethod
    def read(cls, path: Path, environ: Mapping[str, str]) -> Compose:
        """Return the services, with `.env` and addresses for the servers in the environment."""
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        services = {
            name: service
            for name, service in document["services"].items()
            if service.get("image") == "parley:latest"
        }
        settings = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "ALLOWED_HOSTS": HOST,
            "SITE_URL": f"https://{HOST}",
            "TRUSTED_PROXY_COUNT": "1",
            "POSTGRES_PASSWORD": "in the address",
            "REDIS_PASSWORD": "in the address",
            "AWS_STORAGE_BUCKET_NAME": environ["TEST_S3_BUCKET"],
            "AWS_ACCESS_KEY_ID": environ["TEST_S3_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": environ["TEST_S3_SECRET_KEY"],
            "LIVEKIT_URL": environ["TEST_LIVEKIT_URL"],
            "LIVEKIT_API_KEY": environ["TEST_LIVEKIT_API_KEY"],
            "LIVEKIT_API_SECRET": environ["TEST_LIVEKIT_API_SECRET"],
        }
        addresses = {
            "DATABASE_URL": environ["DATABASE_URL"],
            "REDIS_URL": environ["REDIS_URL"],
            "AWS_S3_ENDPOINT_URL": environ["TEST_S3_ENDPOINT_URL"],
            "AWS_S3_REGION_NAME": environ["TEST_S3_REGION"],
        }
        return cls(services, settings, addresses)

    def environment(self, name: str) -> dict[str, str]:
        """Return what compose hands to a service: `.env`, then its `environment`.

        Raises:
            KeyError: `${NAME:?…}` is in no `.env`, which is where compose would stop.
        """
        given = {
            key: _substitute(str(value), self.settings)
            for key, value in self.services[name].get("environment", {}).items()
        }
        replaced = {key: value for key, value in self.addresses.items() if key in given}
        return {**self.settings, **given, **replaced}


def _substitute(text: str, settings: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, operator, default = match.groups()
        return settings.get(name, default) if operator == ":-" else settings[name]

    return re.sub(r"\$\{([A-Z0-9_]+)(:[-?])?([^}]*)\}", value, text)


class Containers:
    """The processes of compose.yaml, each from its command to its last signal."""

    def __init__(self, image: Rehearsed, stage: Stage, compose: Compose, logs: Path) -> None:
        self._image = image
        self._stage = stage
        self._compose = compose
        self._logs = logs
        self._port = _free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def rehearse(self) -> int:
        """Migrate, start all, wait for their checks, visit, stop. Returns the exit status."""
        self._logs.mkdir()
        once = [name for name, one in self._compose.services.items() if one.get("restart") == "no"]
        try:
            for name in once:
                self._report(name, self._run(name, self._command(name)) == 0, "ran to its end")
            for name in self._compose.services.keys() - set(once):
                self._start(name)
            healthy = [self._wait_until_healthy(name) for name in self._running]
            if not all(healthy):
                return 1
            self._report("doctor", self._run("web", ["python", "manage.py", "doctor"]) == 0, "")
            self._visit()
        finally:
            stopped = self._stop_all()
        return 0 if stopped else 1

    def _command(self, name: str) -> list[str]:
        words: list[str] = self._compose.services[name].get("command", [])
        return words or self._stage.last("CMD").words()

    def _health_check(self, name: str) -> list[str]:
        check = self._compose.services[name].get("healthcheck", {}).get("test")
        return check[1:] if check else self._stage.last("HEALTHCHECK").words()

    def _variables(self, name: str) -> dict[str, str]:
        given = self._compose.environment(name)
        here = {key: self._image.here(value) for key, value in given.items()}
        # Only this machine may reach what is rehearsed; a container has a network of its own.
        return {**self._image.variables, **here, "WEB_HOST": "127.0.0.1", "PORT": str(self._port)}

    def _run(self, name: str, words: list[str]) -> int:
        return subprocess.run(
            self._found(words),
            cwd=self._image.folder(),
            env=self._variables(name),
            check=False,
        ).returncode

    def _start(self, name: str) -> None:
        words = self._command(name)
        print(f"== {name}: {' '.join(words)}", flush=True)
        with (self._logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                self._found(words),
                cwd=self._image.folder(),
                env=self._variables(name),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _found(self, words: list[str]) -> list[str]:
        """Return the words with the program looked up in the image's PATH, not in this one's."""
        if "/" in words[0]:
            return [str(self._image.folder() / words[0]), *words[1:]]
        return ["/usr/bin/env", *words]

    def _wait_until_healthy(self, name: str) -> bool:
        begun = time.monotonic()
        check = self._health_check(name)
        while time.monotonic() - begun < HEALTHY_WITHIN_SECONDS:
            if self._running[name].poll() is not None:
                break
            asked = subprocess.run(
                self._found(check),
                cwd=self._image.folder(),
                env=self._variables(name),
                capture_output=True,
                check=False,
            )
            if asked.returncode == 0:
                print(f"   healthy: {name} after {time.monotonic() - begun:.0f} s", flush=True)
                return True
            time.sleep(1)
        print(f"   NOT HEALTHY: {name}\n{(self._logs / f'{name}.log').read_text()[-3000:]}")
        return False

    def _visit(self) -> None:
        """Ask for a page and a file it names, as the proxy before the web process would."""
        status, page = self._get("/")
        styles = re.findall(r'href="(/static/[^"]+\.css)"', page)
        self._report("home page", status == 200 and bool(styles), f"{status}")
        for path in styles:
            self._report(path, self._get(path)[0] == 200, "")
        status, _ = self._get("/static/vendor/livekit-client/livekit-client.umd.js")
        self._report("livekit-client", status == 200, f"{status}")

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"Host": HOST, "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")

    def _stop_all(self) -> bool:
        """End all at once with SIGTERM; tell whether each ended by itself in its time."""
        begun = time.monotonic()
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        ended_well = True
        for name, process in self._running.items():
            grace = self._compose.services[name].get("stop_grace_period", DEFAULT_GRACE_SECONDS)
            seconds = float(str(grace).removesuffix("s"))
            try:
                status = process.wait(max(0.1, seconds - (time.monotonic() - begun)))
                print(f"   stopped: {name}, status {status}")
                ended_well &= status in (0, -signal.SIGTERM)
            except subprocess.TimeoutExpired:
                print(f"   NOT STOPPED within {seconds:g} s: {name}")
                ended_well = False
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return ended_well

    def _report(self, what: str, is_well: bool, detail: str) -> None:
        print(f"   {'ok' if is_well else 'FAILED'}: {what} {detail}".rstrip(), flush=True)
        if not is_well:
            raise SystemExit(f"rehearsal: {what} failed")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
