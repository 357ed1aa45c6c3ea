"""The parsers of request bodies: JSON only, strictly; and one that leaves a signed body alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from core.errors import InvalidInputError, TooLargeError
from core.limits import body_limit_bytes
from core.strict_json import JSONRefusedError, decode_json


class StrictJSONParser(BaseParser):
    """Parse ``application/json`` with the rules of `core.strict_json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the decoded body.

        Raises:
            TooLargeError: more bytes than the path takes.
            InvalidInputError: not JSON this product takes; carries the reason's code.
        """
        request = (parser_context or {}).get("request")
        limit = body_limit_bytes(request.path if request is not None else "")
        # Through `body`, so that the raw bytes stay readable for signatures and idempotency keys.
        raw = stream.body if isinstance(stream, HttpRequest) else stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLargeError("body_too_large", f"A body has at most {limit} bytes here.")
        try:
            return decode_json(raw, max_depth=settings.JSON_MAX_DEPTH)
        except JSONRefusedError as error:
            raise InvalidInputError(error.code, error.detail) from None


class RawParser(BaseParser):
    """Leave the body alone: a webhook's signature is over its bytes, which the view reads."""

    media_type = "*/*"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return nothing."""
        return {}
