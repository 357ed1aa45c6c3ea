"""Copying the database out and in: SQLite's online backup, PostgreSQL's own programs.

Owns the two ways. A copy is one consistent moment, taken while the product runs.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from core.backup.manifest import BackupError
from core.single_process import ServerAlreadyRunningError, ServerLock

# What Django writes at each migration; the apps' own are settings.SEEDED_TABLES.
BOOKKEEPING: Final = frozenset({"django_migrations", "django_content_type", "auth_permission"})
LOCK_WAIT_SECONDS: Final = 10
PROGRAM_SECONDS: Final = 6 * 3600


class DatabaseCopier(Protocol):
    """One kind of database."""

    engine: str
    file_name: str

    def version(self) -> str:
        """Return the server's version."""

    def dump(self, target: Path) -> dict[str, int]:
        """Write a copy; return the rows of each table in it."""

    def load(self, source: Path) -> None:
        """Replace everything by the copy. All or nothing."""


def get_copier() -> DatabaseCopier:
    """Return the copier of the configured database."""
    return SqliteCopier() if settings.DATABASE_IS_SQLITE else PostgresCopier()


def count_rows() -> dict[str, int]:
    """Return the number of rows of each table of the configured database."""
    with connection.cursor() as cursor:
        found = {}
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name
            found[table] = cursor.fetchone()[0]
    return found


def is_empty() -> bool:
    """Tell whether the configured database holds nothing that anybody wrote."""
    return not any(
        count
        for table, count in count_rows().items()
        if table not in BOOKKEEPING | settings.SEEDED_TABLES
        and not table.startswith("procrastinate_")
    )


class SqliteCopier:
    """A file beside the one that is served."""

    engine = "sqlite"
    file_name = "database.sqlite3"

    def version(self) -> str:
        """Return the library's version."""
        return sqlite3.sqlite_version

    def dump(self, target: Path) -> dict[str, int]:
        """Copy page by page; writers go on meanwhile."""
        source = settings.DATABASES["default"]["NAME"]
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=20)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
            problem = writing.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if problem != "ok":
                raise BackupError(f"The copied database is damaged: {problem}")
            tables = writing.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            return {
                name: writing.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a table's own name
                for (name,) in sorted(tables)
            }

    def load(self, source: Path) -> None:
        """Copy back in one transaction, while no server runs."""
        lock = ServerLock(settings.DATA_DIR)
        try:
            lock.acquire()
        except ServerAlreadyRunningError as error:
            raise BackupError("Stop the server first: it serves this database.") from error
        connection.close()
        try:
            with (
                closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
                closing(
                    sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=20)
                ) as writing,
            ):
                reading.backup(writing)
                writing.execute("PRAGMA journal_mode=WAL")
        finally:
            lock.release()


class PostgresCopier:
    """A dump in PostgreSQL's own compressed format, by pg_dump and pg_restore."""

    engine = "postgresql"
    file_name = "database.dump"

    def version(self) -> str:
        """Return the server's version."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            return str(cursor.fetchone()[0])

    def dump(self, target: Path) -> dict[str, int]:
        """Let pg_dump write the snapshot in which the rows are counted."""
        with psycopg.connect(_address()) as reading:
            reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = _one(reading, "SELECT pg_export_snapshot()")
            tables = reading.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            ).fetchall()
            rows = {
                name: int(
                    _one(reading, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
                )
                for (name,) in tables
            }
            self._run(
                "pg_dump",
                "--format=custom",
                "--schema=public",
                "--no-owner",
                "--no-privileges",
                f"--snapshot={snapshot}",
                f"--file={target}",
            )
        return rows

    def load(self, source: Path) -> None:
        """Empty the schema and let pg_restore fill it in one transaction.

        The schema is emptied before: should the restore fail, the database is empty and the
        command can be run again.
        """
        self._find("pg_restore")
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()
        try:
            with psycopg.connect(_address()) as admin:
                admin.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
                admin.execute("DROP SCHEMA IF EXISTS public CASCADE")
                admin.execute("CREATE SCHEMA public")
        except psycopg.errors.LockNotAvailable as error:
            raise BackupError(
                "Somebody uses the database: stop the web servers and workers first."
            ) from error
        self._run(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            str(source),
        )

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL's; the password travels in the environment.

        Raises:
            BackupError: it failed; the text is what it said.
        """
        given = _parameters()
        environment = {**os.environ, "PGPASSWORD": given["password"]}
        named = [
            f"--{option}={given[name]}"
            for option, name in (("host", "host"), ("port", "port"), ("username", "user"))
            if given[name]
        ]
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, no shell
            [self._find(program), *named, f"--dbname={given['dbname']}", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
        if done.returncode:
            raise BackupError(f"{program} failed: {done.stderr.strip()[-800:]}")

    @staticmethod
    def _find(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            raise BackupError(
                f"{program} is not installed: install PostgreSQL's client programs (Debian: "
                "postgresql-client) of the server's version or newer."
            )
        return path


def _parameters() -> dict[str, str]:
    """Return how to reach the server itself, past a pooler."""
    direct = settings.DATABASE_DIRECT_URL
    if direct:
        parts = urlsplit(direct)
        return {
            "host": parts.hostname or "",
            "port": str(parts.port or ""),
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "dbname": parts.path.lstrip("/"),
        }
    found: Mapping[str, Any] = settings.DATABASES["default"]
    return {
        "host": str(found.get("HOST") or ""),
        "port": str(found.get("PORT") or ""),
        "user": str(found.get("USER") or ""),
        "password": str(found.get("PASSWORD") or ""),
        "dbname": str(connection.settings_dict["NAME"]),
    }


def _address() -> str:
    return psycopg.conninfo.make_conninfo(
        **{name: value for name, value in _parameters().items() if value}
    )


def _one(open_connection: psycopg.Connection[Any], query: Any) -> Any:
    row = open_connection.execute(query).fetchone()
    return row[0] if row else None
