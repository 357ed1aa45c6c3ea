"""The line every benchmark prints first: on what its figures were measured."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe_machine(*packages: str) -> str:
    """Return processor, cores, load and versions in one line.

    Args:
        packages: distributions whose versions matter to the figures.
    """
    parts = [
        _processor(),
        f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}"
        " cores",
        f"{_memory_gib()} GiB",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *[f"{name} {_version(name)}" for name in packages],
        f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown",
    ]
    return "machine: " + ", ".join(parts)


def print_machine(*packages: str) -> None:
    """Print the line."""
    print(describe_machine(*packages), flush=True)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def _memory_gib() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return "?"
    return f"{size / 2**30:.0f}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


if __name__ == "__main__":
    print_machine()
