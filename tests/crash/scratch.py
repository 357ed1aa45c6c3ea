"""A PostgreSQL database that lives as long as one test, beside the one the suite runs on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Create an empty database on the server of this address; yield its address, then drop it.

    Processes of a test may have been killed with open connections, so it is dropped by force.
    """
    import psycopg

    name = f"parley_scratch_{secrets.token_hex(4)}"
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
