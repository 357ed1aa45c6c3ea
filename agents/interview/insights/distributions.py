"""What people answered to questions with a closed form: means and shares.

Owns the counting; one answer a session and question, the first that can be read. Knows no wording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agents.interview.closed_questions import (
    parse_choices,
    parse_rating,
    parse_yes_no,
    rating_scale,
)
from agents.interview.types import AnswerSample, Question, QuestionKind


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts by answer, in the order of the scale or of the choices."""

    question: Question
    answered: int
    """Sessions with an answer that could be read."""
    counts: tuple[tuple[str, int], ...]
    mean: float | None = None
    """Of a rating."""
    high: int | None = None
    """Upper end of a rating's scale."""


def read_distribution(question: Question, answers: Sequence[AnswerSample]) -> Distribution | None:
    """Return the distribution of a closed question; None for an open one or without answers."""
    mine = [answer for answer in answers if answer.question_id == question.id]
    if question.kind is QuestionKind.RATING:
        return _ratings(question, mine)
    if question.kind is QuestionKind.CHOICE:
        return _choices(question, mine)
    if question.kind is QuestionKind.YES_NO:
        return _yes_no(question, mine)
    return None


def _ratings(question: Question, answers: Sequence[AnswerSample]) -> Distribution | None:
    scale = rating_scale(question)
    values: dict[str, int] = {}
    for answer in answers:
        value = parse_rating(answer.text, scale)
        # The number comes first; a number in the reason that follows is not another mark.
        if value is not None and answer.session_id not in values:
            values[answer.session_id] = value
    if not values:
        return None
    counted = Counter(values.values())
    counts = tuple((str(value), counted[value]) for value in range(scale.high, scale.low - 1, -1))
    mean = sum(values.values()) / len(values)
    return Distribution(question, len(values), counts, mean=mean, high=scale.high)


def _choices(question: Question, answers: Sequence[AnswerSample]) -> Distribution | None:
    chosen: dict[str, tuple[str, ...]] = {}
    for answer in answers:
        named = parse_choices(answer.text, question.choices)
        if named and answer.session_id not in chosen:
            chosen[answer.session_id] = named
    if not chosen:
        return None
    counted = Counter(choice for named in chosen.values() for choice in named)
    counts = tuple((choice, counted[choice]) for choice in question.choices)
    return Distribution(question, len(chosen), counts)


def _yes_no(question: Question, answers: Sequence[AnswerSample]) -> Distribution | None:
    said: dict[str, bool] = {}
    for answer in answers:
        value = parse_yes_no(answer.text)
        if value is not None and answer.session_id not in said:
            said[answer.session_id] = value
    if not said:
        return None
    yes = sum(said.values())
    return Distribution(question, len(said), (("yes", yes), ("no", len(said) - yes)))
