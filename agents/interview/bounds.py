"""How much of what a visitor said is read: no length of text costs more than it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agents.interview.types import Role, Turn

MAX_CHECKED_CHARACTERS = 24_000
"""Of all visitor turns together. An hour of speech has about 50,000; the checks and a model read
the same part, so nothing a model marks went unchecked."""


def bound_turns(turns: Sequence[Turn]) -> tuple[Turn, ...]:
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
