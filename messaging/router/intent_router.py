"""IntentRouter: the active step of the lane first, then rules, then a model where rules are unsure.

Owns the order of the three and what "unsure" means. Rules are two things added up: points by hand
for what classes of words say together (`messaging.router.rules`) and weights learned from the
corpus (`messaging.router.weights`). A model may name a lane and an intent from the closed list
and nothing else; what it says decides no price, stock or access.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from messaging.agents_protocol import Registry, RouterDecision, RouteSource, TurnContext
from messaging.router.asking import ModelRouter
from messaging.router.intents import FALLBACK, LANE_ORDER
from messaging.router.reading import EMOJI_MARK, features_of, read_tokens
from messaging.router.rules import score_rules
from messaging.router.weights import Weights, load_weights
from messaging.selectors.survey_runs import is_code
from messaging.turns import Turn, TurnKind

UNSURE_BELOW = 0.45
TIE_WITHIN = 0.03
"""Two lanes closer than this are a tie, which goes by the order of the lanes."""
RULE_SHARE = 1.0
SHORT_TOKENS = 4

#: A prefix of button and row ids names the lane they belong to: ``commerce:add:…``.
_OWNED_ID = re.compile(r"([a-z]+):([a-z_]+)")
_KIND_INTENTS: Mapping[TurnKind, tuple[str, str]] = {
    TurnKind.ORDER: ("commerce", "add_to_cart"),
    TurnKind.WELCOME: ("info", "greeting"),
    TurnKind.LOCATION: ("info", "place"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules make of an utterance."""

    lane: str
    intent: str
    confidence: float
    """Share of the lane among all, 0 to 1."""
    runner_up: str
    """The intent of the next best lane, as ``lane.intent``."""
    reasons: tuple[str, ...]

    @property
    def is_unsure(self) -> bool:
        """Whether a model should be asked."""
        return self.confidence < UNSURE_BELOW


def read_intent(text: str, *, weights: Weights | None = None) -> Reading:
    """Return the lane and intent the rules see in an utterance of either language.

    Args:
        text: of a person, as it came.
        weights: other ones than the product's, for measuring.
    """
    tokens = read_tokens(text)
    if not any(token[0].isalnum() or (token[0] == "#" and token != EMOJI_MARK) for token in tokens):
        return Reading(FALLBACK, "unclear", 1.0, "", ("no_words",))
    features = features_of(tokens)
    classes = [name[2:] for name in features if name.startswith("c:")]
    points = score_rules(classes)
    scores = (weights or load_weights()).score(features)
    for name, value in points.items():
        scores[name] += RULE_SHARE * value
    top = max(scores.values())
    odds = {name: math.exp(value - top) for name, value in scores.items()}
    total = sum(odds.values())
    lanes: dict[str, float] = {}
    for name, value in odds.items():
        lane = name.partition(".")[0]
        lanes[lane] = lanes.get(lane, 0.0) + value / total
    best = max(lanes.values())
    lane = next(one for one in LANE_ORDER if lanes[one] >= best - TIE_WITHIN)

    def best_of(wanted: str) -> str:
        own = {name: odd for name, odd in odds.items() if name.startswith(f"{wanted}.")}
        return max(own, key=own.__getitem__)

    second = max((one for one in LANE_ORDER if one != lane), key=lanes.__getitem__)
    chosen = best_of(lane)
    return Reading(
        lane=lane,
        intent=chosen.partition(".")[2],
        confidence=lanes[lane],
        runner_up=best_of(second),
        reasons=("rules" if chosen in points else "weights", *sorted(set(classes))[:8]),
    )


class IntentRouter:
    """Decide on the lane of a turn.

    Args:
        registry: asked whether the present lane waits for an answer; None decides by words alone.
        model: asked where the rules are unsure; None never asks.
    """

    def __init__(self, registry: Registry | None = None, model: ModelRouter | None = None) -> None:
        self._registry = registry
        self._model = model

    def route(self, turn: Turn, context: TurnContext) -> RouterDecision:
        """Return lane and intent of a turn; may take as long as a model's deadline."""
        owned = _OWNED_ID.match(turn.reply_id)
        if owned and owned[1] in LANE_ORDER:
            return RouterDecision(owned[1], owned[2], 1.0, ("reply_id",), RouteSource.STATE)
        reading = read_intent(turn.text) if turn.text else None
        if reading is not None and reading.intent == "opt_out" and reading.confidence > 0.8:
            return _from_rules(reading)
        step = self._active_step(turn, context)
        if step is not None:
            return RouterDecision(context.lane, step, 1.0, ("active_step",), RouteSource.STATE)
        if turn.text and is_code(context.company_id, turn.text):
            return RouterDecision("survey", "join", 1.0, ("survey_word",), RouteSource.RULES)
        if turn.kind in _KIND_INTENTS:
            lane, intent = _KIND_INTENTS[turn.kind]
            return RouterDecision(lane, intent, 1.0, (f"kind:{turn.kind}",), RouteSource.RULES)
        if reading is None:
            return RouterDecision(FALLBACK, "unclear", 1.0, (f"kind:{turn.kind}",))
        if reading.is_unsure and self._model is not None:
            asked = self._model.ask(turn.text, context=context)
            if asked is not None:
                return asked
        return _from_rules(reading)

    def route_text(self, text: str) -> RouterDecision:
        """Return lane and intent of an utterance that comes out of the blue, by rules alone."""
        return _from_rules(read_intent(text))

    def _active_step(self, turn: Turn, context: TurnContext) -> str | None:
        if self._registry is None or not context.lane:
            return None
        try:
            agent = self._registry.agent_for(context.lane)
        except KeyError:
            return None
        return agent.active_intent(turn, context)


def _from_rules(reading: Reading) -> RouterDecision:
    reasons = reading.reasons
    if reading.is_unsure:
        reasons = ("unsure", f"or:{reading.runner_up}", *reasons)
    return RouterDecision(
        reading.lane, reading.intent, round(reading.confidence, 4), reasons, RouteSource.RULES
    )
