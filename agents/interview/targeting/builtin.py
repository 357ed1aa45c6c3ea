"""The built-in targeting agent: a briefing by rules, with no key and no network.

Owns the composition of a briefing. Deterministic. Knows nothing of sessions or rows.
"""

from __future__ import annotations

from agents.interview.language import normalise_language
from agents.interview.targeting.context import expected_minutes, write_visitor_context
from agents.interview.targeting.hints import write_hint
from agents.interview.targeting.ordering import find_known_answers, order_questions
from agents.interview.types import Briefing, TargetingRequest

MAX_PURPOSE_CHARS = 1000


class BuiltinTargetingAgent:
    """Write a briefing from the survey, what is known of the visitor and earlier themes."""

    def write_briefing(self, request: TargetingRequest, *, deadline_seconds: float) -> Briefing:
        """Return the briefing. Takes far less than a millisecond; never fails on valid input."""
        del deadline_seconds
        return compose_briefing(request)


def compose_briefing(
    request: TargetingRequest,
    *,
    purpose: str = "",
    topic: str = "",
    tone: str = "",
    hints: dict[str, str] | None = None,
    order: tuple[str, ...] | None = None,
    source: str = "builtin",
) -> Briefing:
    """Return a briefing; what a model supplied (already checked) replaces the built-in wording.

    Args:
        request: all the targeting agent sees.
        purpose: private sentence on what the interview is for.
        topic: one sentence the visitor may read.
        tone: private words on manner.
        hints: question id to private hint; missing ids get the built-in hint.
        order: a permutation of the question ids, or None for the built-in order.
        source: who wrote it.
    """
    by_id = {question.id: question for question in request.questions}
    questions = (
        tuple(by_id[question_id] for question_id in order)
        if order is not None
        else order_questions(request.questions)
    )
    skip = find_known_answers(questions, request.visitor.attributes)
    asked = [question for question in questions if question.id not in skip]
    language = request.visitor.language or "en"
    probe_hints = {}
    for question in questions:
        hint = (hints or {}).get(question.id) or write_hint(
            question,
            objective=request.objective,
            earlier=request.earlier,
            language=normalise_language(language),
        )
        if hint:
            probe_hints[question.id] = hint
    return Briefing(
        purpose=purpose or _default_purpose(request),
        questions=questions,
        probe_hints=probe_hints,
        skip=skip,
        tone=tone or _default_tone(request),
        language=language,
        max_seconds=max(60, request.max_minutes * 60),
        visitor_context=write_visitor_context(
            title=request.title,
            topic=topic,
            questions=questions,
            asked_count=len(asked),
            minutes=expected_minutes(asked, max_minutes=request.max_minutes),
            language=normalise_language(language),
        ),
        source=source,
    )


def _default_purpose(request: TargetingRequest) -> str:
    if request.objective.strip():
        return request.objective.strip()[:MAX_PURPOSE_CHARS]
    what = request.description.strip() or request.title.strip()
    return f"Learn from people's own experience: {what}"[:MAX_PURPOSE_CHARS]


def _default_tone(request: TargetingRequest) -> str:
    manner = "friendly, brief, neutral; one question at a time"
    if request.visitor.returning:
        return f"{manner}; the visitor has been here before"
    return manner
