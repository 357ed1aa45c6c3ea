"""Redis for development and tests. Owns its settings file, knows no key."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path
from typing import ClassVar

from scripts.services.base import LOOPBACK, Service, ServiceError, ServiceState

READY_SECONDS = 20.0
ANSWER_SECONDS = 2.0
PAUSE_SECONDS = 0.05

SETTINGS = """\
bind {host}
port {port}
protected-mode yes
requirepass {password}
dir "{folder}"
logfile "{folder}/redis.log"
pidfile "{folder}/redis.pid"
daemonize yes
# Rows in the database are the truth; nothing here needs to outlive the process.
save ""
appendonly no
"""


class RedisService(Service):
    """One Redis server without persistence."""

    name: ClassVar[str] = "redis"
    port_variable: ClassVar[str] = "SERVICES_REDIS_PORT"
    default_port: ClassVar[int] = 63799
    programs: ClassVar[tuple[str, ...]] = ("redis-server",)
    debian_packages: ClassVar[tuple[str, ...]] = ("redis-server",)
    debian_user: ClassVar[str] = "redis"

    def is_running(self) -> bool:
        """Ask with our password, which no other server accepts."""
        state = self.state
        return state is not None and self._ask(state, "PING") == "+PONG"

    def variables(self) -> dict[str, str]:
        """Return REDIS_URL."""
        state = self.require_state()
        return {"REDIS_URL": f"redis://:{state.password}@{LOOPBACK}:{state.port}/0"}

    def _launch(self, state: ServiceState) -> None:
        folder = Path(state.folder)
        settings = folder / "redis.conf"
        # The file holds the password: made private before anything is in it.
        settings.unlink(missing_ok=True)
        os.close(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        settings.write_text(
            SETTINGS.format(host=LOOPBACK, port=state.port, password=state.password, folder=folder),
            encoding="utf-8",
        )
        user = self._server_user()
        if user is not None:
            shutil.chown(settings, user=user, group=user)
        launched = self.run([self.require_program("redis-server"), str(settings)], cwd=folder)
        if launched.returncode == 0 and self._wait_until(state, running=True):
            return
        log = folder / "redis.log"
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
        raise ServiceError(f"redis did not start:\n{launched.stdout}{tail}")

    def _shut_down(self) -> None:
        state = self.require_state()
        self._ask(state, "SHUTDOWN NOSAVE")
        if not self._wait_until(state, running=False):
            raise ServiceError(f"redis on port {state.port} did not stop.")

    def _wait_until(self, state: ServiceState, *, running: bool) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if (self._ask(state, "PING") == "+PONG") is running:
                return True
            time.sleep(PAUSE_SECONDS)
        return False

    def _ask(self, state: ServiceState, command: str) -> str | None:
        """Send one inline command after AUTH; None when nothing of ours answers."""
        try:
            with socket.create_connection((LOOPBACK, state.port), timeout=ANSWER_SECONDS) as link:
                link.sendall(f"AUTH {state.password}\r\n{command}\r\n".encode("ascii"))
                lines = link.makefile("r", encoding="utf-8", newline="\r\n")
                if lines.readline().strip() != "+OK":
                    return None
                return lines.readline().strip()
        except (OSError, UnicodeDecodeError):
            # Nothing listens, or something that is not Redis: either way it is not ours.
            return None
