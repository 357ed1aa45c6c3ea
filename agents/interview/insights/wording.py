"""The key insights as sentences, in English and Spanish: one headline and one to three lines.

Owns the wording only. Every figure comes in; with few sessions the text says so itself, because
it is often read without its surroundings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.interview.insights.distributions import Distribution
from agents.interview.language import Language
from agents.interview.types import Question, Quote, Theme

MAX_LINES = 3
EARLY_SESSIONS = 5
SOLID_SESSIONS = 30
MAX_QUESTION_CHARS = 90

_TEXT: dict[Language, dict[str, str]] = {
    "en": {
        "early": "Early ({sessions}): ",
        "session_one": "1 conversation so far",
        "session_many": "{count} conversations so far",
        "theme_head": "{count} of {total} people brought up “{label}” on “{question}”",
        "theme_line": "“{label}” on “{question}”: {count} of {total} ({share} %), likely {low} to "
        "{high} % of everyone",
        "rating": "“{question}”: {mean} of {high} on average ({answered})",
        "choice": "“{question}”: {top} {count} of {total} ({share} %){rest}",
        "yes_no": "“{question}”: {count} of {total} said yes ({share} %)",
        "answer_one": "1 answer",
        "answer_many": "{count} answers",
        "quote_head": "on “{question}” somebody said “{quote}”",
        "quote_line": "On “{question}”: “{quote}”",
        "nothing": "Nobody has said anything yet that can be counted",
        "then": ", then {choice} ({count})",
    },
    "es": {
        "early": "Primeros datos ({sessions}): ",
        "session_one": "1 conversación hasta ahora",
        "session_many": "{count} conversaciones hasta ahora",
        "theme_head": "{count} de {total} personas mencionaron «{label}» en «{question}»",
        "theme_line": "«{label}» en «{question}»: {count} de {total} ({share} %), probablemente "
        "entre el {low} y el {high} % de todos",
        "rating": "«{question}»: {mean} de {high} de media ({answered})",
        "choice": "«{question}»: {top} {count} de {total} ({share} %){rest}",
        "yes_no": "«{question}»: {count} de {total} dijeron que sí ({share} %)",
        "answer_one": "1 respuesta",
        "answer_many": "{count} respuestas",
        "quote_head": "en «{question}» alguien dijo «{quote}»",
        "quote_line": "En «{question}»: «{quote}»",
        "nothing": "Nadie ha dicho todavía nada que se pueda contar",
        "then": ", después {choice} ({count})",
    },
}


def confidence_of(session_count: int) -> str:
    """Return ``early`` under 5 sessions, ``growing`` under 30, then ``solid``."""
    if session_count < EARLY_SESSIONS:
        return "early"
    return "growing" if session_count < SOLID_SESSIONS else "solid"


def write_key_insights(
    *,
    questions: Sequence[Question],
    themes: Sequence[Theme],
    answered: dict[str, int],
    distributions: Sequence[Distribution],
    early_quotes: Sequence[tuple[str, Quote]],
    session_count: int,
    language: Language,
) -> tuple[str, ...]:
    """Return the headline and one to three lines; a single line when nothing was said.

    Args:
        questions: for the words of each question.
        themes: the largest first.
        answered: question id to the number of sessions that answered it.
        distributions: of closed questions, in survey order.
        early_quotes: question id with its most telling quote, for where no theme is open yet.
        session_count: sessions used in all.
        language: to write in.
    """
    text = _TEXT[language]
    names = {question.id: _short(question.text) for question in questions}
    counted = [_distribution_line(item, names, text) for item in distributions]
    themed = {theme.question_id for theme in themes}
    quoted = [
        text["quote_line"].format(question=names[question_id], quote=quote.text)
        for question_id, quote in early_quotes
        if question_id not in themed
    ]
    if themes:
        top = themes[0]
        total = answered[top.question_id]
        headline = text["theme_head"].format(
            count=len(top.session_ids),
            total=total,
            label=top.label,
            question=names[top.question_id],
        )
        own_line = _theme_line(top, answered, names, text)
        others = [_theme_line(theme, answered, names, text) for theme in themes[1:]]
        lines = [*others, *counted, *quoted] or [own_line]
    elif quoted and session_count < EARLY_SESSIONS:
        # Among few conversations, what somebody said is worth more than a mean of two numbers.
        question_id, quote = early_quotes[0]
        headline = text["quote_head"].format(question=names[question_id], quote=quote.text)
        lines = [*quoted[1:], *counted]
    elif counted:
        headline, lines = counted[0], [*counted[1:], *quoted]
    elif quoted:
        headline, lines = quoted[0], quoted[1:]
    else:
        headline, lines = text["nothing"], []
    if session_count < EARLY_SESSIONS:
        name = "session_one" if session_count == 1 else "session_many"
        said = text["early"].format(sessions=text[name].format(count=session_count))
        headline = said + headline
    return (headline, *lines[:MAX_LINES])


def _short(question_text: str) -> str:
    flat = re.sub(r"\s+", " ", question_text).strip()
    return flat if len(flat) <= MAX_QUESTION_CHARS else f"{flat[: MAX_QUESTION_CHARS - 1]}\u2026"


def _theme_line(
    theme: Theme, answered: dict[str, int], names: dict[str, str], text: dict[str, str]
) -> str:
    return text["theme_line"].format(
        label=theme.label,
        question=names[theme.question_id],
        count=len(theme.session_ids),
        total=answered[theme.question_id],
        share=round(100 * theme.share),
        low=round(100 * theme.interval_low),
        high=round(100 * theme.interval_high),
    )


def _distribution_line(item: Distribution, names: dict[str, str], text: dict[str, str]) -> str:
    name = names[item.question.id]
    if item.mean is not None:
        form = text["answer_one" if item.answered == 1 else "answer_many"]
        answered = form.format(count=item.answered)
        return text["rating"].format(
            question=name, mean=f"{item.mean:.1f}", high=item.high, answered=answered
        )
    if item.counts[0][0] == "yes":
        count = item.counts[0][1]
        return text["yes_no"].format(
            question=name,
            count=count,
            total=item.answered,
            share=round(100 * count / item.answered),
        )
    ranked = sorted(item.counts, key=lambda pair: -pair[1])
    rest = ""
    if len(ranked) > 1 and ranked[1][1]:
        rest = text["then"].format(choice=ranked[1][0], count=ranked[1][1])
    return text["choice"].format(
        question=name,
        top=ranked[0][0],
        count=ranked[0][1],
        total=item.answered,
        share=round(100 * ranked[0][1] / item.answered),
        rest=rest,
    )
