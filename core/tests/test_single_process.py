from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.single_process import ServerAlreadyRunningError, ServerLock

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from pathlib import Path
from core.single_process import ServerLock
lock = ServerLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_process_is_told_who_holds_the_data(holder, tmp_path):
    with pytest.raises(ServerAlreadyRunningError) as refused:
        ServerLock(tmp_path).acquire()

    assert f"Process {holder.pid} already serves" in str(refused.value)
    assert "DATABASE_URL" in str(refused.value)


def test_the_lock_goes_with_a_killed_process(holder, tmp_path):
    holder.kill()
    holder.wait()

    with ServerLock(tmp_path) as lock:
        assert lock.path.read_text().strip().isdigit()


def test_a_lock_can_be_taken_again_after_its_release(tmp_path):
    lock = ServerLock(tmp_path / "new")
    lock.acquire()
    lock.acquire()
    lock.release()
    lock.release()

    with ServerLock(tmp_path / "new"):
        pass
