"""Answers with nothing in them, or with the same thing again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from agents.interview.evaluation.assign import assign_turns
from agents.interview.evaluation.builtin import BuiltinEvaluator, may_have_strayed
from agents.interview.evaluation.details import is_declined, is_fact_word
from agents.interview.evaluation.rubric import question_worth
from agents.interview.grams import MIN_DUPLICATE_WORDS, containment, is_near_duplicate
from agents.interview.interviewer.depth import looks_like_gibberish
from agents.interview.language import detect_language, fold, sentences, words
from agents.interview.types import (
    Dimension,
    EvaluationRequest,
    Flag,
    FlagKind,
    Question,
    QuestionKind,
    Role,
    Turn,
)

SHORT_ANSWER_WORDS = 3
LOW_EFFORT_SHARE = 0.75
ECHO_CONTAINMENT = 0.85
ECHO_MIN_WORDS = 6
REPETITION_SHARE = 0.5
REPETITION_MIN_SENTENCES = 4
OFF_TOPIC_MIN_WORDS = 60
OFF_TOPIC_RELEVANCE = 1
GIBBERISH_SHARE = 0.34


def _answers(turns: Sequence[Turn]) -> list[Turn]:
    return [turn for turn in turns if turn.role is Role.USER and not turn.is_late]


def _language(turns: Sequence[Turn]) -> str:
    return detect_language(" ".join(turn.text for turn in turns)[:6000])


def _open_questions(questions: Sequence[Question]) -> list[Question]:
    return [question for question in questions if question.kind is QuestionKind.OPEN]


def find_low_effort(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find transcripts whose answers to open questions are nearly all a word or two.

    Short answers with a fact in them, and declined questions, are not counted as empty.
    """
    if not any(len(words(turn.text)) <= SHORT_ANSWER_WORDS for turn in _answers(turns)):
        return None  # No group of turns can be empty, whichever question each belongs to.
    asked = _open_questions(questions)
    assigned = assign_turns(questions, turns, _language(turns))
    answered = [
        group
        for group in (assigned[question.id] for question in asked)
        if group and not all(is_declined(turn.text) for turn in group)
    ]
    if len(answered) < 2:
        return None
    empty = [group for group in answered if _is_empty(group)]
    if len(empty) / len(answered) < LOW_EFFORT_SHARE:
        return None
    return Flag(
        kind=FlagKind.LOW_EFFORT,
        detail="Nearly every open question got a word or two.",
        turn_ids=tuple(turn.id for group in empty for turn in group),
    )


def _is_empty(group: Sequence[Turn]) -> bool:
    said = [word for turn in group for word in words(turn.text)]
    return len(said) <= SHORT_ANSWER_WORDS and not any(is_fact_word(word) for word in said)


def find_gibberish(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find transcripts in which a third of the turns are no words."""
    answers = _answers(turns)
    found = [turn for turn in answers if looks_like_gibberish(turn.text)]
    if not found or len(found) / len(answers) < GIBBERISH_SHARE:
        return None
    return Flag(
        kind=FlagKind.GIBBERISH,
        detail="Several turns are no words of any language we read.",
        turn_ids=tuple(turn.id for turn in found),
    )


def find_off_topic(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find long transcripts that speak of something else."""
    answers = _answers(turns)
    if sum(len(words(turn.text)) for turn in answers) < OFF_TOPIC_MIN_WORDS:
        return None
    if not may_have_strayed([turn.text for turn in answers]):
        return None
    evaluation = BuiltinEvaluator().evaluate(
        EvaluationRequest(
            questions=tuple(questions), turns=tuple(turns), language=_language(answers)
        ),
        deadline_seconds=1.0,
    )
    relevance = [
        mark.value
        for marks in evaluation.questions
        for mark in marks.marks
        if mark.dimension is Dimension.RELEVANCE
    ]
    worth = max((question_worth(marks) for marks in evaluation.questions), default=0.0)
    if not relevance or max(relevance) > OFF_TOPIC_RELEVANCE or worth > 0.5:
        return None
    return Flag(
        kind=FlagKind.OFF_TOPIC,
        detail="Much was said, little of it on what was asked.",
        turn_ids=tuple(turn.id for turn in answers),
    )


def find_echo(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find turns that give the question back as the answer."""
    asked = [(question.text, len(words(question.text))) for question in questions]
    found = []
    for before, turn in pairwise(turns):
        if turn.role is not Role.USER or turn.is_late or before.role is not Role.AGENT:
            continue
        count = len(words(turn.text))
        if count < ECHO_MIN_WORDS:
            continue
        sources = [(before.text, len(words(before.text))), *asked]
        if any(
            count <= 1.3 * source_count and containment(turn.text, source) >= ECHO_CONTAINMENT
            for source, source_count in sources
        ):
            found.append(turn)
    if not found:
        return None
    return Flag(
        kind=FlagKind.ECHO,
        detail="The question came back as the answer.",
        turn_ids=tuple(turn.id for turn in found),
    )


def find_repetition(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find transcripts that say the same sentences again and again."""
    said = [
        (turn, " ".join(words(fold(sentence))))
        for turn in _answers(turns)
        for sentence in sentences(turn.text)
        if len(words(sentence)) >= 3
    ]
    if len(said) < REPETITION_MIN_SENTENCES:
        return None
    unique = {text for _, text in said}
    if 1 - len(unique) / len(said) < REPETITION_SHARE:
        return None
    seen: set[str] = set()
    again = []
    for turn, text in said:
        if text in seen and turn.id not in again:
            again.append(turn.id)
        seen.add(text)
    return Flag(
        kind=FlagKind.REPETITION,
        detail="The same sentences come again and again.",
        turn_ids=tuple(again),
    )


def find_duplicate_answers(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find the same long answer given to two questions."""
    long = [turn for turn in _answers(turns) if len(words(turn.text)) >= MIN_DUPLICATE_WORDS]
    found = [
        (first, second)
        for first, second in combinations(long[:60], 2)
        if is_near_duplicate(first.text, second.text)
    ]
    if not found:
        return None
    ids = dict.fromkeys(turn.id for pair in found for turn in pair)
    return Flag(
        kind=FlagKind.DUPLICATE_ANSWER,
        detail="Two answers are nearly the same.",
        turn_ids=tuple(ids),
    )


def find_incomplete(questions: Sequence[Question], turns: Sequence[Turn]) -> Flag | None:
    """Find transcripts in which most required questions got no turn at all."""
    required = [question for question in questions if question.required]
    answers = _answers(turns)
    if not required or not answers:
        return None
    noted = {turn.question_id for turn in answers}
    if 2 * sum(question.id not in noted for question in required) <= len(required):
        return None  # The server's own notes suffice; reading the agent's words could only add.
    assigned = assign_turns(questions, turns, _language(turns))
    missing = [question for question in required if not assigned[question.id]]
    if len(missing) * 2 <= len(required):
        return None
    return Flag(
        kind=FlagKind.INCOMPLETE,
        detail=f"{len(missing)} of {len(required)} required questions were not reached.",
    )
