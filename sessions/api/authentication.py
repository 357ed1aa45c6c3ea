"""How a request to a conversation says who it is: the participant's token, or a login cookie.

A request that brings an Authorization header is judged by it alone, so that a page on another
site can never add its visitor's cookie to a token of its own.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.request import Request

from sessions.models import VoiceSession
from sessions.selectors import SessionTokenError, authenticate_token
from sessions.services.conversations import TOKEN_PREFIX


class Participant:
    """Stands where a person with a login would: whoever holds a conversation's token."""

    is_authenticated = True
    is_active = True
    is_staff = False
    is_superuser = False
    pk = None
    id = None

    def __init__(self, voice_session: VoiceSession) -> None:
        self.voice_session = voice_session

    def __str__(self) -> str:
        return f"participant of {self.voice_session.public_id}"


class SessionTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer st_…``. Other bearer tokens are left to other classes."""

    def authenticate(self, request: Request) -> tuple[Participant, VoiceSession] | None:
        """Return the participant and the conversation of the token, ended ones included.

        Raises:
            SessionTokenError: it opens nothing.
        """
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        try:
            plain = parts[1].decode("ascii") if len(parts) == 2 else ""
        except UnicodeDecodeError:
            plain = ""
        if plain and not plain.startswith(TOKEN_PREFIX):
            return None
        if not plain:
            raise SessionTokenError
        voice_session = authenticate_token(plain)
        return Participant(voice_session), voice_session

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return 'Bearer realm="parley"'


class CookieAuthentication(SessionAuthentication):
    """The login cookie, with CSRF on everything that writes, and never beside a header."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """Return the signed-in person, unless the request brings an Authorization header."""
        if get_authorization_header(request):
            return None
        found: tuple[Any, None] | None = super().authenticate(request)
        return found


class SessionTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base has an untyped __init_subclass__
    """Describe the participant's token in the OpenAPI document."""

    target_class = "sessions.api.authentication.SessionTokenAuthentication"
    name = "sessionToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "session_token of one conversation (st_…); opens that one alone.",
        }


class CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """Describe the login cookie in the OpenAPI document."""

    target_class = "sessions.api.authentication.CookieAuthentication"
    name = "loginCookie"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "Login cookie of our own pages; writing needs X-CSRFToken too.",
        }
