"""One cheap look at rows, for what every request asks and nearly always answers with no.

Owns nothing but the statement: putting a query set together and making it SQL costs ten times what
the database needs to answer.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, models


def has_rows(model: type[models.Model], **equals: Any) -> bool:
    """Tell whether a table has a row whose columns have these values.

    Args:
        model: whose table is asked.
        equals: column names, not lookups, with plain values.
    """
    quote = connection.ops.quote_name
    where = " AND ".join(f"{quote(name)} = %s" for name in equals)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {quote(model._meta.db_table)} WHERE {where} LIMIT 1",  # noqa: S608  # names of ours and placeholders
            list(equals.values()),
        )
        return cursor.fetchone() is not None
