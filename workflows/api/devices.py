"""What kind of device a request came from, in one word for the person's other devices."""

from __future__ import annotations

import re

from django.http import HttpRequest

_TABLET = re.compile(r"iPad|Tablet|PlayBook|Android(?!.*Mobi)", re.IGNORECASE)
_PHONE = re.compile(r"Mobi|iPhone|Android", re.IGNORECASE)


def device_of(request: HttpRequest) -> str:
    """Return ``Phone``, ``Tablet``, ``Computer``, or ``Program`` for what is no browser."""
    agent = request.headers.get("User-Agent", "")
    if _TABLET.search(agent):
        return "Tablet"
    if _PHONE.search(agent):
        return "Phone"
    return "Computer" if agent.startswith("Mozilla/") else "Program"
