"""The Content-Security-Policy of every page. Knows addresses, no page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csp.constants import NONE, SELF


def build_policy(*, site_url: str, livekit_url: str, file_origins: Sequence[str]) -> dict[str, Any]:
    """Return CONTENT_SECURITY_POLICY: nothing inline, and nothing from elsewhere but what is named.

    Args:
        site_url: of this server; its sockets are not covered by 'self' everywhere.
        livekit_url: of the room server, reached by socket and by HTTP; empty for none.
        file_origins: where signed links to pictures and videos lead.
    """
    site_host = site_url.partition("://")[2].partition("/")[0]
    sources = [f"{'wss' if site_url.startswith('https') else 'ws'}://{site_host}"]
    if livekit_url:
        host = livekit_url.partition("://")[2]
        is_secure = livekit_url.startswith(("wss://", "https://"))
        sources.append(f"{'wss' if is_secure else 'ws'}://{host}")
        sources.append(f"{'https' if is_secure else 'http'}://{host}")
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            # blob: is the picture a person chose and has not sent yet.
            "img-src": [SELF, "data:", "blob:", *file_origins],
            "font-src": [SELF],
            "connect-src": [SELF, *sources],
            "media-src": [SELF, "blob:", *file_origins],
            "worker-src": [SELF, "blob:"],
            "manifest-src": [SELF],
            "base-uri": [NONE],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
            "object-src": [NONE],
        }
    }
