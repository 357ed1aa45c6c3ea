"""What a sentence tells that a reader could not have known: its concrete details.

Owns the reading of sentences for the built-in evaluator. Only what is new counts: a word that
the questions, the agent or an earlier answer used is not information. Length alone adds nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.interview.evaluation import vocabulary
from agents.interview.language import fold, sentence_spans, stem, word_spans

_NUMBER_WEIGHT = 0.8
_TIME_WEIGHT = 0.6
_NAME_WEIGHT = 0.7
_QUOTE_WEIGHT = 0.8
_WORD_WEIGHT = 0.32
_ORDERED_DIGITS = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class SentenceReading:
    """One sentence of an answer."""

    text: str
    start: int
    end: int
    """Offsets into the turn."""
    detail: float
    """Weighted number of new concrete details."""
    causes: int
    hedges: int
    is_meta: bool
    """About the interview or its pay."""
    is_on_topic: bool
    elsewhere: int
    """Signs of a story about something else."""
    word_count: int


def read_sentences(
    text: str, *, known: set[str], topic: frozenset[str], language: str
) -> list[SentenceReading]:
    """Read a turn sentence by sentence.

    Args:
        text: the turn; its first 6,000 characters count.
        known: stems said before; what is new in this turn is added.
        topic: folded words and stems that belong to the survey's subject.
        language: of the turn.
    """
    head = text[:6000]
    readings = []
    for start, end in sentence_spans(head):
        readings.append(_read(head, start, end, known, topic, language))
    return readings


def _read(
    text: str, start: int, end: int, known: set[str], topic: frozenset[str], language: str
) -> SentenceReading:
    sentence = text[start:end]
    folded = fold(sentence)
    detail, on_topic, count = 0.0, False, 0
    fresh: set[str] = set()
    for word_start, _, word in word_spans(sentence):
        count += 1
        plain = fold(word)
        root = stem(word, language)
        on_topic = on_topic or plain in topic or root in topic
        weight = _weight(sentence, word_start, plain)
        if weight and root not in known and root not in fresh:
            detail += weight
            fresh.add(root)
    known |= fresh
    detail += _QUOTE_WEIGHT * len(vocabulary.QUOTED.findall(sentence))
    return SentenceReading(
        text=sentence,
        start=start,
        end=end,
        detail=detail,
        causes=len(vocabulary.CAUSE.findall(folded)),
        hedges=len(vocabulary.HEDGE.findall(folded)),
        is_meta=bool(vocabulary.META.search(folded)),
        is_on_topic=on_topic
        or bool(re.search(r"\b(?:your (?!own)|you lot|you people|ustedes|su app)\b", folded)),
        elsewhere=len(vocabulary.ELSEWHERE.findall(folded)),
        word_count=count,
    )


def _weight(sentence: str, start: int, plain: str) -> float:
    if _ORDERED_DIGITS.search(plain) or plain in vocabulary.NUMBER_WORDS:
        return _NUMBER_WEIGHT
    if plain in vocabulary.TIME_WORDS:
        return _TIME_WEIGHT
    if plain in vocabulary.GENERIC or len(plain) < 3 or "'" in plain:
        return 0.0
    if start > 0 and sentence[start].isupper() and sentence[start - 1] != "-":
        return _NAME_WEIGHT
    return _WORD_WEIGHT
