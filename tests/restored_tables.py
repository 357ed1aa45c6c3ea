"""Puts the tables back after a test that committed, at the cost of the rows it wrote.

Django empties every table of the product after each such test and runs what follows a migration:
content types, permissions and built-in workflows are made anew, what migrations wrote is lost to
the tests after. Here only tables that hold rows are emptied, and those the migrations filled get
their rows back, so that a test finds the same world whichever ran before it. Knows no app.
"""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connections, transaction

Row = tuple[Any, ...]


class RestoredTables:
    """The tables of one freshly migrated database, and the rows that belong in them.

    Args:
        alias: of the database; it holds what the migrations wrote and nothing else.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        connection = connections[alias]
        quote = connection.ops.quote_name
        tables = connection.introspection.django_table_names(
            only_existing=True, include_views=False
        )
        self._which_hold_rows = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in tables
        )
        self._written = {table: self._rows(table) for table in self._filled()}

    def restore(self) -> None:
        """Empty what a test filled, and give back what it took or changed."""
        connection = connections[self._alias]
        if emptied := [table for table in self._filled() if table not in self._written]:
            connection.ops.execute_sql_flush(
                # PostgreSQL truncates no table that another one points at, even an empty one.
                connection.ops.sql_flush(
                    no_style(), emptied, allow_cascade=connection.vendor == "postgresql"
                )
            )
        changed = [table for table, rows in self._written.items() if self._rows(table) != rows]
        if changed:
            self._write_anew(changed)
            ContentType.objects.clear_cache()

    def _filled(self) -> list[str]:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(self._which_hold_rows)
            return [table for (table,) in cursor.fetchall()]

    def _rows(self, table: str) -> list[Row]:
        connection = connections[self._alias]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")
            return list(cursor.fetchall())

    def _write_anew(self, tables: list[str]) -> None:
        """Replace their rows; keys that point at each other are checked at the end."""
        connection = connections[self._alias]
        quote = connection.ops.quote_name
        with transaction.atomic(using=self._alias), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"DELETE FROM {quote(table)}")
            for table in tables:
                rows = self._written[table]
                places = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f"INSERT INTO {quote(table)} VALUES ({places})", rows)
