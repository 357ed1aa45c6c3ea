"""Inserts many rows by one statement and tells which of them were new.

Django's ``bulk_create(ignore_conflicts=True)`` does not tell; one ``get_or_create`` a row costs
four statements. Knows no model in particular.
"""

from __future__ import annotations

from collections.abc import Sequence
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
