"""Cursor pages, newest first: stable while rows are added, equally quick on page 1000."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import InvalidInputError


class NewestFirstPagination(CursorPagination):
    """Pages of rows by `created_at`, then primary key; `?limit=` from 1 to 200, `?cursor=`."""

    ordering = ("-created_at", "-pk")
    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"

    def get_page_size(self, request: Request) -> int:
        """Return the asked size.

        Raises:
            InvalidInputError: `limit` is no whole number from 1 to 200.
        """
        asked = request.query_params.get("limit")
        if asked is None:
            return self.page_size
        if not (asked.isascii() and asked.isdecimal() and len(asked) < 5):
            raise self._refused_limit()
        if not 1 <= int(asked) <= self.max_page_size:
            raise self._refused_limit()
        return int(asked)

    def _refused_limit(self) -> InvalidInputError:
        return InvalidInputError(
            "limit_invalid", f"limit is a whole number from 1 to {self.max_page_size}."
        )

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """Return the rows of the page.

        Raises:
            InvalidInputError: the cursor is not one this route gave out.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, TypeError, OverflowError) as error:
            # DRF puts the cursor's text into the query unchecked: a forged one fails in there.
            raise InvalidInputError(
                "cursor_invalid", "The cursor cannot be used. Take it from next or previous."
            ) from error
