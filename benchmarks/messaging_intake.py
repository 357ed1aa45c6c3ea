"""Signed webhook bodies a second into PostgreSQL: Parley's server beside FastAPI.

Both run as one uvicorn process and keep the same: the raw body, contact, conversation, message,
each once, before they answer 200. FastAPI does it the way its documentation shows, with an
asynchronous driver and one transaction a request; Parley's row includes the job that is asked for.
Bodies are verified over their raw bytes by both. A client process with 32 connections sends the
next body when the last is answered.

Run ``python -m benchmarks.messaging_intake`` (``--quick``) with DATABASE_URL naming a PostgreSQL
server; a database of its own is made there and dropped. Without it Parley is measured on SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import importlib.util
import json
import multiprocessing
import os
import random
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from benchmarks.machine import print_machine
from benchmarks.tables import print_table, ratio

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 32
PEOPLE = 200
NUMBER_ID = "10001"
SECRET = "a-signing-secret-only-for-this-benchmark"
AIM_PER_SECOND = 500
AIM_P99_MS = 120
START_SECONDS = 60.0


class Result(NamedTuple):
    """What the client saw."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float
    """Processor time of the server a body."""


def make_requests(count: int, tag: str) -> list[bytes]:
    """Return whole HTTP requests, each with a message nobody has sent before."""
    draw = random.Random(tag)
    made = []
    for number in range(count):
        person = draw.randrange(PEOPLE)
        phone = f"52155{person:08}"
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "100", "phone_number_id": NUMBER_ID},
            "contacts": [
                {"profile": {"name": f"P{person}"}, "wa_id": phone, "user_id": f"MX.{person}"}
            ],
            "messages": [
                {
                    "from": phone,
                    "from_user_id": f"MX.{person}",
                    "id": f"wamid.{tag}.{number}",
                    "timestamp": str(1_790_000_000 + number),
                    "type": "text",
                    "text": {"body": "¿A qué hora abren mañana y dónde están? " * 3},
                }
            ],
        }
        entry = {"id": "waba", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = (
            "POST /webhooks/whatsapp HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def _send_all(port: int, requests: list[bytes], connections: int) -> list[float]:
    taken: list[float] = []
    waiting = iter(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            taken.append(time.perf_counter() - began)
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise RuntimeError(head.decode("latin-1"))
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return taken


def _drive(port: int, requests: list[bytes], connections: int, pipe: Any) -> None:
    began = time.perf_counter()
    taken = asyncio.run(_send_all(port, requests, connections))
    pipe.send((time.perf_counter() - began, taken))


def drive(port: int, requests: list[bytes]) -> tuple[float, list[float]]:
    """Send from a process of its own; return the seconds in all and for each body."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_drive, args=(port, requests, CONNECTIONS, theirs))
    process.start()
    theirs.close()
    try:
        seconds, taken = ours.recv()
    finally:
        process.join()
    return seconds, taken


# --- the servers -----------------------------------------------------------------------------


def fastapi_application() -> Any:
    """Return the peer: verify, store in one transaction, answer."""
    import psycopg_pool
    from fastapi import FastAPI, HTTPException, Request

    pool = psycopg_pool.AsyncConnectionPool(
        os.environ["BENCH_DATABASE"], min_size=4, max_size=20, open=False
    )

    async def start() -> None:
        await pool.open()

    app = FastAPI(on_startup=[start])

    async def receive(request: Request) -> dict[str, bool]:
        raw = await request.body()
        expected = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
            raise HTTPException(401)
        await store_as_fastapi(pool, raw)
        return {"received": True}

    # Annotations are texts in this module, and FastAPI looks them up among its globals.
    receive.__annotations__["request"] = Request
    app.post("/webhooks/whatsapp")(receive)
    return app


async def store_as_fastapi(pool: Any, raw: bytes) -> None:
    """Keep what Parley keeps, in tables of the same keys."""
    async with pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(
            "INSERT INTO peer_raw (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (hashlib.sha256(raw).hexdigest(), raw.decode()),
        )
        for entry in json.loads(raw)["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                names = {one["wa_id"]: one["profile"]["name"] for one in value["contacts"]}
                for message in value["messages"]:
                    await cursor.execute(
                        "INSERT INTO peer_contact (phone, bsuid, name) VALUES (%s, %s, %s) "
                        "ON CONFLICT (phone) DO UPDATE SET name = excluded.name RETURNING id",
                        (message["from"], message["from_user_id"], names[message["from"]]),
                    )
                    (contact,) = await cursor.fetchone()
                    await cursor.execute(
                        "INSERT INTO peer_conversation (contact, due_at) VALUES (%s, now()) "
                        "ON CONFLICT (contact) DO UPDATE SET due_at = excluded.due_at, "
                        "unread = peer_conversation.unread + 1 RETURNING id",
                        (contact,),
                    )
                    (conversation,) = await cursor.fetchone()
                    await cursor.execute(
                        "INSERT INTO peer_message (wamid, conversation, contact, payload) "
                        "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                        (message["id"], conversation, contact, json.dumps(message)),
                    )


PEER_TABLES = """
CREATE TABLE peer_raw (id bigserial PRIMARY KEY, digest text UNIQUE, body text,
  received_at timestamptz DEFAULT now());
CREATE TABLE peer_contact (id bigserial PRIMARY KEY, phone text UNIQUE, bsuid text UNIQUE,
  name text);
CREATE TABLE peer_conversation (id bigserial PRIMARY KEY, contact bigint UNIQUE
  REFERENCES peer_contact, due_at timestamptz, unread int DEFAULT 1);
CREATE INDEX ON peer_conversation (due_at);
CREATE TABLE peer_message (id bigserial PRIMARY KEY, wamid text UNIQUE, conversation bigint
  REFERENCES peer_conversation, contact bigint REFERENCES peer_contact, payload jsonb,
  received_at timestamptz DEFAULT now());
CREATE INDEX ON peer_message (conversation, received_at);
"""


def prepare_parley() -> None:
    """Make the tables and the number; runs in a process of its own."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    from accounts.models import Company
    from messaging.models import BusinessNumber

    company = Company.objects.create(name="Bench", slug="bench")
    BusinessNumber.objects.create(company=company, phone_number_id=NUMBER_ID)


def count_stored() -> int:
    """Return how many messages Parley has kept."""
    import django

    django.setup()
    from messaging.models import InboundMessage

    return InboundMessage.objects.count()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One uvicorn process for the length of a block."""

    def __init__(self, target: str, environment: dict[str, str], *, is_factory: bool) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "uvicorn", target, "--port", str(self.port)]
        command += ["--log-level", "warning", "--no-access-log", "--workers", "1"]
        self._command = [*command, "--factory"] if is_factory else command
        self._environment = environment

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment)
        ends_at = time.monotonic() + START_SECONDS
        while time.monotonic() < ends_at:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None:
                    raise SystemExit("the server did not start") from None
                time.sleep(0.1)
            else:
                return self
        raise SystemExit("the server did not start in time")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def cpu_seconds(self) -> float:
        """Return the processor time the process has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server: Server, bodies: int, repeats: int, tag: str) -> Result:
    """Send rounds of bodies; return the median round, after one to warm up."""
    drive(server.port, make_requests(max(100, bodies // 4), f"{tag}-warm"))
    rounds = []
    for repeat in range(repeats):
        requests = make_requests(bodies, f"{tag}-{repeat}")
        cpu = server.cpu_seconds()
        seconds, taken = drive(server.port, requests)
        cpu = server.cpu_seconds() - cpu
        taken.sort()
        rounds.append(
            Result(
                bodies / seconds,
                statistics.median(taken) * 1000,
                taken[int(len(taken) * 0.99)] * 1000,
                cpu / bodies * 1000,
            )
        )
    return sorted(rounds)[len(rounds) // 2]


# --- the program -----------------------------------------------------------------------------


class OwnDatabase:
    """A database on the server of DATABASE_URL, for the length of a block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = f"bench_{secrets.token_hex(4)}"
        self.url = urlunsplit(urlsplit(url)._replace(path=f"/{self._name}"))

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)

    def __enter__(self) -> OwnDatabase:
        self._run(f"CREATE DATABASE {self._name}")
        return self

    def __exit__(self, *_: object) -> None:
        self._run(f"DROP DATABASE {self._name} WITH (FORCE)")


def make_environment(folder: str, database_url: str) -> dict[str, str]:
    """Return the environment of Parley's processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHATSAPP_")}
    kept.pop("REDIS_URL", None)
    return kept | {
        "PARLEY_ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "localhost",
        "DATA_DIR": folder,
        "DATABASE_URL": database_url,
        "LOG_STREAM": "none",
        "WHATSAPP_APP_SECRET": SECRET,
    }


def run_here(function: str, environment: dict[str, str]) -> str:
    """Call a function of this module in a process with this environment; return its result."""
    program = f"from benchmarks import messaging_intake as m; print(m.{function}())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines()[-1]


def run_on(folder: str, database_url: str, bodies: int, repeats: int) -> dict[str, Result]:
    """Measure Parley, and on PostgreSQL the peer."""
    environment = make_environment(folder, database_url)
    run_here("prepare_parley", environment)
    found = {}
    with Server("config.asgi:application", environment, is_factory=False) as server:
        found["Parley"] = measure(server, bodies, repeats, "parley")
    sent = bodies * repeats + max(100, bodies // 4)
    stored = int(run_here("count_stored", environment))
    if stored != sent:
        raise SystemExit(f"Parley stored {stored} messages of {sent}")
    if database_url.startswith("postgres") and importlib.util.find_spec("fastapi"):
        import psycopg

        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(PEER_TABLES)
        peer = {**environment, "BENCH_DATABASE": database_url}
        target = "benchmarks.messaging_intake:fastapi_application"
        with Server(target, peer, is_factory=True) as server:
            found["FastAPI, asynchronous psycopg"] = measure(server, bodies, repeats, "peer")
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer bodies and repeats")
    options = parser.parse_args()
    bodies, repeats = (600, 3) if options.quick else (3000, 5)
    print_machine("django", "uvicorn", "fastapi", "psycopg")
    given = os.environ.get("DATABASE_URL", "")
    folder = tempfile.mkdtemp(prefix="parley-bench-")
    try:
        if given.startswith("postgres"):
            with OwnDatabase(given) as database:
                found = run_on(folder, database.url, bodies, repeats)
            store = "PostgreSQL"
        else:
            found = run_on(folder, f"sqlite:///{folder}/bench.sqlite3", bodies, repeats)
            store = "SQLite (set DATABASE_URL for PostgreSQL and the peer)"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    base = found["Parley"].per_second
    print_table(
        f"Signed bodies stored on {store}, one server process, {CONNECTIONS} connections",
        ["server", "bodies/s", "ratio", "p50 ms", "p99 ms", "server CPU ms/body"],
        [
            [
                name,
                one.per_second,
                ratio(one.per_second, base),
                one.p50_ms,
                one.p99_ms,
                one.server_cpu_ms,
            ]
            for name, one in found.items()
        ],
    )
    if "FastAPI, asynchronous psycopg" not in found:
        print("the peer is left out: it needs PostgreSQL and requirements-bench.txt")
    print(f"aim: at least {AIM_PER_SECOND} bodies/s, p99 under {AIM_P99_MS} ms")


if __name__ == "__main__":
    main()
