"""A transcript with the words that carried a mark or raised a flag set apart.

Quotes are found as exact substrings and the text is cut into parts, so that a template escapes
every part: no markup is ever made from what people said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sessions.models import SegmentRole, TranscriptSegment
from surveys.console.words import DIMENSION_WORDS, explain_reason
from surveys.models import EvaluationRecord


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a turn; ``is_evidence`` when a mark quotes it."""

    text: str
    is_evidence: bool


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """One turn as the page shows it."""

    segment: TranscriptSegment
    parts: tuple[Part, ...]
    flag_names: tuple[str, ...]

    @property
    def is_agent(self) -> bool:
        return self.segment.role == SegmentRole.AGENT


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """Words that carry marks, the turn they stand in, and which marks they carry."""

    text: str
    turn_id: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownQuestion:
    """The marks of one question."""

    text: str
    note: str
    marks: tuple[tuple[str, int], ...]
    """Dimension and value from 0 to 4."""
    quotes: tuple[ShownQuote, ...]


@dataclass(frozen=True, slots=True)
class ShownFlag:
    """A reason that holds or held the payout, in words."""

    name: str
    meaning: str
    detail: str
    turn_ids: tuple[str, ...]


def show_turns(
    segments: Sequence[TranscriptSegment], record: EvaluationRecord | None
) -> list[ShownTurn]:
    """Return the turns with the evaluation's quotes set apart."""
    quotes: dict[str, list[str]] = {}
    flagged: dict[str, list[str]] = {}
    if record is not None:
        for question in record.marks:
            for turn_id, quote in _evidence(question):
                quotes.setdefault(turn_id, []).append(quote)
        for flag in record.flags:
            for turn_id in flag.get("turn_ids", ()):
                flagged.setdefault(turn_id, []).append(explain_reason(flag["kind"])[0])
    return [
        ShownTurn(
            segment=segment,
            parts=cut_by_quotes(segment.text, quotes.get(segment.public_id, ())),
            flag_names=tuple(dict.fromkeys(flagged.get(segment.public_id, ()))),
        )
        for segment in segments
    ]


def cut_by_quotes(text: str, quotes: Iterable[str]) -> tuple[Part, ...]:
    """Cut a text where exact quotes begin and end; overlapping quotes become one part.

    The parts joined again are the text, whatever the quotes are.
    """
    covered = bytearray(len(text))
    for quote in set(quotes):
        at = text.find(quote) if quote else -1
        if at >= 0:
            covered[at : at + len(quote)] = b"\x01" * len(quote)
    parts: list[Part] = []
    begin = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or covered[end] != covered[begin]:
            parts.append(Part(text[begin:end], bool(covered[begin])))
            begin = end
    return tuple(parts)


def show_marks(
    record: EvaluationRecord | None, questions: Sequence[Mapping[str, Any]]
) -> list[ShownQuestion]:
    """Return the marks of an evaluation, question by question, in the survey's order."""
    if record is None:
        return []
    marked = {entry["question_id"]: entry for entry in record.marks}
    return [
        _show_question(question["text"], marked[question["id"]])
        for question in questions
        if question["id"] in marked
    ]


def _show_question(text: str, entry: Mapping[str, Any]) -> ShownQuestion:
    carried: dict[tuple[str, str], list[str]] = {}
    marks = []
    for mark in entry["marks"]:
        name = DIMENSION_WORDS.get(mark["dimension"], mark["dimension"])
        marks.append((name, mark["value"]))
        for evidence in mark.get("evidence", ()):
            carried.setdefault((evidence["quote"], evidence["turn_id"]), []).append(name)
    return ShownQuestion(
        text=text,
        note=entry.get("note", ""),
        marks=tuple(marks),
        quotes=tuple(
            ShownQuote(quote, turn_id, tuple(names)) for (quote, turn_id), names in carried.items()
        ),
    )


def show_flags(record: EvaluationRecord | None, hold_reasons: Sequence[str]) -> list[ShownFlag]:
    """Return what the checks found and why else a payout is held, each once."""
    flags = record.flags if record is not None else []
    shown = [
        ShownFlag(
            *explain_reason(flag["kind"]),
            detail=flag.get("detail", ""),
            turn_ids=tuple(flag.get("turn_ids", ())),
        )
        for flag in flags
    ]
    known = {flag["kind"] for flag in flags}
    return shown + [
        ShownFlag(*explain_reason(code), detail="", turn_ids=())
        for code in hold_reasons
        if code not in known
    ]


def _evidence(question: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for mark in question["marks"]:
        for evidence in mark.get("evidence", ()):
            yield evidence["turn_id"], evidence["quote"]
