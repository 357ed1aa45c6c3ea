"""What a score is worth: a pure function of the score and the survey's pay range.

Knows no model and reads no word of a transcript, so nothing anybody says can move an amount.
"""

from __future__ import annotations

LOWEST_PAID_SCORE = 25
"""Below it an answer earns nothing."""
FULL_RANGE_FROM = 50
"""Up to this band an answer earns the minimum; from here to 100 it rises to the maximum."""
BAND_WIDTH = 5


def score_to_band(score: int) -> int:
    """Return the lower end of a score's band of five, ``floor(score / 5) * 5``."""
    return score // BAND_WIDTH * BAND_WIDTH


def pay_minor(
    score: int, payment_min_minor: int, payment_max_minor: int, has_required_evidence: bool
) -> int:
    """Return the pay of a score in minor units.

    0 below a score of 25, or when no required question has an evidenced mark; else
    ``min + (max - min) * clamp((band - 50) / 50, 0, 1)``, half up to the minor unit, in integers.

    Args:
        score: 0 to 100.
        payment_min_minor: what a barely useful answer earns.
        payment_max_minor: what a perfect one earns; at least the minimum.
        has_required_evidence: see ``Evaluation.has_required_evidence``.

    Raises:
        ValueError: the score is not within 0 to 100, or the range is upside down or negative.
    """
    if not 0 <= score <= 100:
        raise ValueError(f"A score is from 0 to 100, not {score}.")
    if not 0 <= payment_min_minor <= payment_max_minor:
        raise ValueError("A pay range needs 0 <= minimum <= maximum.")
    if score < LOWEST_PAID_SCORE or not has_required_evidence:
        return 0
    steps = min(max(score_to_band(score) - FULL_RANGE_FROM, 0), 100 - FULL_RANGE_FROM)
    span = payment_max_minor - payment_min_minor
    # Half up in integers: (2ab + c) // 2c rounds ab / c.
    full = 100 - FULL_RANGE_FROM
    return payment_min_minor + (2 * span * steps + full) // (2 * full)
