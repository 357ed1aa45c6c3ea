"""Public identifiers: a readable prefix and 26 characters that sort by time of creation.

Owns the alphabet and the layout (48 bits of Unix milliseconds, 80 random bits, Crockford's
base32 in lower case). Knows nothing of what carries the identifier.
"""

from __future__ import annotations

import re
import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_LENGTH = 26
RANDOM_BITS = 80

_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
# The first character holds 3 of the 130 bits, so it never passes "7".
_BODY = re.compile(rf"[0-7][{ALPHABET}]{{{BODY_LENGTH - 1}}}")


def new_id(prefix: str) -> str:
    """Return a fresh identifier such as ``survey_06d2…``.

    Args:
        prefix: lower-case letters and digits, at most 16, starting with a letter.

    Raises:
        ValueError: the prefix is not usable.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a usable identifier prefix: {prefix!r}")
    number = (time.time_ns() // 1_000_000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    characters = [ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(characters)}"


def is_id(value: object, prefix: str) -> bool:
    """Tell whether the value has the shape of an identifier with this prefix."""
    if not isinstance(value, str):
        return False
    head, separator, body = value.partition("_")
    return head == prefix and separator == "_" and _BODY.fullmatch(body) is not None
