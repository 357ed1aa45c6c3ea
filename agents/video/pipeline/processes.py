"""Child processes that never outlive their run.

Owns starting, reading, ending and recording them. Each has a process group of its own; on Linux it
dies with the thread that started it (`guard`), and everywhere its number and start time stand in a
file, so that `sweep_orphans` can end what a killed worker left. Knows nothing of what they do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

TERMINATE_SECONDS: Final = 0.4
"""How long a process may take to end by itself; everything must be gone within a second."""
LOOK_SECONDS: Final = 0.01
GROUP_LOOKS: Final = 30
STDERR_CHARS: Final = 4000
LINE_LIMIT: Final = 1 << 20
OWNER_FILE: Final = "owner.json"
PROCESS_FOLDER: Final = "processes"

_GUARD: Final = Path(__file__).with_name("guard.py")
_ROOT: Final = Path(__file__).resolve().parents[3]
# Children get neither keys nor database addresses: they need none. Windows cannot start a program
# without some of its variables, so there everything is handed on.
_ENVIRONMENT: Final = None if os.name == "nt" else {"LANG": "C.UTF-8", "PATH": os.defpath}

_PROCESSES: Final = Path("/proc")
_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)

Pipe = TypeVar("Pipe", asyncio.StreamReader, asyncio.StreamWriter)
Reader = Callable[[str], Awaitable[None]]


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours in a guarded process."""
    return [sys.executable, "-I", str(_GUARD), str(os.getpid()), str(_ROOT), module, *arguments]


def program_command(program: str, *arguments: str) -> list[str]:
    """Return the command that runs an outside program in a guarded process."""
    if not sys.platform.startswith("linux"):
        return [program, *arguments]
    # -S: nothing of site-packages is needed on the way to exec, and looking for it takes time.
    return [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), "--", program, *arguments]


async def run_process(
    command: Sequence[str], *, scratch: Path, stdin: bytes | None = None, on_line: Reader
) -> tuple[int, str]:
    """Run a command to its end and return its exit code and the last of what it wrote to stderr.

    Each line of its standard output goes to `on_line`. However this ends (cancelled, a reader that
    raises), the process and its group are gone before it returns.

    Args:
        command: of `module_command` or `program_command`.
        scratch: the run's folder; the process works and is recorded there.
        stdin: written to the process, then closed.
        on_line: awaited for each line.

    Raises:
        OSError: the program cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL if stdin is None else PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=scratch,
        env=_ENVIRONMENT,
        start_new_session=True,
        limit=LINE_LIMIT,
    )
    try:
        record = _record(process.pid, scratch)
        # All pipes at once: a full one that nobody reads stops the process.
        async with asyncio.TaskGroup() as pipes:
            if stdin is not None:
                pipes.create_task(_feed(process, stdin))
            pipes.create_task(_read_lines(process, on_line))
            last_words = pipes.create_task(_read_tail(process))
        code = await process.wait()
        record.unlink(missing_ok=True)
        return code, last_words.result()
    finally:
        if process.returncode is None:
            await _end(process)


def describe_exit(code: int) -> str:
    """Return what an exit code means to a person."""
    if code == -_KILL:
        return "it was killed; the machine may be out of memory"
    if code < 0:
        return f"it was ended by signal {-code}"
    return f"it ended with code {code}"


def record_owner(scratch: Path) -> None:
    """Write down whose folder this is, for `sweep_orphans`."""
    (scratch / PROCESS_FOLDER).mkdir(parents=True, exist_ok=True)
    _write_record(scratch / OWNER_FILE, os.getpid())


def sweep_orphans(scratch_root: Path) -> int:
    """End the processes and remove the folders of runs whose worker process is gone.

    A process is ended only when its number and its start time are both those on record, so that a
    number the system has given away again is left alone. Safe to run at any time and twice.

    Returns:
        How many folders were removed.
    """
    removed = 0
    if not scratch_root.is_dir():
        return 0
    for folder in scratch_root.iterdir():
        owner = _read_record(folder / OWNER_FILE)
        # Without an owner on record it is no run's folder, or one that is being made.
        if owner is None or is_running(*owner):
            continue
        for entry in (folder / PROCESS_FOLDER).glob("*.json"):
            recorded = _read_record(entry)
            if recorded is not None and is_running(*recorded):
                _signal_group(recorded[0], _KILL)
        shutil.rmtree(folder, ignore_errors=True)
        removed += 1
    return removed


def is_running(pid: int, started: str) -> bool:
    """Say whether this very process still runs; a zombie does not."""
    return started != "" and _start_time(pid) == started


def _start_time(pid: int) -> str:
    """Return when a process started, in words only compared for equality; empty for none."""
    if _PROCESSES.is_dir():
        try:
            fields = (_PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        # proc(5): the third field is the state, the twenty-second the start time in clock ticks.
        return "" if fields[0] in {"Z", "X"} else fields[19]
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "unknown"


def _record(pid: int, scratch: Path) -> Path:
    path = scratch / PROCESS_FOLDER / f"{pid}.json"
    path.parent.mkdir(exist_ok=True)
    _write_record(path, pid)
    return path


def _write_record(path: Path, pid: int) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps({"pid": pid, "started": _start_time(pid)}))
    partial.replace(path)


def _read_record(path: Path) -> tuple[int, str] | None:
    try:
        found = json.loads(path.read_text())
        return int(found["pid"]), str(found["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _opened(pipe: Pipe | None) -> Pipe:
    """Return a pipe that was asked for when the process was started."""
    if pipe is None:
        raise RuntimeError("the process was started without this pipe")
    return pipe


async def _feed(process: Process, content: bytes) -> None:
    pipe = _opened(process.stdin)
    # A process that ends early says why by its exit code, which is looked at anyway.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(content)
        await pipe.drain()
    pipe.close()


async def _read_lines(process: Process, on_line: Reader) -> None:
    async for line in _lines(_opened(process.stdout)):
        await on_line(line)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    while line := await stream.readline():
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")


async def _read_tail(process: Process) -> str:
    pipe = _opened(process.stderr)
    tail = ""
    while chunk := await pipe.read(1 << 16):
        tail = (tail + chunk.decode("utf-8", errors="replace"))[-STDERR_CHARS:]
    return tail


async def _end(process: Process) -> None:
    """End the process and its group; a second cancellation does not get past this."""
    _signal_group(process.pid, signal.SIGTERM)
    waiting = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait_for(asyncio.shield(waiting), TERMINATE_SECONDS)
    except TimeoutError:
        pass
    finally:
        # Also after a clean end: others of the group may still run.
        _signal_group(process.pid, _KILL)
        await asyncio.shield(waiting)
        await _wait_for_group(process.pid)


async def _wait_for_group(pid: int) -> None:
    """Wait a moment for the others of a group: they are no children of ours to be waited for."""
    for _ in range(GROUP_LOOKS):
        if not hasattr(os, "killpg") or not _signal_group(pid, 0):
            return
        await asyncio.sleep(LOOK_SECONDS)


def _signal_group(pid: int, number: int) -> bool:
    """Signal a process's group and say whether there was one."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
