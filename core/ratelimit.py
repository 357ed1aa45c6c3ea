"""Atomic rate limits for whatever costs money, and who a request comes from.

A fixed window that starts with the first hit, counted by one statement: a Lua script when Redis
is configured, else one UPSERT on a row. Of any number of callers at once, no more than `limit`
pass in a window. Keys are hashed, so neither store shows an address or an account. Knows no
route: callers name the scope and the key, and never take the key from what the caller sent
except through a credential that was checked.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import math
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from core import metrics
from core.errors import RateLimitedError

logger = logging.getLogger(__name__)

_UPSERT = """
INSERT INTO core_ratecounter (key_digest, scope, hits, window_ends_at)
VALUES (%(digest)s, %(scope)s, 1, %(ends)s)
ON CONFLICT (key_digest) DO UPDATE SET
  hits = CASE WHEN core_ratecounter.window_ends_at <= %(now)s
              THEN 1 ELSE core_ratecounter.hits + 1 END,
  window_ends_at = CASE WHEN core_ratecounter.window_ends_at <= %(now)s
                        THEN %(ends)s ELSE core_ratecounter.window_ends_at END
RETURNING hits, window_ends_at
"""
# One script, so a counter can never be left without its expiry.
_REDIS_HIT = """
local hits = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {hits, left}
"""
_REDIS_TIMEOUT_SECONDS = 1.0


def hit(*, scope: str, key: str, limit: int, window_seconds: float) -> None:
    """Count one use and refuse it when the window already had `limit`.

    The count is committed at once, on its own; called inside a transaction it is undone with it,
    so count before opening one. Redis being down falls back to the database.

    Args:
        scope: what is limited, a constant such as ``survey.start``.
        key: whom the limit is for: an address, a public id.
        limit: uses allowed in a window; 0 refuses all.
        window_seconds: length of the window.

    Raises:
        RateLimitedError: over the limit; carries the seconds until the window ends.
    """
    digest = hashlib.sha256(f"{scope}\n{window_seconds}\n{key}".encode()).hexdigest()
    hits, left = _count(scope, digest, window_seconds)
    if hits > limit:
        metrics.rate_limited_total.labels(scope).inc()
        raise RateLimitedError(math.ceil(left))


def _count(scope: str, digest: str, window_seconds: float) -> tuple[int, float]:
    if settings.REDIS_URL:
        from redis.exceptions import RedisError

        try:
            return _count_in_redis(digest, window_seconds)
        except RedisError:
            logger.warning("ratelimit.redis_failed", extra={"scope": scope})
    return _count_in_database(scope, digest, window_seconds)


def _count_in_database(scope: str, digest: str, window_seconds: float) -> tuple[int, float]:
    now = time.time()
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT, {"digest": digest, "scope": scope, "now": now, "ends": now + window_seconds}
        )
        hits, ends = cursor.fetchone()
    return int(hits), max(0.0, float(ends) - now)


@lru_cache(maxsize=4)
def _redis_script(url: str) -> Any:
    import redis

    client = redis.Redis.from_url(
        url,
        socket_timeout=_REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
    )
    return client.register_script(_REDIS_HIT)


def _count_in_redis(digest: str, window_seconds: float) -> tuple[int, float]:
    script = _redis_script(settings.REDIS_URL)
    hits, left = script(keys=[f"parley:rate:v1:{digest}"], args=[round(window_seconds * 1000)])
    return int(hits), int(left) / 1000


def purge_counters() -> int:
    """Delete the rows of windows that have ended; return how many. Safe to run twice."""
    from core.models import RateCounter

    return RateCounter.objects.filter(window_ends_at__lte=time.time()).delete()[0]


def client_ip(request: HttpRequest) -> str:
    """Return the address of the client, believing only as many proxies as are configured."""
    return _client_address(
        request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR") or ""
    )


def client_ip_of_scope(scope: Mapping[str, Any]) -> str:
    """Return the address of the client of an ASGI scope, by the rule of `client_ip`."""
    client: Sequence[Any] | None = scope.get("client")
    forwarded = b",".join(
        value for name, value in scope.get("headers", ()) if name.lower() == b"x-forwarded-for"
    )
    return _client_address(str(client[0]) if client else "", forwarded.decode("latin-1"))


def _client_address(peer: str, forwarded: str) -> str:
    count: int = settings.TRUSTED_PROXY_COUNT
    hops = [part.strip() for part in forwarded.split(",") if part.strip()]
    # Each trusted proxy appends the address it saw; what stands further left anyone may write.
    address = hops[-count] if count and len(hops) >= count else peer
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        # A test client, a unix socket, or a broken proxy: the peer is all that is known.
        return peer or "unknown"
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def limit_key(address: str) -> str:
    """Return what to count an address by: an IPv6 customer owns a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return address


def hash_address(address: str) -> str:
    """Return a keyed hash of an address, for trails that must not hold the address itself.

    Keyed, because there are few enough IPv4 addresses to try them all.
    """
    return hmac.new(
        settings.SECRET_KEY.encode(), b"address:" + address.encode(), hashlib.sha256
    ).hexdigest()


def forget_counters() -> None:
    """Drop every counter Redis holds. For tests: a window would reach into the next one."""
    client = _redis_script(settings.REDIS_URL).registered_client
    names = list(client.scan_iter("parley:rate:v1:*"))
    if names:
        client.delete(*names)
