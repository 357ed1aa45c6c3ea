"""Agents that do what a test says, at the borders where the product asks for one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from agents.interview.types import (
    Dimension,
    Evaluation,
    EvaluationRequest,
    Evidence,
    Flag,
    FlagKind,
    Mark,
    QuestionMarks,
    Role,
)


@dataclass
class FixedEvaluator:
    """Gives every transcript with a visitor's words the same score."""

    score: int = 85
    calls: int = 0
    requests: list[EvaluationRequest] = field(default_factory=list)
    gate: threading.Event | None = None
    """Waited for before answering, to be slow."""
    error: Exception | None = None

    def evaluate(self, request: EvaluationRequest, *, deadline_seconds: float) -> Evaluation:
        self.calls += 1
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            self.gate.wait(20)
        said = [turn for turn in request.turns if turn.role is Role.USER and not turn.is_late]
        marks = tuple(
            QuestionMarks(
                question.id,
                (Mark(Dimension.COVERAGE, 3, (Evidence(said[0].id, said[0].text[:12]),)),),
            )
            for question in request.questions
            if said
        )
        return Evaluation(
            score=self.score if said else 0,
            questions=marks,
            has_required_evidence=bool(said),
            notes="Clear and concrete." if said else "Nothing was said.",
            rubric_version="test-1",
        )


def use_evaluator(monkeypatch: pytest.MonkeyPatch, evaluator: FixedEvaluator) -> FixedEvaluator:
    """Make the surveys app ask this evaluator."""
    monkeypatch.setattr("surveys.services.evaluation.get_evaluator", lambda: evaluator)
    return evaluator


def use_flags(monkeypatch: pytest.MonkeyPatch, *kinds: FlagKind) -> None:
    """Make the integrity checks find exactly these."""
    monkeypatch.setattr(
        "surveys.services.evaluation.check_integrity",
        lambda **given: tuple(Flag(kind, "found by a test") for kind in kinds),
    )


@pytest.fixture
def evaluator(monkeypatch: pytest.MonkeyPatch) -> FixedEvaluator:
    """Score 85 for whoever says something, and find nothing wrong with it."""
    use_flags(monkeypatch)
    return use_evaluator(monkeypatch, FixedEvaluator())
