"""Transcripts that come with a request: read strictly, stored as claims, never as our own record.

A claim is used only when the server itself heard nothing. Owns their two forms (text with
``Agent:`` and ``User:`` lines, or a list) and to which question each claimed answer belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.interview.language import content_words, normalise_language
from agents.interview.types import Question
from core.errors import InvalidInputError
from core.text import clean_text
from sessions.models import SegmentRole, SegmentSource, TranscriptSegment, VoiceSession

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


@dataclass(frozen=True, slots=True)
class ClaimedTurn:
    """One line of a transcript somebody sent. ``at_seconds`` is their word for it."""

    role: SegmentRole
    text: str
    at_seconds: float
    had_hidden_text: bool = False


def read_claim(raw: object) -> tuple[ClaimedTurn, ...]:
    """Return the turns of a transcript that came with a request; nothing for an empty one.

    Args:
        raw: text with lines ``Agent: …`` and ``User: …`` (a line without a role goes on with the
            one before), or a list of ``{role, text, t?}`` with ``t`` in seconds; or None.

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


def store_claim(
    *,
    voice_session: VoiceSession,
    turns: Sequence[ClaimedTurn],
    questions: Sequence[Question],
    source: SegmentSource,
) -> None:
    """Store claimed turns as segments marked with their source.

    Needs a transaction that holds the session's row. Agent lines that the server already
    recorded (the greeting) stay in front.
    """
    last = voice_session.segments.order_by("-position").values_list("position", flat=True).first()
    asked = _align(turns, questions, voice_session.language)
    TranscriptSegment.objects.bulk_create(
        TranscriptSegment(
            voice_session=voice_session,
            position=(last or 0) + offset,
            role=turn.role,
            source=source,
            text=turn.text,
            question_id=question_id,
            at_seconds=turn.at_seconds,
            had_hidden_text=turn.had_hidden_text,
        )
        for offset, (turn, question_id) in enumerate(zip(turns, asked, strict=True), start=1)
    )


def _invalid(detail: str) -> InvalidInputError:
    return InvalidInputError("invalid_transcript", detail)


def _read_lines(raw: str) -> list[ClaimedTurn]:
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
        turn
        for number, (role, lines) in enumerate(spoken)
        if (turn := _clean_turn(role, "\n".join(lines), float(number))) is not None
    ]


def _read_list(raw: Sequence[Any]) -> list[ClaimedTurn]:
    turns: list[ClaimedTurn] = []
    length = 0
    for number, item in enumerate(raw):
        role = item.get("role") if isinstance(item, dict) else None
        text = item.get("text") if isinstance(item, dict) else None
        known = _ROLES.get(role.strip().lower()) if isinstance(role, str) else None
        if known is None or not isinstance(text, str):
            raise _invalid(
                f"Entry {number} of the transcript needs a role (agent or user) and a text."
            )
        at = item.get("t", number)
        if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= 86_400:
            raise _invalid(f"Entry {number}: 't' is the seconds since the start, 0 to 86400.")
        length += len(text)
        if length > MAX_CHARS:
            raise _invalid(f"A transcript has at most {MAX_CHARS} characters.")
        turn = _clean_turn(known, text, float(at))
        if turn is not None:
            turns.append(turn)
    return turns


def _clean_turn(role: SegmentRole, raw: str, at_seconds: float) -> ClaimedTurn | None:
    cleaned = clean_text(raw, MAX_TURN_CHARS + 1)
    if len(cleaned.text) > MAX_TURN_CHARS:
        raise _invalid(f"A turn has at most {MAX_TURN_CHARS} characters.")
    if not cleaned.text:
        return None
    return ClaimedTurn(role, cleaned.text, at_seconds, cleaned.had_hidden)


def _align(
    turns: Sequence[ClaimedTurn], questions: Sequence[Question], language: str
) -> list[str]:
    """Return for each turn the id of the question that was open, as far as the words tell."""
    spoken = normalise_language(language)
    wanted = [(question.id, set(content_words(question.text, spoken))) for question in questions]
    current = ""
    asked: list[str] = []
    for turn in turns:
        if turn.role == SegmentRole.AGENT:
            said = set(content_words(turn.text, spoken))
            best = max(
                ((len(words & said) / len(words), key) for key, words in wanted if words),
                default=(0.0, ""),
            )
            if best[0] >= _QUESTION_OVERLAP:
                current = best[1]
        asked.append(current)
    return asked
