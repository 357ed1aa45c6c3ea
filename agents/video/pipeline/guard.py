"""Starts a program that dies with the process that asked for it. Run as a script, stands alone.

``python -I guard.py PARENT_PID -- program argument…`` becomes the program;
``python -I guard.py PARENT_PID ROOT module argument…`` runs a module found below ROOT.

A worker that is killed cannot end its children, and a child's own parent-death signal can only be
set from within the child: asking for it between fork and exec in a process with threads is unsafe,
so this small step stands between. Only Linux knows the signal; elsewhere the recorded process
number lets the sweeper end what was left. Uses the standard library alone.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1
PARENT_GONE = 113
"""Exit code when the parent had died before the signal could be asked for."""


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process as soon as the thread that forked it ends."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # It may have died before the call; then no signal ever comes.
    if os.getppid() != parent_pid:
        os._exit(PARENT_GONE)


def main() -> None:
    """Guard this process, then become what the arguments say."""
    parent_pid, root, *rest = sys.argv[1:]
    die_with_parent(int(parent_pid))
    if root == "--":
        os.execv(rest[0], rest)  # noqa: S606 - the arguments come from processes.py, no shell
    sys.path.insert(0, root)
    sys.argv = rest
    runpy.run_module(rest[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
