"""How long to wait before trying again. Knows neither what is tried nor how to sleep."""

from __future__ import annotations

import random
from typing import Protocol

# 2**30 times any base is beyond any cap; the bound keeps the power small.
_MAX_DOUBLINGS = 30


class Randomness(Protocol):
    """What is needed of `random.Random`."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between the two."""
        ...


def backoff_seconds(attempt: int, base: float, cap: float, rng: Randomness | None = None) -> float:
    """Return seconds to wait after the given failed attempt: doubling, capped, half of it random.

    The wait lies between half and all of ``min(cap, base * 2 ** (attempt - 1))``, so that clients
    that failed together do not come back together, and none comes back at once.

    Args:
        attempt: how many attempts have failed, from 1.
        base: wait after the first failure, in seconds.
        cap: longest wait, in seconds.
        rng: source of randomness; the tests pass their own.

    Raises:
        ValueError: attempt below 1, or base or cap not above 0.
    """
    if attempt < 1 or base <= 0 or cap <= 0:
        raise ValueError("attempt starts at 1; base and cap are above 0")
    full = min(cap, base * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
    # Not a secret: only spreads load.
    return (rng or random).uniform(full / 2, full)
