"""A model's evaluation with the built-in one behind it.

Owns the rule that a model may never pay more for an attack: when the transcript holds sentences
that give orders, the lower of the two scores counts.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from agents.interview.evaluation.model import ModelEvaluator
from agents.interview.evaluation.orders import has_orders
from agents.interview.protocols import Evaluator
from agents.interview.types import Evaluation, EvaluationRequest, Role
from agents.llm.client import LLMError

logger = logging.getLogger(__name__)


class FallbackEvaluator:
    """Ask the model; when it is slow, down or answers nonsense, score by rules and say so."""

    def __init__(self, model: ModelEvaluator, builtin: Evaluator) -> None:
        self._model = model
        self._builtin = builtin

    def evaluate(self, request: EvaluationRequest, *, deadline_seconds: float) -> Evaluation:
        """Return the model's evaluation, or the built-in one within the same deadline."""
        try:
            evaluation = self._model.evaluate(request, deadline_seconds=deadline_seconds)
        except LLMError as error:
            logger.warning("evaluation.fallback", extra={"reason": type(error).__name__})
            return self._builtin.evaluate(request, deadline_seconds=deadline_seconds)
        if any(turn.role is Role.USER and has_orders(turn.text) for turn in request.turns):
            checked = self._builtin.evaluate(request, deadline_seconds=deadline_seconds)
            if checked.score < evaluation.score:
                return replace(checked, raw=evaluation.raw)
        return evaluation
