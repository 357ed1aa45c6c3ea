"""Secrets that open things: made from 256 random bits, kept only as a digest.

A fast hash is right here: nobody guesses 256 random bits, so there is nothing to slow down.
Knows no row and no purpose; a prefix such as ``sk_`` only helps people and scanners.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

RANDOM_BYTES = 32


@dataclass(frozen=True, repr=False)
class MintedToken:
    """A fresh token. `plain` is shown once and never stored."""

    plain: str
    digest: str

    def __repr__(self) -> str:
        # Tracebacks and logs show reprs.
        return "MintedToken(…)"


def mint(prefix: str = "") -> MintedToken:
    """Return a fresh token: the prefix and 43 characters of base64url without padding.

    The characters are all allowed in a WebSocket subprotocol and in a header.
    """
    plain = prefix + secrets.token_urlsafe(RANDOM_BYTES)
    return MintedToken(plain=plain, digest=digest(plain))


def digest(plain: str) -> str:
    """Return the SHA-256 of the token in hexadecimal, what a row stores and is looked up by."""
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def matches(plain: str, expected_digest: str) -> bool:
    """Tell whether the token has this digest, in constant time."""
    return hmac.compare_digest(digest(plain), expected_digest)
