"""Whether a person could have typed or spoken it in the time it took, by the server's clock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, pstdev

from agents.interview.language import words
from agents.interview.types import Flag, FlagKind, Question, Role, Turn

MAX_WORDS_PER_MINUTE = 300
"""Faster than any typing and any speech that can be understood."""
MIN_TIMED_WORDS = 12
"""Shorter answers are too short to measure."""
MIN_REACTION_SECONDS = 0.15
MIN_SECONDS_A_QUESTION = 4.0
MIN_SCRIPTED_TURNS = 5
SCRIPTED_VARIATION = 0.02
"""Standard deviation over mean of the pauses: people never come near it."""


def _pairs(turns: Sequence[Turn]) -> list[tuple[Turn, Turn]]:
    """Return each agent turn with the visitor turn that follows it at once."""
    return [
        (before, turn)
        for before, turn in pairwise(turns)
        if before.role is Role.AGENT and turn.role is Role.USER and not turn.is_late
    ]


def _is_timed(turns: Sequence[Turn]) -> bool:
    # A transcript that was handed in as text has no times of its own.
    return len({turn.at_seconds for turn in turns}) > max(1, len(turns) // 2)


def find_speeding(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find answers nobody can give in the time between question and answer."""
    if not _is_timed(turns):
        return None
    found = []
    for before, turn in _pairs(turns):
        seconds = turn.at_seconds - before.at_seconds
        count = len(words(turn.text))
        too_fast = count >= MIN_TIMED_WORDS and count > MAX_WORDS_PER_MINUTE * seconds / 60
        began = None if turn.started_seconds is None else turn.started_seconds - before.at_seconds
        too_soon = (
            began is not None and 0 <= began < MIN_REACTION_SECONDS and count >= MIN_TIMED_WORDS
        )
        if too_fast or too_soon:
            found.append(turn)
    answers = [turn for _, turn in _pairs(turns)]
    total = turns[-1].at_seconds - turns[0].at_seconds if turns else 0.0
    hurried = len(answers) >= 3 and total < MIN_SECONDS_A_QUESTION * len(answers) / 2
    spoken = sum(len(words(turn.text)) for turn in answers)
    if hurried and spoken >= MIN_TIMED_WORDS and not found:
        found = answers
    if not found:
        return None
    return Flag(
        kind=FlagKind.SPEEDING,
        detail="Answers came faster than a person types or speaks.",
        turn_ids=tuple(turn.id for turn in found),
    )


def find_scripted(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find pauses so even that a program must have made them."""
    if not _is_timed(turns):
        return None
    pauses = [turn.at_seconds - before.at_seconds for before, turn in _pairs(turns)]
    if len(pauses) < MIN_SCRIPTED_TURNS or mean(pauses) <= 0:
        return None
    if pstdev(pauses) / mean(pauses) >= SCRIPTED_VARIATION:
        return None
    return Flag(
        kind=FlagKind.SCRIPTED,
        detail="Every answer came after the same pause.",
        turn_ids=tuple(turn.id for _, turn in _pairs(turns)),
    )
