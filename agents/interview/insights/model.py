"""The model-backed insights agent: better names, merged synonyms, the same figures.

Owns what the model is asked and the checks on its answer. Which sessions a theme has, its share,
its interval and its quotes are counted by code before and after; the model may only rename a theme
and say that two themes are one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.interview.insights.builtin import BuiltinInsightsAgent, Findings, write_insights
from agents.interview.insights.intervals import wilson_interval
from agents.interview.language import content_words, fold, normalise_language
from agents.interview.types import AnswerSample, Insights, Question, Theme
from agents.llm.client import LLMClient, LLMError
from agents.llm.material import DATA_RULE, clean_line, encode

logger = logging.getLogger(__name__)

MAX_LABEL_CHARS = 60
MAX_LABEL_WORDS = 8
MAX_QUOTES = 5

_SYSTEM = f"""You name themes found in survey answers. {DATA_RULE}

Each theme has an id, the question it belongs to and quotes. Give:
- labels: for each theme a short neutral name of two to six words in the given language that fits
  its quotes. No figures, no judgement that the quotes do not hold.
- merges: pairs of theme ids of the same question that mean the same thing. Only when you are
  sure."""

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["labels", "merges"],
    "properties": {
        "labels": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["theme_id", "label"],
                "properties": {"theme_id": {"type": "string"}, "label": {"type": "string"}},
            },
        },
        "merges": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["keep_id", "merge_id"],
                "properties": {"keep_id": {"type": "string"}, "merge_id": {"type": "string"}},
            },
        },
    },
}


class ModelInsightsAgent:
    """Let a model name and merge what the built-in agent counted."""

    def __init__(self, client: LLMClient, *, fallback: BuiltinInsightsAgent) -> None:
        """Take the model and the agent that does the counting."""
        self._client = client
        self._fallback = fallback

    def find_insights(
        self,
        questions: Sequence[Question],
        answers: Sequence[AnswerSample],
        *,
        known: Sequence[Theme],
        language: str,
        deadline_seconds: float,
    ) -> Insights:
        """Return the insights; without a usable answer of the model they are the built-in ones."""
        spoken = normalise_language(language)
        findings = self._fallback.count(questions, answers, known=known, language=spoken)
        known_ids = {theme.id for theme in known}
        if all(theme.id in known_ids for theme in findings.themes):
            # Every theme has its name already: no reason to pay for a call.
            return write_insights(findings, language=spoken, source="builtin")
        try:
            answer = self._client.complete_json(
                system=_SYSTEM,
                user=encode(_material(findings, language)),
                schema=_SCHEMA,
                deadline_seconds=deadline_seconds,
            )
        except LLMError as error:
            logger.warning("insights.fell_back", extra={"reason": type(error).__name__})
            return write_insights(findings, language=spoken, source="builtin")
        renamed = _rename(findings.themes, answer["labels"], known_ids)
        merged = _merge(renamed, answer["merges"], findings.answered)
        return write_insights(
            replace(findings, themes=merged), language=spoken, source=self._client.model
        )


def _material(findings: Findings, language: str) -> dict[str, Any]:
    texts = {question.id: question.text for question in findings.questions}
    return {
        "language": language,
        "themes": [
            {
                "id": theme.id,
                "question": texts[theme.question_id],
                "name_so_far": theme.label,
                "quotes": [quote.text for quote in theme.quotes],
            }
            for theme in findings.themes
        ],
    }


def _rename(
    themes: Sequence[Theme], labels: Sequence[dict[str, str]], known_ids: set[str]
) -> list[Theme]:
    """Return the themes with the names that passed; a theme known before keeps its name."""
    wanted = {item["theme_id"]: item["label"] for item in labels}
    renamed = []
    for theme in themes:
        label = "" if theme.id in known_ids else safe_label(wanted.get(theme.id), theme)
        renamed.append(replace(theme, label=label) if label else theme)
    return renamed


def safe_label(value: object, theme: Theme) -> str:
    """Return a model's name for a theme, or nothing when it does not fit the quotes.

    A name holds no digit and at most eight words, and shares at least one content word, by its
    first four letters, with the theme's quotes or its own wording.
    """
    line = clean_line(value, max_chars=MAX_LABEL_CHARS).strip(" .")
    if not line or any(char.isdigit() or char in "?%" for char in line):
        return ""
    if len(line.split()) > MAX_LABEL_WORDS:
        return ""
    evidence = " ".join([theme.label, theme.key, *(quote.text for quote in theme.quotes)])
    said = {fold(word)[:4] for code in ("en", "es") for word in content_words(evidence, code)}
    named = {fold(word)[:4] for code in ("en", "es") for word in content_words(line, code)}
    return line if named & said else ""


def _merge(
    themes: Sequence[Theme], merges: Sequence[dict[str, str]], answered: dict[str, int]
) -> tuple[Theme, ...]:
    """Return the themes with pairs of one question joined: sessions united, shares counted anew."""
    by_id = {theme.id: theme for theme in themes}
    for pair in merges:
        keep, gone = by_id.get(pair["keep_id"]), by_id.get(pair["merge_id"])
        if keep is None or gone is None or keep.id == gone.id:
            continue
        if keep.question_id != gone.question_id:
            continue
        by_id[keep.id] = _united(keep, gone, answered[keep.question_id])
        del by_id[gone.id]
    return tuple(
        sorted(
            by_id.values(), key=lambda theme: (-len(theme.session_ids), -theme.share, theme.label)
        )
    )


def _united(keep: Theme, gone: Theme, total: int) -> Theme:
    sessions = tuple(sorted({*keep.session_ids, *gone.session_ids}))
    seen = {quote.session_id for quote in keep.quotes}
    more = [quote for quote in gone.quotes if quote.session_id not in seen]
    low, high = wilson_interval(len(sessions), total)
    return replace(
        keep,
        # Both keys stay, so that the next refresh finds the same sessions by itself.
        key=f"{keep.key}|{gone.key}",
        session_ids=sessions,
        share=len(sessions) / total,
        interval_low=low,
        interval_high=high,
        quotes=(*keep.quotes, *more)[:MAX_QUOTES],
    )
