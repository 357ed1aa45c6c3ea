"""How many bytes a request body may have at a path. Knows settings, no request."""

from __future__ import annotations

from django.conf import settings


def body_limit_bytes(path: str) -> int:
    """Return the limit of the longest matching prefix, or the general one."""
    overrides: dict[str, int] = settings.BODY_LIMIT_OVERRIDES
    matching = [prefix for prefix in overrides if path.startswith(prefix)]
    if matching:
        return overrides[max(matching, key=len)]
    general: int = settings.MAX_BODY_BYTES
    return general
