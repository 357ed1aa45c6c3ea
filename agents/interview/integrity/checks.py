"""Runs every integrity check over one transcript.

Owns the order and nothing else: each check is a small pure function in a module of its own. A
finding holds a payout for a person; it never changes a score. What earlier sessions said is
compared by the caller, who has the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agents.interview.integrity import conduct, content, timing
from agents.interview.types import Flag, Question, Role, Turn

MAX_CHECKED_CHARACTERS = 24_000
"""Of the visitor's words in one interview: twice what is scored, and it bounds the work."""

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
    bounded = _bound(turns)
    found = (check(questions, bounded) for check in CHECKS)
    return tuple(flag for flag in found if flag is not None)


def _bound(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns with the visitor's words cut where their sum passes the limit."""
    left = MAX_CHECKED_CHARACTERS
    bounded = []
    for turn in turns:
        if turn.role is not Role.USER:
            bounded.append(turn)
            continue
        is_whole = len(turn.text) <= left
        bounded.append(turn if is_whole else replace(turn, text=turn.text[:left]))
        left = max(0, left - len(turn.text))
    return tuple(bounded)
