"""What every service of development has in common: a folder, a port, a password, a life.

Owns the state that outlives one command, and nothing that belongs to one kind of server.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 50
COMMAND_SECONDS = 60


class ServiceError(Exception):
    """A service cannot be installed, started or stopped; the text says what to do."""


@dataclass(frozen=True)
class ServiceState:
    """What later commands must know about a service that was started once."""

    folder: str
    """Where its data lies. Outside DATA_DIR when the server's user cannot reach that."""
    port: int
    password: str


class Service(ABC):
    """One server program, started for this clone and bound to 127.0.0.1.

    A service only ever ends the server that answers to its own folder and password, so a server
    somebody else runs on the same machine is never touched.
    """

    name: ClassVar[str]
    is_optional: ClassVar[bool] = False
    """Whether the others start without it: then its tests say by name that they did not run."""
    port_variable: ClassVar[str]
    default_port: ClassVar[int]
    programs: ClassVar[tuple[str, ...]]
    debian_packages: ClassVar[tuple[str, ...]]
    debian_user: ClassVar[str]
    """The account root runs the server as."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        """Bind the service to a folder.

        Args:
            home: the folder of all services, usually `$DATA_DIR/services`.
            environ: where `port_variable` is looked up.
        """
        self._home = home
        self._environ = environ
        self._state_path = home / f"{self.name}.json"

    @abstractmethod
    def is_running(self) -> bool:
        """Tell whether the server this clone started answers."""

    @abstractmethod
    def variables(self) -> dict[str, str]:
        """Return the environment variables that point Parley at the server."""

    @abstractmethod
    def _launch(self, state: ServiceState) -> None:
        """Start the server and return once it answers."""

    @abstractmethod
    def _shut_down(self) -> None:
        """End the server and return once it is gone."""

    @property
    def state(self) -> ServiceState | None:
        """What was written at the first start, or None before it."""
        if not self._state_path.is_file():
            return None
        return ServiceState(**json.loads(self._state_path.read_text(encoding="utf-8")))

    def start(self) -> bool:
        """Start the server unless it runs.

        Returns:
            True when this call started it, False when it ran already.

        Raises:
            ServiceError: the port is taken, or the server does not come up.
        """
        if self.is_running():
            return False
        state = self._prepare_state()
        self._launch(state)
        return True

    def stop(self) -> bool:
        """End the server. Returns False when it did not run."""
        if not self.is_running():
            return False
        self._shut_down()
        return True

    def missing_programs(self) -> list[str]:
        """Return the programs that are on no path this service looks at."""
        return [program for program in self.programs if self.find_program(program) is None]

    def find_program(self, program: str) -> str | None:
        """Return the path of a program, or None."""
        return shutil.which(program)

    def require_program(self, program: str) -> str:
        """Return the path of a program that must be there.

        Raises:
            ServiceError: it is not installed.
        """
        path = self.find_program(program)
        if path is None:
            raise ServiceError(f"{self.name}: the program {program} is not installed.")
        return path

    def require_state(self) -> ServiceState:
        """Return the state of a service that was started at least once.

        Raises:
            ServiceError: it never was.
        """
        state = self.state
        if state is None:
            raise ServiceError(f"{self.name} was never started: run `make services` first.")
        return state

    def run(
        self, command: Sequence[str], cwd: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the server's user and return what it printed.

        The output goes through a file: a server left behind would keep a pipe open for ever.
        A secret travels in `variables`, which unlike arguments no other user can list.

        Raises:
            ServiceError: the program did not end within COMMAND_SECONDS.
        """
        with tempfile.TemporaryFile(mode="w+", encoding="utf-8") as output:
            try:
                finished = subprocess.run(
                    list(command),
                    cwd=cwd,
                    env={**os.environ, **(variables or {})},
                    user=self._server_user(),
                    group=self._server_user(),
                    extra_groups=None if self._server_user() is None else [],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=COMMAND_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise ServiceError(f"{self.name}: {command[0]} did not end in time.") from error
            output.seek(0)
            return subprocess.CompletedProcess(command, finished.returncode, output.read(), "")

    def _server_user(self) -> str | None:
        """Return the account to drop to: servers refuse root, or should not have it."""
        if os.geteuid() != 0:
            return None
        try:
            pwd.getpwnam(self.debian_user)
        except KeyError as error:
            raise ServiceError(
                f"{self.name}: root needs an account {self.debian_user!r} to run the server as; "
                f"the Debian packages make it ({', '.join(self.debian_packages)})."
            ) from error
        return self.debian_user

    def _prepare_state(self) -> ServiceState:
        former = self.state
        folder = self._prepare_folder(former)
        state = ServiceState(
            folder=str(folder),
            port=self._choose_port(former),
            password=former.password if former else secrets.token_hex(16),
        )
        draft = self._state_path.with_suffix(".new")
        with suppress(FileNotFoundError):
            draft.unlink()
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            json.dump(asdict(state), handle)
        draft.replace(self._state_path)
        return state

    def _prepare_folder(self, former: ServiceState | None) -> Path:
        self._home.mkdir(parents=True, exist_ok=True)
        if former and self._make_usable(Path(former.folder)):
            return Path(former.folder)
        folder = self._home / self.name
        if self._make_usable(folder):
            return folder
        # A clone below a folder that only root may enter: the server's user needs another place.
        elsewhere = Path(tempfile.mkdtemp(prefix=f"parley-{self.name}-"))
        if not self._make_usable(elsewhere):
            raise ServiceError(
                f"{self.name}: the user {self._server_user()} can use neither {folder} nor "
                f"{elsewhere}: set DATA_DIR to a folder it can reach."
            )
        return elsewhere

    def _make_usable(self, folder: Path) -> bool:
        """Create the folder for the server's user; False when that user cannot enter it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        user = self._server_user()
        if user is not None:
            shutil.chown(folder, user=user, group=user)
        probe = self.run(["test", "-w", str(folder), "-a", "-x", str(folder)], cwd=Path("/"))
        return probe.returncode == 0

    def _choose_port(self, former: ServiceState | None) -> int:
        wanted = self._environ.get(self.port_variable, "").strip()
        if wanted:
            if not wanted.isdecimal() or not 0 < int(wanted) < 65_536:
                raise ServiceError(f"{self.port_variable} must be a port from 1 to 65535.")
            if not is_port_free(int(wanted)):
                raise ServiceError(
                    f"{self.name}: port {wanted} of {LOOPBACK} is taken: set "
                    f"{self.port_variable} to a free one."
                )
            return int(wanted)
        first: int = former.port if former else self.default_port
        following = range(self.default_port, self.default_port + PORTS_TRIED)
        candidates: list[int] = [first, *following]
        for port in candidates:
            if is_port_free(port):
                return port
        raise ServiceError(
            f"{self.name}: no free port from {self.default_port} on: set {self.port_variable}."
        )


def is_port_free(port: int) -> bool:
    """Tell whether a server can listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too: a port whose last connections are only timing out counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
