"""What the visitor is told about an answer: what was useful, what would have added.

Names no rule and no dimension, and repeats nothing anybody said.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.evaluation.rubric import question_worth
from agents.interview.language import normalise_language
from agents.interview.types import Dimension, Question, QuestionMarks

GOOD_WORTH = 0.65
THIN_WORTH = 0.35

_TEXTS = {
    "en": {
        "strong": "Concrete and useful: the company can act on {count} of {total} answers.",
        "some": "Useful in part: {count} of {total} questions got an answer with facts in it.",
        "none": "The answers held little the company can use.",
        "missing": "Some questions were left open.",
        "specificity": "Names, times, numbers or one particular occasion would have added most.",
        "depth": "Saying why, and what followed from it, would have added most.",
    },
    "es": {
        "strong": "Concreto y útil: con {count} de {total} respuestas la empresa puede trabajar.",
        "some": "Útil en parte: {count} de {total} preguntas tienen una respuesta con hechos.",
        "none": "Las respuestas dicen poco que la empresa pueda usar.",
        "missing": "Quedaron preguntas sin responder.",
        "specificity": "Lo que más habría sumado: nombres, horas, cifras o una ocasión concreta.",
        "depth": "Lo que más habría sumado: decir por qué y qué pasó después.",
    },
}


def write_notes(
    questions: Sequence[Question], marks: Sequence[QuestionMarks], language: str
) -> str:
    """Return two or three sentences for the visitor, in English or Spanish."""
    texts = _TEXTS[normalise_language(language)]
    worths = [question_worth(item) for item in marks]
    good = sum(worth >= GOOD_WORTH for worth in worths)
    some = sum(worth >= THIN_WORTH for worth in worths)
    total = len(worths)
    lines = []
    if total and good * 2 >= total:
        lines.append(texts["strong"].format(count=good, total=total))
    elif some:
        lines.append(texts["some"].format(count=some, total=total))
    else:
        lines.append(texts["none"])
    if any(
        not item.marks for item, question in zip(marks, questions, strict=True) if question.required
    ):
        lines.append(texts["missing"])
    if good < total:
        lines.append(texts[_weakest(marks)])
    return " ".join(lines)


def _weakest(marks: Sequence[QuestionMarks]) -> str:
    sums = {Dimension.SPECIFICITY: 0, Dimension.DEPTH: 0}
    for item in marks:
        for mark in item.marks:
            if mark.dimension in sums:
                sums[mark.dimension] += mark.value
    return "depth" if sums[Dimension.DEPTH] < sums[Dimension.SPECIFICITY] else "specificity"
