"""Whole WhatsApp turns a second in one process: Parley beside LangGraph with its checkpointer.

A turn here is everything between a stored message and rows for the sender: lease, state, routing by
rules, the lane's agent, one commit of state version, outbox, inbox row and turn record, and the
nudge of the sender; no model is asked. Each person writes one message and is answered before the
next round begins, so that every turn takes and leaves the lease; "bursts" lets all messages of a
person wait at once. LangGraph runs a graph of two nodes (route, answer) over the same kind of state
with its PostgreSQL checkpointer, in its default durability and in the one that writes once a run
(``exit``); it keeps no inbox and no outbox. The floor is psycopg alone with the four statements a
turn cannot do without, and a Lua compare-and-set in Redis.

Every measure runs three times in a process of its own, in turn with the others; the median run is
shown, by turns a second. Processor time is the client process's; the server's is that of its
process for this connection, where it runs on the same machine.

Run ``python -m benchmarks.messaging_turns`` (``--quick``) with DATABASE_URL naming a PostgreSQL
server; a database of its own is made there and dropped. Without it Parley is measured on SQLite.
What a commit costs depends on the server: its ``fsync`` and ``synchronous_commit`` are printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from benchmarks.machine import print_machine
from benchmarks.messaging_intake import (
    ROOT,
    OwnDatabase,
    make_environment,
    make_requests,
    prepare_parley,
)
from benchmarks.tables import print_table, ratio, spread

AIM_PER_SECOND = 400
AIM_P99_MS = 10
WARM_TURNS = 100
STATE = {"schema": 3, "version": 0, "slots": {}, "dialogue": {"turns": []}, "lane": "info"}
LUA_SET = """
local held = redis.call('HGET', KEYS[1], 'v')
if (held or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[1] + 1, 'data', ARGV[2])
redis.call('EXPIRE', KEYS[1], 86400)
return 1
"""

PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a measure."""

    taken: list[float]
    """Seconds of each turn."""
    client_cpu: float
    """Seconds of processor time, as of the next."""
    server_cpu: float | None = None

    @property
    def per_second(self) -> float:
        """Turns a second."""
        return 1 / statistics.fmean(self.taken)


def measure_parley(turns: int) -> Run:
    """Let each person write and be answered, one after the other."""
    return _measure_parley(turns, round_size=PEOPLE)


def measure_bursts(turns: int) -> Run:
    """Store all messages first, then drain the conversations one after the other."""
    return _measure_parley(turns, round_size=turns)


def _measure_parley(turns: int, *, round_size: int) -> Run:
    prepare_parley()
    from django.db import connection

    from messaging.models import Conversation, InboundMessage
    from messaging.registry import get_controller
    from messaging.services import intake

    controller = get_controller()
    server = None
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            server = ServerProcess(cursor.fetchone()[0])
    due = Conversation.objects.filter(inbox_due_at__isnull=False)
    taken: list[float] = []
    client_cpu = server_cpu = 0.0

    def answer(key: str) -> None:
        nonlocal client_cpu, server_cpu
        server_before = server.cpu_seconds() if server else 0.0
        cpu, began = time.process_time(), time.perf_counter()
        handled = controller.drain(key)
        seconds = time.perf_counter() - began
        client_cpu += time.process_time() - cpu
        server_cpu += (server.cpu_seconds() if server else 0.0) - server_before
        taken.extend([seconds / max(1, handled)] * handled)

    def run(count: int, tag: str) -> None:
        bodies = [
            _greet(request.partition(b"\r\n\r\n")[2]) for request in make_requests(count, tag)
        ]
        for start in range(0, count, round_size):
            part = bodies[start : start + round_size]
            for first in range(0, len(part), 50):
                intake.receive_webhooks(raws=part[first : first + 50])
            for key in list(due.values_list("public_id", flat=True)):
                answer(key)

    run(WARM_TURNS, "warm")
    taken.clear()
    client_cpu = server_cpu = 0.0
    run(turns, "measured")
    left = InboundMessage.objects.filter(state="waiting").count()
    if len(taken) != turns or left:
        raise SystemExit(f"{len(taken)} turns of {turns} were handled, {left} messages wait")
    return Run(taken, client_cpu, server_cpu if server else None)


class ServerProcess:
    """The server's process for one connection; its processor time, if it runs on this machine."""

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/schedstat")

    def cpu_seconds(self) -> float:
        """Return the seconds it has used."""
        if not self._file.exists():
            return 0.0
        return int(self._file.read_text().split()[0]) / 1e9


def _greet(body: bytes) -> bytes:
    """Return the body with a greeting in place of its long text."""
    read = json.loads(body)
    read["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] = "Hola"
    return json.dumps(read).encode()


class GraphState(TypedDict, total=False):
    """What LangGraph's graph remembers."""

    said: str
    lane: str
    turns: list[str]


def measure_langgraph(turns: int) -> Run:
    """Run a graph of two nodes with LangGraph's own PostgreSQL checkpointer."""
    return _measure_langgraph(turns, {})


def measure_langgraph_exit(turns: int) -> Run:
    """Do the same with one checkpoint a run, written at its end."""
    return _measure_langgraph(turns, {"durability": "exit"})


def _measure_langgraph(turns: int, options: dict[str, Any]) -> Run:
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver
    from langgraph.graph import END, START, StateGraph
    from psycopg.rows import dict_row

    def route(state: Any) -> dict[str, Any]:
        return {"lane": "info" if "hola" in state["said"].lower() else "other"}

    def answer(state: Any) -> dict[str, Any]:
        turns_so_far = [*state.get("turns", []), state["said"], "¡Hola! ¿En qué te ayudo?"]
        return {"turns": turns_so_far}

    graph: Any = StateGraph(GraphState)
    graph.add_node("route", route)
    graph.add_node("answer", answer)
    graph.add_edge(START, "route")
    graph.add_edge("route", "answer")
    graph.add_edge("answer", END)
    # As its `from_conn_string` connects, with the connection at hand.
    with psycopg.connect(
        os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0, row_factory=dict_row
    ) as connection:
        saver = PostgresSaver(connection)
        saver.setup()
        compiled = graph.compile(checkpointer=saver)

        def one(number: int) -> None:
            thread = {"configurable": {"thread_id": str(number % 200)}}
            compiled.invoke({"said": "Hola"}, thread, **options)

        return _time_each(one, turns, ServerProcess(connection.info.backend_pid))


def measure_psycopg(turns: int) -> Run:
    """Do the least a durable turn needs, without a framework."""
    import psycopg

    data = json.dumps(STATE)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS floor_state, floor_out; "
            "CREATE TABLE floor_state (id int PRIMARY KEY, version int, fence int, data jsonb)"
        )
        connection.execute("CREATE TABLE floor_out (id bigserial PRIMARY KEY, turn text UNIQUE)")
        connection.execute(
            "INSERT INTO floor_state SELECT n, 0, 0, '{}' FROM generate_series(0, 199) n"
        )

        def one(number: int) -> None:
            key = number % 200
            found = connection.execute(
                "UPDATE floor_state SET fence = fence + 1 WHERE id = %s "
                "RETURNING version, fence, data",
                (key,),
            ).fetchone()
            if found is None:
                raise SystemExit("the floor lost a row")
            with connection.transaction():
                connection.execute(
                    "UPDATE floor_state SET version = version + 1, data = %s "
                    "WHERE id = %s AND version = %s AND fence = %s",
                    (data, key, found[0], found[1]),
                )
                connection.execute("INSERT INTO floor_out (turn) VALUES (%s)", (f"t{number}",))

        return _time_each(one, turns, ServerProcess(connection.info.backend_pid))


def measure_lua(turns: int) -> Run:
    """Compare-and-set a state of this size in Redis."""
    import redis

    client = redis.Redis.from_url(os.environ["BENCH_REDIS"])
    script = client.register_script(LUA_SET)
    data = json.dumps(STATE)
    prefix = f"bench:{os.getpid()}"
    versions = [0] * 200

    def one(number: int) -> None:
        key = number % 200
        if not script(keys=[f"{prefix}:{key}"], args=[versions[key], data]):
            raise SystemExit("the floor's compare-and-set failed")
        versions[key] += 1

    try:
        return _time_each(one, turns)
    finally:
        client.delete(*(f"{prefix}:{key}" for key in range(200)))


def _time_each(one: Callable[[int], None], turns: int, server: ServerProcess | None = None) -> Run:
    for number in range(WARM_TURNS):
        one(number)
    taken: list[float] = []
    server_before = server.cpu_seconds() if server else 0.0
    cpu = time.process_time()
    for number in range(WARM_TURNS, WARM_TURNS + turns):
        began = time.perf_counter()
        one(number)
        taken.append(time.perf_counter() - began)
    client_cpu = time.process_time() - cpu
    return Run(taken, client_cpu, server.cpu_seconds() - server_before if server else None)


MEASURES: dict[str, Callable[[int], Run]] = {
    "parley": measure_parley,
    "bursts": measure_bursts,
    "langgraph": measure_langgraph,
    "langgraph_exit": measure_langgraph_exit,
    "psycopg": measure_psycopg,
    "lua": measure_lua,
}


def run_measure(name: str, environment: dict[str, str], turns: int) -> Run:
    """Run a measure in a process of its own."""
    program = (
        "import dataclasses, json; from benchmarks import messaging_turns as m; "
        f"print(json.dumps(dataclasses.asdict(m.MEASURES[{name!r}]({turns}))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return Run(**json.loads(done.stdout.strip().splitlines()[-1]))


def run_on_postgresql(given: str, folder: str, name: str, turns: int) -> Run:
    """Run a measure in a database of its own."""
    with OwnDatabase(given) as database:
        return run_measure(name, make_environment(folder, database.url), turns)


def run_on_sqlite(folder: str, turns: int) -> Run:
    """Run Parley on a file of its own."""
    name = f"turns-{time.monotonic_ns()}.sqlite3"
    return run_measure("parley", make_environment(folder, f"sqlite:///{folder}/{name}"), turns)


def describe_server(url: str) -> str:
    """Return what decides on the price of a commit."""
    import psycopg

    with psycopg.connect(url) as connection:
        found = [
            f"{name} {connection.execute(f'SHOW {name}').fetchone()[0]}"  # type: ignore[index]  # SHOW returns a row
            for name in ("server_version", "fsync", "synchronous_commit")
        ]
    return f"PostgreSQL: {', '.join(found)}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    options = parser.parse_args()
    turns, repeats = (300, 1) if options.quick else (2000, 3)
    print_machine("django", "psycopg", "langgraph", "langgraph-checkpoint-postgres")
    given, redis_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    folder = tempfile.mkdtemp(prefix="parley-bench-")
    measures: list[tuple[str, Callable[[], Run]]] = []
    if given.startswith("postgres"):
        print(describe_server(given))
        named = {"Parley on PostgreSQL": "parley", "Parley on PostgreSQL, bursts": "bursts"}
        if importlib.util.find_spec("langgraph"):
            named["LangGraph, PostgreSQL checkpointer"] = "langgraph"
            named['the same, durability="exit"'] = "langgraph_exit"
        named["floor: psycopg, 4 statements"] = "psycopg"
        measures += [
            (label, partial(run_on_postgresql, given, folder, name, turns))
            for label, name in named.items()
        ]
    if redis_url:
        environment = make_environment(folder, given) | {"BENCH_REDIS": redis_url}
        measures.append(
            ("floor: Lua compare-and-set", partial(run_measure, "lua", environment, turns))
        )
    measures.append(("Parley on SQLite", partial(run_on_sqlite, folder, turns)))
    runs: dict[str, list[Run]] = {label: [] for label, _ in measures}
    try:
        for _ in range(repeats):
            for label, measure in measures:
                runs[label].append(measure())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    shown = {
        label: sorted(found, key=lambda run: run.per_second)[len(found) // 2]
        for label, found in runs.items()
    }
    base = next(iter(shown.values())).per_second
    print_table(
        f"Whole turns, one after the other, one process; median of {repeats}",
        ["what", "turns/s", "from to", "ratio", "p50 ms", "p99 ms", "CPU ms", "server CPU ms"],
        [
            [
                label,
                run.per_second,
                spread([one.per_second for one in runs[label]]),
                ratio(run.per_second, base),
                statistics.median(run.taken) * 1000,
                sorted(run.taken)[int(len(run.taken) * 0.99)] * 1000,
                run.client_cpu / len(run.taken) * 1000,
                None if run.server_cpu is None else run.server_cpu / len(run.taken) * 1000,
            ]
            for label, run in shown.items()
        ],
    )
    print(f"aim on PostgreSQL: at least {AIM_PER_SECOND} turns/s, p99 under {AIM_P99_MS} ms")


if __name__ == "__main__":
    main()
