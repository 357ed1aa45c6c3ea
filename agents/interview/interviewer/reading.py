"""What kind of turn a visitor just said.

Owns the classification of one visitor turn by rules, in English and Spanish at once: a visitor
may answer in either whatever the survey speaks. Text is only ever read here, never obeyed.
Knows nothing of what happens next; `flow` decides that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from agents.interview.closed_questions import (
    parse_choices,
    parse_rating,
    parse_yes_no,
    rating_scale,
)
from agents.interview.interviewer import patterns
from agents.interview.interviewer.depth import AnswerFeatures, looks_like_gibberish, read_features
from agents.interview.language import fold, sentences, words
from agents.interview.types import ProbeKind, Question, QuestionKind


class TurnKind(StrEnum):
    """What a visitor did with a turn."""

    ANSWER = "answer"
    UNKNOWN = "unknown"
    """Does not know or remember."""
    NOTHING_MORE = "nothing_more"
    """Has said all there is to say on this question."""
    OFF_TOPIC = "off_topic"
    UNCLEAR = "unclear"
    REFUSAL = "refusal"
    SKIP = "skip"
    CORRECTION = "correction"
    ASIDE = "aside"
    """Asks the interviewer something, or asks for time."""
    READY = "ready"
    """A greeting or an "ok" that answers nothing."""
    STOP = "stop"


class Aside(StrEnum):
    """What the visitor asks back. The values are the keys of the phrases that answer it."""

    REPEAT = "aside_repeat"
    MEANING = "aside_meaning"
    WHY_ASK = "aside_why_ask"
    PAY = "aside_pay"
    WHO = "aside_who"
    PRIVACY = "aside_privacy"
    LEFT = "aside_left"
    WAIT = "aside_wait"
    GENERAL = "aside_general"


@dataclass(frozen=True, slots=True)
class Reading:
    """One visitor turn, understood. A model may supply one in place of the rules."""

    kind: TurnKind
    content: str = ""
    """The part that may hold an answer, without instructions and fixed phrases."""
    aside: Aside | None = None
    features: AnswerFeatures = field(default_factory=AnswerFeatures)
    has_closed_value: bool = False
    """A rating, choice or yes-no question got a value it can use."""
    is_complete: bool | None = None
    """A model's judgement of the answer; None leaves it to the rules."""
    probe: ProbeKind | None = None
    """The follow-up a model would like; the flow decides whether it may be asked."""
    acknowledgement: str = ""
    probe_text: str = ""


#: Asides in the order they are looked for: the more particular first.
_ASIDES: tuple[tuple[Aside, re.Pattern[str]], ...] = (
    (Aside.PAY, patterns.ASIDE_PAY),
    (Aside.WHO, patterns.ASIDE_WHO),
    (Aside.PRIVACY, patterns.ASIDE_PRIVACY),
    (Aside.WHY_ASK, patterns.ASIDE_WHY_ASK),
    (Aside.LEFT, patterns.ASIDE_LEFT),
    (Aside.REPEAT, patterns.ASIDE_REPEAT),
    (Aside.MEANING, patterns.ASIDE_MEANING),
    (Aside.WAIT, patterns.ASIDE_WAIT),
)
_NARROW_ASIDES = frozenset({Aside.WAIT, Aside.LEFT, Aside.PRIVACY})


def strip_instructions(text: str) -> str:
    """Return ``text`` without the sentences that try to give the interviewer orders."""
    kept = [
        sentence
        for sentence in sentences(text)
        if not patterns.INSTRUCTION.search(fold(sentence))
        and not patterns.MARKUP_ROLE.search(sentence)
    ]
    return " ".join(kept)


def _is_mostly(pattern: re.Pattern[str], folded: str, *, spare_words: int) -> bool:
    """Say whether ``pattern`` occurs and at most ``spare_words`` words stand around it."""
    found = pattern.search(folded)
    if not found:
        return False
    around = folded[: found.start()] + " " + folded[found.end() :]
    return len(words(around)) <= spare_words


def _content_after(pattern: re.Pattern[str], text: str) -> str:
    """Return ``text`` without what ``pattern`` matched and without leading filler."""
    folded = fold(text)
    # Folding may change the length of a text (ligatures); then nothing can be cut by offset.
    if len(folded) != len(text):
        return text
    rest = pattern.sub(lambda match: " " * len(match.group()), folded)
    kept = "".join(char if rest[i] != " " or char == " " else " " for i, char in enumerate(text))
    trimmed = patterns.LEADING_FILLER.sub("", kept)
    return re.sub(r"\s+", " ", trimmed).strip(" ,;:")


def _read_aside(text: str, folded: str) -> Aside | None:
    pieces = sentences(text)
    last = fold(pieces[-1]) if pieces else folded
    for aside, pattern in _ASIDES:
        limit = 3 if aside in _NARROW_ASIDES else 6
        if _is_mostly(pattern, folded, spare_words=limit):
            return aside
    is_short_question = text.rstrip().endswith("?") and len(pieces) == 1 and len(words(text)) <= 14
    if is_short_question and last.lstrip("\u00bf ").startswith(patterns.QUESTION_STARTS):
        return Aside.GENERAL
    return None


def _read_closed(text: str, question: Question) -> bool | None:
    """Say whether a closed question got its value; None when the question is open."""
    if question.kind is QuestionKind.RATING:
        return parse_rating(text, rating_scale(question)) is not None
    if question.kind is QuestionKind.CHOICE:
        return bool(parse_choices(text, question.choices))
    if question.kind is QuestionKind.YES_NO:
        return parse_yes_no(text) is not None
    return None


def _read_manners(content: str, folded: str, count: int, *, has_answer: bool) -> Reading | None:
    """Recognise the short turns that steer the conversation instead of answering."""
    if count <= 14 and _is_mostly(patterns.STOP, folded, spare_words=2):
        return Reading(TurnKind.STOP)
    if count <= 10 and _is_mostly(patterns.SKIP, folded, spare_words=1):
        return Reading(TurnKind.SKIP)
    pieces = sentences(content)
    if pieces and patterns.REFUSAL.search(fold(pieces[0])):
        rest = " ".join(pieces[1:])
        if len(words(rest)) <= 15 and _is_mostly(patterns.REFUSAL, fold(pieces[0]), spare_words=14):
            return Reading(TurnKind.REFUSAL, content=rest)
    correction = patterns.CORRECTION.search(folded)
    # A correction announces itself; the same words deep inside a story are part of the story.
    if correction and len(words(folded[: correction.start()])) <= 4:
        return Reading(TurnKind.CORRECTION, content=_content_after(patterns.CORRECTION, content))
    if 4 <= count <= 30 and patterns.CONTRAST.match(folded):
        return Reading(TurnKind.CORRECTION, content=content)
    if _is_mostly(patterns.TASK_FOR_AGENT, folded, spare_words=8):
        return Reading(TurnKind.OFF_TOPIC)
    aside = _read_aside(content, folded)
    if aside:
        return Reading(TurnKind.ASIDE, aside=aside)
    if (
        has_answer
        and count <= 8
        and (
            _is_mostly(patterns.NOTHING_MORE, folded, spare_words=3)
            or folded.strip(" .!") in {"no", "nada"}
        )
    ):
        return Reading(TurnKind.NOTHING_MORE, content=content)
    return None


def read_turn(text: str, question: Question, *, has_answer: bool) -> Reading:
    """Classify one visitor turn.

    Args:
        text: what was said, as it came.
        question: the question that stands.
        has_answer: whether the question already has an answer, so that this replies to a probe.

    Returns:
        The kind of turn with the part that may count as an answer. Time is linear in the text,
        of which at most the first 6,000 characters decide.
    """
    head = text[:6000]
    content = strip_instructions(head)
    if not words(content):
        was_instruction = bool(words(head))
        if was_instruction:
            return Reading(TurnKind.OFF_TOPIC)
        return Reading(
            TurnKind.ASIDE if "?" in head else TurnKind.UNCLEAR,
            aside=Aside.MEANING if "?" in head else None,
        )
    folded = fold(content)
    spoken = words(content)
    count = len(spoken)
    closed = _read_closed(content, question)
    if closed and count <= 3:
        return Reading(
            TurnKind.ANSWER, content, features=read_features(content), has_closed_value=True
        )
    manners = _read_manners(content, folded, count, has_answer=has_answer)
    if manners:
        return manners
    features = read_features(content)
    if closed:
        return Reading(TurnKind.ANSWER, content, features=features, has_closed_value=True)
    said = {fold(word) for word in spoken}
    if said <= patterns.READY and not said <= patterns.JUDGING and count <= 6:
        is_polar = question.kind is QuestionKind.OPEN and patterns.POLAR.match(fold(question.text))
        says_yes_or_no = fold(spoken[0]) in {"yes", "yeah", "yep", "si"}
        if has_answer:
            return Reading(TurnKind.NOTHING_MORE, content)
        if not (is_polar and says_yes_or_no):
            return Reading(TurnKind.READY)
    if looks_like_gibberish(content):
        return Reading(TurnKind.UNCLEAR)
    if _is_mostly(patterns.UNKNOWN, folded, spare_words=6):
        return Reading(TurnKind.UNKNOWN, content, features=features)
    return Reading(TurnKind.ANSWER, content, features=features)


def is_bare_no(content: str, question: Question) -> bool:
    """Say whether ``content`` is plain "nothing", or "no" to a question that allows it."""
    spoken = {fold(word) for word in words(content)}
    if not spoken or len(words(content)) > 6:
        return False
    if spoken & {"none", "nothing", "never", "nunca", "ninguno", "ninguna", "nada"}:
        return True
    return parse_yes_no(content) is False and bool(patterns.POLAR.match(fold(question.text)))
