"""Attempts on the machine: orders, forged roles, hidden characters, words after the end."""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.evaluation.orders import (
    has_forged_role,
    has_orders,
    names_a_machine_as_writer,
)
from agents.interview.types import Flag, FlagKind, Question, Role, Turn


def _visitor(turns: Sequence[Turn]) -> list[Turn]:
    return [turn for turn in turns if turn.role is Role.USER]


def _flag(kind: FlagKind, detail: str, found: Sequence[Turn]) -> Flag | None:
    if not found:
        return None
    return Flag(kind=kind, detail=detail, turn_ids=tuple(turn.id for turn in found))


def find_injection(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find turns that give the machine orders."""
    found = [turn for turn in _visitor(turns) if has_orders(turn.text)]
    return _flag(
        FlagKind.PROMPT_INJECTION, "Words addressed to the machine, not to the interviewer.", found
    )


def find_forged_roles(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find turns that pretend somebody else is speaking."""
    found = [turn for turn in _visitor(turns) if has_forged_role(turn.text)]
    return _flag(FlagKind.FORGED_ROLE, "A turn imitates another speaker's mark-up.", found)


def find_hidden_text(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find turns that carried characters nobody can see."""
    found = [turn for turn in _visitor(turns) if turn.had_hidden_text]
    return _flag(FlagKind.HIDDEN_TEXT, "Invisible characters were removed from a turn.", found)


def find_late_turns(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find words said after the end; they are kept and not scored."""
    found = [turn for turn in _visitor(turns) if turn.is_late]
    return _flag(FlagKind.LATE_TURN, "Something was said after the end.", found)


def find_machine_text(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find turns that say of themselves that a machine wrote them.

    Style is no sign: detectors of it do not carry over to new questions.
    """
    found = [turn for turn in _visitor(turns) if names_a_machine_as_writer(turn.text)]
    return _flag(FlagKind.LLM_GENERATED, "A turn names a language model as its writer.", found)
