"""The same answer sold twice: found over the sessions of a survey by keyed hashes of its grams.

Owns `AnswerGram`. Only hashes are stored, under a key derived from SECRET_KEY, so they survive
the erasure of an answer without holding a word of it. An index finds at most 50 candidates; what
is still readable is then compared exactly, what is erased by its sketch.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from agents.interview.grams import (
    DUPLICATE_CONTAINMENT,
    MIN_DUPLICATE_WORDS,
    bottom_k,
    containment,
    count_grams,
)
from agents.interview.language import words
from sessions.models import SegmentRole, TranscriptSegment
from surveys.models import AnswerGram, SurveyResponse
from surveys.selectors.responses import gram_candidates, visitor_texts_of
from surveys.services.identity import derive_key

SKETCH_SIZE = 48
CANDIDATES_MAX = 50


@dataclass(frozen=True, slots=True)
class AnswerGrams:
    """The sketch of one visitor turn that is long enough to be compared."""

    segment_id: str
    text: str
    grams: tuple[int, ...]
    gram_count: int


def grams_of_segments(segments: Sequence[TranscriptSegment]) -> tuple[AnswerGrams, ...]:
    """Return the sketches of a transcript's visitor turns of at least twelve words."""
    key = derive_key("answer-grams")
    return tuple(
        AnswerGrams(
            segment_id=segment.public_id,
            text=segment.text,
            grams=tuple(bottom_k(segment.text, key, SKETCH_SIZE)),
            gram_count=count_grams(segment.text),
        )
        for segment in segments
        if segment.role == SegmentRole.USER
        and not segment.is_late
        and len(words(segment.text)) >= MIN_DUPLICATE_WORDS
    )


def find_duplicates(*, response: SurveyResponse, grams: Sequence[AnswerGrams]) -> tuple[str, ...]:
    """Return the segment ids of answers that another session of the survey gave already."""
    return tuple(answer.segment_id for answer in grams if _has_double(response, answer))


def store_grams(*, response: SurveyResponse, grams: Sequence[AnswerGrams]) -> None:
    """Remember the sketches of a response's answers; in the caller's transaction, once."""
    key = derive_key("answer-reference")
    AnswerGram.objects.bulk_create(
        AnswerGram(
            survey_id=response.survey_id,
            response=response,
            answer_ref=hmac.new(key, answer.segment_id.encode(), hashlib.sha256).hexdigest(),
            gram=gram,
            gram_count=answer.gram_count,
        )
        for answer in grams
        for gram in answer.grams
    )


def _has_double(response: SurveyResponse, answer: AnswerGrams) -> bool:
    candidates = gram_candidates(
        response.survey, answer.grams, exclude=response, limit=CANDIDATES_MAX
    )
    likely = [
        candidate
        for candidate in candidates
        if _estimate(answer, candidate[2], candidate[3]) >= DUPLICATE_CONTAINMENT / 2
    ]
    alive = {key for _, key, _, _ in likely if key is not None}
    if any(
        containment(answer.text, text) >= DUPLICATE_CONTAINMENT
        for text in visitor_texts_of(response.survey, alive)
        if len(words(text)) >= MIN_DUPLICATE_WORDS
    ):
        return True
    return any(
        key is None and _estimate(answer, shared, count) >= DUPLICATE_CONTAINMENT
        for _, key, shared, count in likely
    )


def _estimate(answer: AnswerGrams, shared: int, other_count: int) -> float:
    """Return the containment two sketches suggest.

    Of the k smallest hashes of the union about ``k * |A and B| / |A or B|`` are in both sketches
    (Broder 1997), which gives the size of the overlap; containment sets it against the smaller
    answer.
    """
    if not answer.gram_count or not other_count:
        return 0.0
    sketch = min(SKETCH_SIZE, answer.gram_count, other_count)
    similarity = min(1.0, shared / sketch)
    overlap = similarity * (answer.gram_count + other_count) / (1 + similarity)
    return min(1.0, overlap / min(answer.gram_count, other_count))
