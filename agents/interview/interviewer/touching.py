"""Whether an answer also speaks to questions that were not asked yet.

Owns one careful comparison of words. It errs on the side of asking: a question wrongly taken for
answered is worse than one asked although something was said about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.interview.interviewer.depth import content_words_set
from agents.interview.language import content_words, detect_language, sentences, stem, words
from agents.interview.types import Question

MIN_SHARED_STEMS = 2
MIN_SHARE_OF_QUESTION = 0.5


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of the content words of ``text``, in the language it shows."""
    language = detect_language(text)
    return frozenset(stem(word, language) for word in content_words(text, language))


def shared_stems(first: str, second: str) -> int:
    """Return how many content stems two texts share, in the better of the two languages."""
    left, right = content_words_set(first), content_words_set(second)
    return max(
        len({stem(word, code) for word in left} & {stem(word, code) for word in right})
        for code in ("en", "es")
    )


def questions_touched(said: str, current: Question, others: Sequence[Question]) -> list[Question]:
    """Return those of ``others`` that a sentence of ``said`` clearly speaks to.

    A sentence does when it is six words or longer and holds at least two content stems, and half
    of all, that the other question has and the current one has not.
    """
    own = stems_of(current.text)
    touched = []
    long_sentences = [part for part in sentences(said[:6000]) if len(words(part)) >= 6]
    for other in others:
        theirs = stems_of(other.text) - own
        if len(theirs) < MIN_SHARED_STEMS:
            continue
        for sentence in long_sentences:
            common = theirs & stems_of(sentence)
            enough = len(common) >= MIN_SHARED_STEMS
            if enough and len(common) / len(theirs) >= MIN_SHARE_OF_QUESTION:
                touched.append(other)
                break
    return touched
