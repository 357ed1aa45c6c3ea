"""Transcripts that come with a request, read strictly; `sessions` stores them as claims.

A claim is used only when the server itself heard nothing. Owns their two forms (text with
``Agent:`` and ``User:`` lines, or a list) and to which question each claimed answer belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.interview.language import content_words, normalise_language
from agents.interview.types import Question
from core.errors import InvalidInputError
from sessions.models import SegmentRole
from sessions.services.transcripts import ClaimedLine

MAX_TURNS = 400
MAX_TURN_CHARS = 4000
MAX_CHARS = 200_000

_ROLES = {
    "agent": SegmentRole.AGENT,
    "assistant": SegmentRole.AGENT,
    "interviewer": SegmentRole.AGENT,
    "ai": SegmentRole.AGENT,
    "user": SegmentRole.USER,
    "visitor": SegmentRole.USER,
    "human": SegmentRole.USER,
    "respondent": SegmentRole.USER,
    "customer": SegmentRole.USER,
}
_QUESTION_OVERLAP = 0.6
"""Share of a question's content words that an agent line must hold to count as asking it."""


def read_claim(raw: object) -> tuple[ClaimedLine, ...]:
    """Return the turns of a transcript that came with a request; nothing for an empty one.

    Args:
        raw: text with lines ``Agent: …`` and ``User: …`` (a line without a role goes on with the
            one before), or a list of ``{role, text, t?}`` with ``t`` in seconds; or None.
            Unless every entry has its ``t`` no time is known and all of them are 0: made-up times
            would read like somebody who answers faster than people can.

    Raises:
        InvalidInputError: neither, or too long.
    """
    if raw is None:
        return ()
    if isinstance(raw, str):
        turns = _read_lines(raw)
    elif isinstance(raw, list):
        turns = _read_list(raw)
    else:
        raise _invalid("Send 'transcript' as text or as a list of {role, text}.")
    if len(turns) > MAX_TURNS:
        raise _invalid(f"A transcript has at most {MAX_TURNS} turns.")
    return tuple(turns)


def _invalid(detail: str) -> InvalidInputError:
    return InvalidInputError("invalid_transcript", detail)


def _read_lines(raw: str) -> list[ClaimedLine]:
    if len(raw) > MAX_CHARS:
        raise _invalid(f"A transcript has at most {MAX_CHARS} characters.")
    spoken: list[tuple[SegmentRole, list[str]]] = []
    for line in raw.splitlines():
        if not line.strip():
            continue
        head, colon, rest = line.partition(":")
        role = _ROLES.get(head.strip().lower()) if colon else None
        if role is not None:
            spoken.append((role, [rest]))
        elif spoken:
            spoken[-1][1].append(line)
        else:
            raise _invalid("Start the transcript's first line with 'Agent:' or 'User:'.")
    return [
        turn for role, lines in spoken if (turn := _line(role, "\n".join(lines), 0.0)) is not None
    ]


def _read_list(raw: Sequence[Any]) -> list[ClaimedLine]:
    turns: list[ClaimedLine] = []
    length = 0
    is_timed = all(isinstance(item, dict) and "t" in item for item in raw)
    for number, item in enumerate(raw):
        role = item.get("role") if isinstance(item, dict) else None
        text = item.get("text") if isinstance(item, dict) else None
        known = _ROLES.get(role.strip().lower()) if isinstance(role, str) else None
        if known is None or not isinstance(text, str):
            raise _invalid(
                f"Entry {number} of the transcript needs a role (agent or user) and a text."
            )
        at = item.get("t", 0)
        if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= 86_400:
            raise _invalid(f"Entry {number}: 't' is the seconds since the start, 0 to 86400.")
        length += len(text)
        if length > MAX_CHARS:
            raise _invalid(f"A transcript has at most {MAX_CHARS} characters.")
        turn = _line(known, text, float(at) if is_timed else 0.0)
        if turn is not None:
            turns.append(turn)
    return turns


def _line(role: SegmentRole, raw: str, at_seconds: float) -> ClaimedLine | None:
    text = raw.strip()
    if len(text) > MAX_TURN_CHARS:
        raise _invalid(f"A turn has at most {MAX_TURN_CHARS} characters.")
    return ClaimedLine(role, text, at_seconds) if text else None


def assign_questions(
    lines: Sequence[ClaimedLine], *, questions: Sequence[Question], language: str
) -> list[ClaimedLine]:
    """Return the lines with the id of the question that was open, as far as the words tell."""
    spoken = normalise_language(language)
    wanted = [(question.id, set(content_words(question.text, spoken))) for question in questions]
    current = ""
    assigned: list[ClaimedLine] = []
    for line in lines:
        if line.role == SegmentRole.AGENT:
            said = set(content_words(line.text, spoken))
            best = max(
                ((len(words & said) / len(words), key) for key, words in wanted if words),
                default=(0.0, ""),
            )
            if best[0] >= _QUESTION_OVERLAP:
                current = best[1]
        assigned.append(replace(line, question_id=current))
    return assigned
