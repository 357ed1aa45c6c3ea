"""The closing summary: what the visitor said, in their own words, shortened.

Owns which sentence stands for an answer and how it is cut. Adds no word of its own, so that the
summary can never claim more than was said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.interview.interviewer import patterns
from agents.interview.interviewer.depth import content_words_set, read_features
from agents.interview.language import fold, is_stop_word, sentence_spans, word_spans, words
from agents.interview.types import Question, QuestionKind, QuestionStatus, Turn

MAX_LINES = 4
MAX_WORDS = 16


def shorten(text: str, *, max_words: int = MAX_WORDS) -> str:
    """Return the start of ``text``, at most ``max_words`` long, cut at a clause where possible."""
    flat = " ".join(text.split())
    spans = list(word_spans(flat))
    if len(spans) <= max_words:
        return flat.rstrip(" .,;:")
    cut = spans[max_words - 1][1]
    earliest = spans[max_words // 2 - 1][1]
    clause = max(flat.rfind(mark, earliest, cut + 1) for mark in (",", ";", ":", "."))
    if clause > 0:
        return flat[:clause].rstrip(" .,;:") + "\u2026"
    kept = spans[:max_words]
    # A cut after "to a" reads like a slip of the pen.
    while len(kept) > 1 and any(is_stop_word(kept[-1][2], code) for code in ("en", "es")):
        kept.pop()
    return flat[: kept[-1][1]] + "\u2026"


def telling_sentence(texts: Sequence[str]) -> str:
    """Return the sentence that says most among ``texts``: specific and with a reason first."""
    best, best_weight = "", (-1, -1)
    for text in texts:
        for start, end in sentence_spans(text[:4000]):
            sentence = text[start:end]
            features = read_features(sentence)
            signs = features.is_specific + features.has_reason + features.has_opinion
            weight = (signs, min(len(content_words_set(sentence)), 12))
            if weight > best_weight:
                best, best_weight = sentence, weight
    return best


def _says_something(line: str, question: Question) -> bool:
    """Say whether a quote means something on its own, unlike "yes", "a three" or "no idea"."""
    telling = content_words_set(line)
    if question.kind is QuestionKind.RATING and len(words(line)) < 4:
        return False
    is_unknown = bool(patterns.UNKNOWN.search(fold(line))) and len(words(line)) <= 5
    return bool(telling) and len(words(line)) >= 2 and not is_unknown


def summarise(
    questions: Sequence[Question],
    status: Mapping[str, QuestionStatus],
    answers: Mapping[str, Sequence[str]],
    turns: Sequence[Turn],
) -> list[str]:
    """Return one short quote a question that was answered, in the order asked, at most four.

    Required questions go first when there are more. A single word ("yes", "4") says nothing
    on its own and is left out, and no sentence appears twice.
    """
    texts = {turn.id: turn.text for turn in turns}
    kept: list[tuple[bool, int, str]] = []
    seen: set[str] = set()
    for place, question in enumerate(questions):
        if status.get(question.id) not in {QuestionStatus.ANSWERED, QuestionStatus.PARTLY}:
            continue
        said = [texts[turn_id] for turn_id in answers.get(question.id, ()) if turn_id in texts]
        line = shorten(telling_sentence(said))
        if _says_something(line, question) and line not in seen:
            seen.add(line)
            kept.append((not question.required, place, line))
    chosen = sorted(kept)[:MAX_LINES]
    return [line for _, _, line in sorted(chosen, key=lambda item: item[1])]


def has_more(line_count: int, answered_count: int) -> bool:
    """Say whether answers are left out of a summary of ``line_count`` lines."""
    return line_count == MAX_LINES and answered_count > MAX_LINES
