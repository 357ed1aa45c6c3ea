"""What django-axes counts failed logins by, and what it answers. Named in the settings.

Without these, axes would look for the name under the user model's own field, which Django's
login forms never send: every failure would count for nobody, and nobody would be locked out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.errors_http import answer_error
from core.ratelimit import client_ip

MAX_NAME_CHARS = 255


def login_name(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """Return the name somebody tries to sign in with, as one spelling of it."""
    given = credentials if credentials is not None else request.POST
    name = given.get("username") or given.get("email") or ""
    return str(name).strip().lower().replace("\x00", "")[:MAX_NAME_CHARS]


def login_ip(request: HttpRequest) -> str | None:
    """Return the client's address, or None where there is none a column for addresses takes."""
    address = client_ip(request)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    return address


def answer_locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """Answer a login that failed too often."""
    answer = answer_error(
        request, 429, "Too many failed logins. Wait a quarter of an hour, then try again."
    )
    answer["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME * 3600))
    return answer
