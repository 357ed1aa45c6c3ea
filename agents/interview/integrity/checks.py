"""Runs every integrity check over one transcript.

Owns the order and nothing else: each check is a small pure function in a module of its own. A
finding holds a payout for a person; it never changes a score. What earlier sessions said is
compared by the caller, who has the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.bounds import bound_turns
from agents.interview.integrity import conduct, content, timing
from agents.interview.types import Flag, Question, Turn

CHECKS = (
    conduct.find_injection,
    conduct.find_forged_roles,
    conduct.find_hidden_text,
    conduct.find_late_turns,
    conduct.find_machine_text,
    content.find_low_effort,
    content.find_gibberish,
    content.find_off_topic,
    content.find_echo,
    content.find_repetition,
    content.find_duplicate_answers,
    content.find_incomplete,
    timing.find_speeding,
    timing.find_scripted,
)


def check_integrity(*, questions: Sequence[Question], turns: Sequence[Turn]) -> tuple[Flag, ...]:
    """Return what stands out in a transcript, each kind at most once.

    Args:
        questions: as the survey version has them.
        turns: the whole record in order, the agent's turns included.
    """
    bounded = bound_turns(turns)
    found = (check(questions, bounded) for check in CHECKS)
    return tuple(flag for flag in found if flag is not None)
