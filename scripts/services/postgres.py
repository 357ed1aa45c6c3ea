"""PostgreSQL for development and tests. Owns its data folder and settings, knows no table."""

from __future__ import annotations

import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import ClassVar

from scripts.services.base import LOOPBACK, Service, ServiceError, ServiceState

ROLE = "parley"
DATABASE = "parley"

# Debian keeps the server programs of each version off the path.
DEBIAN_FOLDERS = Path("/usr/lib/postgresql")

SETTINGS = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 128MB
timezone = 'UTC'
# Everything here can be made again, so nothing waits for the disk. A killed server process loses
# nothing by this; a power cut may.
fsync = off
synchronous_commit = off
full_page_writes = off
"""


class PostgresService(Service):
    """One PostgreSQL cluster with one superuser and one database, both named parley."""

    name: ClassVar[str] = "postgres"
    port_variable: ClassVar[str] = "SERVICES_PG_PORT"
    default_port: ClassVar[int] = 54329
    programs: ClassVar[tuple[str, ...]] = ("initdb", "pg_ctl", "postgres", "psql")
    debian_packages: ClassVar[tuple[str, ...]] = ("postgresql",)
    debian_user: ClassVar[str] = "postgres"

    def find_program(self, program: str) -> str | None:
        """Return the newest version's program below Debian's folders, else the one on PATH."""
        versions = [path for path in DEBIAN_FOLDERS.glob("*/bin") if path.parent.name.isdecimal()]
        for folder in sorted(versions, key=lambda path: int(path.parent.name), reverse=True):
            found = shutil.which(program, path=str(folder))
            if found:
                return found
        return shutil.which(program)

    def is_running(self) -> bool:
        """Ask pg_ctl, which reads the process id in the data folder."""
        state = self.state
        if state is None or self.find_program("pg_ctl") is None:
            return False
        cluster = self._cluster(state)
        if not self._is_initialised(cluster):
            return False
        return self._control(state, "status").returncode == 0

    def variables(self) -> dict[str, str]:
        """Return DATABASE_URL."""
        state = self.require_state()
        address = f"{ROLE}:{state.password}@{LOOPBACK}:{state.port}"
        return {"DATABASE_URL": f"postgres://{address}/{DATABASE}"}

    def _launch(self, state: ServiceState) -> None:
        cluster = self._cluster(state)
        is_new = not self._is_initialised(cluster)
        if is_new:
            self._initialise(state, cluster)
        settings = SETTINGS.format(host=LOOPBACK, port=state.port)
        (cluster / "postgresql.conf").write_text(settings, encoding="utf-8")
        log = Path(state.folder) / "postgres.log"
        started = self._control(state, "start", "-w", "-t", "40", "-l", str(log))
        if started.returncode != 0:
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""
            raise ServiceError(f"postgres did not start:\n{started.stdout}{tail}")
        if not self._has_database(state):
            self._query(state, "postgres", f"CREATE DATABASE {DATABASE}")

    def _shut_down(self) -> None:
        # "fast" rolls open transactions back and ends their connections.
        stopped = self._control(self.require_state(), "stop", "-w", "-t", "40", "-m", "fast")
        if stopped.returncode != 0:
            raise ServiceError(f"postgres did not stop:\n{stopped.stdout}")

    def _initialise(self, state: ServiceState, cluster: Path) -> None:
        # initdb takes the password from a file only; it lies in a folder nobody else may enter.
        password_file = Path(state.folder) / "password"
        password_file.write_text(state.password, encoding="ascii")
        user = self._server_user()
        if user is not None:
            shutil.chown(password_file, user=user, group=user)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        made = self.run(
            [
                self.require_program("initdb"),
                f"--pgdata={cluster}",
                f"--username={ROLE}",
                f"--pwfile={password_file}",
                *options,
            ],
            cwd=Path(state.folder),
        )
        password_file.unlink()
        if made.returncode != 0:
            raise ServiceError(f"postgres: initdb failed:\n{made.stdout}")

    def _has_database(self, state: ServiceState) -> bool:
        names = self._query(state, "postgres", "SELECT datname FROM pg_database")
        return DATABASE in names.split()

    def _query(self, state: ServiceState, database: str, statement: str) -> str:
        command = [
            self.require_program("psql"),
            *("-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            *("-h", LOOPBACK, "-p", str(state.port), "-U", ROLE, "-d", database),
            *("-c", statement),
        ]
        answered = self.run(command, Path(state.folder), {"PGPASSWORD": state.password})
        if answered.returncode != 0:
            raise ServiceError(f"postgres: {statement!r} failed:\n{answered.stdout}")
        return answered.stdout

    def _control(self, state: ServiceState, action: str, *options: str) -> CompletedProcess[str]:
        command = [self.require_program("pg_ctl"), action, "-D", str(self._cluster(state))]
        return self.run([*command, *options], cwd=Path(state.folder))

    def _cluster(self, state: ServiceState) -> Path:
        return Path(state.folder) / "cluster"

    def _is_initialised(self, cluster: Path) -> bool:
        return (cluster / "PG_VERSION").is_file()
