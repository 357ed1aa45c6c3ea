"""Middleware around every request: its id, its one access line, body limit, API problems.

Knows paths and settings, no view.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core import metrics
from core.clock import monotonic
from core.errors_http import PROBLEM_TYPE, answer_error, problem_response, wants_problem
from core.limits import body_limit_bytes
from core.logs import request_id_var

logger = logging.getLogger("parley.access")

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_USABLE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def _route_of(request: HttpRequest) -> str:
    # The pattern, never the path: a reset link carries its token in the path.
    match = request.resolver_match
    return f"/{match.route}" if match is not None else "unmatched"


class RequestContextMiddleware:
    """Give the request an id, time it, log it once and keep API errors in one shape.

    An incoming X-Request-ID is taken over when it is plain; the answer carries it back.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if _USABLE_REQUEST_ID.fullmatch(offered) else secrets.token_hex(12)
        binding = request_id_var.set(request_id)
        started = monotonic()
        try:
            response = self._as_problem(request, self.get_response(request))
            response["X-Request-ID"] = request_id
            response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
            seconds = monotonic() - started
            route = _route_of(request)
            metrics.observe_request(request.method or "", route, response.status_code, seconds)
            logger.info(
                "request.completed",
                extra={
                    "method": request.method,
                    "route": route,
                    "status": response.status_code,
                    "duration_ms": round(seconds * 1000, 1),
                },
            )
            return response
        finally:
            request_id_var.reset(binding)

    @staticmethod
    def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Replace an HTML error at an API path, whoever made it, by problem details."""
        if response.status_code < 400 or not wants_problem(request):
            return response
        if "json" in response.headers.get("Content-Type", "") or response.streaming:
            return response
        kept = {
            name: response.headers[name]
            for name in ("Allow", "Retry-After", "WWW-Authenticate", "Vary")
            if name in response.headers
        }
        problem = problem_response(status=response.status_code, instance=request.path, headers=kept)
        problem.cookies = response.cookies
        for name, value in response.headers.items():
            problem.headers.setdefault(name, value)
        problem.headers["Content-Type"] = PROBLEM_TYPE
        problem.headers["Content-Length"] = str(len(problem.content))
        return problem


class BodyLimitMiddleware:
    """Refuse a declared body above the limit of its path before anything reads it.

    Bodies without a declared length are counted by `core.asgi.BodyLimit`, outside Django.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        limit = body_limit_bytes(request.path)
        declared: Any = request.META.get("CONTENT_LENGTH") or "0"
        if str(declared).isdecimal() and int(declared) > limit:
            return too_large(request.path, limit)
        return self.get_response(request)


def too_large(path: str, limit: int) -> HttpResponse:
    """Return the 413 for a body above `limit` bytes."""
    return problem_response(
        status=413,
        code="body_too_large",
        title="Request body too large",
        detail=f"The request body is larger than the {limit} bytes this address takes.",
        instance=path,
        headers={"Connection": "close"},
    )


class StorableAddressMiddleware:
    """Refuse addresses with a NUL character, which PostgreSQL can neither store nor compare.

    In the path it names nothing there can be; in the query string it is bad input.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\x00" in request.path:
            return answer_error(request, 404)
        if "%00" in request.META.get("QUERY_STRING", ""):
            return answer_error(
                request, 400, "The address holds a NUL character (%00). Send it without."
            )
        return self.get_response(request)
