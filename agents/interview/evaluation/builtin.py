"""The built-in evaluator: marks by rules, the same every time, in English and Spanish.

Owns how sentence readings become marks. It reads only the visitor's turns; sentences that give
the machine orders are cut before anything is counted, so an attack can only lose. Grammar,
accent, length, sentiment and refusing personal data do not enter.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.interview.closed_questions import (
    parse_choices,
    parse_rating,
    parse_yes_no,
    rating_scale,
)
from agents.interview.evaluation import vocabulary
from agents.interview.evaluation.assign import assign_turns
from agents.interview.evaluation.details import (
    Heard,
    SentenceReading,
    names_quality,
    read_sentences,
)
from agents.interview.evaluation.fields import active_words
from agents.interview.evaluation.notes import write_notes
from agents.interview.evaluation.orders import counts_nothing
from agents.interview.evaluation.rubric import RUBRIC_VERSION, score_marks
from agents.interview.interviewer.depth import looks_like_gibberish
from agents.interview.language import content_words, detect_language, fold, stem, word_spans
from agents.interview.types import (
    Dimension,
    Evaluation,
    EvaluationRequest,
    Evidence,
    Mark,
    Question,
    QuestionKind,
    QuestionMarks,
    Role,
    Turn,
)

# The figures below were fitted together, with a penalty on moving far, to the marks and overall
# ratings of the calibration interviews (benchmarks/evaluator_gold.py measures them on others).
SPECIFICITY_STEPS = (0.25, 1.2, 2.9, 5.0)
"""Weighted details from which a mark of 1, 2, 3 and 4 is given."""
DEPTH_STEPS = (0.3, 1.6, 2.6, 5.2)
COVERAGE_STEPS = (0.15, 0.65, 1.5, 2.4)
CAUSE_DEPTH = 0.6
"""What a reason adds to depth."""
DETAIL_DEPTH = 0.47
"""What a detail adds to depth: without facts a reason is an opinion."""
BLANK_COST = 0.8
DOUBT_COST = 0.25
META_COST = 0.9
VERDICT_COST = 0.3
RELEVANCE_SHARE = 0.2
"""What an answer on the subject adds to coverage before any detail."""
LONG_ANSWER_WORDS = 30
"""Only answers of some length can be judged to be about something else."""
OFF_TOPIC_DENSITY = 0.34
"""Share of an answer's sentences with a word of the subject below which it may have strayed."""
ON_TOPIC_DENSITY = 0.75
"""From here on an answer is on the subject whoever it speaks of."""
STORY_SIGNS = 3
STORY_SIGN_SHARE = 0.15
"""Signs of a story about something else, for each sentence, that make it one."""
LED_BACK_SIGNS = 2
"""Signs that make one where the interviewer led back as well."""
EMPTY_TALK_QUALITIES = 0.3
"""Share of qualities among the new words from which an interview without facts is empty talk."""
EMPTY_TALK_FACTS = 0.12
"""Facts for each new word above which it is not."""
EMPTY_TALK_MIN_WORDS = 8
EMPTY_TALK_LOSS = 0.8
MAX_EVIDENCE = 3
MAX_REPLY_CHARACTERS = 600
"""Of an agent's turn, read for whether it leads back."""
MAX_VISITOR_CHARACTERS = 12_000
"""Of a whole interview; twice what anybody says in ten minutes, and it bounds the work."""


@dataclass(slots=True)
class _Answer:
    """All that one question got, read."""

    turns: list[Turn]
    readings: list[tuple[Turn, SentenceReading]] = field(default_factory=list)
    strayed: list[SentenceReading] = field(default_factory=list)
    """What the interviewer had to lead back from: no answer, however rich."""

    @property
    def told(self) -> list[tuple[Turn, SentenceReading]]:
        return [item for item in self.readings if not item[1].is_meta and not item[1].is_refusal]


class BuiltinEvaluator:
    """Marks by rules. Needs no key, takes a few milliseconds, gives its reasons as quotes."""

    source = "builtin"

    def evaluate(self, request: EvaluationRequest, *, deadline_seconds: float) -> Evaluation:
        """Score one transcript; the deadline is met by far, whatever the text.

        A transcript without a visitor turn scores 0.
        """
        answers = _read_answers(request)
        drift = max(_drift(answers), _empty_talk(answers))
        marks = tuple(
            QuestionMarks(
                question_id=question.id,
                marks=_mark_answer(question, answers[question.id], drift),
            )
            for question in request.questions
        )
        required = {question.id for question in request.questions if question.required}
        return Evaluation(
            score=score_marks(marks),
            questions=marks,
            has_required_evidence=any(
                mark.value > 0 and mark.evidence
                for item in marks
                if item.question_id in required
                for mark in item.marks
            ),
            notes=write_notes(request.questions, marks, request.language),
            rubric_version=RUBRIC_VERSION,
            source=self.source,
        )


def _read_answers(request: EvaluationRequest) -> dict[str, _Answer]:
    """Read every visitor sentence once, in the order it was said."""
    language = request.language
    subject = [request.objective, *(question.text for question in request.questions)]
    topic_words = (
        frozenset(fold(word) for text in subject for word in content_words(text, language))
        - vocabulary.GENERIC
    )
    topic = (active_words(topic_words) | topic_words) - vocabulary.TIME_WORDS
    topic |= frozenset(stem(word, language) for word in topic)
    heard = Heard(
        by_agent={stem(word, language) for text in subject for _, _, word in word_spans(text)}
    )
    assigned = assign_turns(request.questions, request.turns, language)
    owner = {turn.id: key for key, turns in assigned.items() for turn in turns}
    own_words = frozenset(stem(word, language) for word in topic_words)
    strayed = _led_back_from(request.turns, owner, own_words, language)
    answers = {key: _Answer(turns=turns) for key, turns in assigned.items()}
    left = MAX_VISITOR_CHARACTERS
    for turn in request.turns:
        if turn.role is Role.AGENT:
            heard.by_agent |= {stem(word, language) for _, _, word in word_spans(turn.text)}
            continue
        key = owner.get(turn.id)
        if key is None:
            continue
        spoken = detect_language(turn.text) if len(turn.text) > 80 else language
        said, left = turn.text[:left], max(0, left - len(turn.text))
        if not said or looks_like_gibberish(said):
            continue
        for reading in read_sentences(said, heard=heard, topic=topic, language=spoken):
            if turn.id in strayed:
                answers[key].strayed.append(reading)
            elif not counts_nothing(reading.text):
                answers[key].readings.append((turn, reading))
    return answers


def _led_back_from(
    turns: Sequence[Turn], owner: Mapping[str, str], subject: frozenset[str], language: str
) -> frozenset[str]:
    """Return the ids of the visitor turns that an interviewer led back to the question from.

    Args:
        turns: the whole record.
        owner: the question each visitor turn belongs to.
        subject: stems of what the survey is about, in its own words.
        language: of the survey.
    """
    found = set()
    for said, reply, after in zip(turns, turns[1:], turns[2:], strict=False):
        if (said.role, reply.role, after.role) != (Role.USER, Role.AGENT, Role.USER):
            continue
        if said.id not in owner or owner[said.id] != owner.get(after.id):
            continue  # The next question is no way back to this one.
        text = fold(reply.text[:MAX_REPLY_CHARACTERS]).strip()
        if vocabulary.REDIRECT.search(text):
            found.add(said.id)
        elif reminder := vocabulary.REMINDER.search(text):
            named = _stems(reminder.group(), language) & subject
            if named and not named & _stems(said.text[:MAX_REPLY_CHARACTERS], language):
                found.add(said.id)
    return frozenset(found)


def _stems(text: str, language: str) -> frozenset[str]:
    return frozenset(stem(word, language) for word in content_words(text, language))


def _drift(answers: dict[str, _Answer]) -> float:
    """Return how far the whole interview went elsewhere, 0 to 1."""
    told = [reading for answer in answers.values() for _, reading in answer.told]
    strayed = [reading for answer in answers.values() for reading in answer.strayed]
    long = [reading for reading in (*told, *strayed) if reading.word_count >= 5]
    if len(long) < 6 and not strayed:
        return 0.0
    signs = sum(reading.elsewhere for reading in long)
    if strayed and signs >= LED_BACK_SIGNS:
        return 0.9
    density = sum(reading.is_on_topic for reading in long) / max(1, len(long))
    if signs >= STORY_SIGNS and signs >= STORY_SIGN_SHARE * len(long) and density < 0.6:
        return 0.9
    return 0.5 if signs >= 2 and density < OFF_TOPIC_DENSITY else 0.0


def _empty_talk(answers: dict[str, _Answer]) -> float:
    """Return how far an interview names qualities and no thing that happened, 0 to 1."""
    told = [reading for answer in answers.values() for _, reading in answer.told]
    facts = sum(reading.facts for reading in told)
    qualities = sum(reading.qualities for reading in told)
    named = qualities + sum(reading.things for reading in told)
    if named < EMPTY_TALK_MIN_WORDS or facts > EMPTY_TALK_FACTS * named:
        return 0.0
    return EMPTY_TALK_LOSS if qualities >= EMPTY_TALK_QUALITIES * named else 0.0


def may_have_strayed(texts: Sequence[str]) -> bool:
    """Tell, without reading sentence by sentence, whether relevance could be found wanting.

    False is certain: without a sign of a story about something else, and with fewer quality
    words than empty talk needs, every answer that is marked at all is relevant.
    """
    folded = [fold(text) for text in texts]
    if any(vocabulary.ELSEWHERE.search(text) for text in folded):
        return True
    named = sum(names_quality(word) for text in folded for _, _, word in word_spans(text))
    return named >= EMPTY_TALK_QUALITIES * EMPTY_TALK_MIN_WORDS


def _mark_answer(question: Question, answer: _Answer, drift: float) -> tuple[Mark, ...]:
    told = answer.told
    evidence = _evidence(told)
    if question.kind is not QuestionKind.OPEN and (closed := _closed_evidence(question, answer)):
        return _closed_marks(told, closed)
    if not evidence:
        return ()
    readings = [reading for _, reading in told]
    detail = sum(reading.detail for reading in readings)
    causes = sum(reading.causes for reading in readings)
    blanks = sum(reading.blanks for reading in readings)
    doubts = sum(reading.doubts for reading in readings)
    meta = sum(reading.is_meta for _, reading in answer.readings)
    keep = _relevance(readings) * (1 - drift)
    verdicts = sum(reading.verdicts for reading in readings)
    taken = VERDICT_COST * verdicts + BLANK_COST * blanks + DOUBT_COST * doubts + META_COST * meta
    # A doubt beside few facts takes them back; beside many it is honesty.
    solid = max(0.0, detail - taken) * keep
    values = {
        Dimension.COVERAGE: _step(solid + RELEVANCE_SHARE * keep, COVERAGE_STEPS),
        Dimension.RELEVANCE: round(4 * keep) if solid > 0.3 else round(2 * keep),
        Dimension.SPECIFICITY: _step(solid, SPECIFICITY_STEPS),
        Dimension.DEPTH: _depth(solid, causes),
        Dimension.CLARITY: 4 if solid > 0 else 2,
    }
    return tuple(
        Mark(dimension=dimension, value=value, evidence=evidence)
        for dimension, value in values.items()
    )


def _relevance(readings: Sequence[SentenceReading]) -> float:
    """Return the share of an answer's worth that is left after straying, 0 to 1.

    Words of the subject alone decide little (people answer in their own); a story about other
    people long ago, far from those words, does.
    """
    words = sum(reading.word_count for reading in readings)
    signs = sum(reading.elsewhere for reading in readings)
    long = [reading for reading in readings if reading.word_count >= 4]
    if words < LONG_ANSWER_WORDS or not long:
        return 1.0 if signs == 0 else 0.75
    density = sum(reading.is_on_topic for reading in long) / len(long)
    if signs == 0:
        return 1.0 if density > 0 else 0.85
    if density >= OFF_TOPIC_DENSITY and signs < 2:
        return 1.0
    return 0.25 if signs >= 2 and density < ON_TOPIC_DENSITY else 0.6


def _depth(solid: float, causes: int) -> int:
    return _step(min(solid, causes * CAUSE_DEPTH + solid * DETAIL_DEPTH), DEPTH_STEPS)


def _step(value: float, steps: Sequence[float]) -> int:
    return bisect.bisect_right(steps, value)


def _evidence(told: Sequence[tuple[Turn, SentenceReading]]) -> tuple[Evidence, ...]:
    """Return the sentences that carry most, in the order they were said."""
    carrying = [item for item in told if item[1].detail > 0]
    carrying.sort(key=lambda item: item[1].detail, reverse=True)
    best = {id(item[1]) for item in carrying[:MAX_EVIDENCE]}
    return tuple(
        Evidence(turn_id=turn.id, quote=reading.text)
        for turn, reading in told
        if id(reading) in best
    )


def _closed_evidence(question: Question, answer: _Answer) -> tuple[Evidence, ...]:
    for turn in answer.turns:
        if counts_nothing(turn.text):
            continue
        if question.kind is QuestionKind.RATING:
            has_value = parse_rating(turn.text, rating_scale(question)) is not None
        elif question.kind is QuestionKind.CHOICE:
            has_value = bool(parse_choices(turn.text, question.choices))
        else:
            has_value = parse_yes_no(turn.text) is not None
        if has_value:
            return (Evidence(turn_id=turn.id, quote=turn.text.strip()),)
    return ()


def _closed_marks(
    told: Sequence[tuple[Turn, SentenceReading]], evidence: tuple[Evidence, ...]
) -> tuple[Mark, ...]:
    """Mark a rating, choice or yes-no: the value is the answer, reasons given with it add."""
    detail = sum(reading.detail for _, reading in told)
    causes = sum(reading.causes for _, reading in told)
    values = {
        Dimension.COVERAGE: 4,
        Dimension.RELEVANCE: 4,
        Dimension.SPECIFICITY: max(2, _step(detail, SPECIFICITY_STEPS)),
        Dimension.DEPTH: max(1, _depth(detail, causes)),
        Dimension.CLARITY: 4,
    }
    return tuple(
        Mark(dimension=key, value=value, evidence=evidence) for key, value in values.items()
    )
