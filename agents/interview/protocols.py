"""The four agents of an interview as Protocols; a built-in and a model-backed one behind each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agents.interview.types import (
    AnswerSample,
    Briefing,
    Evaluation,
    EvaluationRequest,
    Insights,
    InterviewReply,
    InterviewState,
    Question,
    TargetingRequest,
    Theme,
    Turn,
)


class TargetingAgent(Protocol):
    """Writes the briefing of one interview."""

    def write_briefing(self, request: TargetingRequest, *, deadline_seconds: float) -> Briefing: ...


class Interviewer(Protocol):
    """Holds the conversation, one turn at a time; the same for typing, voice and messaging."""

    def open(self, briefing: Briefing) -> InterviewReply: ...

    def respond(
        self,
        briefing: Briefing,
        state: InterviewState,
        turns: Sequence[Turn],
        *,
        elapsed_seconds: float,
        deadline_seconds: float,
    ) -> InterviewReply:
        """Answer the last visitor turn in ``turns`` (the whole final transcript so far)."""
        ...


class Evaluator(Protocol):
    """Scores one transcript."""

    def evaluate(self, request: EvaluationRequest, *, deadline_seconds: float) -> Evaluation: ...


class InsightsAgent(Protocol):
    """Finds themes over the answers of many sessions."""

    def find_insights(
        self,
        questions: Sequence[Question],
        answers: Sequence[AnswerSample],
        *,
        known: Sequence[Theme],
        language: str,
        deadline_seconds: float,
    ) -> Insights:
        """Join answers to ``known`` themes, open new ones at three sessions, keep ids."""
        ...
