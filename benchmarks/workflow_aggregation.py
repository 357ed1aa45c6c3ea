"""The nightly aggregation of workflows, beside pandas and DuckDB on the same rows.

Prints seconds, processor seconds (with those of PostgreSQL's own process when it runs on this
machine, without its parallel workers') and the peak memory of the client process for our
aggregation (results and runs, all three levels, fitting and writing included) on SQLite and, with
DATABASE_URL, on PostgreSQL; and for the peers, which read the results from a CSV file and only
group, at the same three levels, with the same percentiles. Each method runs in a process of its
own.

Run ``python -m benchmarks.workflow_aggregation`` for 1,000,000 rows, ``--rows 10000000`` for more,
``--quick`` for 50,000. On PostgreSQL it makes a database of its own beside the one of
DATABASE_URL and drops it afterwards. Peers: ``pip install -r requirements-bench.txt``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks import machine, tables
from benchmarks.workflow_world import UNITS, chunks, configure, peak_mib, prepare

QUICK_ROWS = 50_000
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
GROUPINGS = (
    ["workflow", "market", "skill", "metric", "unit"],
    ["workflow", "market", "metric", "unit"],
    ["workflow", "metric", "unit"],
)


def fill(database_url: str, folder: str, rows: int) -> dict[str, Any]:
    """Make and fill the tables."""
    configure(database_url, folder)
    begun = time.perf_counter()
    prepare(rows)
    return {"seconds": time.perf_counter() - begun}


def aggregate(database_url: str, folder: str) -> dict[str, Any]:
    """Run our aggregation once, as the scheduler does."""
    configure(database_url, folder)
    from django.db import connection

    from workflows.services.aggregation import aggregate_performance

    connection.ensure_connection()
    backend = backend_of(connection)
    before = peak_mib()
    worked = time.process_time() + cpu_seconds(backend)
    begun = time.perf_counter()
    run = aggregate_performance()
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() + cpu_seconds(backend) - worked,
        "peak": peak_mib(),
        "before": before,
        "groups": run.rows_written,
    }


def backend_of(connection: Any) -> int:
    """Return the process id of the connection's PostgreSQL backend; 0 without one here."""
    if connection.vendor != "postgresql":
        return 0
    pid = int(connection.connection.info.backend_pid)
    return pid if Path(f"/proc/{pid}/stat").exists() else 0


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process of this machine has used; 0 for none."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_csv(path: str, rows: int) -> dict[str, Any]:
    """Write the results where the peers read them."""
    columns = ("workflow", "market", "skill", "metric", "unit", "value", "person")
    with Path(path).open("w") as file:
        file.write(",".join(columns) + "\n")
        for part in chunks(rows):
            if importlib.util.find_spec("pandas"):  # a tenth of the time
                import pandas as pd

                pd.DataFrame({name: part[name] for name in columns}).to_csv(
                    file, header=False, index=False
                )
                continue
            for row in zip(*(part[name].tolist() for name in columns), strict=True):
                file.write(",".join(map(str, row)) + "\n")
    return {"units": len(UNITS)}


def run_pandas(path: str) -> dict[str, Any]:
    """Group with pandas."""
    import pandas as pd

    before = peak_mib()
    worked, begun = time.process_time(), time.perf_counter()
    frame = pd.read_csv(path)
    groups = 0
    for keys in GROUPINGS:
        grouped = frame.groupby(keys)
        figures = grouped["value"].agg(["count", "mean"])
        quantiles = grouped["value"].quantile(list(SHARES)).unstack()
        people = grouped["person"].nunique()
        groups += len(figures.join(quantiles).join(people))
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - worked,
        "peak": peak_mib(),
        "before": before,
        "groups": groups,
    }


def run_duckdb(path: str) -> dict[str, Any]:
    """Group with DuckDB."""
    import duckdb

    before = peak_mib()
    worked, begun = time.process_time(), time.perf_counter()
    store = duckdb.connect()
    store.execute("CREATE TABLE results AS SELECT * FROM read_csv(?)", [path])
    groups = 0
    for keys in GROUPINGS:
        listed = ", ".join(keys)
        found = store.execute(
            f"SELECT {listed}, count(*), avg(value), count(DISTINCT person), "
            f"quantile_cont(value, {list(SHARES)}) FROM results GROUP BY {listed}"
        ).fetchall()
        groups += len(found)
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - worked,
        "peak": peak_mib(),
        "before": before,
        "groups": groups,
    }


METHODS: dict[str, Callable[..., dict[str, Any]]] = {
    "fill": fill,
    "aggregate": aggregate,
    "csv": write_csv,
    "pandas": run_pandas,
    "duckdb": run_duckdb,
}


def in_a_process(method: str, *arguments: object) -> dict[str, Any]:
    """Run a method in a fresh process, so that its peak memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--method", method, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{method} failed:\n{done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def with_database(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def change_database(url: str, statement: str) -> None:
    """Create or drop a database."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def measure_ours(url: str, folder: str, rows: int, name: str) -> list[list[tables.Cell]]:
    """Return the rows of our aggregation: into empty tables, then over last night's figures."""
    in_a_process("fill", url, folder, rows)
    lines: list[list[tables.Cell]] = []
    for when in ("first", "again"):
        found = in_a_process("aggregate", url, folder)
        lines.append(_line(f"Parley on {name}, {when}", found))
    return lines


def _line(name: str, found: dict[str, Any]) -> list[tables.Cell]:
    return [
        name,
        found["seconds"],
        found["cpu"],
        found["peak"],
        found["before"],
        int(found["groups"]),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--skip", default="", help="names of methods to leave out, by commas")
    parser.add_argument("--method", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.method:
        name, *arguments = options.method
        found = METHODS[name](*[int(one) if one.isdecimal() else one for one in arguments])
        print(json.dumps(found))
        return
    rows = QUICK_ROWS if options.quick else options.rows
    skipped = set(options.skip.split(","))
    machine.print_machine("django", "psycopg", "pandas", "duckdb")
    folder = tempfile.mkdtemp(prefix="parley-bench-")
    lines: list[list[tables.Cell]] = []
    try:
        if "sqlite" not in skipped:
            lines += measure_ours(f"sqlite:///{folder}/bench.sqlite3", folder, rows, "SQLite")
        server = os.environ.get("DATABASE_URL", "")
        if server.startswith("postgres"):
            name = f"parley_bench_{os.getpid()}"
            change_database(server, f"CREATE DATABASE {name}")
            try:
                lines += measure_ours(with_database(server, name), folder, rows, "PostgreSQL")
            finally:
                change_database(server, f"DROP DATABASE {name} WITH (FORCE)")
        else:
            print("PostgreSQL left out: DATABASE_URL names none (make services prints one)")
        csv = f"{folder}/results.csv"
        in_a_process("csv", csv, rows)
        for peer in ("duckdb", "pandas"):
            if peer in skipped:
                continue
            if importlib.util.find_spec(peer) is None:
                print(f"peer left out: {peer} is not installed (requirements-bench.txt)")
                continue
            lines.append(_line(f"{peer} from CSV, results only", in_a_process(peer, csv)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tables.print_table(
        f"Aggregating {rows:,} results and {rows:,} runs",
        ["method", "seconds", "CPU seconds", "peak MiB", "at start MiB", "rows written"],
        lines,
    )


if __name__ == "__main__":
    main()
