"""How many compositions run on this machine at once: one for every two cores.

Owns the slots: files that are locked while a composition runs. The lock is the operating system's,
so it works across processes and goes when one dies. Knows nothing of what runs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

CORES_A_SLOT: Final = 2
POLL_SECONDS: Final = 0.2


def count_slots() -> int:
    """Return how many compositions may run on this machine at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // CORES_A_SLOT)


@asynccontextmanager
async def hold_slot(folder: Path, *, slots: int) -> AsyncIterator[None]:
    """Wait for a free slot and hold it.

    Args:
        folder: the same for all processes of this machine.
        slots: how many there are.
    """
    handle = _take(folder, slots)
    while handle is None:
        await asyncio.sleep(POLL_SECONDS)
        handle = _take(folder, slots)
    try:
        yield
    finally:
        handle.close()


def _take(folder: Path, slots: int) -> IO[bytes] | None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(slots):
        handle = (folder / f"compose-{number}.lock").open("ab")
        try:
            _lock(handle)
        except OSError:
            handle.close()
            continue
        return handle
    return None


def _lock(handle: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
