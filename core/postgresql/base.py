"""The database back end of production: Django's own, with another check of pooled connections.

Owns what happens when PostgreSQL has dropped the pool's connections (a restart, a failover, an
idle limit of a proxy). psycopg's pool then tries one dead connection after the other and waits
longer after each, while requests time out. Here the first dead one empties the pool. And cursors
of prepared statements, for what stands before every turn.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects as Django does; only its pool is made here."""

    @property
    def pool(self) -> Any:
        """Return this process's pool of the alias, made at first use; None without one."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        pools: dict[str, Any] = self._connection_pools  # type: ignore[attr-defined]  # not in the stubs
        if self.alias not in pools:
            made: ConnectionPool[Any] = ConnectionPool(
                # As Django's own: autocommit until a transaction begins.
                kwargs={**self.get_connection_params(), "autocommit": True},
                # Opened by whoever asks for the first connection, after a fork.
                open=False,
                configure=self._configure_connection,  # type: ignore[attr-defined]  # as above
                check=lambda connection: _check(made, connection),
                **options,
            )
            # Of threads that come here at once the first one's stays; none is open yet.
            pools.setdefault(self.alias, made)
        return pools[self.alias]

    def prepared_cursor(self) -> Any:
        """Return a cursor whose statements the server plans once for each connection.

        Behind a pooler (DATABASE_DIRECT_URL is set) the statements of one connection may reach
        several of the server's, so there it is a cursor like any other.
        """
        if self.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            return self.cursor()
        self.ensure_connection()
        self.validate_thread_sharing()
        with self.wrap_database_errors:
            return self._prepare_cursor(PreparingCursor(self.connection))  # type: ignore[attr-defined]  # as above


class PreparingCursor(psycopg.Cursor[Any]):
    """Binds values on the server and prepares each statement the first time it is run."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        # Off for everything else, whose values are part of the statement.
        self.connection.prepare_threshold = 0
        try:
            return super().execute(query, params, **{"prepare": True, **options})
        finally:
            self.connection.prepare_threshold = None


def _check(pool: ConnectionPool[Any], connection: Any) -> None:
    """Let a living connection through; a dead one takes all that wait in the pool with it.

    Raises:
        psycopg.OperationalError: the connection is dead; the pool hands out another.
    """
    try:
        pool.check_connection(connection)
    except Exception:
        # Whatever ended this one ended the others: the pool makes new ones in its own threads.
        pool.drain()
        raise
