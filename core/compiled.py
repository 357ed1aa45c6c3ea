"""A query whose SQL is written once.

Django writes the SQL of a query anew each time it runs; with several joins that costs more than the
database's own work. This keeps what the compiler made and binds new values to it. For the one or
two queries that stand before every message or turn; nothing else needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import get_related_populators

from core.prepared import prepared_cursor

M = TypeVar("M", bound=models.Model)

SLOT = "\N{OBJECT REPLACEMENT CHARACTER}compiled slot"
"""Stands for the value to come while the query is built; no row holds it."""


class CompiledQuery(Generic[M]):
    """Read the first row of a query that differs in one text value only.

    Args:
        build: makes the query, ordered, with `SLOT` where the value belongs. ``select_related`` and
            annotations are kept; a query that defers fields or returns plain values is not for it.
    """

    def __init__(self, build: Callable[[], models.QuerySet[M, M]]) -> None:
        self._build = build
        # A compiler belongs to a connection, and a connection to a thread.
        self._by_thread = threading.local()

    def first(self, value: str) -> M | None:
        """Return the first row for the value, as ``.first()`` of the query would, or None."""
        compiled = getattr(self._by_thread, "compiled", None)
        if compiled is None:
            compiled = self._by_thread.compiled = _Compiled(self._build())
        row: M | None = compiled.first(value)
        return row


class _Compiled:
    def __init__(self, query: models.QuerySet[Any, Any]) -> None:
        self._connection = connections[DEFAULT_DB_ALIAS]
        compiler: Any = query[:1].query.get_compiler(connection=self._connection)
        self._sql, params = compiler.as_sql()
        self._params = list(params)
        if SLOT not in self._params:
            raise ValueError("the query holds no SLOT")
        self._compiler = compiler
        self._select = compiler.select
        self._converters = compiler.get_converters([one[0] for one in compiler.select])
        klass_info = compiler.klass_info
        first, last = klass_info["select_fields"][0], klass_info["select_fields"][-1] + 1
        self._span = slice(first, last)
        self._model = klass_info["model"]
        self._names = [one[0].target.attname for one in compiler.select[self._span]]
        self._related = get_related_populators(  # type: ignore[call-arg]  # stubs of a later Django
            klass_info, compiler.select, DEFAULT_DB_ALIAS
        )
        self._annotations = dict(compiler.annotation_col_map)

    def first(self, value: str) -> Any:
        with prepared_cursor() as cursor:
            cursor.execute(self._sql, [value if one == SLOT else one for one in self._params])
            row = cursor.fetchone()
        if row is None:
            return None
        if self._converters:
            row = next(iter(self._compiler.apply_converters([row], self._converters)))
        found = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._span])
        for populator in self._related:
            populator.populate(row, found)
        for name, column in self._annotations.items():
            setattr(found, name, row[column])
        return found
