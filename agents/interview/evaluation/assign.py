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
    best, best_share = current, MIN_SHARE
    for index, wanted in enumerate(stems):
        share = len(said & wanted) / len(wanted) if wanted else 0.0
        # Going back needs a better match than going on: agents quote earlier questions.
        if share > best_share or (share == best_share and index > best and index > current):
            best, best_share = index, share
    return best
