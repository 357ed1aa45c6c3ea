"""Whole WhatsApp turns a second in one process: Parley beside LangGraph with its checkpointer.

A turn here is everything between a stored message and rows for the sender: lease, state, routing by
rules, the lane's agent, one commit of state version, outbox, inbox row and turn record, and the
nudge of the sender; no model is asked. LangGraph runs a graph of two nodes (route, answer) over the
same kind of state with its PostgreSQL checkpointer in its default durability; it keeps no inbox and
no outbox. The floor is psycopg alone with the four statements a turn cannot do without, and a Lua
compare-and-set in Redis.

Run ``python -m benchmarks.messaging_turns`` (``--quick``) with DATABASE_URL naming a PostgreSQL
server; a database of its own is made there and dropped. Without it Parley is measured on SQLite.
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
from typing import Any, TypedDict

from benchmarks.machine import print_machine
from benchmarks.messaging_intake import (
    ROOT,
    OwnDatabase,
    make_environment,
    make_requests,
    prepare_parley,
)
from benchmarks.tables import print_table, ratio

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

Taken = list[float]


def measure_parley(turns: int) -> Taken:
    """Store messages, then drain their conversations one after the other; seconds a turn."""
    prepare_parley()
    from messaging.models import Conversation, InboundMessage
    from messaging.registry import get_controller
    from messaging.services import intake

    controller = get_controller()

    def run(count: int, tag: str) -> Taken:
        bodies = [
            _greet(request.partition(b"\r\n\r\n")[2]) for request in make_requests(count, tag)
        ]
        for start in range(0, count, 50):
            intake.receive_webhooks(raws=bodies[start : start + 50])
        due = Conversation.objects.filter(inbox_due_at__isnull=False)
        taken: Taken = []
        for key in list(due.values_list("public_id", flat=True)):
            began = time.perf_counter()
            handled = controller.drain(key)
            taken += [(time.perf_counter() - began) / max(1, handled)] * handled
        return taken

    run(WARM_TURNS, "warm")
    taken = run(turns, "measured")
    left = InboundMessage.objects.filter(state="waiting").count()
    if len(taken) != turns or left:
        raise SystemExit(f"{len(taken)} turns of {turns} were handled, {left} messages wait")
    return taken


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


def measure_langgraph(turns: int) -> Taken:
    """Run a graph of two nodes with LangGraph's own PostgreSQL checkpointer; seconds a turn."""
    from langgraph.checkpoint.postgres import PostgresSaver
    from langgraph.graph import END, START, StateGraph

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
    with PostgresSaver.from_conn_string(os.environ["DATABASE_URL"]) as saver:
        saver.setup()
        compiled = graph.compile(checkpointer=saver)

        def one(number: int) -> None:
            thread = {"configurable": {"thread_id": str(number % 200)}}
            compiled.invoke({"said": "Hola"}, thread)

        return _time_each(one, turns)


def measure_psycopg(turns: int) -> Taken:
    """Do the least a durable turn needs, without a framework; seconds a turn."""
    import psycopg

    data = json.dumps(STATE)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
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

        return _time_each(one, turns)


def measure_lua(turns: int) -> Taken:
    """Compare-and-set a state of this size in Redis; seconds each."""
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


def _time_each(one: Callable[[int], None], turns: int) -> Taken:
    for number in range(WARM_TURNS):
        one(number)
    taken: Taken = []
    for number in range(WARM_TURNS, WARM_TURNS + turns):
        began = time.perf_counter()
        one(number)
        taken.append(time.perf_counter() - began)
    return taken


MEASURES: dict[str, Callable[[int], Taken]] = {
    "parley": measure_parley,
    "langgraph": measure_langgraph,
    "psycopg": measure_psycopg,
    "lua": measure_lua,
}


def run_measure(name: str, environment: dict[str, str], turns: int) -> Taken:
    """Run a measure in a process of its own; return seconds a turn."""
    program = (
        "import json; from benchmarks import messaging_turns as m; "
        f"print(json.dumps(m.MEASURES[{name!r}]({turns})))"
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
    taken: Taken = json.loads(done.stdout.strip().splitlines()[-1])
    return taken


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    options = parser.parse_args()
    turns = 300 if options.quick else 3000
    print_machine("django", "psycopg", "langgraph", "langgraph-checkpoint-postgres")
    given, redis_url = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    folder = tempfile.mkdtemp(prefix="parley-bench-")
    rows: list[tuple[str, Taken]] = []

    def add(label: str, name: str, url: str, **more: str) -> None:
        environment = make_environment(folder, url) | more
        rows.append((label, run_measure(name, environment, turns)))

    try:
        if given.startswith("postgres"):
            with OwnDatabase(given) as database:
                add("Parley on PostgreSQL", "parley", database.url)
                if importlib.util.find_spec("langgraph"):
                    add("LangGraph, PostgreSQL checkpointer", "langgraph", database.url)
                add("floor: psycopg, 4 statements", "psycopg", database.url)
        if redis_url:
            add("floor: Lua compare-and-set", "lua", given, BENCH_REDIS=redis_url)
        add("Parley on SQLite", "parley", f"sqlite:///{folder}/turns.sqlite3")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    base = 1 / statistics.fmean(rows[0][1])
    print_table(
        "Whole turns, one after the other, one process",
        ["what", "turns/s", "ratio", "p50 ms", "p99 ms"],
        [
            [
                label,
                1 / statistics.fmean(taken),
                ratio(1 / statistics.fmean(taken), base),
                statistics.median(taken) * 1000,
                sorted(taken)[int(len(taken) * 0.99)] * 1000,
            ]
            for label, taken in rows
        ],
    )
    print(f"aim on PostgreSQL: at least {AIM_PER_SECOND} turns/s, p99 under {AIM_P99_MS} ms")


if __name__ == "__main__":
    main()
