"""Kill processes with SIGKILL between the steps of a WhatsApp turn and of a send.

Each case is one person who writes three messages. A process takes the webhooks in, answers and
sends, and dies at one point; Meta repeats the webhooks, a second process does what the sweeps do
and may die at a point too, and two more finish side by side. The Graph API stands on a loopback
port in a process no kill reaches. Then every message is one turn, in order, and every reply was
taken by the Graph API once; where nobody can know, because no status ever comes, it is shown to
an operator and was taken once at most.

The crashing is all in here: the points are wrapped around the product's own functions inside the
child processes. Run as ``python -m tests.crash.whatsapp_runner [--quick]``; DATABASE_URL chooses
the database, by default a SQLite file in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.crash.processes import (
    NO_CRASH,
    Outcome,
    after,
    before,
    die,
    fork,
    load_product,
    make_tables,
    server_apart,
    wait,
)
from tests.fakes.graph_server import GraphServer

POINTS = {
    "received": "webhooks stored, Meta was not answered, nobody was nudged",
    "claimed": "the conversation's lease is taken",
    "answered": "the agent has answered, nothing is written",
    "turn_sent": "the turn's statement is at work and nobody reads its end; on SQLite: has begun",
    "state_put": "in the turn's transaction, the version is written, the conversation let go",
    "outbox_saved": "in the turn's transaction, outbox rows built",
    "before_commit": "at the end of the turn's transaction",
    "committed": "the turn is committed, Redis is not written",
    "send_claimed": "the outbox row is claimed",
    "slots_taken": "the places in the rate limits are taken",
    "marked_read": "the row says sending, the message read, nothing is sent",
    "graph_took": "the Graph API has taken it, our row does not know",
    "sent_noted": "the row says sent",
    "status_applied": "in the transaction of a status, the row is moved on",
    "statuses_done": "statuses applied",
}
LATER = ("status_applied", "statuses_done")
"""Points only a process that is told of statuses can die at."""
TEXTS = ("Hola", "¿A qué hora abren?", "¿Dónde están?")
NUMBER_ID = "200000000000001"
CASE_SECONDS = 30.0


@dataclass
class Case(Outcome):
    """One run: where the first and second process die, and whether statuses ever come."""

    first: str
    second: str
    has_statuses: bool
    phone: str = ""
    bodies: list[bytes] = field(default_factory=list)


def settings_of(graph_url: str) -> dict[str, str]:
    """Return the variables of a product that talks to the fake Graph API."""
    return {
        "WHATSAPP_BACKEND": "cloud",
        "WHATSAPP_APP_SECRET": "crash-secret",
        "WHATSAPP_TOKEN": "crash-token",
        "WHATSAPP_BASE_URL": f"{graph_url}/v26.0",
    }


def make_world() -> None:
    """Create the tables and a number with the demo's shop behind it."""
    make_tables()
    from accounts.tests.factories import make_company, make_user
    from messaging.tests.shop_world import make_shop

    make_shop(make_company("Acme", owner=make_user("ana@acme.test")), NUMBER_ID)


def make_case_bodies(case: Case, serial: int) -> None:
    """Write the webhooks of one person who has written three messages a second apart."""
    from messaging.tests.webhook_bodies import encode, envelope, profile, text

    case.phone = f"52155{serial:08}"
    now = int(time.time()) - 60
    case.bodies = [
        encode(
            envelope(
                messages=[
                    text(words, key=f"wamid.{serial}.{index}", sender=case.phone, at=now + index)
                ],
                contacts=[profile(case.phone, "Luz")],
                number_id=NUMBER_ID,
            )
        )
        for index, words in enumerate(TEXTS)
    ]


# --- the processes that die ------------------------------------------------------------------


def once_sent(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return death while PostgreSQL runs the function's statement."""
    from core.postgresql.base import PreparingCursor

    def sent(*args: Any, **kwargs: Any) -> None:
        send(*args, **kwargs)
        die()

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        PreparingCursor._send_query_prepared = sent  # type: ignore[method-assign]  # for this process
        return function(*args, **kwargs)

    send = PreparingCursor._send_query_prepared
    return wrapped


def arm(point: str) -> None:
    """Make this process die at the point; shorten leases so that recovery need not wait."""
    from messaging.services import delivery, outbox, pacing, sending, status_events
    from messaging.state import cache, commit_statement, controller, inbox, patcher
    from messaging.whatsapp.cloud import CloudBackend

    inbox.LEASE_SECONDS = 0.5
    inbox.RENEW_SECONDS = 0.1
    sending.LEASE_SECONDS = 0.5
    # Longer than a call takes on the busiest machine: what is slower is taken for lost.
    sending.AMBIGUOUS_WAIT_SECONDS = 2.5
    targets: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "claimed": (inbox, "take", after),
        "answered": (controller.TurnController, "_answer", after),
        "turn_sent": (commit_statement, "write_turn", once_sent),
        "outbox_saved": (outbox, "build_outbound", after),
        "before_commit": (patcher, "_write", after),
        "committed": (cache, "write_state", before),
        "state_put": (patcher, "_put_state", after),
        "send_claimed": (pacing, "take_slots", before),
        "slots_taken": (pacing, "take_slots", after),
        "marked_read": (CloudBackend, "mark_read", after),
        "graph_took": (CloudBackend, "send", after),
        "sent_noted": (sending, "_note_sent", after),
        "status_applied": (delivery, "apply_status", after),
        "statuses_done": (status_events, "apply_statuses", after),
    }
    if not commit_statement.is_supported():
        targets["turn_sent"] = (patcher, "_end_inbound", after)
    elif point in ("state_put", "before_commit"):
        # Every turn of this process takes the way of those that write more than the usual.
        commit_statement.is_supported = lambda: False
    if point in targets:
        owner, name, how = targets[point]
        setattr(owner, name, how(getattr(owner, name)))


def serve(case: Case, point: str, *, graph_url: str) -> None:
    """Do what the web server and the worker do: webhooks in, turns, sends, statuses."""
    from messaging.services import intake

    for raw in case.bodies:
        intake.receive_webhook(raw=raw)
    if point == "received":
        die()
    work(case, graph_url, until=lambda: is_settled(case, graph_url))


def work(case: Case, graph_url: str, *, until: Callable[[], bool]) -> None:
    """Run the sweeps and what they find, until all is settled."""
    from messaging.registry import get_controller
    from messaging.services import intake, sending, status_events

    ends_at = time.monotonic() + CASE_SECONDS
    while time.monotonic() < ends_at:
        for key in intake.due_conversation_ids():
            get_controller().drain(key)
        if case.has_statuses:
            tell_statuses(case, graph_url)
        status_events.apply_statuses()
        sending.settle_ambiguous()
        for key in sending.due_conversation_ids():
            sending.send_due(conversation_id=key)
        if until():
            return
        time.sleep(0.02)


def tell_statuses(case: Case, graph_url: str) -> None:
    """Deliver the webhooks Meta sends for what it has taken, with our own id in each."""
    from messaging.services import intake
    from messaging.tests.webhook_bodies import encode, envelope, status

    for one in sent_to(case, graph_url):
        told = status(one["wamid"], "delivered", biz_opaque_callback_data=one["opaque"])
        intake.receive_webhook(raw=encode(envelope(statuses=[told], number_id=NUMBER_ID)))


def is_settled(case: Case, graph_url: str) -> bool:
    """Tell whether every message was handled and every reply has come to its end."""
    from messaging.models import InboundMessage, OutboundMessage

    if InboundMessage.objects.filter(contact__phone=case.phone, state="waiting").exists():
        return False
    rows = list(OutboundMessage.objects.filter(conversation__contact__phone=case.phone))
    if not rows or any(row.state in ("queued", "sending") for row in rows):
        return False
    told = {one["opaque"] for one in sent_to(case, graph_url)} if case.has_statuses else set()
    return all(row.state == "delivered" for row in rows if row.public_id in told)


def begin(case: Case, point: str, graph_url: str) -> int:
    """Start a process that dies at the point; return its id."""

    def armed() -> None:
        arm(point)
        serve(case, point, graph_url=graph_url)

    return fork(armed)


def run_case(case: Case, graph_url: str) -> None:
    """Crash, recover with another crash, let two finish side by side, and check."""
    wait(case, begin(case, case.first, graph_url), "the first process")
    wait(case, begin(case, case.second, graph_url), "the second process")
    for process in [begin(case, NO_CRASH, graph_url) for _ in range(2)]:
        wait(case, process, "a last process")
    case.problems += check_case(case, graph_url)


# --- what must hold --------------------------------------------------------------------------


def check_case(case: Case, graph_url: str) -> list[str]:
    """Return what is lost, doubled or out of order."""
    from messaging.models import Conversation, InboundMessage, OutboundMessage, TurnRecord

    conversation = Conversation.objects.get(contact__phone=case.phone)
    turns = TurnRecord.objects.filter(conversation=conversation, is_success=True).order_by("pk")
    rows = list(OutboundMessage.objects.filter(conversation=conversation).order_by("pk"))
    taken = [one["opaque"] for one in sent_to(case, graph_url)]
    state = conversation.state or {"dialogue": {"turns": []}}
    said = [one["text"] for one in state["dialogue"]["turns"] if one["role"] == "user"]
    ids = list(
        InboundMessage.objects.filter(conversation=conversation)
        .order_by("sent_at")
        .values_list("wamid", flat=True)
    )
    problems = []

    def expect(name: str, found: object, wanted: object) -> None:
        if found != wanted:
            problems.append(f"{name}: {found!r} instead of {wanted!r}")

    expect("messages", len(ids), len(TEXTS))
    expect("waiting", conversation.inbound.filter(state="waiting").count(), 0)
    expect("turns", list(turns.values_list("turn_id", flat=True)), ids)
    expect("version", conversation.version, len(TEXTS))
    expect("said", tuple(said), TEXTS)
    expect("replies", len(rows), sum(turn.reply_count for turn in turns))
    doubled = [key for key, count in Counter(taken).items() if count > 1]
    expect("sent twice", doubled, [])
    expect("order", taken, [row.public_id for row in rows if row.public_id in taken])
    if case.has_statuses and NO_KILL_IN_CALL.isdisjoint({case.first, case.second}):
        expect("taken", len(taken), len(rows))
    for row in rows:
        was_taken = row.public_id in taken
        allowed = {"delivered"} if case.has_statuses and was_taken else {"sent", "unknown"}
        if row.state not in allowed or (row.state != "unknown" and not was_taken):
            problems.append(f"reply {row.pk}: {row.state}, taken: {was_taken}")
    if any(row.state == "unknown" for row in rows):
        expect("shown to an operator", conversation.mode, "waiting")
    return problems


NO_KILL_IN_CALL = frozenset({"marked_read"})
"""Killed between the mark in the row and the call: nobody can know that nothing was sent."""


def sent_to(case: Case, graph_url: str) -> list[dict[str, str]]:
    """Return what the Graph API has taken for this person, in order."""
    with urllib.request.urlopen(f"{graph_url}/test/sent", timeout=5) as answer:
        sent: list[dict[str, str]] = json.load(answer)["sent"]
    return [one for one in sent if one["to"] == case.phone]


# --- the program -----------------------------------------------------------------------------


def choose_cases(*, is_quick: bool) -> list[Case]:
    """Return pairs of points with and without statuses; in the quick form each point once."""
    if is_quick:
        names = list(POINTS)
        return [
            Case(first, names[(index * 3 + 1) % len(names)], first in LATER or index % 2 == 0)
            for index, first in enumerate(names)
        ]
    return [
        Case(first, second, has_statuses)
        for first in POINTS
        for second in [*POINTS, NO_CRASH]
        for has_statuses in (True, False)
        if has_statuses or not {first, second} & set(LATER)
    ]


def print_table(cases: list[Case], seconds: float) -> None:
    """Print runs, kills and problems for each first point."""
    print(f"{'first kill':<16} {'runs':>5} {'kills':>6} {'bad':>4}   where")
    for point, meaning in POINTS.items():
        mine = [case for case in cases if case.first == point]
        bad = sum(bool(case.problems) for case in mine)
        kills = sum(case.crashes for case in mine)
        print(f"{point:<16} {len(mine):>5} {kills:>6} {bad:>4}   {meaning}")
    bad = sum(bool(case.problems) for case in cases)
    kills = sum(case.crashes for case in cases)
    print(f"{'all':<16} {len(cases):>5} {kills:>6} {bad:>4}   {seconds:.0f} s")
    for case in cases:
        for problem in case.problems:
            print(f"  {case.first} + {case.second} (statuses: {case.has_statuses}): {problem}")


def main() -> int:
    """Run the cases; 0 when nothing was lost, doubled or out of order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each first point once")
    options = parser.parse_args()
    data_dir = tempfile.mkdtemp(prefix="parley-crash-")
    try:
        with server_apart(partial(GraphServer, token="crash-token")) as graph_url:
            load_product(data_dir, settings_of(graph_url))
            make_world()
            cases = choose_cases(is_quick=options.quick)
            random.Random(7).shuffle(cases)
            started = time.monotonic()
            for serial, case in enumerate(cases, start=1):
                make_case_bodies(case, serial)
                run_case(case, graph_url)
        print_table(cases, time.monotonic() - started)
        return int(any(case.problems for case in cases))
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
