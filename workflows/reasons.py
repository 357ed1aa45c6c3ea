"""The words of a recommendation. Knows the rules of honesty, no row and no request.

- A percentage stands with its range; below 8 decided starts there is none without it anywhere.
- Below 5 people nobody is shown a value of money, nor of anything else that was logged.
- What was borrowed from a wider group is said, and so is that there was nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.money import NO_BREAK_SPACE
from workflows.ranking import Counts

SOLID: Final = 30
SOME: Final = 8
MIN_PEOPLE: Final = 5


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a reason is built on."""

    cohort_words: str
    """Such as ``freelancer, beginner``; empty when a person said nothing of themselves."""
    market_words: str
    cohort: Counts
    market: Counts
    overall: Counts
    score: float
    low: float
    high: float


def evidence_word(decided: int) -> str:
    """Return how much a cohort's own results are worth: solid, some, few or none."""
    if decided >= SOLID:
        return "solid"
    if decided >= SOME:
        return "some"
    return "few" if decided else "none"


def say_reason(grounds: Grounds) -> str:
    """Return the sentences that say what an estimate is built on."""
    said = [_say_own(grounds)]
    borrowed = _say_borrowed(grounds)
    if grounds.overall.decided == 0:
        said.append("Nobody has finished it yet, so the order is that of the catalogue.")
        return " ".join(said)
    estimate = f"estimated {say_range(grounds.score, grounds.low, grounds.high)}"
    if borrowed and grounds.cohort.decided < SOLID:
        opening = "With so few we also use" if grounds.cohort.decided else "We use"
        said.append(f"{opening} {borrowed}: {estimate}.")
    else:
        said.append(f"That makes it {estimate}.")
    said.append("A start that was given up counts as no result.")
    return " ".join(said)


def say_range(score: float, low: float, high: float) -> str:
    """Return a chance with its range: ``58 % (likely 47–69 %)``."""
    return (
        f"{percent(score)}{NO_BREAK_SPACE}% "
        f"(likely {percent(low)}–{percent(high)}{NO_BREAK_SPACE}%)"
    )


def percent(share: float) -> int:
    """Return a share as a whole percentage; never 0 or 100, which would claim certainty."""
    return min(99, max(1, round(100 * share)))


def say_typical(
    *, metric: str, typical: str, low: str, high: str, results: int, people: int, whose: str
) -> str:
    """Return what a workflow typically brought; empty below `MIN_PEOPLE` people."""
    if people < MIN_PEOPLE:
        return ""
    return (
        f"Typical {metric.lower()}: {typical} (middle half {low} to {high}; "
        f"{results} results of {people} people, {whose})."
    )


def say_exploration() -> str:
    """Return why something with few results is in the list."""
    return "New: few results yet. One place of the list is kept for what is not tried enough."


def say_counted(at: datetime | None) -> str:
    """Return when the figures are from."""
    if at is None:
        return "Nothing was counted yet; figures come the night after the first results."
    return f"Counted {at:%d %B %Y, %H:%M} UTC."


def _say_own(grounds: Grounds) -> str:
    own = grounds.cohort
    if not grounds.cohort_words:
        return "You have not said who you are, so this rests on everybody's results."
    if own.decided:
        starts = "start" if own.decided == 1 else "starts"
        return (
            f"Users like you ({grounds.cohort_words}): {own.successes:,} of {own.decided:,} "
            f"{starts} reached a logged result."
        )
    return f"There are no results of users like you ({grounds.cohort_words}) yet."


def _say_borrowed(grounds: Grounds) -> str:
    near = grounds.market.decided - grounds.cohort.decided
    far = grounds.overall.decided - grounds.market.decided
    parts = []
    if near and grounds.market_words:
        parts.append(f"{near:,} {_starts(near)} of others in the market “{grounds.market_words}”")
    if far:
        where = "elsewhere" if grounds.market_words else "of everybody"
        parts.append(f"{far:,} {_starts(far)} {where}")
    return " and ".join(parts)


def _starts(count: int) -> str:
    return "start" if count == 1 else "starts"
