"""Parts of a pipeline that break: a storage, an ffmpeg, workers. Run as a module it is a worker."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from agents.video.pipeline.ffmpeg import find_ffmpeg

ASLEEP_FILE = "asleep"
"""Left in its folder by a worker that begins to sleep."""
ASLEEP_SECONDS = 60
"""How long a worker that sleeps would be waited for."""
WORKER = "agents.video.tests.pipeline_faults"


class FaultyStorage(FileSystemStorage):
    """Fails at one operation on names that end in a certain way."""

    def __init__(self, location, *, operation, ending, error=None):
        super().__init__(location, base_url=None)
        self.operation = operation
        self.ending = ending
        self.error = error or RuntimeError("the bucket is on fire: secret-key-1234")

    def _break(self, operation, name):
        if operation == self.operation and str(name).endswith(self.ending):
            raise self.error

    def save(self, name, content, max_length=None):
        self._break("save", name)
        return super().save(name, content, max_length)

    def open(self, name, mode="rb"):
        self._break("open", name)
        return super().open(name, mode)

    def exists(self, name):
        self._break("exists", name)
        return super().exists(name)

    def listdir(self, path):
        self._break("listdir", path)
        return super().listdir(path)


def no_space():
    return OSError(errno.ENOSPC, "No space left on device")


def write_ffmpeg(folder, cases):
    """Write an ffmpeg that behaves, but for calls whose arguments hold one of the given words."""
    path = folder / "ffmpeg-of-the-test"
    arms = "\n".join(f'case "$*" in *{word}*) {action};; esac' for word, action in cases.items())
    path.write_text(f'#!/bin/sh\nREAL={find_ffmpeg()}\n{arms}\nexec "$REAL" "$@"\n')
    path.chmod(0o755)
    return str(path)


def main():
    """Behave badly, as the last argument says."""
    sys.stdin.read()
    behaviour = sys.argv[-1].rpartition(".")[2]
    if behaviour == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "silent":
        return 0
    elif behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path(ASLEEP_FILE).touch()
        time.sleep(ASLEEP_SECONDS)
    elif behaviour == "slow":
        Path(ASLEEP_FILE).touch()
        time.sleep(ASLEEP_SECONDS)
    elif behaviour == "chatty":
        sys.stdout.write("not json\n[1]\n")
        sys.stderr.write("x" * 3_000_000)
    return 7


if __name__ == "__main__":
    sys.exit(main())
