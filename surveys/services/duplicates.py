"""The same answer sold twice: found over the sessions of a survey by keyed hashes of its grams.

Owns `AnswerGram`. Only hashes are stored, under a key derived from SECRET_KEY, so they survive
the erasure of an answer without holding a word of it. An index finds at most 50 candidates; what
is still readable is then compared exactly, what is erased by its sketch.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from agents.interview.grams import (
    DUPLICATE_CONTAINMENT,
    MIN_DUPLICATE_WORDS,
    bottom_k,
    grams_of,
)
from agents.interview.language import words
from sessions.models import SegmentRole, TranscriptSegment
from surveys.models import AnswerGram, SurveyResponse
from surveys.selectors.responses import (
    GramCandidate,
    erased_sketch_rows,
    gram_candidates,
    visitor_segments_of,
    visitor_texts_of,
)
from surveys.services.identity import derive_key

SKETCH_SIZE = 32
PROBED_GRAMS = 12
"""How many of an answer's grams the index is asked for. A copy in an answer twice as long still
has all of them in its sketch."""
SHARED_MIN = 3
"""Unrelated answers share one or two of the twelve by chance; a copy shares eight, one that was
padded to twice its length four."""
LUCK = 0.6
"""A true copy falls below this share of what is expected once in a hundred times."""
CANDIDATES_MAX = 50
COMPARED_MAX = 3
"""How many of an answer's likeliest candidates are compared word for word: a copy shares more
grams than anything else."""


@dataclass(frozen=True, slots=True)
class AnswerGrams:
    """The sketch of one visitor turn that is long enough to be compared."""

    segment_id: str
    shingles: frozenset[str]
    """The grams themselves; never stored."""
    grams: tuple[int, ...]

    @property
    def gram_count(self) -> int:
        return len(self.shingles)


def grams_of_segments(segments: Sequence[TranscriptSegment]) -> tuple[AnswerGrams, ...]:
    """Return the sketches of a transcript's visitor turns of at least twelve words."""
    key = derive_key("answer-grams")
    return tuple(
        AnswerGrams(
            segment_id=segment.public_id,
            shingles=grams_of(segment.text),
            grams=tuple(bottom_k(segment.text, key, SKETCH_SIZE)),
        )
        for segment in segments
        if segment.role == SegmentRole.USER
        and not segment.is_late
        and len(words(segment.text)) >= MIN_DUPLICATE_WORDS
    )


def find_duplicates(*, response: SurveyResponse, grams: Sequence[AnswerGrams]) -> tuple[str, ...]:
    """Return the segment ids of answers that another session of the survey gave already.

    One look at the index for all answers; candidates are read only when there are some.
    """
    found = _find_doubles(response, grams)
    return tuple(dict.fromkeys(answer.segment_id for answer, _ in found))


@dataclass(frozen=True, slots=True)
class DuplicateSource:
    """Another answer of the same survey that one of these is nearly the same as."""

    segment_id: str
    """The turn of the answer that is looked at."""
    other: TranscriptSegment | None
    """The other session's turn; None when its person had it erased."""


def find_sources(
    *, response: SurveyResponse, segments: Sequence[TranscriptSegment]
) -> list[DuplicateSource]:
    """Return where a response's flagged answers stand in other sessions of its survey.

    For the company's eyes: computed anew from what is there now, so that what was erased since is
    gone, and sessions that came later are found too.

    Args:
        response: read through its company.
        segments: the turns that were flagged.
    """
    found = _find_doubles(response, grams_of_segments(segments))
    keys = {row.response_key for _, row in found if row.response_key is not None}
    others = {
        _reference(segment.public_id): segment
        for segment in visitor_segments_of(response.survey, keys)
    }
    return [DuplicateSource(answer.segment_id, others.get(row.reference)) for answer, row in found]


def _find_doubles(
    response: SurveyResponse, grams: Sequence[AnswerGrams]
) -> list[tuple[AnswerGrams, GramCandidate]]:
    """Return each answer with the earlier ones that it doubles."""
    candidates = gram_candidates(
        response.survey,
        [answer.grams[:PROBED_GRAMS] for answer in grams],
        exclude=response,
        least=SHARED_MIN,
        limit=CANDIDATES_MAX,
    )
    likely = [
        [
            row
            for row in candidates
            if row.answer_index == index and row.shared >= _least_shared(answer, row.gram_count)
        ][:COMPARED_MAX]
        for index, answer in enumerate(grams)
    ]
    wanted = [row for rows in likely for row in rows]
    if not wanted:
        return []
    readable = _readable_answers(response, [row.response_key for row in wanted])
    erased = _erased_sketches(
        response, [row.reference for row in wanted if row.response_key is None]
    )
    return [
        (answer, row)
        for answer, rows in zip(grams, likely, strict=True)
        for row in rows
        if _is_double(answer, readable.get(row.reference), erased.get(row.reference))
    ]


def _least_shared(answer: AnswerGrams, other_count: int) -> float:
    """Return how many of the probed grams a copy would share, with room for bad luck.

    Of an answer's grams a copy of it holds at least the share that makes a duplicate; a copy that
    was padded on our side holds only that share of the smaller of the two.
    """
    smaller = min(answer.gram_count, other_count) / answer.gram_count
    return len(answer.grams[:PROBED_GRAMS]) * DUPLICATE_CONTAINMENT * smaller * LUCK


def _is_double(answer: AnswerGrams, text: str | None, sketch: tuple[set[int], int] | None) -> bool:
    if text is not None:
        other = grams_of(text)
        smaller = min(len(answer.shingles), len(other))
        return len(answer.shingles & other) >= DUPLICATE_CONTAINMENT * smaller > 0
    return sketch is not None and _estimate(answer, *sketch) >= DUPLICATE_CONTAINMENT


def store_grams(*, response: SurveyResponse, grams: Sequence[AnswerGrams]) -> None:
    """Remember the sketches of a response's answers; in the caller's transaction, once.

    Plain rows without model objects: there are a hundred of them and a visitor is waiting.
    """
    rows = [
        (response.survey_id, response.pk, reference, gram, answer.gram_count)
        for answer, reference in ((answer, _reference(answer.segment_id)) for answer in grams)
        for gram in answer.grams
    ]
    if not rows:
        return
    table = connection.ops.quote_name(AnswerGram._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (survey_id, response_id, answer_ref, gram, gram_count) "  # noqa: S608  # nothing from outside: a table name and placeholders
            "VALUES (%s, %s, %s, %s, %s)",
            rows,
        )


def _readable_answers(
    response: SurveyResponse, response_keys: Iterable[int | None]
) -> dict[str, str]:
    """Return the texts of candidates that are not erased by their reference."""
    alive = {key for key in response_keys if key is not None}
    return {
        _reference(segment_id): text
        for segment_id, text in visitor_texts_of(response.survey, alive)
    }


def _erased_sketches(
    response: SurveyResponse, references: Sequence[str]
) -> dict[str, tuple[set[int], int]]:
    """Return the sketches of erased answers among these, and how many grams they had."""
    sketches: dict[str, tuple[set[int], int]] = {}
    for reference, gram, count in erased_sketch_rows(response.survey, references):
        sketches.setdefault(reference, (set(), count))[0].add(gram)
    return sketches


def _reference(segment_id: str) -> str:
    """Return what stands for an answer in its grams: a keyed hash, so it leads back to nobody."""
    key = derive_key("answer-reference")
    return hmac.new(key, segment_id.encode(), hashlib.sha256).hexdigest()


def _estimate(answer: AnswerGrams, sketch: set[int], other_count: int) -> float:
    """Return the containment that two bottom-k sketches suggest.

    The k smallest hashes of both sketches together are a sketch of the union; the share of them
    that is in both estimates the resemblance (Broder 1997). From it follow the size of the
    overlap and what that is of the smaller answer.
    """
    mine = set(answer.grams)
    if not mine or not sketch:
        return 0.0
    union = heapq.nsmallest(min(SKETCH_SIZE, len(mine), len(sketch)), mine | sketch)
    resemblance = sum(gram in mine and gram in sketch for gram in union) / len(union)
    overlap = resemblance * (answer.gram_count + other_count) / (1 + resemblance)
    return min(1.0, overlap / min(answer.gram_count, other_count))
