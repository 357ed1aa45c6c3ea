"""A LiveKit server for development and tests, built from its own source by Go.

Owns its settings file and how it is had: no Debian package brings it, so it is built once into
the services' folder. It is optional: without Go or the module proxy everything but rooms runs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from scripts.services.base import LOOPBACK, Service, ServiceError, ServiceState, is_port_free

VERSION = "v1.13.5"
MODULE = f"github.com/livekit/livekit-server/cmd/server@{VERSION}"
API_KEY = "parley"
BUILD_SECONDS = 900
READY_SECONDS = 20.0
STOP_SECONDS = 15.0
ANSWER_SECONDS = 2.0
PAUSE_SECONDS = 0.1
MEDIA_PORTS_TRIED = 40

# Everything stays on the loopback: without node_ip and the interface filter the server offers
# addresses a participant on the same machine may not reach, and asks Google's STUN servers.
SETTINGS = """\
port: {port}
bind_addresses: ["{host}"]
rtc:
  tcp_port: {tcp_port}
  udp_port: {udp_port}
  use_external_ip: false
  node_ip: {host}
  enable_loopback_candidate: true
  interfaces:
    includes: [lo]
  stun_servers: ["{host}:{port}"]
keys:
  {key}: {secret}
logging:
  level: warn
{webhook}"""

WEBHOOK = """\
webhook:
  api_key: {key}
  urls: [{urls}]
"""


class LiveKitService(Service):
    """One LiveKit server without Redis: a single node."""

    name: ClassVar[str] = "livekit"
    is_optional: ClassVar[bool] = True
    port_variable: ClassVar[str] = "SERVICES_LIVEKIT_PORT"
    default_port: ClassVar[int] = 63710
    programs: ClassVar[tuple[str, ...]] = ()
    debian_packages: ClassVar[tuple[str, ...]] = ()
    debian_user: ClassVar[str] = ""

    def is_running(self) -> bool:
        """Ask with our key, which no other server accepts."""
        state = self.state
        return state is not None and self._ask(state)

    def variables(self) -> dict[str, str]:
        """Return the address and the key, under names of the tests' own.

        The rest of the suite is about a server without rooms, which is the default.
        """
        state = self.require_state()
        return {
            "TEST_LIVEKIT_URL": f"ws://{LOOPBACK}:{state.port}",
            "TEST_LIVEKIT_API_KEY": API_KEY,
            "TEST_LIVEKIT_API_SECRET": state.password,
        }

    def _server_user(self) -> str | None:
        # It keeps no data and listens on the loopback alone, so it runs as whoever starts it.
        return None

    def _launch(self, state: ServiceState) -> None:
        binary = self._build()
        folder = Path(state.folder)
        tcp_port = _free_port_after(state.port, socket.SOCK_STREAM)
        udp_port = _free_port_after(tcp_port, socket.SOCK_DGRAM)
        # Where tests receive webhooks, if they do; separated by commas.
        urls = self._environ.get("SERVICES_LIVEKIT_WEBHOOKS", "").strip()
        settings = folder / "livekit.yaml"
        settings.unlink(missing_ok=True)
        os.close(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        settings.write_text(
            SETTINGS.format(
                host=LOOPBACK,
                port=state.port,
                tcp_port=tcp_port,
                udp_port=udp_port,
                key=API_KEY,
                secret=state.password,
                webhook=WEBHOOK.format(key=API_KEY, urls=urls) if urls else "",
            ),
            encoding="utf-8",
        )
        log = folder / "livekit.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [str(binary), "--config", str(settings)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (folder / "livekit.pid").write_text(str(server.pid), encoding="ascii")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            if self._ask(state):
                return
            time.sleep(PAUSE_SECONDS)
        if server.poll() is None:
            server.terminate()
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise ServiceError(f"livekit did not start:\n{tail}")

    def _shut_down(self) -> None:
        state = self.require_state()
        pid = int((Path(state.folder) / "livekit.pid").read_text(encoding="ascii"))
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            # Whoever started it in this process is also the one who must take its exit status.
            _reap(pid)
            if not self._ask(state) and is_port_free(state.port):
                return
            time.sleep(PAUSE_SECONDS)
        # It waits for everybody to leave its rooms, and somebody who has crashed never does.
        os.kill(pid, signal.SIGKILL)
        _reap(pid)

    def _build(self) -> Path:
        """Return the server program, building it once."""
        binary = self._home / "bin" / f"livekit-server-{VERSION}"
        if binary.is_file():
            return binary
        go = self._environ.get("GO", "").strip() or shutil.which("go") or _usual_go()
        if go is None:
            raise ServiceError("livekit: Go 1.26 or newer is not installed, which builds it.")
        into = self._home / "bin"
        into.mkdir(parents=True, exist_ok=True)
        try:
            built = subprocess.run(
                [go, "install", MODULE],
                env={**os.environ, "GOBIN": str(into)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError("livekit: building it took too long.") from error
        if built.returncode != 0:
            raise ServiceError(f"livekit: `go install {MODULE}` failed:\n{built.stdout[-2000:]}")
        (into / "server").replace(binary)
        return binary

    def _ask(self, state: ServiceState) -> bool:
        """Tell whether a server answers to our key."""
        from livekit import api

        grants = api.VideoGrants(room_list=True)
        token = (
            api.AccessToken(API_KEY, state.password)
            .with_identity("services")
            .with_ttl(timedelta(minutes=1))
            .with_grants(grants)
        )
        request = urllib.request.Request(  # http, to the loopback
            f"http://{LOOPBACK}:{state.port}/twirp/livekit.RoomService/ListRooms",
            data=json.dumps({}).encode(),
            headers={
                "Authorization": f"Bearer {token.to_jwt()}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  # as above
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            # Nothing listens, or something that does not take our key: either way it is not ours.
            return False


def _usual_go() -> str | None:
    """Return Go where its own installer puts it, which is on few people's PATH."""
    usual = Path("/usr/local/go/bin/go")
    return str(usual) if usual.is_file() else None


def _free_port_after(port: int, kind: int) -> int:
    for candidate in range(port + 1, port + 1 + MEDIA_PORTS_TRIED):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((LOOPBACK, candidate))
            except OSError:
                continue
            return candidate
    raise ServiceError(f"livekit: no free port for media after {port}.")


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # Started by an earlier command: whoever adopted it takes its status.
        return
