"""The built-in insights agent: themes by phrase cover, with no key and no network.

Owns the way from answers to `Insights`: counts by sessions, never by mentions, exact quotes,
ids that survive a refresh. Deterministic but for the ids of new themes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agents.interview.insights.cover import (
    Group,
    find_groups,
    index_phrases,
    parse_key,
)
from agents.interview.insights.distributions import Distribution, read_distribution
from agents.interview.insights.documents import Sentence, read_sentences
from agents.interview.insights.intervals import wilson_interval
from agents.interview.insights.quotes import choose_quotes, write_label
from agents.interview.insights.wording import confidence_of, write_key_insights
from agents.interview.interviewer.depth import content_words_set, read_features
from agents.interview.interviewer.touching import shared_stems
from agents.interview.language import Language, normalise_language
from agents.interview.types import AnswerSample, Insights, Question, Quote, Theme
from core.ids import new_id

MAX_THEMES_PER_QUESTION = 7
MIN_EARLY_WORDS = 3
MAX_EARLY_CHARS = 180
MAX_READ_CHARACTERS = 6_000
"""Of one answer; nobody says more at once, and it bounds the work. A cut text keeps its offsets."""


def new_theme_id() -> str:
    """Return a fresh id for a theme that was not known before."""
    return new_id("theme")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was counted, before it is put into words."""

    questions: tuple[Question, ...]
    themes: tuple[Theme, ...]
    """The largest first."""
    answered: dict[str, int]
    distributions: tuple[Distribution, ...]
    early_quotes: tuple[tuple[str, Quote], ...]
    session_count: int


class BuiltinInsightsAgent:
    """Find themes by which phrases cover most of what people said."""

    def __init__(self, *, make_id: Callable[[], str] = new_theme_id) -> None:
        """Take where ids of new themes come from."""
        self._make_id = make_id

    def find_insights(
        self,
        questions: Sequence[Question],
        answers: Sequence[AnswerSample],
        *,
        known: Sequence[Theme],
        language: str,
        deadline_seconds: float,
    ) -> Insights:
        """Return the insights over all ``answers``.

        Args:
            questions: of the survey, in its order.
            answers: everything visitors said, in order; sessions whose data is gone are simply
                absent, and their counts and quotes with them.
            known: themes of the last refresh; an answer with one of their phrases joins them,
                and their ids and labels stay.
            language: of the survey.
            deadline_seconds: not needed; two thousand sessions take about a second.
        """
        del deadline_seconds
        answers = [
            answer
            if len(answer.text) <= MAX_READ_CHARACTERS
            else replace(answer, text=answer.text[:MAX_READ_CHARACTERS])
            for answer in answers
        ]
        spoken = normalise_language(language)
        findings = self.count(questions, answers, known=known, language=spoken)
        return write_insights(findings, language=spoken, source="builtin")

    def count(
        self,
        questions: Sequence[Question],
        answers: Sequence[AnswerSample],
        *,
        known: Sequence[Theme],
        language: Language,
    ) -> Findings:
        """Return themes, shares and quotes, not yet put into words."""
        themes: list[Theme] = []
        answered: dict[str, int] = {}
        distributions: list[Distribution] = []
        early: list[tuple[str, Quote]] = []
        for question in questions:
            distribution = read_distribution(question, answers)
            if distribution is not None:
                distributions.append(distribution)
            sentences = read_sentences(question, answers, language=language)
            answered[question.id] = len({sentence.session_id for sentence in sentences})
            mine = [theme for theme in known if theme.question_id == question.id]
            themes.extend(self._themes_of(question, sentences, mine))
            quote = most_telling_quote(question, sentences)
            if quote is not None:
                early.append((question.id, quote))
        themes.sort(key=lambda theme: (-len(theme.session_ids), -theme.share, theme.label))
        return Findings(
            questions=tuple(questions),
            themes=tuple(themes),
            answered=answered,
            distributions=tuple(distributions),
            early_quotes=tuple(early),
            session_count=len({answer.session_id for answer in answers}),
        )

    def _themes_of(
        self, question: Question, sentences: Sequence[Sentence], known: Sequence[Theme]
    ) -> list[Theme]:
        before = [Group(parse_key(theme.key)) for theme in known]
        named: dict[tuple[str, ...], Theme] = {}
        for group, theme in zip(before, known, strict=True):
            # Of two themes that became the same, the earlier one stays.
            named.setdefault(_anchor(group), theme)
        groups = find_groups(
            index_phrases(sentences), known=before, max_groups=MAX_THEMES_PER_QUESTION
        )
        total = len({sentence.session_id for sentence in sentences})
        return [
            self._make_theme(question, group, sentences, total, named.get(_anchor(group)))
            for group in groups
        ]

    def _make_theme(
        self,
        question: Question,
        group: Group,
        sentences: Sequence[Sentence],
        total: int,
        before: Theme | None,
    ) -> Theme:
        count = len(group.sessions)
        low, high = wilson_interval(count, total)
        return Theme(
            id=before.id if before else self._make_id(),
            question_id=question.id,
            label=before.label if before else write_label(group, sentences),
            key=group.key,
            session_ids=tuple(sorted(group.sessions)),
            share=count / total,
            interval_low=low,
            interval_high=high,
            quotes=choose_quotes(group, sentences),
        )


def _anchor(group: Group) -> tuple[str, ...]:
    """Return what a theme is recognised by after a refresh: its first phrase never changes."""
    return group.phrases[0] if group.phrases else ()


def most_telling_quote(question: Question, sentences: Sequence[Sentence]) -> Quote | None:
    """Return the sentence that holds most: to the point, specific, with a reason, not endless."""
    best: tuple[tuple[int, int], Sentence] | None = None
    for sentence in sentences:
        said = sentence.text[sentence.start : sentence.end]
        size = len(content_words_set(said))
        if size < MIN_EARLY_WORDS or len(said) > MAX_EARLY_CHARS:
            continue
        features = read_features(said)
        is_to_the_point = shared_stems(said, question.text) > 0
        signs = 2 * is_to_the_point + features.is_specific + features.has_reason
        weight = (signs, min(size, 12))
        if best is None or weight > best[0]:
            best = (weight, sentence)
    if best is None:
        return None
    chosen = best[1]
    return Quote(
        session_id=chosen.session_id,
        turn_id=chosen.turn_id,
        start=chosen.start,
        end=chosen.end,
        text=chosen.text[chosen.start : chosen.end],
    )


def write_insights(findings: Findings, *, language: Language, source: str) -> Insights:
    """Return the findings with their key insights in words."""
    return Insights(
        key_insights=write_key_insights(
            questions=findings.questions,
            themes=findings.themes,
            answered=findings.answered,
            distributions=findings.distributions,
            early_quotes=findings.early_quotes,
            session_count=findings.session_count,
            language=language,
        ),
        themes=findings.themes,
        sessions_used=findings.session_count,
        confidence=confidence_of(findings.session_count),
        source=source,
    )
