"""The second store: Redis beside the row, for whoever looks with ``redis-cli``, and for speed.

Written after the commit and trusted only where its version is the row's. So a flushed, stale or
missing Redis loses nothing, and a broken one costs one warning.
"""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from typing import Any

from django.conf import settings

from messaging.state.contract import LIFETIME_SECONDS, State

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 0.5


def state_key(phone_number_id: str, wa_key: str) -> str:
    """Return the seed's key of a dialogue."""
    return f"session:{phone_number_id}:{wa_key}"


def write_state(state: State) -> None:
    """Repeat a committed state in Redis for 24 hours; does nothing without Redis."""
    client = _client(settings.REDIS_URL)
    if client is None:
        return
    from redis.exceptions import RedisError

    meta = state["meta"]
    try:
        client.set(
            state_key(meta["phone_number_id"], meta["wa_id"]),
            json.dumps(state, ensure_ascii=False, separators=(",", ":")),
            ex=LIFETIME_SECONDS,
        )
    except RedisError:
        logger.warning("state.redis_failed", extra={"operation": "write"})


def read_state(phone_number_id: str, wa_key: str, *, version: int) -> State | None:
    """Return the cached state if it is of this version; None otherwise, whatever the reason."""
    client = _client(settings.REDIS_URL)
    if client is None:
        return None
    from redis.exceptions import RedisError

    try:
        raw = client.get(state_key(phone_number_id, wa_key))
    except RedisError:
        logger.warning("state.redis_failed", extra={"operation": "read"})
        return None
    if raw is None:
        return None
    try:
        state = json.loads(raw)
    except ValueError:
        logger.warning("state.redis_failed", extra={"operation": "decode"})
        return None
    if not isinstance(state, dict) or state.get("version") != version:
        return None
    return state


def forget_state(phone_number_id: str, wa_key: str) -> None:
    """Take a state out of Redis, because its dialogue is over or its person erased."""
    client = _client(settings.REDIS_URL)
    if client is None:
        return
    from redis.exceptions import RedisError

    try:
        client.delete(state_key(phone_number_id, wa_key))
    except RedisError:
        logger.warning("state.redis_failed", extra={"operation": "delete"})


@lru_cache(maxsize=4)
def _client(url: str) -> Any:
    if not url:
        return None
    import redis

    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        decode_responses=True,
    )
