"""What one socket may do, and where it may come from.

Owns the reading of the handshake (subprotocols, Origin, Host) and the rule for origins. Knows
no token table: the app's consumer looks the token up and answers with a `StreamGrant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from core.clock import now

PROTOCOL: Final = "parley.v1"
_BEARER_PREFIX: Final = "bearer."
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# More digits than any number a client can have seen.
_MAX_AFTER_DIGITS: Final = 16

Scope = Mapping[str, Any]


class SocketRefusedError(Exception):
    """The handshake is refused; the client sees HTTP 403 and learns nothing more."""


@dataclass(frozen=True)
class StreamGrant:
    """The right of one socket to one stream."""

    stream: str
    scope: Literal["participant", "watch"]
    """A participant speaks; a watcher sees."""
    identity: str
    """Whose right it is, such as a token's row id; never the token. Sockets of one identity are
    limited in number, checked together and closed together."""
    expires_at: datetime | None = None
    allowed_origins: frozenset[str] = frozenset()
    """Further origins, such as a survey's list; only for a bearer token."""
    snapshot_key: str | None = None
    """Grants of a stream with the same key see the same snapshot, which is then made once for
    many that join together; None: each gets its own."""

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now()


@dataclass(frozen=True)
class Handshake:
    """What a client brought along."""

    bearer_token: str | None = field(repr=False)
    origin: str | None
    after: int | None
    host: str
    is_secure: bool


def read_handshake(scope: Scope) -> Handshake:
    """Read the ASGI scope of a WebSocket.

    Raises:
        SocketRefusedError: ``parley.v1`` is not offered, a header is doubled or unreadable, two
            tokens are offered, or ``after`` is no number.
    """
    offered = list(scope.get("subprotocols", []))
    tokens = [name.removeprefix(_BEARER_PREFIX) for name in offered if _is_bearer(name)]
    if PROTOCOL not in offered or len(tokens) > 1 or (tokens and not tokens[0]):
        raise SocketRefusedError
    host = _read_header(scope, b"host") or ""
    return Handshake(
        bearer_token=tokens[0] if tokens else None,
        origin=_read_header(scope, b"origin"),
        after=_read_after(scope),
        host=host.lower(),
        is_secure=_is_secure(scope),
    )


def check_origin(handshake: Handshake, grant: StreamGrant) -> None:
    """Refuse an origin the grant does not cover.

    A page of this host may always connect; with a bearer token so may the origins of
    CORS_ALLOWED_ORIGINS and of the grant, and a program that sends no Origin. Without a token
    the credential is a cookie, which a foreign page would carry too, so only the own host may.

    Raises:
        SocketRefusedError: any other origin, ``null`` included.
    """
    if handshake.origin is None:
        if handshake.bearer_token is None:
            raise SocketRefusedError
        return
    origin = normalise_origin(handshake.origin)
    if origin is None:
        raise SocketRefusedError
    if origin == _own_origin(handshake):
        return
    if handshake.bearer_token is not None:
        listed = {*settings.CORS_ALLOWED_ORIGINS, *grant.allowed_origins}
        if origin in {normalise_origin(item) for item in listed}:
            return
    raise SocketRefusedError


def normalise_origin(origin: str) -> str | None:
    """Return ``scheme://host:port`` in lower case with the port written out, or None.

    None stands for ``null``, other schemes and anything with a path, a query or credentials.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or _DEFAULT_PORTS[parts.scheme]}"


def _own_origin(handshake: Handshake) -> str | None:
    domain, _port = split_domain_port(handshake.host)
    allowed = settings.ALLOWED_HOSTS
    if settings.DEBUG and not allowed:
        allowed = [".localhost", "127.0.0.1", "[::1]"]
    if not domain or not validate_host(domain, allowed):
        return None
    scheme = "https" if handshake.is_secure else "http"
    return normalise_origin(f"{scheme}://{handshake.host}")


def _is_bearer(name: str) -> bool:
    return name.startswith(_BEARER_PREFIX)


def _is_secure(scope: Scope) -> bool:
    if scope.get("scheme") in {"wss", "https"}:
        return True
    # Set only behind a proxy that is trusted to set the header.
    trusted: tuple[str, str] | None = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if trusted is None:
        return False
    name, value = trusted
    header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
    sent = _read_header(scope, header)
    return sent is not None and sent.split(",")[0].strip() == value


def _read_header(scope: Scope, wanted: bytes) -> str | None:
    found = [value for name, value in scope.get("headers", []) if name.lower() == wanted]
    if not found:
        return None
    if len(found) > 1:
        raise SocketRefusedError
    try:
        text: str = found[0].decode("ascii")
    except UnicodeDecodeError:
        raise SocketRefusedError from None
    return text


def _read_after(scope: Scope) -> int | None:
    try:
        query = scope.get("query_string", b"").decode("ascii")
        values = parse_qs(query, keep_blank_values=True, max_num_fields=10).get("after", [])
    except ValueError:
        raise SocketRefusedError from None
    if not values:
        return None
    text = values[0]
    if len(values) > 1 or not (text.isascii() and text.isdigit()):
        raise SocketRefusedError
    if len(text) > _MAX_AFTER_DIGITS:
        raise SocketRefusedError
    return int(text)
