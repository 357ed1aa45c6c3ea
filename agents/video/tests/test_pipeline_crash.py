from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.video.pipeline.processes import PROCESS_FOLDER, is_running, sweep_orphans
from agents.video.tests.pipeline_stage import none_left, processes_in, wait_until

ROOT = Path(__file__).resolve().parents[3]
SCENES = 4


def start_worker(folder, attempt, *earlier):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "agents.video.tests.pipeline_driver"),
            *(str(folder), str(attempt), str(SCENES), *map(str, earlier)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_until(worker, **wanted):
    """Read what a worker says until a line with these values; return all lines."""
    lines = []
    for line in worker.stdout:
        lines.append(json.loads(line))
        if all(lines[-1][name] == value for name, value in wanted.items()):
            return lines
    raise AssertionError(f"the worker ended without saying {wanted}")


POINTS = {
    "starting": {"agent": "Orchestrator", "status": "starting"},
    "drawing": {"agent": "Agent2", "status": "processing"},
    "speaking": {"agent": "Agent4", "status": "processing"},
    "one half done": {"agent": "Agent4", "status": "finished"},
    "composing": {"agent": "Agent5", "status": "processing", "step": "composing"},
    "composed": {"agent": "Agent5", "status": "finished"},
}


@pytest.mark.slow
@pytest.mark.parametrize("point", list(POINTS))
def test_a_killed_worker_leaves_no_process_and_the_next_attempt_finishes(tmp_path, point):
    worker = start_worker(tmp_path, 1)
    try:
        read_until(worker, **POINTS[point])
        worker.send_signal(signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()

    if sys.platform.startswith("linux"):
        # Nobody sweeps here: the kernel ends them with their parent.
        assert wait_until(lambda: processes_in(tmp_path) == [], 1.0)
    sweep_orphans(tmp_path / "scratch")
    assert not (tmp_path / "scratch/video_1-1").exists()

    following = start_worker(tmp_path, 2, 1)
    with following.stdout:
        lines = read_until(following, agent="Orchestrator", status="finished")
    assert following.wait(10) == 0
    assert lines[-1]["key"].endswith("video.mp4")
    assert (tmp_path / "store" / lines[-1]["key"]).stat().st_size > 10_000
    reused = {line["agent"]: line["reused"] for line in lines if line["reused"] is not None}
    assert reused["Agent5"] == (point == "composed")
    if point in ("composing", "composed"):
        assert (reused["Agent2"], reused["Agent4"]) == (True, True)
    assert none_left(tmp_path)


def record(folder, name, pid, started):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "started": started}))


def started_of(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return fields[19]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_the_sweeper_ends_what_a_dead_owner_left_and_nothing_else(tmp_path):
    gone = subprocess.Popen(["/bin/true"])
    started = started_of(gone)
    gone.wait()
    orphan, stranger, kept = (
        subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) for _ in range(3)
    )
    try:
        dead, alive = tmp_path / "video_1-1", tmp_path / "video_2-1"
        record(dead, "owner.json", gone.pid, started)
        record(dead, f"{PROCESS_FOLDER}/{orphan.pid}.json", orphan.pid, started_of(orphan))
        # The number was given to somebody else since.
        record(dead, f"{PROCESS_FOLDER}/{stranger.pid}.json", stranger.pid, "1")
        own = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
        record(alive, "owner.json", os.getpid(), own)
        record(alive, f"{PROCESS_FOLDER}/{kept.pid}.json", kept.pid, started_of(kept))
        (tmp_path / "slots").mkdir()

        assert sweep_orphans(tmp_path) == 1
        assert sweep_orphans(tmp_path) == 0

        assert orphan.wait(2) == -signal.SIGKILL
        time.sleep(0.05)
        assert (stranger.poll(), kept.poll()) == (None, None)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["slots", "video_2-1"]
    finally:
        for process in (orphan, stranger, kept):
            process.kill()
            process.wait()


def test_a_process_is_known_by_number_and_start():
    assert not is_running(os.getpid(), "")
    assert not is_running(os.getpid(), "1")
    assert not is_running(2**22 + 1, "1")
