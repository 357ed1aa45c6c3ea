"""Whole installations of real processes under a burst: nothing lost, doubled, or out of order.

The web server, the workers and Redis are processes of their own, which are killed, stopped and
flushed while people write; the Graph API is a loopback server in this one.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from messaging.tests.webhook_bodies import encode, envelope, profile, text
from tests.crash.installation import Installation, OwnRedis
from tests.crash.scratch import scratch_database
from tests.crash.whatsapp_program import NUMBER_ID
from tests.fakes.graph_server import GraphServer

PHONE = "5215500000777"


@pytest.fixture
def graph() -> Iterator[GraphServer]:
    with GraphServer(token="a-token") as server:
        yield server


@pytest.fixture
def database_url() -> Iterator[str]:
    if settings.DATABASE_IS_SQLITE:
        pytest.skip("needs PostgreSQL; make test-services runs this")
    with scratch_database(os.environ["DATABASE_URL"]) as url:
        yield url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()


def body(words: str, *, key: str, at: int, phone: str = PHONE, name: str = "Luz") -> bytes:
    return encode(
        envelope(
            messages=[text(words, key=key, at=at, sender=phone)],
            contacts=[profile(phone, name)],
            number_id=NUMBER_ID,
        )
    )


def check(
    told: dict[str, dict[str, Any]], graph: GraphServer, *, keys: dict[str, list[str]]
) -> None:
    """Hold what there is to what was written: each message one turn, each reply sent once."""
    taken = [one.opaque for one in graph.sent]
    assert [key for key, count in Counter(taken).items() if count > 1] == []
    assert told.keys() == keys.keys()
    for phone, written in keys.items():
        found = told[phone]
        assert (found["messages"], found["waiting"]) == (written, 0)
        assert found["turns"] == written
        assert found["version"] == len(written)
        assert len(found["replies"]) == found["reply_count"]
        mine = [one.opaque for one in graph.sent if one.to == phone]
        # A process killed in the call leaves one nobody knows of, whether WhatsApp took it or not;
        # nothing else may be missing, and the order is that of the answers.
        in_order = [key for key, state in found["replies"] if state == "sent" or key in mine]
        assert mine == in_order
        assert {state for _, state in found["replies"]} <= {"sent", "unknown"}


def wait_for(condition: Callable[[], Any], *, seconds: float = 20) -> Any:
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it did not come to that in time"
        time.sleep(0.02)
    return found


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_burst_survives_the_only_process_being_killed_twice(
    tmp_path: Path, graph: GraphServer
) -> None:
    now = int(time.time()) - 60
    keys = [f"wamid.burst{index}" for index in range(6)]
    with Installation(tmp_path, graph.url, turn_seconds=0.4, lease_seconds=2) as parley:
        server = parley.start_server()
        for index, key in enumerate(keys):
            assert parley.post(body(f"Mensaje {index}", key=key, at=now + index)) == 200
        wait_for(lambda: graph.sent)
        for _ in range(2):
            time.sleep(0.3)
            server.kill()
            server.wait(10)
            server = parley.start_server()
            # Meta repeats what it is not sure of.
            assert parley.post(body("Mensaje 0", key=keys[0], at=now)) == 200
        told = parley.report(messages=6, wait_seconds=60)
    check(told, graph, keys={PHONE: keys})
    assert told[PHONE]["said"] == [f"Mensaje {index}" for index in range(6)]


@pytest.mark.services
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_burst_of_ten_survives_redis_and_workers_dying(
    tmp_path: Path, graph: GraphServer, database_url: str, own_redis: OwnRedis
) -> None:
    """Ten messages at once, turns of a second, three workers; everything dies in between.

    Redis is flushed, killed and started again; the worker that holds the conversation is stopped
    for longer than its lease and comes back late, and another one is killed in its turn.
    """
    import psycopg
    import redis

    def handled() -> int:
        """Return how many messages have had their turn; their replies go out later."""
        with psycopg.connect(database_url) as rows:
            [(count,)] = rows.execute(
                "SELECT count(*) FROM messaging_inboundmessage WHERE state = 'done'"
            )
        return int(count)

    def wait_for_a_turn() -> None:
        before = handled()
        wait_for(lambda: handled() > before, seconds=40)

    def holder() -> int | None:
        """Return the process that holds the conversation now."""
        with psycopg.connect(database_url) as rows:
            found = rows.execute(
                "SELECT lease_owner FROM messaging_conversation WHERE leased_until > now()"
            ).fetchone()
        return int(found[0].split(":")[0]) if found and found[0] else None

    now = int(time.time()) - 60
    keys = [f"wamid.burst{index}" for index in range(10)]
    with Installation(
        tmp_path,
        graph.url,
        database_url=database_url,
        redis_url=own_redis.url,
        turn_seconds=1,
        lease_seconds=3,
    ) as parley:
        parley.start_server()
        workers = {process.pid: process for process in (parley.start_worker() for _ in range(3))}
        for index, key in enumerate(keys):
            assert parley.post(body(f"Mensaje {index}", key=key, at=now + index)) == 200
        wait_for_a_turn()
        redis.Redis.from_url(own_redis.url).flushall()
        wait_for_a_turn()
        own_redis.kill()
        wait_for_a_turn()  # it goes on without

        late = wait_for(holder)
        os.kill(late, signal.SIGSTOP)  # in its turn, its lease runs out
        wait_for(lambda: holder() not in (None, late))
        own_redis.start()
        os.kill(late, signal.SIGCONT)  # what it writes now changes no row

        wait_for_a_turn()
        time.sleep(0.4)
        killed = wait_for(holder)
        workers[killed].kill()
        told = parley.report(messages=10, wait_seconds=90)
        cached = redis.Redis.from_url(own_redis.url).get(f"session:{NUMBER_ID}:{PHONE}")
    check(told, graph, keys={PHONE: keys})
    assert told[PHONE]["said"] == [f"Mensaje {index}" for index in range(10)]
    # More than one process has held it.
    assert told[PHONE]["fence"] >= 3
    assert cached is not None
    assert b'"version":10' in cached


@pytest.mark.services
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_five_hundred_messages_of_a_hundred_people_at_once(
    tmp_path: Path, graph: GraphServer, database_url: str
) -> None:
    """Twenty senders, two workers; one message comes fifty times in parallel besides."""
    now = int(time.time()) - 600
    words = ("Hola", "¿A qué hora abren?", "¿Dónde están?", "Quiero café", "Gracias")
    people = [f"5215511{index:06}" for index in range(100)]
    keys = {phone: [f"wamid.{phone}.{index}" for index in range(5)] for phone in people}

    def write(mine: list[str]) -> list[int]:
        """Let some people write in turn, each in order."""
        return [
            parley.post(body(words[step], key=keys[phone][step], at=now + step, phone=phone))
            for step in range(5)
            for phone in mine
        ]

    with Installation(tmp_path, graph.url, database_url=database_url) as parley:
        parley.start_server()
        for _ in range(2):
            parley.start_worker()
        random.Random(3).shuffle(people)
        with ThreadPoolExecutor(25) as senders:
            parts = [senders.submit(write, people[start::20]) for start in range(20)]
            repeated = [
                senders.submit(
                    parley.post,
                    body("Hola", key="wamid.repeated", at=now, name=f"Luz {number % 10}"),
                )
                for number in range(50)
            ]
            assert {code for part in parts for code in part.result()} == {200}
            assert {one.result() for one in repeated} == {200}
        assert parley.post(body("Hola", key="wamid.forged", at=now), signature="sha256=00") == 401
        told = parley.report(messages=501, wait_seconds=200)
    check(told, graph, keys=keys | {PHONE: ["wamid.repeated"]})
