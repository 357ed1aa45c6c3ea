"""The Wilson score interval of a share."""

from __future__ import annotations

import math

#: Two-sided 95 %.
Z = 1.959963984540054


def wilson_interval(count: int, total: int, *, z: float = Z) -> tuple[float, float]:
    """Return the lower and upper bound of the share ``count / total``, each from 0 to 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    Unlike the plain normal interval it stays inside 0 to 1 and is honest for few answers.

    Raises:
        ValueError: ``count`` is not between 0 and ``total``.
    """
    if not 0 <= count <= total:
        raise ValueError("count lies between 0 and total")
    if total == 0:
        return 0.0, 1.0
    share = count / total
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    centre = share + z * z / (2 * total)
    scale = 1 + z * z / total
    low, high = (centre - spread) / scale, (centre + spread) / scale
    # The bounds of 0 and of all are exact; rounding would put them a hair inside.
    return (0.0 if count == 0 else max(0.0, low)), (1.0 if count == total else min(1.0, high))
