"""The pool of PostgreSQL connections, on a real server that drops them."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from django.db import connection

from core.prepared import prepared_cursor

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
HELD = 6


def hold_connections_at_once(count: int) -> None:
    """Make the pool open that many connections and give all of them back."""
    together = threading.Barrier(count)

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            together.wait(timeout=10)
        connection.close()

    threads = [threading.Thread(target=hold) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def pooled():
    if connection.vendor != "postgresql":
        pytest.skip("the pool belongs to PostgreSQL; make test-services runs this")
    connection.close()
    yield
    connection.close()


def test_after_the_server_dropped_every_connection_the_next_request_is_served(pooled):
    hold_connections_at_once(HELD)
    assert connection.pool.get_stats()["pool_available"] >= HELD
    parameters = {
        key: value
        for key, value in connection.get_connection_params().items()
        if key in ("dbname", "user", "password", "host", "port")
    }
    with psycopg.connect(**parameters, autocommit=True) as other:
        dropped = other.execute(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()) AS ended"
        ).fetchone()
    assert dropped is not None
    assert dropped[0] >= HELD

    began = time.monotonic()
    for _ in range(HELD + 2):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        connection.close()

    # With one retry after the other it would be the pool's whole time-out, several times.
    assert time.monotonic() - began < 9


def test_a_prepared_cursor_plans_once_and_leaves_other_statements_alone():
    statement = "SELECT %s::text AS planned_once, %s::jsonb ->> 'a'"
    for value in ("one", "two"):
        with prepared_cursor() as cursor:
            cursor.execute(statement, [value, '{"a": "b"}'])
            assert cursor.fetchone() == (value, "b")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["three"])
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s",
                       ["%planned_once%"])  # fmt: skip
        assert len([row for row in cursor.fetchall() if "$1" in row[0]]) == 1
