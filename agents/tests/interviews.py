"""Holds interviews for the tests: a briefing, a visitor's lines, the agent's messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from agents.interview.protocols import Interviewer
from agents.interview.types import (
    Briefing,
    InterviewReply,
    InterviewState,
    Question,
    QuestionStatus,
    Role,
    Turn,
)


def make_briefing(
    *questions: Question,
    language: str = "en",
    max_seconds: int = 600,
    skip: tuple[str, ...] = (),
    hints: dict[str, str] | None = None,
    visitor_context: str = "",
    purpose: str = "",
) -> Briefing:
    return Briefing(
        purpose=purpose,
        questions=questions,
        probe_hints=hints or {},
        skip=skip,
        tone="friendly",
        language=language,
        max_seconds=max_seconds,
        visitor_context=visitor_context,
    )


def through_json(state: InterviewState) -> InterviewState:
    """Store the state in a row and read it back."""
    return InterviewState.from_json(json.loads(json.dumps(asdict(state))))


@dataclass
class Conversation:
    """One running interview; every state goes through JSON on its way."""

    interviewer: Interviewer
    briefing: Briefing
    seconds_a_turn: float = 10.0
    turns: list[Turn] = field(default_factory=list)
    elapsed: float = 0.0

    def __post_init__(self) -> None:
        self.reply: InterviewReply = self.interviewer.open(self.briefing)
        self._add(Role.AGENT, self.reply.text)

    def _add(self, role: Role, text: str) -> None:
        self.turns.append(
            Turn(id=f"t{len(self.turns)}", role=role, text=text, at_seconds=self.elapsed)
        )

    def say(self, text: str, *, after_seconds: float | None = None) -> str:
        """Say one thing and return the agent's words."""
        self.elapsed += self.seconds_a_turn if after_seconds is None else after_seconds
        self._add(Role.USER, text)
        self.reply = self.interviewer.respond(
            self.briefing,
            through_json(self.reply.state),
            self.turns,
            elapsed_seconds=self.elapsed,
            deadline_seconds=1.0,
        )
        self._add(Role.AGENT, self.reply.text)
        return self.reply.text

    def say_all(self, lines: Iterable[str]) -> list[str]:
        return [self.say(line) for line in lines]

    def status(self, question_id: str) -> QuestionStatus:
        return next(
            item.status for item in self.reply.state.progress if item.question_id == question_id
        )

    def answer_texts(self, question_id: str) -> list[str]:
        texts = {turn.id: turn.text for turn in self.turns}
        return next(
            [texts[turn_id] for turn_id in item.answer_turn_ids]
            for item in self.reply.state.progress
            if item.question_id == question_id
        )
