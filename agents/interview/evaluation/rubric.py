"""The rubric: what is marked, how marks become a score, and its version.

Knows no text. The weights and the shape of the sum were fitted once to interviews that two
raters had marked and scored independently; the mean error of the formula alone, given the
raters' own marks, is under three points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from agents.interview.types import Dimension, QuestionMarks

RUBRIC_VERSION = "2026-11-c"

MARK_MAX = 4

WEIGHTS: Mapping[Dimension, float] = {
    Dimension.COVERAGE: 0.20,
    Dimension.RELEVANCE: 0.15,
    Dimension.SPECIFICITY: 0.35,
    Dimension.DEPTH: 0.25,
    Dimension.CLARITY: 0.05,
}
"""Concrete facts and their reasons are what a company pays for."""

EMPHASIS = 2.4
"""Exponent on a question's worth: one telling answer is worth more than several vague ones."""
REFERENCE_QUESTIONS = 4
"""The length of questionnaire the sum is scaled to."""
SATURATION = 0.95
"""How quickly further good answers stop adding: the second half of the scale is
``50 + 50 * (1 - exp(-(sum - 1) / SATURATION))``."""


def question_worth(marks: QuestionMarks) -> float:
    """Return the worth of one answer, 0 to 1: the weighted mean of its marks over 4."""
    values = {mark.dimension: mark.value for mark in marks.marks}
    return sum(weight * values.get(name, 0) for name, weight in WEIGHTS.items()) / MARK_MAX


def score_marks(questions: Sequence[QuestionMarks]) -> int:
    """Return the score of an interview, 0 to 100.

    Each question's worth is raised to ``EMPHASIS``; the mean, scaled to four questions, gives 50
    points when one of four is perfect and approaches 100 as the others follow.
    """
    if not questions:
        return 0
    total: float = sum(question_worth(marks) ** EMPHASIS for marks in questions)
    scaled = total / len(questions) * REFERENCE_QUESTIONS
    if scaled <= 1:
        return round(50 * scaled)
    return round(50 + 50 * (1 - math.exp(-(scaled - 1) / SATURATION)))
