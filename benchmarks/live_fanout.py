"""Live fan-out: deliveries per processor second of the server, beside stock Channels and bare ASGI.

One stream, 500 clients, 40 events of 150 bytes as fast as they can be written. Each server is
uvicorn in a process of its own, the clients are raw sockets in another; compression is off. The
hub's clients join with ``after=0`` a stream that has 10 events, so that each gets the handshake
checks, a snapshot and a replay before the 40; those are work of the server and no deliveries. The
processor time is the server's own, from before the first handshake (and, in a column beside it,
from the first event on).

With redis-server installed a Redis of the benchmark's own stands between this process, which
writes the events, and the server; without it the server publishes to itself in memory.

    python benchmarks/live_fanout.py [--quick] [--repeats N] [--memory]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.machine import print_machine  # noqa: E402 - found through the path above
from benchmarks.tables import median, print_table, ratio  # noqa: E402

FLOOR = 15_000
AIM = 25_000
REPLAYED = 10
EVENT_TEXT = "x" * 100
WAIT_SECONDS = 120


@dataclass(frozen=True)
class Run:
    """What one server did once."""

    cpu_seconds: float
    """Of the server, handshakes included."""
    fanout_cpu_seconds: float
    """Of the server, from the first event on."""
    wall_seconds: float
    """From the first event until every client had the last."""


def find_port() -> int:
    """Return a port nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def prepare(folder: Path, redis_url: str) -> None:
    """Set the environment of this process and its children, and make the two tables."""
    os.environ.update(
        {
            "PARLEY_ENV_FILE": "",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "false",
            "SECRET_KEY": "only-for-this-benchmark-0123456789-abcdefghij-klmnop",
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATA_DIR": str(folder),
            "DATABASE_URL": "",
            "REDIS_URL": redis_url,
            "JOBS_MODE": "inline",
            "LOG_STREAM": "none",
        }
    )
    import django

    django.setup()
    from django.db import connection

    from core.live.models import LiveEvent, LiveStream

    with connection.schema_editor() as editor:
        editor.create_model(LiveStream)
        editor.create_model(LiveEvent)


class Control:
    """The driver's connection to a server."""

    def __init__(self, port: int) -> None:
        from websockets.sync.client import connect

        self._manager = connect(f"ws://127.0.0.1:{port}/control", compression=None, proxy=None)
        self.socket = self._manager.__enter__()

    def ask(self, **command: Any) -> float:
        """Send a command and return the server's processor seconds."""
        self.socket.send(json.dumps(command))
        answer: float = json.loads(self.socket.recv(timeout=WAIT_SECONDS))["cpu"]
        return answer

    def close(self) -> None:
        """Close it."""
        self._manager.__exit__(None, None, None)


def wait_for_line(process: subprocess.Popen[str], line: str) -> None:
    """Wait until the clients say so."""
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    if said != line:
        raise SystemExit(f"the clients said {said!r} instead of {line!r}")


def publish(kind: str, events: int, control: Control, through_redis: bool) -> None:
    """Publish the events, from here or from inside the server."""
    texts = [EVENT_TEXT] * events
    if not through_redis or kind == "bare":
        control.ask(publish=texts)
    elif kind == "hub":
        from benchmarks.live_fanout_servers import STREAM
        from core.live import append_event

        for text in texts:
            append_event(stream=STREAM, type="transcript", payload={"text": text})
    else:
        from benchmarks.live_fanout_servers import publish_to_group

        async def send() -> None:
            for text in texts:
                await publish_to_group(text)

        asyncio.run(send())


def run_once(kind: str, clients: int, events: int, through_redis: bool) -> Run:
    """Start a server and clients, publish, and return what it cost the server."""
    port = find_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", f"benchmarks.live_fanout_servers:{kind}"),
            *("--port", str(port), "--log-level", "error", "--ws-per-message-deflate", "false"),
            *("--timeout-graceful-shutdown", "2"),
        ],
        cwd=ROOT,
    )
    crowd: subprocess.Popen[str] | None = None
    try:
        wait_for_port(port, server)
        control = Control(port)
        replayed, at_once, after = 0, 0, "-"
        if kind == "hub":
            replayed, at_once, after = REPLAYED, 1 + REPLAYED, "0"
            start_stream(replayed)
        before = control.ask()
        crowd = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.live_fanout_clients"),
                *(str(port), str(clients), str(at_once), str(events), after),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for_line(crowd, "connected")
        time.sleep(0.3)
        joined = control.ask()
        began = time.monotonic()
        publish(kind, events, control, through_redis)
        wait_for_line(crowd, "done")
        wall = time.monotonic() - began
        end = control.ask()
        crowd.communicate("end\n", timeout=WAIT_SECONDS)
        if crowd.returncode:
            raise SystemExit(f"{kind}: numbers were missing, doubled or out of order")
        control.close()
        return Run(end - before, end - joined, wall)
    finally:
        for process in (crowd, server):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(20)


def start_stream(events: int) -> None:
    """Begin the hub's stream anew with some events."""
    from benchmarks.live_fanout_servers import STREAM
    from core.live import append_event, erase_streams

    erase_streams([STREAM])
    for _ in range(events):
        append_event(stream=STREAM, type="transcript", payload={"text": EVENT_TEXT})


def wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit("the server ended")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")


def start_redis(folder: Path) -> tuple[subprocess.Popen[bytes], str] | None:
    """Start a Redis of our own, where the program is installed."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    port = find_port()
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    wait_for_port(port, process)
    return process, f"redis://127.0.0.1:{port}/0"


def compare(clients: int, events: int, repeats: int, through_redis: bool) -> float:
    """Measure the three servers in turn, print the table, and return the hub's figure."""
    runs: dict[str, list[Run]] = {"hub": [], "stock": [], "bare": []}
    for _ in range(repeats):
        for kind in runs:
            runs[kind].append(run_once(kind, clients, events, through_redis))
    deliveries = clients * events
    rates = {
        kind: median([deliveries / run.cpu_seconds for run in done]) for kind, done in runs.items()
    }
    titles = {
        "hub": "Parley: hub, snapshot, replay",
        "stock": "Channels, group_send",
        "bare": "bare ASGI",
    }
    print_table(
        f"{clients} clients x {events} events = {deliveries:,} deliveries, median of {repeats}",
        ("server", "per CPU s", "to stock", "from 1st event on", "deliveries/s", "CPU s"),
        [
            (
                titles[kind],
                rates[kind],
                ratio(rates[kind], rates["stock"]),
                median([deliveries / run.fanout_cpu_seconds for run in done]),
                median([deliveries / run.wall_seconds for run in done]),
                median([run.cpu_seconds for run in done]),
            )
            for kind, done in runs.items()
        ],
    )
    return rates["hub"]


def main() -> int:
    """Run the comparison; 1 when the hub is below the floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="one repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--events", type=int, default=40)
    parser.add_argument("--memory", action="store_true", help="no Redis, even where there is one")
    options = parser.parse_args()
    print_machine("uvicorn", "channels", "channels-redis", "websockets", "uvloop")
    with tempfile.TemporaryDirectory(prefix="parley-fanout-") as name:
        folder = Path(name)
        redis = None if options.memory else start_redis(folder)
        try:
            prepare(folder, redis[1] if redis else "")
            print("channel layer: " + ("Redis pub/sub" if redis else "in memory, no redis-server"))
            repeats = 1 if options.quick else options.repeats
            found = compare(options.clients, options.events, repeats, redis is not None)
        finally:
            if redis is not None:
                redis[0].terminate()
                redis[0].wait(10)
    verdict = "above" if found >= AIM else "below"
    print(f"\nfloor {FLOOR:,}, aim {AIM:,}: {found:,.0f} is {verdict} the aim", end="")
    print("" if found >= FLOOR else " and below the floor")
    return 0 if found >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
