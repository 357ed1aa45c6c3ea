"""The model-backed targeting agent.

Owns what the model is asked and the checks on its answer. The model may order the questions and
word purpose, tone, hints and one friendly sentence; ids, texts, kinds and limits are ours. When
it is late or wrong, the built-in briefing stands and says so in its `source`.
"""

from __future__ import annotations

import logging
from typing import Any

from agents.interview.protocols import TargetingAgent
from agents.interview.targeting.builtin import compose_briefing
from agents.interview.types import Briefing, TargetingRequest
from agents.llm.client import LLMBadAnswerError, LLMClient, LLMError
from agents.llm.material import DATA_RULE, clean_line, encode, shares_run

logger = logging.getLogger(__name__)

MAX_PURPOSE_CHARS = 400
MAX_TONE_CHARS = 160
MAX_HINT_CHARS = 300
MAX_TOPIC_CHARS = 220

_SYSTEM = f"""You prepare an interviewer for one interview of a survey. {DATA_RULE}

Give:
- purpose: one private sentence on what this interview should find out.
- tone: a few private words on manner.
- order: the ids of all questions, each once, in the order to ask them. Keep the author's order
  unless an earlier broad question would make a later one easier to answer. Required questions
  come before optional ones.
- hints: for each question one private line on what is worth a neutral follow-up (describe,
  example, clarify, why), considering the objective and themes that few people brought up so far.
  Never suggest an answer.
- topic: one friendly sentence in the visitor's language that says what the conversation is about.
  The visitor reads it: nothing from objective, themes or attributes, no number, no question, no
  promise of money."""

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["purpose", "tone", "order", "hints", "topic"],
    "properties": {
        "purpose": {"type": "string"},
        "tone": {"type": "string"},
        "order": {"type": "array", "items": {"type": "string"}},
        "hints": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["question_id", "hint"],
                "properties": {"question_id": {"type": "string"}, "hint": {"type": "string"}},
            },
        },
        "topic": {"type": "string"},
    },
}


class ModelTargetingAgent:
    """Write the briefing with a model, with another agent behind it."""

    def __init__(self, client: LLMClient, *, fallback: TargetingAgent) -> None:
        """Take the model and who writes the briefing when it does not."""
        self._client = client
        self._fallback = fallback

    def write_briefing(self, request: TargetingRequest, *, deadline_seconds: float) -> Briefing:
        """Return the model's briefing, or the fallback's when none comes in time or it is wrong."""
        try:
            answer = self._client.complete_json(
                system=_SYSTEM,
                user=encode(_material(request)),
                schema=_SCHEMA,
                deadline_seconds=deadline_seconds,
            )
            return _to_briefing(request, answer, source=self._client.model)
        except LLMError as error:
            logger.warning("targeting.fell_back", extra={"reason": type(error).__name__})
            return self._fallback.write_briefing(request, deadline_seconds=deadline_seconds)


def _material(request: TargetingRequest) -> dict[str, Any]:
    return {
        "title": request.title,
        "objective": request.objective,
        "description": request.description,
        "max_minutes": request.max_minutes,
        "questions": [
            {
                "id": question.id,
                "text": question.text,
                "kind": question.kind.value,
                "required": question.required,
                "max_probes": question.max_probes,
            }
            for question in request.questions
        ],
        "visitor": {
            "language": request.visitor.language,
            "returning": request.visitor.returning,
            "attributes": request.visitor.attributes,
        },
        "earlier_themes": [
            {"question_id": item.question_id, "label": item.label, "sessions": item.session_count}
            for item in request.earlier
        ],
    }


def _to_briefing(request: TargetingRequest, answer: dict[str, Any], *, source: str) -> Briefing:
    ids = [question.id for question in request.questions]
    order = tuple(answer["order"])
    if sorted(order) != sorted(ids):
        raise LLMBadAnswerError("the order is not the questions, each once")
    hints = {
        item["question_id"]: hint
        for item in answer["hints"]
        if item["question_id"] in ids
        and (hint := clean_line(item["hint"], max_chars=MAX_HINT_CHARS))
    }
    return compose_briefing(
        request,
        purpose=clean_line(answer["purpose"], max_chars=MAX_PURPOSE_CHARS),
        topic=_safe_topic(request, answer["topic"], hints, answer["purpose"]),
        tone=clean_line(answer["tone"], max_chars=MAX_TONE_CHARS),
        hints=hints,
        order=_required_first(request, order),
        source=source,
    )


def _required_first(request: TargetingRequest, order: tuple[str, ...]) -> tuple[str, ...]:
    required = {question.id for question in request.questions if question.required}
    return tuple(sorted(order, key=lambda question_id: question_id not in required))


def _safe_topic(
    request: TargetingRequest, topic: object, hints: dict[str, str], purpose: str
) -> str:
    """Return the sentence for the visitor, or nothing when any of it could be private."""
    line = clean_line(topic, max_chars=MAX_TOPIC_CHARS)
    if not line or any(char in line for char in "?\u00bf$\u20ac\u00a3") or _has_digit(line):
        return ""
    private = [request.objective, purpose, *hints.values()]
    private.extend(item.label for item in request.earlier)
    if any(shares_run(line, secret) for secret in private):
        return ""
    values = (value.strip().lower() for value in request.visitor.attributes.values())
    if any(len(value) > 2 and value in line.lower() for value in values):
        return ""
    return line if line[-1] in ".!" else f"{line}."


def _has_digit(line: str) -> bool:
    return any(char.isdigit() for char in line)
