"""One server process for one SQLite database, held by a file lock.

The lock is the operating system's, so it goes when the process dies, however it dies.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

LOCK_NAME = "server.lock"
# The lock covers one byte far behind the text, so that others can read the text on Windows too.
_LOCKED_BYTE = 1 << 20


class ServerAlreadyRunningError(RuntimeError):
    """Another process serves the same data."""


def _lock(handle: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        handle.seek(_LOCKED_BYTE)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class ServerLock:
    """Hold the right to serve the data in a folder.

    Use as a context manager, or `acquire` at start-up and let the end of the process release it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self._handle: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock and leave the process id in the file.

        Raises:
            ServerAlreadyRunningError: another process holds it; the message names its id.
        """
        if self._handle is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = self.path.open("a+", encoding="ascii")
        try:
            _lock(handle)
        except OSError:
            handle.seek(0)
            holder = handle.readline().strip() or "unknown"
            handle.close()
            raise ServerAlreadyRunningError(
                f"Process {holder} already serves {self.path.parent}. SQLite allows one server "
                "process: stop that one, choose another DATA_DIR, or set DATABASE_URL to "
                "PostgreSQL to run several."
            ) from None
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        self._handle = handle

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not held."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def __enter__(self) -> ServerLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
