"""A transcript with the words that carried a mark or raised a flag set apart.

Quotes are found as exact substrings and the text is cut into parts, so that a template escapes
every part: no markup is ever made from what people said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from agents.interview.language import fold, word_spans
from sessions.models import SegmentRole, TranscriptSegment
from surveys.console.words import DIMENSION_WORDS, explain_reason
from surveys.models import EvaluationRecord
from surveys.services.duplicates import DuplicateSource

COMPARED_WORDS = 600
"""Of each of two answers that are shown beside each other; it bounds the work."""
COMMON_WORDS = 2
"""A single word in common says nothing."""


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

    code: str
    name: str
    meaning: str
    detail: str
    turns: tuple[TranscriptSegment, ...]
    """What raised it, as far as single turns did."""


@dataclass(frozen=True, slots=True)
class ShownDouble:
    """Another session's answer beside the one that is nearly the same."""

    turn_id: str
    parts: tuple[Part, ...]
    """Of the other's words; ``is_evidence`` where this answer has them too."""
    session_id: str
    """Empty when the other was erased."""
    other_turn_id: str
    said_at: datetime | None


def show_doubles(
    sources: Sequence[DuplicateSource], segments: Sequence[TranscriptSegment]
) -> list[ShownDouble]:
    """Return the other sessions' words with what both have in common set apart."""
    texts = {segment.public_id: segment.text for segment in segments}
    return [
        ShownDouble(
            turn_id=source.segment_id,
            parts=()
            if source.other is None
            else cut_by_common(source.other.text, texts.get(source.segment_id, "")),
            session_id="" if source.other is None else source.other.voice_session.public_id,
            other_turn_id="" if source.other is None else source.other.public_id,
            said_at=None if source.other is None else source.other.created_at,
        )
        for source in sources
    ]


def cut_by_common(text: str, other: str) -> tuple[Part, ...]:
    """Cut a text where runs of words begin and end that the other has too.

    The parts joined again are the text. Case, accents and what stands between words do not count;
    the first words of very long texts are compared.
    """
    spans = list(word_spans(text))[:COMPARED_WORDS]
    mine = [fold(word) for _, _, word in spans]
    theirs = [fold(word) for _, _, word in word_spans(other)][:COMPARED_WORDS]
    covered = bytearray(len(text))
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.size >= COMMON_WORDS:
            begin, end = spans[block.a][0], spans[block.a + block.size - 1][1]
            covered[begin:end] = b"\x01" * (end - begin)
    return _cut(text, covered)


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
    return _cut(text, covered)


def _cut(text: str, covered: bytearray) -> tuple[Part, ...]:
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


def show_flags(
    record: EvaluationRecord | None,
    hold_reasons: Sequence[str],
    segments: Sequence[TranscriptSegment],
) -> list[ShownFlag]:
    """Return what the checks found and why else a payout is held, each once."""
    by_id = {segment.public_id: segment for segment in segments}
    flags = record.flags if record is not None else []
    shown = [
        ShownFlag(
            flag["kind"],
            *explain_reason(flag["kind"]),
            detail=flag.get("detail", ""),
            turns=tuple(by_id[one] for one in flag.get("turn_ids", ()) if one in by_id),
        )
        for flag in flags
    ]
    known = {flag["kind"] for flag in flags}
    return shown + [
        ShownFlag(code, *explain_reason(code), detail="", turns=())
        for code in hold_reasons
        if code not in known
    ]


def _evidence(question: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for mark in question["marks"]:
        for evidence in mark.get("evidence", ()):
            yield evidence["turn_id"], evidence["quote"]
