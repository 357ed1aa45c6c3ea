"""Which pages of other sites may call the widget's routes.

Owns the rule for a survey's allow-list and the answer to django-cors-headers. A preflight carries
no key and no token, so it is answered by the id in the path alone; what the real request may do is
decided by its credentials. No cookie is ever allowed across origins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from core.live.grants import normalise_origin
from sessions.selectors import origin_is_allowed
from surveys.selectors.surveys import allowed_origins

# The routes a widget on another site needs, and no others.
_SURVEY_ROUTES = re.compile(r"^/survey/(survey_[0-9a-z]{26})(?:/session/start|/funnel)?$")
_SESSION_ROUTES = re.compile(r"^/(?:session|transcripts)/(session_[0-9a-z]{26})(?:[./].*)?$")


def is_survey_origin_allowed(
    listed: Iterable[str], origin: str, *, own_origin: str | None = None
) -> bool:
    """Tell whether a page of this origin may start a survey.

    Own pages and CORS_ALLOWED_ORIGINS always may; otherwise the list decides, exact in scheme,
    host and port. An empty list admits any origin, but never ``null``.
    """
    wanted = normalise_origin(origin)
    if wanted is None:
        return False
    always = [settings.SITE_URL, *settings.CORS_ALLOWED_ORIGINS]
    if own_origin is not None:
        always.append(own_origin)
    if wanted in {normalise_origin(known) for known in always}:
        return True
    exact = {normalise_origin(known) for known in listed}
    return not exact or wanted in exact


def allow_widget_origin(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Answer django-cors-headers: may the page that asks read this route's answer?"""
    origin = request.headers.get("Origin", "")
    own = f"{request.scheme}://{request.get_host()}"
    found = _SURVEY_ROUTES.match(request.path)
    if found is not None:
        listed = allowed_origins(found[1])
        return listed is not None and is_survey_origin_allowed(listed, origin, own_origin=own)
    found = _SESSION_ROUTES.match(request.path)
    return found is not None and origin_is_allowed(found[1], origin, own_origin=own)
