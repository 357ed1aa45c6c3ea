"""Pages of a long list by cursor: newest first, stable while rows are added.

Knows rows by ``created_at`` and ``pk`` alone.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

PAGE_SIZE = 25
CURSOR = "before"
PK_MAX = 2**63 - 1

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows and the ways to the others; an address is empty when there is no such page."""

    rows: list[Row]
    next_url: str
    first_url: str


def cut_page(found: QuerySet[Row], query: QueryDict, *, size: int = PAGE_SIZE) -> Page[Row]:
    """Return the page a query string asks for; a cursor that is not ours shows the first one.

    Args:
        found: ordered by ``-created_at, -pk``.
        query: of the request; its other parameters stay in the addresses.
    """
    kept = [
        (name, value)
        for name, values in query.lists()
        if name != CURSOR
        for value in values
        if value
    ]
    place = _read_cursor(query.get(CURSOR, ""))
    if place is not None:
        moment, pk = place
        found = found.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=pk))
    rows = list(found[: size + 1])
    next_url = ""
    if len(rows) > size:
        rows = rows[:size]
        next_url = f"?{urlencode([*kept, (CURSOR, _write_cursor(rows[-1]))])}"
    return Page(rows, next_url, f"?{urlencode(kept)}" if place is not None else "")


def _write_cursor(row: Any) -> str:
    return urlsafe_b64encode(f"{row.created_at.isoformat()} {row.pk}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, int] | None:
    try:
        moment_text, _, pk_text = urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = parse_datetime(moment_text)
        pk = int(pk_text) if len(pk_text) < 20 else PK_MAX + 1
    except (ValueError, Base64Error):
        return None
    if moment is None or moment.tzinfo is None or not 0 < pk <= PK_MAX:
        return None
    return moment, pk
