"""How an API request says which company it acts for: a secret key, or the console's cookie."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.models import CompanyKey
from accounts.services.api_keys import KEY_PREFIX, authenticate_api_key
from core import ratelimit
from core.errors import AuthenticationFailedError

WRONG_KEYS_A_MINUTE = 30
"""Of one address. A server with a key that was revoked still reads why for a while."""


class KeyUser:
    """Stands where a person would: a company's own server, which is nobody with a login."""

    is_authenticated = True
    is_active = True
    is_staff = False
    is_superuser = False
    pk = None
    id = None

    def __init__(self, key: CompanyKey) -> None:
        self.key = key
        self.company = key.company

    def __str__(self) -> str:
        return self.key.public_id


class CompanyKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer sk_…``. Other bearer tokens are left to other classes."""

    def authenticate(self, request: Request) -> tuple[KeyUser, CompanyKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        try:
            plain = parts[1].decode("ascii") if len(parts) == 2 else ""
        except UnicodeDecodeError:
            plain = ""
        if not plain:
            raise AuthenticationFailedError(
                "invalid_authorization", "Send 'Authorization: Bearer' and one token after it."
            )
        if not plain.startswith(KEY_PREFIX):
            return None
        try:
            key = authenticate_api_key(plain)
        except AuthenticationFailedError:
            # Guessing is hopeless; looking up a million guesses would still cost us.
            ratelimit.hit(
                scope="api_key.wrong",
                key=ratelimit.client_ip(request),
                limit=WRONG_KEYS_A_MINUTE,
                window_seconds=60,
            )
            raise
        return KeyUser(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="parley"'


def key_company_id(request: Request) -> Any:
    """Return the primary key of the company whose key signed this request, or None."""
    auth = getattr(request, "auth", None)
    return auth.company_id if isinstance(auth, CompanyKey) else None
