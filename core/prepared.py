"""Cursors for the few statements that stand before every turn or message.

On PostgreSQL the server plans such a statement once for each connection, which for a join takes
longer than running it. Its text must be constant; values travel beside it. Elsewhere, and behind a
pooler, it is a cursor like any other.
"""

from __future__ import annotations

from typing import Any

from django.db import connection


def prepared_cursor() -> Any:
    """Return a cursor of the default connection, as a context manager."""
    prepare = getattr(connection, "prepared_cursor", None)
    return prepare() if prepare is not None else connection.cursor()
