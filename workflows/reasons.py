"""The words of a recommendation. Knows the rules of honesty, no row and no request.

- A percentage stands with its range; below 8 decided starts there is none without it anywhere.
- Below 5 people nobody is shown a value of money, nor of anything else that was logged.
- What was borrowed from a wider group is said, and so is that there was nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workflows.page_texts import ENGLISH, Words
from workflows.ranking import Counts

SOLID: Final = 30
SOME: Final = 8
MIN_PEOPLE: Final = 5


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a reason is built on."""

    market_label: str
    """Empty when a person did not say; so may be the next one."""
    skill_label: str
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


def say_cohort(market: str, skill_level: str, words: Words = ENGLISH) -> str:
    """Return how a cohort is called in a sentence, such as ``freelancer, beginner``."""
    return ", ".join(words.say_from_server(part.lower()) for part in (market, skill_level) if part)


def say_reason(grounds: Grounds, words: Words = ENGLISH) -> str:
    """Return the sentences that say what an estimate is built on."""
    said = [_say_own(grounds, words)]
    borrowed = _say_borrowed(grounds, words)
    if grounds.overall.decided == 0:
        return " ".join([*said, words.say("nobody_yet")])
    estimate = say_range(grounds.score, grounds.low, grounds.high, words)
    if borrowed and grounds.cohort.decided < SOLID:
        key = "few_and_borrowed" if grounds.cohort.decided else "borrowed_alone"
        said.append(words.say(key, borrowed=borrowed, range=estimate))
    else:
        said.append(words.say("makes_it", range=estimate))
    return " ".join([*said, words.say("given_up_counts")])


def say_range(score: float, low: float, high: float, words: Words = ENGLISH) -> str:
    """Return a chance with its range: ``58 % (likely 47–69 %)``."""
    return words.say("range", score=percent(score), low=percent(low), high=percent(high))


def percent(share: float) -> int:
    """Return a share as a whole percentage; never 0 or 100, which would claim certainty."""
    return min(99, max(1, round(100 * share)))


def say_typical(
    *,
    metric: str,
    typical: str,
    low: str,
    high: str,
    results: int,
    people: int,
    level: str,
    words: Words = ENGLISH,
) -> str:
    """Return what a workflow typically brought; empty below `MIN_PEOPLE` people."""
    if people < MIN_PEOPLE:
        return ""
    return words.say(
        "typical_value",
        metric=words.say(f"metric_{metric}").lower(),
        typical=typical,
        low=low,
        high=high,
        results=words.say_number(results),
        people=words.say_number(people),
        whose=words.say(f"whose_{level}"),
    )


def say_exploration(words: Words = ENGLISH) -> str:
    """Return why something with few results is in the list."""
    return words.say("exploration")


def say_counted(at: datetime | None, words: Words = ENGLISH) -> str:
    """Return when the figures are from."""
    if at is None:
        return words.say("counted_never")
    date = f"{at:%d %B %Y}" if words.language == "en" else f"{at:%d/%m/%Y}"
    return words.say("counted_at", date=date, time=f"{at:%H:%M}")


def _say_own(grounds: Grounds, words: Words) -> str:
    own = grounds.cohort
    cohort = say_cohort(grounds.market_label, grounds.skill_label, words)
    if not cohort:
        return words.say("own_unsaid")
    if own.decided:
        key = "own_one" if own.decided == 1 else "own_many"
        return words.say(
            key,
            cohort=cohort,
            won=words.say_number(own.successes),
            starts=words.say_number(own.decided),
        )
    return words.say("own_none", cohort=cohort)


def _say_borrowed(grounds: Grounds, words: Words) -> str:
    near = grounds.market.decided - grounds.cohort.decided
    far = grounds.overall.decided - grounds.market.decided
    market = say_cohort(grounds.market_label, "", words)
    parts = []
    if near and market:
        parts.append(words.say(_number("near", near), count=words.say_number(near), market=market))
    if far:
        parts.append(
            words.say(_number("far" if market else "everybody", far), count=words.say_number(far))
        )
    return words.say("both", near=parts[0], far=parts[1]) if len(parts) == 2 else "".join(parts)


def _number(key: str, count: int) -> str:
    return f"{key}_one" if count == 1 else f"{key}_many"
