"""The part of a briefing a visitor may read.

Owns its wording in English and Spanish. It is made from the survey's title, the number of
questions and the minutes only: the objective, hints and attributes never enter it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from agents.interview.interviewer.phrases import uses_familiar_address
from agents.interview.language import Language
from agents.interview.types import Question, QuestionKind

MAX_TOPIC_CHARS = 200
_SECONDS_PER_OPEN_QUESTION = 75
_SECONDS_PER_CLOSED_QUESTION = 30


def expected_minutes(questions: Sequence[Question], *, max_minutes: int) -> int:
    """Return the minutes the questions usually take, at least 1 and at most `max_minutes`.

    About 75 seconds for an open question with its follow-ups and 30 for a closed one; rounded up.
    """
    seconds = sum(
        _SECONDS_PER_OPEN_QUESTION
        if question.kind is QuestionKind.OPEN
        else _SECONDS_PER_CLOSED_QUESTION
        for question in questions
    )
    return max(1, min(max_minutes, math.ceil(seconds / 60)))


def write_visitor_context(
    *,
    title: str,
    topic: str,
    questions: Sequence[Question],
    asked_count: int,
    minutes: int,
    language: Language,
) -> str:
    """Return what the visitor reads, and hears first: topic, size, and their rights.

    Args:
        title: the survey's title, shown as it stands.
        topic: one friendly sentence of a model, already checked; empty for the plain one.
        questions: for the way of address.
        asked_count: questions that will be asked, skipped ones left out.
        minutes: as `expected_minutes` gives them.
    """
    name = re.sub(r"\s+", " ", title).strip(" .")[:MAX_TOPIC_CHARS]
    if language == "es":
        familiar = uses_familiar_address([question.text for question in questions])
        count = "una pregunta" if asked_count == 1 else f"{asked_count} preguntas"
        length = "un minuto" if minutes == 1 else f"{minutes} minutos"
        lead = topic or f"Esta es una conversación breve sobre «{name}»."
        rights = (
            "Puedes saltar cualquier pregunta y corregirme cuando quieras."
            if familiar
            else "Puede saltar cualquier pregunta y corregirme cuando quiera."
        )
        return f"{lead} Tengo {count} y tardaremos más o menos {length}. {rights}"
    count = "one question" if asked_count == 1 else f"{asked_count} questions"
    length = "a minute" if minutes == 1 else f"{minutes} minutes"
    lead = topic or f"This is a short conversation about “{name}”."
    return (
        f"{lead} I have {count} and it takes about {length}. "
        "You can skip any question, and correct me whenever I get something wrong."
    )
