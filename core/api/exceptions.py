"""Every exception of a REST view as RFC 9457 problem details."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from core.errors import ParleyError, UnavailableError
from core.errors_http import PROBLEM_TYPE, problem_body

logger = logging.getLogger(__name__)

_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "authentication_failed",
    exceptions.PermissionDenied: "forbidden",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "rate_limited",
    exceptions.ParseError: "bad_request",
}


def answer_exception(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the problem an exception stands for; None lets it become a 500 (DRF's hook).

    A 500 is made into a problem by `core.middleware` and the error views, after Django has
    logged it.
    """
    request = context.get("request")
    path = request.path if request is not None else ""
    if isinstance(exc, ParleyError):
        return _of_parley_error(exc, path)
    if isinstance(exc, Http404):
        return _problem(404, path)
    if isinstance(exc, PermissionDenied):
        return _problem(403, path)
    if isinstance(exc, RequestDataTooBig):
        return _problem(413, path)
    if isinstance(exc, SuspiciousOperation):
        return _problem(400, path)
    if isinstance(exc, OperationalError | InterfaceError):
        # The database restarts or is out of connections: worth another try, and worth a log.
        logger.error("api.database_unavailable", exc_info=exc)
        return _of_parley_error(
            UnavailableError(1, code="database_unavailable"),
            path,
        )
    if isinstance(exc, exceptions.APIException):
        return _of_api_exception(exc, path)
    return None


def _problem(
    status: int, path: str, headers: Mapping[str, str] | None = None, **fields: Any
) -> Response:
    return Response(
        problem_body(status=status, instance=path, **fields),
        status=status,
        headers=dict(headers or {}),
        content_type=PROBLEM_TYPE,
    )


def _of_parley_error(error: ParleyError, path: str) -> Response:
    headers: dict[str, str] = {}
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _problem(
        error.status,
        path,
        headers,
        code=error.code,
        title=error.title,
        detail=error.detail,
        extra=error.extra,
    )


def _of_api_exception(exc: exceptions.APIException, path: str) -> Response:
    headers: dict[str, str] = {}
    if isinstance(exc, exceptions.ValidationError):
        errors = list(_list_errors(exc.detail, ""))
        return _problem(
            400,
            path,
            code="invalid_input",
            title="Invalid input",
            detail="Some fields cannot be used; see errors for which and why.",
            errors=errors,
        )
    status = exc.status_code
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        # DRF makes a 401 without a scheme a 403; who is not known is a 401 here, always.
        status = 401
        headers["WWW-Authenticate"] = getattr(exc, "auth_header", None) or "Bearer"
    wait = getattr(exc, "wait", None)
    if wait:
        headers["Retry-After"] = str(int(wait) + 1)
    code = next((code for kind, code in _CODES.items() if isinstance(exc, kind)), "")
    return _problem(status, path, headers, code=code, detail=str(exc.detail))


def _list_errors(detail: Any, place: str) -> Iterator[dict[str, str]]:
    """Yield one entry a fault: a JSON pointer to it, a code, a sentence."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            inner_place = place if name == "non_field_errors" else f"{place}/{name}"
            yield from _list_errors(inner, inner_place)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _list_errors(inner, f"{place}/{index}" if nested else place)
    else:
        yield {
            "pointer": place or "/",
            "code": str(getattr(detail, "code", "invalid")),
            "detail": str(detail),
        }
