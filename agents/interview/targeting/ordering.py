"""In which order the questions are asked and which need not be asked at all.

Owns two rules. The author's order stands unless there is a reason to leave it: an opening that
everybody can answer comes first, and an optional question never stands before a required one
that could run out of time. Nothing is ever added, dropped or reworded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.interview.language import fold, words
from agents.interview.types import Question, QuestionKind

#: A question about the person, to a visitor whose attribute of that name is known.
_PERSONAL_LEAD = frozenset(
    "what which is are your the in of do you do cual cuales es que su tu en el la de tiene".split()
)


def order_questions(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Return the questions in the order to ask them.

    Required ones come first, each group in the author's order. A closed required question right
    at the start makes room for the next open one, because a number asked first colours the story
    told after it; a rating that follows its open question stays where it is.
    """
    required = [question for question in questions if question.required]
    optional = [question for question in questions if not question.required]
    first = required[0] if required else None
    if first is not None and first.kind is QuestionKind.RATING:
        opening = next((q for q in required[1:] if q.kind is QuestionKind.OPEN), None)
        if opening is not None and not _leans_on_the_one_before(opening):
            required.remove(opening)
            required.insert(0, opening)
    return tuple(required + optional)


def _leans_on_the_one_before(question: Question) -> bool:
    """Say whether a question only makes sense after the one the author put before it."""
    spoken = [fold(word) for word in words(question.text)]
    back = {"that", "this", "it", "those", "so", "eso", "esto", "esa", "ese", "lo", "asi", "score",
            "rating", "nota", "number", "numero", "puntuacion"}  # fmt: skip
    leads = {"why", "and", "por", "y", "then", "entonces"}
    return bool(back & set(spoken)) or (bool(spoken) and spoken[0] in leads)


def find_known_answers(
    questions: Sequence[Question], attributes: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the ids of questions an attribute already answers; at least one question stays.

    Only an exact match of the attribute's name counts: "What is your plan?" is answered by the
    attribute ``plan``, "What do you plan to change?" is not. A choice question is answered when
    the attribute's value is one of its choices as well.
    """
    known = {
        tuple(fold(name).replace("_", " ").replace("-", " ").split()): value.strip()
        for name, value in attributes.items()
        if value.strip()
    }
    skip = [question.id for question in questions if _is_known(question, known)]
    return tuple(skip) if len(skip) < len(questions) else tuple(skip[1:])


def _is_known(question: Question, known: Mapping[tuple[str, ...], str]) -> bool:
    spoken = [fold(word) for word in words(question.text)]
    subject = tuple(word for word in spoken if word not in _PERSONAL_LEAD)
    value = known.get(subject)
    if value is None:
        return False
    if question.kind is QuestionKind.CHOICE:
        return fold(value) in {fold(choice) for choice in question.choices}
    return question.kind is QuestionKind.OPEN
