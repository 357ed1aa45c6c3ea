"""How well the router places utterances it was not trained on. For commands and benchmarks.

``strict`` counts an answer in the first lane named; ``lenient`` also in any other lane a person
would accept, and ``intent`` the exact intent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from messaging.router.intent_router import read_intent
from messaging.router.training import Utterance, split_by_scenario, train_weights
from messaging.router.weights import Weights, decode_weights

#: Whole situations that are held back in turn: shops, and ways to talk.
FOLDS: tuple[frozenset[str], ...] = (
    frozenset({"pharmacy", "close", "product", "hostile", "links", "warranty"}),
    frozenset({"furniture", "cafe", "spam", "shop", "books"}),
    frozenset({"food", "electronics", "app", "pets", "code"}),
    frozenset({"clothes", "hardware", "beauty", "flowers", "returns"}),
)


@dataclass(slots=True)
class Score:
    """Counts of one language."""

    asked: int = 0
    strict: int = 0
    lenient: int = 0
    intent: int = 0
    unsure: int = 0
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(expected lane, answered lane)."""
    misses: list[tuple[str, str, str]] = field(default_factory=list)
    """(expected, answered, text) of answers in a lane nobody would accept."""

    def share(self, count: int) -> float:
        """Return a count as a share of what was asked."""
        return count / self.asked if self.asked else 0.0


def measure(utterances: Iterable[Utterance], *, weights: Weights | None = None) -> dict[str, Score]:
    """Return the scores by language.

    Args:
        utterances: what to ask.
        weights: other ones than the product's.
    """
    scores: dict[str, Score] = {}
    for one in utterances:
        score = scores.setdefault(one.language, Score())
        reading = read_intent(one.text, weights=weights)
        answered = f"{reading.lane}.{reading.intent}"
        lanes = [name.partition(".")[0] for name in one.intents]
        score.asked += 1
        score.strict += reading.lane == lanes[0]
        score.lenient += reading.lane in lanes
        score.intent += answered in one.intents
        score.unsure += reading.is_unsure
        score.confusion[lanes[0], reading.lane] += 1
        if reading.lane not in lanes:
            score.misses.append((one.intents[0], answered, one.text))
    return scores


def measure_held_out(utterances: Sequence[Utterance]) -> dict[str, Score]:
    """Return scores where each situation is asked of weights that never saw it."""
    total: dict[str, Score] = {}
    for held_out in FOLDS:
        seen, asked = split_by_scenario(utterances, held_out)
        weights = decode_weights(train_weights(seen))
        for language, score in measure(asked, weights=weights).items():
            whole = total.setdefault(language, Score())
            whole.asked += score.asked
            whole.strict += score.strict
            whole.lenient += score.lenient
            whole.intent += score.intent
            whole.unsure += score.unsure
            whole.confusion += score.confusion
            whole.misses += score.misses
    return total
