"""Inserts or changes many rows by one statement each.

Django's ``bulk_create(ignore_conflicts=True)`` does not tell which rows were new, and its
``bulk_update`` writes back what was read; one statement a row is what a burst cannot afford.
Knows no model in particular.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)

MOST_PARAMETERS = 900
"""Below the limit of every SQLite."""


def insert_new(rows: Sequence[Row], *, unique: Sequence[str]) -> list[Row]:
    """Insert rows whose unique key nobody holds yet; return those, with their primary keys.

    Of several rows with one key in the call the first is taken. Joins the caller's transaction,
    and waits for another one that is inserting the same key.

    Args:
        rows: unsaved, all of one model.
        unique: names of the fields of a unique constraint without a condition.
    """
    if not rows:
        return []
    options = type(rows[0])._meta
    fields = [field for field in options.concrete_fields if not field.primary_key]
    keys = [options.get_field(name) for name in unique]
    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        first.setdefault(tuple(getattr(row, key.attname) for key in keys), row)  # type: ignore[union-attr]  # a concrete field
    inserted: list[Row] = []
    pending = list(first.items())
    step = max(1, MOST_PARAMETERS // len(fields))
    for start in range(0, len(pending), step):
        part = dict(pending[start : start + step])
        inserted += _insert(options, fields, keys, part)
    return inserted


def _insert(
    options: Any, fields: list[Any], keys: list[Any], rows: dict[tuple[Any, ...], Row]
) -> list[Row]:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    conflict = ", ".join(quote(key.column) for key in keys)
    one = "(" + ", ".join(["%s"] * len(fields)) + ")"
    values: list[Any] = []
    for row in rows.values():
        # What a field does before a row is saved: `auto_now_add` and defaults.
        values += [
            field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields
        ]
    statement = (
        f"INSERT INTO {quote(options.db_table)} ({columns}) "  # noqa: S608 - names of our models
        f"VALUES {', '.join([one] * len(rows))} "
        f"ON CONFLICT ({conflict}) DO NOTHING "
        f"RETURNING {quote(options.pk.column)}, {conflict}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    inserted = []
    for pk, *key in found:
        row = rows[tuple(key)]
        row.pk = pk
        row._state.adding = False
        row._state.db = connection.alias
        inserted.append(row)
    return inserted


def update_each(
    model: type[models.Model],
    changes: Mapping[int, Sequence[Any]],
    *,
    names: Mapping[str, str],
    assign: Mapping[str, str],
    where: str = "",
) -> int:
    """Change rows by one statement, each with values of its own; return how many changed.

    Joins the caller's transaction.

    Args:
        model: whose rows.
        changes: primary key to the row's values, in the order of ``names``.
        names: name of each value to its type in PostgreSQL.
        assign: column to an SQL expression over ``old`` (the row as it is) and ``new``.
            Written in our code, never taken from outside.
        where: a further condition, of the same kind.
    """
    if not changes:
        return 0
    quote = connection.ops.quote_name
    is_postgres = connection.vendor == "postgresql"
    casts = [f"%s::{kind}" if is_postgres else "%s" for kind in names.values()]
    one = f"({', '.join(['%s', *casts])})"
    values: list[Any] = []
    # In the order of the keys, which is also the order in which the rows are locked.
    for pk in sorted(changes):
        values += [pk, *(_adapt(value) for value in changes[pk])]
    columns = ", ".join(quote(name) for name in ("pk", *names))
    sets = ", ".join(f"{quote(column)} = {expression}" for column, expression in assign.items())
    # A common table expression names its columns alike on both databases.
    statement = (
        f"WITH new ({columns}) AS (VALUES {', '.join([one] * len(changes))}) "  # noqa: S608 - names of our models
        f"UPDATE {quote(model._meta.db_table)} AS old SET {sets} FROM new "
        f"WHERE old.id = new.pk{f' AND ({where})' if where else ''}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _adapt(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
