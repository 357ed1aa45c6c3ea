"""Secrets of endpoints and the signatures made with them.

Owns how a secret is derived: 256 random bits in the row and SECRET_KEY together make it, so a copy
of the database alone signs nothing, and nothing secret is stored. The signature follows Standard
Webhooks: HMAC-SHA256 over ``id.timestamp.body``, in base64, after the version ``v1``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime

from django.conf import settings

from webhooks.models import WebhookEndpoint

PREFIX = "whsec_"
KEY_ID_LENGTH = 8


def new_seed() -> str:
    """Return fresh random text for a row, which remembers which SECRET_KEY it belongs to."""
    return f"{_key_id(settings.SECRET_KEY)}.{secrets.token_urlsafe(32)}"


def reveal_secret(seed: str) -> str:
    """Return the secret of a seed, as a company's server configures it."""
    digest = hmac.new(_key_of(seed).encode(), f"webhooks.{seed}".encode(), hashlib.sha256).digest()
    return PREFIX + b64encode(digest).decode()


def sign(*, secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature: ``v1,`` and base64."""
    key = b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def sign_for(
    endpoint: WebhookEndpoint, *, message_id: str, moment: datetime, body: bytes
) -> dict[str, str]:
    """Return the three headers of a message: id, timestamp, and the signature of each secret.

    Args:
        endpoint: signs with its secret, and with the one before while both are valid.
        message_id: of the event, the same on every attempt.
        moment: of this attempt; receivers refuse old ones.
        body: exactly what is sent.
    """
    timestamp = int(moment.timestamp())
    seeds = [endpoint.secret_seed]
    if endpoint.has_former_secret(moment):
        seeds.append(endpoint.former_seed)
    signatures = [
        sign(secret=reveal_secret(seed), message_id=message_id, timestamp=timestamp, body=body)
        for seed in seeds
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _key_id(key: str) -> str:
    return hashlib.sha256(f"webhooks.key|{key}".encode()).hexdigest()[:KEY_ID_LENGTH]


def _key_of(seed: str) -> str:
    """Return the SECRET_KEY a seed was made under; the present one when that one is gone.

    Signatures then no longer check out at the receiver, who rotates to mend it.
    """
    wanted = seed.partition(".")[0]
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(_key_id(key), wanted):
            return str(key)
    return str(settings.SECRET_KEY)
