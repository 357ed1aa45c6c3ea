"""What every move of the interviewer works with: the map, the voice and what was just said.

Owns the small things all moves share. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.interview.closed_questions import parse_choices, rating_scale
from agents.interview.interviewer.board import Board
from agents.interview.interviewer.phrases import Voice
from agents.interview.interviewer.reading import Reading
from agents.interview.interviewer.touching import shared_stems
from agents.interview.types import InterviewReply, Phase, Question, QuestionKind, Role, Turn

TIME_WARNING_SHARE = 0.8

Reader = Callable[[str, Question, bool], Reading]
"""Reads one visitor turn: text, the question that stands, whether it has an answer already."""


def latest_visitor_turns(turns: Sequence[Turn]) -> list[Turn]:
    """Return the visitor's turns after the last agent turn: one thought in several messages."""
    latest: list[Turn] = []
    for turn in reversed(turns):
        if turn.role is Role.AGENT:
            break
        latest.append(turn)
    return latest[::-1]


def without_question_marks(line: str) -> str:
    """Return a visitor's words for quoting: their own question would read like one of ours."""
    return line.replace("?", "").replace("\u00bf", "").strip()


class Moment:
    """One turn of the machine. Made for one reply and thrown away."""

    def __init__(
        self, board: Board, voice: Voice, turns: Sequence[Turn], elapsed_seconds: float
    ) -> None:
        self.board = board
        self.voice = voice
        self.turns = turns
        self.elapsed = elapsed_seconds
        self.budget = max(board.briefing.max_seconds, 1)
        latest = latest_visitor_turns(turns)
        self.said = "\n".join(turn.text for turn in latest)
        self.said_ids = [turn.id for turn in latest]

    @property
    def time_is_short(self) -> bool:
        """Whether only required questions may still be asked."""
        return self.elapsed >= TIME_WARNING_SHARE * self.budget

    def closest_question(self, among: Sequence[str]) -> str | None:
        """Return the id whose question and answer share most stems with what was said, if any."""
        best, best_count = None, 0
        for question_id in among:
            material = [self.board.questions[question_id].text, *self.answer_texts(question_id)]
            count = shared_stems(self.said, " ".join(material))
            if count > best_count:
                best, best_count = question_id, count
        return best

    def answer_texts(self, question_id: str) -> list[str]:
        """Return what was said on a question, in the order it was said."""
        mine = set(self.board.answers[question_id])
        return [turn.text for turn in self.turns if turn.id in mine]

    def question_text(self, question: Question) -> str:
        """Return the survey's own words, with the scale or the choices where they lack them."""
        text = question.text.strip()
        if question.kind is QuestionKind.RATING and not any(char.isdigit() for char in text):
            scale = rating_scale(question)
            return f"{text} {self.voice.say('scale', low=scale.low, high=scale.high)}"
        if question.kind is QuestionKind.CHOICE and len(
            parse_choices(text, question.choices)
        ) < len(question.choices):
            return f"{text} {self.voice.say('choices', choices=self.choices_of(question))}"
        return text

    def choices_of(self, question: Question) -> str:
        """Return the choices as a list in words."""
        glue = " o " if self.voice.language == "es" else " or "
        if len(question.choices) < 2:
            return "".join(question.choices)
        return ", ".join(question.choices[:-1]) + glue + question.choices[-1]

    def close(self, parts: list[str]) -> InterviewReply:
        """Say the last words: the interview is over, Done is what is left."""
        self.board.phase = Phase.CLOSED
        self.board.current_id = None
        return self.say(parts, is_closed=True)

    def say(
        self, parts: list[str], *, separator: str = " ", is_closed: bool = False
    ) -> InterviewReply:
        """Return the reply made of ``parts`` with the state as it now is."""
        text = separator.join(part for part in parts if part)
        return InterviewReply(text=text, state=self.board.to_state(), is_closed=is_closed)
