"""Inserts or changes many rows by one statement each.

Django's ``bulk_create(ignore_conflicts=True)`` does not tell which rows were new, and its
``bulk_update`` writes back what was read; one statement a row is what a burst cannot afford.
Knows no model in particular.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, models

from core.prepared import prepared_cursor

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
    keys = [options.get_field(name) for name in unique]
    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        first.setdefault(tuple(getattr(row, key.attname) for key in keys), row)  # type: ignore[union-attr]  # a concrete field
    inserted: list[Row] = []
    pending = list(first.items())
    step = max(1, MOST_PARAMETERS // len(options.concrete_fields))
    for start in range(0, len(pending), step):
        part = dict(pending[start : start + step])
        inserted += _insert(options, keys, part)
    return inserted


def insert_plain(rows: Sequence[models.Model]) -> None:
    """Insert rows; for what stands in every turn, where Django's own way costs more than the row.

    Their primary keys stay unset, and no signal is sent. Joins the caller's transaction.

    Args:
        rows: unsaved, all of one model.

    Raises:
        IntegrityError: a key is held already.
    """
    if not rows:
        return
    fields, head, one = _insert_parts(type(rows[0]))
    step = max(1, MOST_PARAMETERS // len(fields))
    with prepared_cursor() as cursor:
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            cursor.execute(f"{head}{', '.join([one] * len(part))}", _values_of(fields, part))


@lru_cache(maxsize=64)
def _insert_parts(model: type[models.Model]) -> tuple[tuple[Any, ...], str, str]:
    """Return the fields of an insertion, its SQL up to the values, and one row's place in it."""
    quote = connection.ops.quote_name
    fields: tuple[Any, ...] = tuple(
        field for field in model._meta.concrete_fields if not field.primary_key
    )
    columns = ", ".join(quote(field.column) for field in fields)
    head = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "  # noqa: S608 - names of our models
    return fields, head, "(" + ", ".join(["%s"] * len(fields)) + ")"


def _values_of(fields: Sequence[Any], rows: Iterable[models.Model]) -> list[Any]:
    # What a field does before a row is saved: `auto_now_add` and defaults.
    return [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for row in rows
        for field in fields
    ]


def _insert(options: Any, keys: list[Any], rows: dict[tuple[Any, ...], Row]) -> list[Row]:
    quote = connection.ops.quote_name
    conflict = ", ".join(quote(key.column) for key in keys)
    fields, head, one = _insert_parts(options.model)
    values = _values_of(fields, rows.values())
    statement = (
        f"{head}{', '.join([one] * len(rows))} "
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
