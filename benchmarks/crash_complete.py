"""216 runs of kill -9 in `complete`: 8 points, each followed by 9 second ones, 3 ways to recover.

Prints runs, kills and what was lost or doubled; ends with 1 if anything was. ``--quick`` runs each
first point once. DATABASE_URL chooses the database, by default a SQLite file of its own.

    python benchmarks/crash_complete.py [--quick] [--repeats 3]
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from benchmarks.machine import print_machine

    print_machine("Django")
    runpy.run_module("tests.crash.runner", run_name="__main__")
