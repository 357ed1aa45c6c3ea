"""Child processes of the offline engine: started on need, shared, replaced when they die.

Owns the sockets to them and who may use one at a time. Knows no speech: messages in, messages
out (see `child` for their meaning).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from agents.voice.engines.local.child import HEADER

logger = logging.getLogger(__name__)

START_SECONDS: Final = 20.0
LEAVE_SECONDS: Final = 2.0
_PROGRAM: Final = Path(__file__).with_name("child.py")


class ChildGoneError(Exception):
    """The process died, or never got ready."""


class Child:
    """One process of one role."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.greeting = b""
        """What it said when it was ready."""

    @classmethod
    async def start(cls, role: str) -> Child:
        """Start a process and wait until it is ready.

        Raises:
            ChildGoneError: it ended, or was not ready in time; its engine may be missing.
        """
        ours, process = _spawn(role)
        reader, writer = await asyncio.open_connection(sock=ours)
        child = cls(process, reader, writer)
        try:
            async with asyncio.timeout(START_SECONDS):
                kind, child.greeting = await child.receive()
        except TimeoutError:
            await child.aclose()
            raise ChildGoneError(f"{role} was not ready in time") from None
        except BaseException:
            await child.aclose()
            raise
        if kind != b"R":
            await child.aclose()
            raise ChildGoneError(f"{role} did not greet")
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None and not self._writer.is_closing()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send a message; what a dead child does not get is told by `receive`."""
        if not self._writer.is_closing():
            self._writer.write(HEADER.pack(len(payload), kind) + payload)

    async def receive(self) -> tuple[bytes, bytes]:
        """Return the next message's kind and payload.

        Raises:
            ChildGoneError: the process has ended.
        """
        try:
            length, kind = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            return kind, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ChildGoneError("the process has ended") from None

    async def aclose(self) -> None:
        """End the process and wait for it, at most `LEAVE_SECONDS` before it is killed."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        # It reads the end of its socket and leaves; a decoder in the middle takes a moment.
        for _ in range(int(LEAVE_SECONDS / 0.02)):
            if self._process.poll() is not None:
                return
            await asyncio.sleep(0.02)
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


def _spawn(role: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        # -I: no environment, no user packages; the engines need neither.
        process = subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
            [sys.executable, "-I", str(_PROGRAM), role],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return ours, process


class ChildPool:
    """At most `size` processes of one role, each used by one at a time.

    A process that died is replaced when it is next needed; `on_restart` is told.
    """

    def __init__(self, role: str, *, size: int) -> None:
        self._role = role
        self._free = asyncio.Semaphore(size)
        self._idle: list[Child] = []
        self._all: set[Child] = set()
        self._is_closed = False
        self.restarts = 0

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._all]

    @contextlib.asynccontextmanager
    async def use(self, on_restart: Callable[[], None]) -> AsyncIterator[Child]:
        """Lend a process for the block; it waits until one is free.

        Raises:
            ChildGoneError: none can be started, or it died inside the block.
        """
        async with self._free:
            child = await self._take(on_restart)
            is_sound = False
            try:
                yield child
                is_sound = child.is_alive
            finally:
                if is_sound and not self._is_closed:
                    self._idle.append(child)
                else:
                    self._all.discard(child)
                    await child.aclose()

    async def warm(self) -> None:
        """Start one process ahead of need."""
        async with self.use(lambda: None):
            return

    async def aclose(self) -> None:
        """End all processes that nobody uses, and the others once they are given back."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for child in idle:
            self._all.discard(child)
            await child.aclose()

    async def _take(self, on_restart: Callable[[], None]) -> Child:
        has_lost_one = False
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            has_lost_one = True
            self._all.discard(child)
            await child.aclose()
        if self._is_closed:
            raise ChildGoneError("the engine is closed")
        child = await Child.start(self._role)
        self._all.add(child)
        if has_lost_one:
            self.restarts += 1
            logger.warning("voice.local_engine_restarted", extra={"role": self._role})
            on_restart()
        return child
