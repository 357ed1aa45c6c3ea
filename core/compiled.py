"""A query whose SQL is written once.

Django writes the SQL of a query anew each time it runs; with several joins that costs more than the
database's own work. This keeps what the compiler made and binds new values to it. For the one or
two queries that stand before every message or turn; nothing else needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import get_related_populators

from core.prepared import prepared_cursor

M = TypeVar("M", bound=models.Model)

SLOT = "\N{OBJECT REPLACEMENT CHARACTER}compiled slot"
"""Stands for the value to come while the query is built; no row holds it."""

QUERY = "\N{OBJECT REPLACEMENT CHARACTER}compiled query"
"""Stands for the query in a larger statement."""


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
        found = self._compiled().read(value, QUERY, ())
        return None if found is None else found[1]

    def first_within(
        self, value: str, statement: str, params: Sequence[Any]
    ) -> tuple[Sequence[Any], M | None] | None:
        """Return the first row of a larger statement that reads through the query.

        Args:
            value: as for `first`.
            statement: constant SQL that holds `QUERY` once, in brackets, and returns columns of
                its own followed by all of the query's.
            params: of the statement itself; all of them stand before the query.

        Returns:
            The statement's own columns and the query's row, None where its columns are all NULL
            as after an outer join; None for the whole when the statement returns nothing.
        """
        return self._compiled().read(value, statement, params)

    def _compiled(self) -> _Compiled:
        compiled: _Compiled | None = getattr(self._by_thread, "compiled", None)
        if compiled is None:
            compiled = self._by_thread.compiled = _Compiled(self._build())
        return compiled


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
        self._key = first + self._names.index(self._model._meta.pk.attname)
        self._related = get_related_populators(  # type: ignore[call-arg]  # stubs of a later Django
            klass_info, compiler.select, DEFAULT_DB_ALIAS
        )
        self._annotations = dict(compiler.annotation_col_map)

    def read(
        self, value: str, statement: str, params: Sequence[Any]
    ) -> tuple[Sequence[Any], Any] | None:
        values = [*params, *(value if one == SLOT else one for one in self._params)]
        with prepared_cursor() as cursor:
            cursor.execute(statement.replace(QUERY, self._sql), values)
            row = cursor.fetchone()
        if row is None:
            return None
        own = len(row) - len(self._select)
        return row[:own], self._make(row[own:])

    def _make(self, row: Sequence[Any]) -> Any:
        """Return the row's instance with what belongs to it; None for an outer join's NULLs."""
        if row[self._key] is None:
            return None
        if self._converters:
            row = next(iter(self._compiler.apply_converters([row], self._converters)))
        found = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._span])
        for populator in self._related:
            populator.populate(row, found)
        for name, column in self._annotations.items():
            setattr(found, name, row[column])
        return found
