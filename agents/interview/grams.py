"""Near-duplicate answers by character 5-grams. Knows no row: hashes and words in, numbers out.

Containment (shared grams over the grams of the shorter text) finds copies with typos, dropped
words, swapped halves and padding alike; plain similarity misses the padded ones.
"""

from __future__ import annotations

import hashlib
import heapq
from functools import lru_cache

from agents.interview.language import fold, words

GRAM_LENGTH = 5
DUPLICATE_CONTAINMENT = 0.7
"""From here on two answers count as the same. Unrelated answers stay below 0.6."""
MIN_DUPLICATE_WORDS = 12
"""Shorter answers are alike by chance and are never compared."""


# While one answer is judged its grams are asked for a dozen times; a handful of texts suffices.
@lru_cache(maxsize=64)
def grams_of(text: str) -> frozenset[str]:
    """Return the character 5-grams of a text's folded words, one space between words."""
    plain = " ".join(words(fold(text)))
    if len(plain) < GRAM_LENGTH:
        return frozenset({plain}) if plain else frozenset()
    return frozenset(
        plain[start : start + GRAM_LENGTH] for start in range(len(plain) - GRAM_LENGTH + 1)
    )


def count_grams(text: str) -> int:
    """Return how many distinct grams a text has."""
    return len(grams_of(text))


def containment(left: str, right: str) -> float:
    """Return the share of the shorter text's grams found in the other, 0 to 1."""
    left_grams, right_grams = grams_of(left), grams_of(right)
    smaller = min(len(left_grams), len(right_grams))
    return len(left_grams & right_grams) / smaller if smaller else 0.0


def is_near_duplicate(left: str, right: str) -> bool:
    """Tell whether two answers are the same one; answers under twelve words never are."""
    return (
        len(words(left)) >= MIN_DUPLICATE_WORDS
        and len(words(right)) >= MIN_DUPLICATE_WORDS
        and containment(left, right) >= DUPLICATE_CONTAINMENT
    )


def bottom_k(text: str, key: bytes, k: int) -> list[int]:
    """Return the ``k`` smallest keyed hashes of a text's grams: a sketch without words in it.

    Args:
        key: up to 64 bytes; without it the sketch cannot be tied to any text.
        k: how many at most.

    Returns:
        Signed 64-bit integers, as a database column holds them, smallest hash first. The bottom-k
        sketch of Broder (1997) with BLAKE2b as the hash.
    """
    key = key[:64]
    digests = [
        hashlib.blake2b(gram.encode(), digest_size=8, key=key).digest() for gram in grams_of(text)
    ]
    # Compared as bytes, and only those kept become numbers: there are hundreds of grams.
    return [int.from_bytes(one, "big", signed=True) for one in heapq.nsmallest(k, digests)]
