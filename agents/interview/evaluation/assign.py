"""Which question a visitor turn belongs to.

The server writes the open question on every turn. A transcript that came from elsewhere has no
such note; there the agent's words tell which question stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.language import content_words, stem
from agents.interview.types import Question, Role, Turn

MIN_SHARE = 0.5
"""An agent turn asks a question when it holds half of its content stems."""


def _stems(text: str, language: str) -> frozenset[str]:
    return frozenset(stem(word, language) for word in content_words(text, language))


def assign_turns(
    questions: Sequence[Question], turns: Sequence[Turn], language: str
) -> dict[str, list[Turn]]:
    """Return each question's visitor turns, in order; late turns and the agent's are left out.

    Words before the first question was asked belong to the first one: people often begin before
    they are asked.
    """
    known = {question.id for question in questions}
    stems = [_stems(question.text, language) for question in questions]
    assigned: dict[str, list[Turn]] = {question.id: [] for question in questions}
    current = 0
    for turn in turns:
        if turn.role is Role.AGENT:
            current = _asked_by(turn.text, stems, current, language)
        elif not turn.is_late and questions:
            asked = turn.question_id if turn.question_id in known else None
            assigned[asked or questions[current].id].append(turn)
    return assigned


def _asked_by(text: str, stems: Sequence[frozenset[str]], current: int, language: str) -> int:
    said = _stems(text, language)
    best, best_fit = current, (MIN_SHARE, 0, False)
    for index, wanted in enumerate(stems):
        shared = len(said & wanted)
        # A short question is often wholly inside a longer one: then the longer one was asked. Of
        # equals the one further on is meant, for agents quote earlier questions.
        fit = (shared / len(wanted) if wanted else 0.0, shared, index > current)
        if fit > best_fit:
            best, best_fit = index, fit
    return best
