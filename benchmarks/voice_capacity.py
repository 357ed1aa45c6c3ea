"""How many spoken conversations a core carries, and what memory each takes.

    python -m benchmarks.voice_capacity [--quick]

Every conversation is fed sound all the time, a third of it speech, and answers; speech and model
are stubs, so this is detection, turn taking, pacing and frames. Ours and livekit-agents alone run
in a process of their own each. Aim: 20 conversations a core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import print_machine
from benchmarks.tables import print_table


def resident_mb() -> float:
    """Return this process's memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(kind: str, count: int, seconds: float) -> dict[str, Any]:
    """Run so many conversations at once; return what they cost."""
    from benchmarks import voice_stage as stage

    sound = stage.question() + stage.quiet(4.0) + stage.interruption() + stage.quiet(4.0)
    manager, engine = stage.make_manager()

    def make() -> Any:
        return stage.OurLane(manager, engine) if kind == "ours" else stage.PlainLane()

    warm = make()
    await warm.start()
    await stage.feed([warm], sound)
    await warm.stop()
    await asyncio.sleep(0.3)
    tasks_before, memory_before = len(asyncio.all_tasks()), resident_mb()
    lanes = [make() for _ in range(count)]
    for lane in lanes:
        await lane.start()
    cpu_before, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < seconds:
        await stage.feed(lanes, sound, stagger=True)
    wall = time.monotonic() - began
    cpu = time.process_time() - cpu_before
    memory = resident_mb() - memory_before
    answers = sum(len(lane.first_sounds) for lane in lanes)
    for lane in lanes:
        await lane.stop()
    await asyncio.sleep(0.3)
    left = len(asyncio.all_tasks()) - tasks_before
    await manager.aclose()
    return {
        "cores": cpu / wall,
        "memory": memory / count,
        "answers": answers,
        "tasks_left": left,
        "wall": wall,
    }


def run(count: int, seconds: float) -> None:
    """Measure both kinds in fresh processes and print the table."""
    rows = []
    for kind in ("ours", "plain"):
        command = [sys.executable, "-m", "benchmarks.voice_capacity", "--one", kind]
        finished = subprocess.run(
            [*command, "--count", str(count), "--seconds", str(seconds)],
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(finished.stdout.strip().splitlines()[-1])
        each = found["cores"] / count
        rows.append(
            (
                "ours" if kind == "ours" else "livekit-agents alone",
                round(each, 4),
                round(1 / each, 1),
                found["memory"],
                found["answers"],
                found["tasks_left"],
            )
        )
    print_table(
        f"{count} conversations at once, {seconds:.0f} s of sound each",
        ("pipeline", "cores each", "on one core", "MB each", "answers", "tasks left"),
        rows,
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 conversations, 15 s")
    parser.add_argument("--one", choices=("ours", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=45.0)
    arguments = parser.parse_args()
    if arguments.one:
        found = asyncio.run(measure(arguments.one, arguments.count, arguments.seconds))
        print(json.dumps(found))
        return
    print_machine("livekit-agents", "livekit-plugins-silero")
    run(8 if arguments.quick else arguments.count, 15.0 if arguments.quick else arguments.seconds)


if __name__ == "__main__":
    main()
