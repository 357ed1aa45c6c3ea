"""Which web pages may use a conversation, for its HTTP routes and its socket alike.

Owns the rule. Knows no request and no socket: callers hand over the Origin header and what this
server's own origin is for them. An Origin proves nothing outside a browser; the token does.
"""

from __future__ import annotations

from django.conf import settings

from core.live.grants import normalise_origin
from sessions.models import SessionKind, VoiceSession


def is_origin_allowed(
    voice_session: VoiceSession, origin: str, *, own_origin: str | None = None
) -> bool:
    """Tell whether a page of this origin may use the conversation with its token.

    Own pages and CORS_ALLOWED_ORIGINS always may. A survey conversation adds its survey's list,
    exact in scheme, host and port; an empty list admits any origin, but never ``null``, which
    sandboxed frames and local files send and which names nobody.
    """
    wanted = normalise_origin(origin)
    if wanted is None:
        return False
    always = [settings.SITE_URL, *settings.CORS_ALLOWED_ORIGINS]
    if own_origin is not None:
        always.append(own_origin)
    if wanted in {normalise_origin(known) for known in always}:
        return True
    if voice_session.kind != SessionKind.SURVEY:
        return False
    listed = voice_session.allowed_origins
    return not listed or wanted in {normalise_origin(known) for known in listed}
