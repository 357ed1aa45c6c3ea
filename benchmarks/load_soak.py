"""Load and soak: everything at once on PostgreSQL and Redis, and whether anything leaks.

Starts web processes and job workers as a deployment does, and lets people use them: pages,
surveys from start to pay with a live socket each, signed WhatsApp bodies (a tenth twice), the jobs
that follow. Then the database is held against what people were promised: no error, nothing lost,
nothing doubled, the ledger right, no queue left, no process that grows.

Run ``python -m benchmarks.load_soak --seconds 600`` (``--quick``: 30) with DATABASE_URL and
REDIS_URL naming a PostgreSQL and a Redis server; a database of its own is made and dropped.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import print_machine
from benchmarks.tables import print_table
from tests.services.drive import (
    Act,
    Ledger,
    crowd,
    read_pages,
    review,
    take_survey,
    write_on_whatsapp,
)
from tests.services.promises import find_problems, wait_until_settled
from tests.services.stack import Stack, own_database

ACTS: dict[Act, tuple[int, float]] = {
    take_survey: (4, 0.5),
    write_on_whatsapp: (3, 0.4),
    read_pages: (2, 0.5),
    review: (1, 0.5),
}
WEB_WORKERS = 2
JOB_WORKERS = 2
SAMPLE_SECONDS = 5.0
MOST_GROWTH_MIB = 12.0
"""In the second half of a run, for each process: what a cache may still gain."""
SHORTEST_SOAK_SECONDS = 300
"""A shorter run warms up only; its memory is printed and not judged."""


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process that is not shared with a file."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


class MemoryLog:
    """The memory of every process of a stack over time."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._began = time.monotonic()
        self.samples: dict[str, list[tuple[float, float]]] = {}

    def sample(self) -> None:
        """Look at all of them now."""
        at = time.monotonic() - self._began
        for name in self._stack.processes:
            for number, pid in enumerate(self._stack.family(name)):
                try:
                    size = memory_mib(pid)
                except OSError:
                    continue
                self.samples.setdefault(f"{name}.{number}", []).append((at, size))

    def rows(self) -> list[tuple[str, float, float, float, float]]:
        """Return name, first, last, growth of the second half by its slope, and MiB an hour."""
        found = []
        for name, samples in self.samples.items():
            half = samples[len(samples) // 2 :]
            if len(half) < 3:
                continue
            slope = statistics.linear_regression(
                [at for at, _ in half], [size for _, size in half]
            ).slope
            growth = slope * (half[-1][0] - half[0][0])
            found.append((name, samples[0][1], samples[-1][1], growth, slope * 3600))
        return found


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def print_report(
    seen: Ledger, found: dict[str, Any], memory: MemoryLog, seconds: float, cpu: float
) -> None:
    """Print rates, times, memory and what is in the database."""
    rows: list[tuple[str | float, ...]] = [
        (
            kind,
            len(taken),
            len(taken) / seconds,
            *(percentile(taken, share) * 1000 for share in (0.5, 0.95, 0.99)),
            max(taken) * 1000,
        )
        for kind, taken in sorted(seen.latencies.items())
    ]
    waits = [wait / 1000 for wait in found["answer_ms"]]
    if waits:
        rows.append(
            (
                "job: WhatsApp answered",
                len(waits),
                len(waits) / seconds,
                *(percentile(waits, share) * 1000 for share in (0.5, 0.95, 0.99)),
                max(waits) * 1000,
            )
        )
    print_table(
        f"{seconds:.0f} s, {WEB_WORKERS} web processes (uvicorn), {JOB_WORKERS} job workers, "
        f"{cpu:.0f} s of their processor time",
        ("kind", "count", "a second", "p50 ms", "p95 ms", "p99 ms", "max ms"),
        rows,
    )
    print_table(
        "memory, MiB (anonymous)",
        ("process", "first", "last", "growth in 2nd half", "MiB an hour"),
        memory.rows(),
    )
    shown = {name: found[name] for name in ("responses", "payouts", "inbound", "outbound")}
    print(f"\nrows: {shown}, turns {found['user_segments']}, paid {found['paid_minor'] / 100:.2f}")


def cpu_seconds(stack: Stack) -> float:
    """Return the processor time the stack's processes have used."""
    ticks = 0
    for name in stack.processes:
        for pid in stack.family(name):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def run(seconds: float, database_url: str, redis_url: str) -> int:
    """Load a stack; return 0 when everything held."""
    with (
        own_database(database_url) as own,
        Stack(database_url=own, redis_url=redis_url) as stack,
    ):
        world = stack.prepare(people=60)
        url = stack.start_web(workers=WEB_WORKERS)
        for number in range(JOB_WORKERS):
            stack.start_worker(f"worker{number}")
        seen, memory = Ledger(), MemoryLog(stack)
        used = cpu_seconds(stack)
        began = time.monotonic()
        threads = crowd(
            [url],
            world,
            acts=ACTS,
            seen=seen,
            until=lambda: time.monotonic() - began >= seconds,
        )
        while time.monotonic() - began < seconds:
            memory.sample()
            time.sleep(min(SAMPLE_SECONDS, seconds / 12))
        for thread in threads:
            thread.join(60)
        took = time.monotonic() - began
        if any(thread.is_alive() for thread in threads):
            seen.failed("somebody waits for ever")
        used = cpu_seconds(stack) - used
        left = wait_until_settled(stack)
        found = stack.ask_rows("count")
        print_report(seen, found, memory, took, used)
        problems = find_problems(seen, found, left)
        if seconds >= SHORTEST_SOAK_SECONDS:
            problems += [
                f"memory: {name} gained {growth:.1f} MiB in the second half"
                for name, _, _, growth, _ in memory.rows()
                if growth > MOST_GROWTH_MIB
            ]
        for line in problems:
            print(f"PROBLEM {line}")
        for name in stack.processes:
            for line in stack.log(name).splitlines():
                if '"level":"error"' in line:
                    print(f"LOG {name} {line[:400]}")
        print("everything held" if not problems else f"{len(problems)} problems")
        return int(bool(problems))


def main() -> int:
    """Run it; 0 when nothing was lost, doubled, refused or leaked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--quick", action="store_true", help="30 seconds; memory is not judged")
    options = parser.parse_args()
    print_machine("django", "uvicorn", "channels")
    database_url, redis_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if not (database_url.startswith("postgres") and redis_url):
        print("not run: set DATABASE_URL to a PostgreSQL server and REDIS_URL to a Redis server")
        return 0
    return run(30 if options.quick else options.seconds, database_url, redis_url)


if __name__ == "__main__":
    sys.exit(main())
