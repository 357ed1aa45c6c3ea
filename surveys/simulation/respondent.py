"""Somebody who answers an interviewer: picks what to say by the question that is open.

Knows no server and no database; whoever drives the conversation says which question is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TURNS_MAX = 40

_CLOSING = {
    "en": "Yes, that is right.",
    "es": "Sí, es correcto.",
}
_NOTHING_MORE = {
    "en": "That is all I can say about that one.",
    "es": "Eso es todo lo que puedo decir sobre eso.",
}


@dataclass(frozen=True, slots=True)
class Persona:
    """A made-up person: for each question of a survey, in its order, what they say.

    The first line answers the question, the others answer what the interviewer asks on top.
    """

    name: str
    answers: Sequence[Sequence[str]]
    language: str = "en"
    attributes: Mapping[str, str] = field(default_factory=dict)


class ScriptedRespondent:
    """Plays a persona through one interview, reacting to what is asked."""

    def __init__(self, persona: Persona, question_ids: Sequence[str]) -> None:
        """Match the persona's answers with the survey's questions.

        Raises:
            ValueError: the persona has not as many answers as the survey has questions.
        """
        if len(persona.answers) != len(question_ids):
            raise ValueError(f"{persona.name} has answers to another survey")
        self.persona = persona
        self._left = {
            key: list(lines) for key, lines in zip(question_ids, persona.answers, strict=True)
        }

    def reply(self, open_question_id: str | None) -> str:
        """Return the next thing this person says.

        Args:
            open_question_id: what the interviewer wants to know now; None when they sum up.
        """
        if open_question_id is None:
            return _CLOSING[self.persona.language]
        lines = self._left.get(open_question_id)
        if not lines:
            return _NOTHING_MORE[self.persona.language]
        return lines.pop(0)


def writing_seconds(text: str, words_per_minute: float) -> float:
    """Return how long somebody takes to write a text."""
    return max(1.0, len(text.split()) * 60.0 / words_per_minute)
