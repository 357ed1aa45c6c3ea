"""Error answers outside the REST framework: problem details for API paths, pages for the rest.

Owns the error views `config.urls` names, the CSRF and lockout answers. Knows no app's views.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import client
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist, loader

from core.errors import ParleyError
from core.logs import request_id_var

PROBLEM_TYPE = "application/problem+json"

DEFAULT_CODES = {
    400: ("bad_request", "The request could not be read. Check it and send it again."),
    401: ("not_authenticated", "Send a valid credential in the Authorization header."),
    403: ("forbidden", "You may not do this with this login or credential."),
    404: ("not_found", "There is nothing at this address. Check the path and the identifiers."),
    405: ("method_not_allowed", "This address does not take this method; see the Allow header."),
    413: ("body_too_large", "The request body is larger than this address takes. Send less."),
    429: ("rate_limited", "Too many requests. Wait a while, then try again."),
    500: ("internal_error", "Something failed on our side. Try again; quote the request id."),
    503: ("unavailable", "This is not available right now. Try again later."),
}


def is_api_path(path: str) -> bool:
    """Tell whether errors at this path are problem details rather than pages."""
    prefixes: Sequence[str] = settings.API_PATH_PREFIXES
    return path.startswith(tuple(prefixes)) and not path.startswith(settings.API_PAGE_PREFIXES)


def wants_problem(request: HttpRequest) -> bool:
    """Tell whether errors of this request are problem details: an API path, or a REST view."""
    if is_api_path(request.path):
        return True
    view = getattr(request.resolver_match, "func", None)
    # `cls` is what Django REST framework puts on the functions it makes of its views.
    return hasattr(view, "cls") and not request.path.startswith(settings.API_PAGE_PREFIXES)


def problem_body(
    *,
    status: int,
    code: str = "",
    detail: str = "",
    title: str = "",
    instance: str = "",
    errors: Any = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build an RFC 9457 problem; what is left out takes the defaults of the status.

    `instance` is the path without its query string. `errors` lists what is wrong in which
    field. The request id is added when there is one.
    """
    default_code, default_detail = DEFAULT_CODES.get(status, DEFAULT_CODES[400])
    phrase = client.responses.get(status, "Error")
    body: dict[str, Any] = {
        "type": "about:blank" if not code else f"urn:parley:problem:{code}",
        "title": title or phrase,
        "status": status,
        "detail": detail or default_detail,
        "code": code or default_code,
    }
    if instance:
        body["instance"] = instance
    if errors:
        body["errors"] = errors
    for name, value in (extra or {}).items():
        body.setdefault(name, value)
    if request_id_var.get():
        body["request_id"] = request_id_var.get()
    return body


def problem_response(*, headers: Mapping[str, str] | None = None, **fields: Any) -> HttpResponse:
    """Return a problem as a plain Django response; fields as in `problem_body`."""
    return HttpResponse(
        json.dumps(problem_body(**fields), ensure_ascii=False),
        status=fields["status"],
        content_type=PROBLEM_TYPE,
        headers=dict(headers or {}),
    )


def problem_of(error: ParleyError, *, instance: str = "") -> HttpResponse:
    """Return the problem a ParleyError stands for, with Retry-After where it has one."""
    retry_after = getattr(error, "retry_after_seconds", None)
    return problem_response(
        status=error.status,
        code=error.code,
        detail=error.detail,
        title=error.title,
        instance=instance,
        extra=error.extra,
        headers={"Retry-After": str(retry_after)} if retry_after else None,
    )


def answer_error(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    """Return an error as a problem or as the page ``<status>.html``, as the address wants it."""
    if wants_problem(request):
        return problem_response(status=status, detail=detail, instance=request.path)
    title = client.responses[status]
    context = {
        "status": status,
        "title": title,
        "detail": detail or DEFAULT_CODES.get(status, DEFAULT_CODES[400])[1],
        "request_id": request_id_var.get(),
    }
    try:
        # A 500 gets no request: context processors may be what failed.
        content = loader.render_to_string(
            f"{status}.html", context, request=None if status >= 500 else request
        )
    except TemplateDoesNotExist:
        return HttpResponse(
            f"{status} {title}\n{context['detail']}\n", status=status, content_type="text/plain"
        )
    return HttpResponse(content, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django could not read (handler400); a body over the limit is a 413."""
    too_large = isinstance(exception, RequestDataTooBig | TooManyFilesSent)
    return answer_error(request, 413 if too_large else 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a refusal (handler403)."""
    return answer_error(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address (handler404)."""
    return answer_error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error of ours (handler500)."""
    return answer_error(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that came without its CSRF token."""
    return answer_error(
        request, 403, "This form had expired or came from another site. Reload it and send again."
    )
