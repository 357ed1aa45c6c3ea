"""What a sentence tells that a reader could not have known: its concrete details.

Owns the reading of sentences for the built-in evaluator. Only what is new counts: a word that
the questions, the agent or an earlier answer used is not information. Length alone adds nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agents.interview.evaluation import vocabulary
from agents.interview.language import fold, sentence_spans, stem, word_spans

MAX_READ_CHARACTERS = 6_000
"""Of one turn; nobody says more at once, and it bounds the work."""
NUMBER_WEIGHT = 0.8
TIME_WEIGHT = 0.6
NAME_WEIGHT = 0.7
QUOTE_WEIGHT = 0.8
WORD_WEIGHT = 0.35
ABSTRACT_WEIGHT = 0.08
AGAIN_SHARE = 0.35
"""What a detail still counts that the visitor named before, now said of something else."""
_DIGIT = re.compile(r"\d")
_ADDRESSED = re.compile(r"\b(?:your (?!own)|you lot|you people|ustedes|su app)\b")
_MIN_ABSTRACT_LENGTH = 6
_MAX_ABSTRACT_LENGTH = 40
"""Nobody has a longer word; the endings are looked for from every letter of it."""


@dataclass(frozen=True, slots=True)
class SentenceReading:
    """One sentence of an answer."""

    text: str
    start: int
    end: int
    """Offsets into the turn."""
    facts: float
    """Weighted number of new numbers, times, names and quoted words."""
    things: float
    """New words that name something; one the visitor used before counts in part."""
    qualities: int
    """New words that name qualities: "efficiency", "seamless", "satisfaction"."""
    causes: int
    blanks: int
    """Sayings that there is nothing to tell."""
    doubts: int
    verdicts: int
    """Words of praise or blame in a sentence without a fact or a reason."""
    is_meta: bool
    """About the interview, its pay or the worth of the answer."""
    is_refusal: bool
    """Declines to answer, which earns nothing and costs nothing."""
    is_on_topic: bool
    elsewhere: int
    """Signs of a story about something else."""
    word_count: int

    @property
    def detail(self) -> float:
        """Weighted number of new details."""
        return self.facts + WORD_WEIGHT * self.things + ABSTRACT_WEIGHT * self.qualities


@dataclass(slots=True)
class Heard:
    """What was said so far in one interview, as stems and whole sentences."""

    by_agent: set[str]
    by_visitor: set[str] = field(default_factory=set)
    sentences: set[str] = field(default_factory=set)


def read_sentences(
    text: str, *, heard: Heard, topic: frozenset[str], language: str
) -> list[SentenceReading]:
    """Read a turn sentence by sentence.

    Args:
        text: the turn; its first ``MAX_READ_CHARACTERS`` count.
        heard: what was said before; what is new in this turn is added.
        topic: folded words and stems that belong to the survey's subject.
        language: of the turn.
    """
    head = text[:MAX_READ_CHARACTERS]
    readings: list[SentenceReading] = []
    named: set[str] = set()
    for start, end in sentence_spans(head):
        before = readings[-1] if readings else None
        readings.append(_read(head, (start, end), heard, named, topic, language, before))
    heard.by_visitor |= named
    return readings


def _read(
    text: str,
    span: tuple[int, int],
    heard: Heard,
    named: set[str],
    topic: frozenset[str],
    language: str,
    before: SentenceReading | None,
) -> SentenceReading:
    start, end = span
    sentence = text[start:end]
    folded = fold(sentence)
    is_repeated = folded in heard.sentences
    heard.sentences.add(folded)
    facts, things, qualities, count, on_topic = 0.0, 0.0, 0, 0, False
    for word_start, _, word in word_spans(sentence):
        count += 1
        plain = fold(word)
        root = stem(word, language)
        on_topic = on_topic or plain in topic or root in topic
        if is_repeated or root in heard.by_agent or root in named:
            continue
        share = AGAIN_SHARE if root in heard.by_visitor else 1.0
        weight = _fact_weight(sentence, word_start, plain)
        if weight:
            facts += weight * share
        elif plain in vocabulary.REGISTER:
            qualities += 1
        elif plain in vocabulary.GENERIC or len(plain) < 3 or "'" in plain:
            continue
        elif names_quality(plain):
            qualities += 1
        else:
            things += share
        named.add(root)
    facts += QUOTE_WEIGHT * len(vocabulary.QUOTED.findall(sentence))
    causes = len(vocabulary.CAUSE.findall(folded))
    is_meta = (
        bool(vocabulary.META.search(folded)) or len(vocabulary.ANSWER_TALK.findall(folded)) >= 2
    )
    on_topic = on_topic or bool(_ADDRESSED.search(folded))
    return SentenceReading(
        text=sentence,
        start=start,
        end=end,
        facts=facts,
        things=things,
        qualities=qualities,
        causes=causes,
        blanks=len(vocabulary.NOTHING_TOLD.findall(folded)),
        doubts=len(vocabulary.DOUBT.findall(folded)),
        verdicts=0 if facts or causes else len(vocabulary.VERDICT.findall(folded)),
        # Who has begun to talk about the pay goes on with it until a word of the subject comes.
        is_meta=is_meta or (before is not None and before.is_meta and not on_topic),
        is_refusal=bool(vocabulary.DECLINE.search(folded)) and facts < 1,
        is_on_topic=on_topic,
        elsewhere=len(vocabulary.ELSEWHERE.findall(folded)),
        word_count=count,
    )


def is_declined(text: str) -> bool:
    """Tell whether a text declines to answer."""
    return vocabulary.DECLINE.search(fold(text[:MAX_READ_CHARACTERS])) is not None


def is_fact_word(word: str) -> bool:
    """Tell whether one word alone is a fact: a number or a time."""
    plain = fold(word)
    return bool(
        _DIGIT.search(plain) or plain in vocabulary.NUMBER_WORDS or plain in vocabulary.TIME_WORDS
    )


def _fact_weight(sentence: str, start: int, plain: str) -> float:
    if _DIGIT.search(plain) or plain in vocabulary.NUMBER_WORDS:
        return NUMBER_WEIGHT
    if plain in vocabulary.TIME_WORDS:
        return TIME_WEIGHT
    if plain in vocabulary.GENERIC or len(plain) < 3 or "'" in plain:
        return 0.0
    if start > 0 and sentence[start].isupper() and sentence[start - 1] != "-":
        return NAME_WEIGHT
    return 0.0


def names_quality(plain: str) -> bool:
    """Tell whether a folded word names a quality and no thing: "efficiency", "seamless"."""
    return plain in vocabulary.REGISTER or (
        _MIN_ABSTRACT_LENGTH <= len(plain) <= _MAX_ABSTRACT_LENGTH
        and plain not in vocabulary.CONCRETE_IN_SPITE
        and vocabulary.ABSTRACT.search(plain) is not None
    )
