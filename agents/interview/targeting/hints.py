"""What is worth probing at a question: the private half of a briefing.

Owns the rules from a question's kind and wording, the survey's objective and what earlier people
already said, to a one-line hint. Knows nothing of the visitor.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.interview.language import content_words, fold, stem
from agents.interview.types import EarlierInsight, ProbeKind, Question, QuestionKind

THIN_THEME_SESSIONS = 3
MAX_THEMES_IN_HINT = 3

_ASKS_REASON = re.compile(r"\b(?:why|what makes|reason|por que|motivo|razon)\b")
_ASKS_EVENT = re.compile(
    r"\b(?:last time|a time|describe|walk me|tell me about|ultima vez|una vez|cuente\w*|describa)\b"
)
_ASKS_WISH = re.compile(
    r"\b(?:would|change|improve|wish|missing|cambiari?as?|cambiaria|mejorari?as?|falta|gustaria)\b"
)

_WHAT_TO_ASK: dict[ProbeKind, str] = {
    ProbeKind.DESCRIBE: "describe what happened in more detail",
    ProbeKind.EXAMPLE: "one example from their own experience",
    ProbeKind.CLARIFY: "clarify any word that could mean two things",
    ProbeKind.WHY: "why it is so for them",
}


def probe_order(question: Question) -> tuple[ProbeKind, ...]:
    """Return the follow-ups worth trying at `question`, most useful first."""
    if question.kind in {QuestionKind.RATING, QuestionKind.CHOICE}:
        return (ProbeKind.WHY, ProbeKind.EXAMPLE)
    if question.kind is QuestionKind.YES_NO:
        return (ProbeKind.DESCRIBE, ProbeKind.EXAMPLE)
    asked = fold(question.text)
    if _ASKS_EVENT.search(asked):
        return (ProbeKind.DESCRIBE, ProbeKind.WHY, ProbeKind.EXAMPLE)
    if _ASKS_REASON.search(asked):
        return (ProbeKind.EXAMPLE, ProbeKind.WHY)
    if _ASKS_WISH.search(asked):
        return (ProbeKind.WHY, ProbeKind.DESCRIBE)
    return (ProbeKind.WHY, ProbeKind.EXAMPLE)


def write_hint(
    question: Question, *, objective: str, earlier: Sequence[EarlierInsight], language: str
) -> str:
    """Return the hint of one question, empty when it allows no follow-up.

    Themes few people brought up are named so that the interviewer listens for them; the flow
    never speaks a hint aloud.
    """
    if question.max_probes <= 0:
        return ""
    parts = ["; then ".join(_WHAT_TO_ASK[kind] for kind in probe_order(question))]
    if shares_subject(question.text, objective, language):
        parts.append("close to the objective: worth every follow-up it allows")
    themes = [item for item in earlier if item.question_id == question.id]
    thin = sorted(
        (item for item in themes if item.session_count < THIN_THEME_SESSIONS),
        key=lambda item: (-item.session_count, item.label),
    )
    known = sorted(
        (item for item in themes if item.session_count >= THIN_THEME_SESSIONS),
        key=lambda item: (-item.session_count, item.label),
    )
    if thin:
        named = ", ".join(item.label for item in thin[:MAX_THEMES_IN_HINT])
        parts.append(f"heard from few so far, do not suggest it, only listen for it: {named}")
    if known:
        named = ", ".join(item.label for item in known[:MAX_THEMES_IN_HINT])
        parts.append(f"already well known: {named}")
    return ". ".join(parts)


def shares_subject(text: str, objective: str, language: str) -> bool:
    """Say whether two texts have at least two content stems in common."""
    left = {stem(word, language) for word in content_words(text, language)}
    right = {stem(word, language) for word in content_words(objective, language)}
    return len(left & right) >= 2
