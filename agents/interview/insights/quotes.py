"""The words behind a theme: exact pieces of what visitors said, and the theme's label.

Owns the choice of quotes and of the surface form that stands for a phrase. Every quote is an
exact substring; nothing is ever reworded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agents.interview.insights.cover import Group, Phrase, phrases_of
from agents.interview.insights.documents import Sentence
from agents.interview.language import word_spans
from agents.interview.types import Quote

MAX_QUOTES = 5
MAX_QUOTE_CHARS = 240
MIN_QUOTE_WORDS = 4
MAX_LABEL_CHARS = 60


def choose_quotes(group: Group, sentences: Sequence[Sentence]) -> tuple[Quote, ...]:
    """Return at most five quotes, each from another session, the clearest first.

    Of each session the shortest complete sentence with one of the phrases is taken; a sentence
    of fewer than four words only when the session has no longer one.
    """
    best: dict[str, tuple[tuple[int, int, int], Sentence, Phrase]] = {}
    for sentence in sentences:
        used = phrases_of(sentence)
        place = next((i for i, phrase in enumerate(group.phrases) if phrase in used), None)
        if place is None:
            continue
        count = sum(1 for _ in word_spans(sentence.text[sentence.start : sentence.end]))
        weight = (int(count < MIN_QUOTE_WORDS), place, count)
        kept = best.get(sentence.session_id)
        if kept is None or weight < kept[0]:
            best[sentence.session_id] = (weight, sentence, group.phrases[place])
    ordered = sorted(best.values(), key=lambda item: (item[0], item[1].session_id))
    return tuple(_cut(sentence, phrase) for _, sentence, phrase in ordered[:MAX_QUOTES])


def _cut(sentence: Sentence, phrase: Phrase) -> Quote:
    """Return the sentence as a quote, a long one as the stretch of whole words round the phrase."""
    start, end = sentence.start, sentence.end
    if end - start > MAX_QUOTE_CHARS:
        token = next(token for token in sentence.tokens if token.stem in phrase)
        start = max(start, token.start - MAX_QUOTE_CHARS // 3)
        end = min(end, start + MAX_QUOTE_CHARS)
        inside = [
            (sentence.start + left, sentence.start + right)
            for left, right, _ in word_spans(sentence.text[sentence.start : sentence.end])
            if sentence.start + left >= start and sentence.start + right <= end
        ]
        start, end = inside[0][0], inside[-1][1]
    return Quote(
        session_id=sentence.session_id,
        turn_id=sentence.turn_id,
        start=start,
        end=end,
        text=sentence.text[start:end],
    )


def write_label(group: Group, sentences: Sequence[Sentence]) -> str:
    """Return how people themselves put the theme: the commonest wording of its first phrase.

    A single word takes a second one along where most of its sentences agree on it.
    """
    phrase = group.phrases[0]
    if len(phrase) == 1:
        phrase = _usual_pair(phrase, sentences) or phrase
    forms: Counter[str] = Counter()
    for sentence in sentences:
        form = _surface(sentence, phrase)
        if form:
            forms[form] += 1
    if not forms:
        return " ".join(phrase)
    most = max(forms.values())
    shortest = min((form for form, count in forms.items() if count == most), key=_form_order)
    return shortest[:MAX_LABEL_CHARS]


def _form_order(form: str) -> tuple[int, str]:
    return len(form), form


def _usual_pair(phrase: Phrase, sentences: Sequence[Sentence]) -> Phrase | None:
    pairs: Counter[Phrase] = Counter()
    total = 0
    for sentence in sentences:
        used = phrases_of(sentence)
        if phrase not in used:
            continue
        total += 1
        pairs.update(pair for pair in used if len(pair) == 2 and phrase[0] in pair)
    if not pairs:
        return None
    pair, count = min(pairs.items(), key=lambda item: (-item[1], item[0]))
    return pair if count >= 2 and count / total >= 0.5 else None


def _surface(sentence: Sentence, phrase: Phrase) -> str:
    """Return the phrase as it stands in the sentence, in lower case; empty when it does not."""
    tokens = sentence.tokens
    if len(phrase) == 1:
        found = next((token for token in tokens if token.stem == phrase[0]), None)
        return sentence.text[found.start : found.end].lower() if found else ""
    for index, first in enumerate(tokens):
        for second in tokens[index + 1 : index + 3]:
            if (
                tuple(sorted((first.stem, second.stem))) == phrase
                and second.place - first.place <= 3
            ):
                return " ".join(sentence.text[first.start : second.end].lower().split())
    return ""
