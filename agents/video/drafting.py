"""From findings to the scenes of a video: composed by rule, worded by a model where there is one.

Owns which scenes a set of findings becomes and what is said over them. Figures, bars and quotes
come from the findings as they are; a model may word headings and narration only, and no number it
brings along gets through. Knows no survey and no workflow: those above hand their findings down.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings

from agents.interview.language import normalise_language
from agents.llm.client import LLMClient, LLMError
from agents.llm.factory import get_llm_client
from agents.llm.material import DATA_RULE, clean_line, encode
from agents.video.pipeline.types import ChartValue, Scene, SceneKind

logger = logging.getLogger(__name__)

MAX_BARS: Final = 8
MAX_QUOTES: Final = 3
MAX_CHARTS: Final = 3
MAX_POINTS: Final = 5
HEADING_CHARS: Final = 160
TEXT_CHARS: Final = 1000
ITEM_CHARS: Final = 160
LABEL_CHARS: Final = 60
NARRATION_CHARS: Final = 900
TITLE_CHARS: Final = 120
LEAST_SHARE: Final = 0.02
"""Smaller shares are no bar of a chart of what people named."""
QUOTED_CHARS: Final = 600
"""Of a quote that are spoken; all of it is shown."""
DRAFT_SECONDS: Final = 25.0


@dataclass(frozen=True, slots=True)
class Theme:
    """Something several people said."""

    label: str
    people: int
    share: float
    """Of those who were asked, 0 to 1."""
    quotes: tuple[str, ...] = ()
    """Exact words of people, the most telling first."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How answers to one question fell."""

    question: str
    counts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a video is to tell."""

    title: str
    people: int
    """How many were asked; 0 where nobody counts them."""
    language: str = "en"
    themes: tuple[Theme, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    key_points: tuple[str, ...] = ()
    """Sentences that sum it up, the most important first."""
    source_note: str = ""
    """Shown at the end, such as where the findings can be read."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A script to be edited and rendered."""

    title: str
    language: str
    """Of what is said; the voice follows it."""
    scenes: tuple[Scene, ...]
    source: str
    """``builtin`` or the name of the model that worded it."""


def draft_script(
    findings: Findings,
    *,
    may_call_model: Callable[[], bool] = lambda: True,
    deadline_seconds: float = DRAFT_SECONDS,
) -> Draft:
    """Return a script of the findings. Never fails for want of a model.

    Waits for a network call where a model is set up: call it outside of a transaction.

    Args:
        findings: what is to be told.
        may_call_model: asked once before a call that costs money, such as a company's allowance.
        deadline_seconds: for the model; past it the built-in words stand.
    """
    draft = compose_script(findings)
    if not settings.LLM_ENABLED or not may_call_model():
        return draft
    return word_script(draft, findings, client=get_llm_client(), deadline_seconds=deadline_seconds)


def compose_script(findings: Findings) -> Draft:
    """Return the built-in script: the same findings always make the same scenes."""
    words = _WORDS[normalise_language(findings.language)]
    title = _cut(findings.title, TITLE_CHARS) or words["untitled"]
    themes = sorted(findings.themes, key=lambda theme: -theme.share)
    scenes = [_title_scene(title, findings, words)]
    if themes and themes[0].share > 0:
        scenes.append(_figure_scene(themes[0], findings, words))
    bars = [theme for theme in themes if theme.share >= LEAST_SHARE][:MAX_BARS]
    if len(bars) > 1:
        scenes.append(_themes_scene(bars, words))
    scenes += [_quote_scene(theme, words) for theme in themes if theme.quotes][:MAX_QUOTES]
    scenes += [
        _distribution_scene(one, words)
        for one in findings.distributions
        if any(count > 0 for _, count in one.counts)
    ][:MAX_CHARTS]
    if findings.key_points:
        scenes.append(_points_scene(findings.key_points, words))
    scenes.append(_closing_scene(findings, words))
    return Draft(title, words["language"], tuple(scenes), "builtin")


def word_script(
    draft: Draft, findings: Findings, *, client: LLMClient, deadline_seconds: float
) -> Draft:
    """Return the script in a model's words, scene by scene where they can be trusted.

    A scene keeps its built-in words when the model's are missing, too long, or hold a number that
    is not in that scene's material.
    """
    material = {
        "language": findings.language,
        "title": draft.title,
        "scenes": [{"number": n, **scene.to_json()} for n, scene in enumerate(draft.scenes, 1)],
    }
    try:
        answer = client.complete_json(
            system=_SYSTEM,
            user=encode(material),
            schema=_SCHEMA,
            deadline_seconds=deadline_seconds,
        )
    except LLMError as error:
        logger.warning("video.draft_fell_back", extra={"reason": type(error).__name__})
        return draft
    worded = {one["number"]: one for one in answer["scenes"] if isinstance(one.get("number"), int)}
    scenes = tuple(
        _take_words(scene, worded.get(number, {}))
        for number, scene in enumerate(draft.scenes, start=1)
    )
    if scenes == draft.scenes:
        return draft
    is_complete = all(
        new.narration != old.narration for new, old in zip(scenes, draft.scenes, strict=True)
    )
    # Half in one language and half in another cannot be spoken by one voice.
    if not is_complete and normalise_language(findings.language) != findings.language[:2].lower():
        return draft
    language = findings.language if is_complete else draft.language
    return replace(draft, scenes=scenes, language=language, source=client.model)


def _take_words(scene: Scene, worded: Mapping[str, Any]) -> Scene:
    heading = clean_line(worded.get("heading"), max_chars=HEADING_CHARS)
    narration = clean_line(worded.get("narration"), max_chars=NARRATION_CHARS)
    known = _numbers(str(scene.to_json()))
    if not narration or _numbers(f"{heading} {narration}") - known:
        return scene
    if scene.kind is SceneKind.QUOTE and _end(_cut(scene.text, QUOTED_CHARS)) not in narration:
        # What somebody said is spoken letter by letter or not at all.
        return scene
    return replace(scene, heading=heading or scene.heading, narration=narration)


def _numbers(text: str) -> set[str]:
    return {number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", text)}


def _title_scene(title: str, findings: Findings, words: Mapping[str, str]) -> Scene:
    subtitle = words["asked"].format(people=findings.people) if findings.people else ""
    said = words["title_said"].format(title=_end(title))
    if findings.people:
        said = f"{said} {words['asked_said'].format(people=findings.people)}"
    return Scene(SceneKind.TITLE, title, said, text=subtitle)


def _figure_scene(theme: Theme, findings: Findings, words: Mapping[str, str]) -> Scene:
    percent = round(100 * min(1.0, theme.share))
    label = _cut(theme.label, HEADING_CHARS - 20)
    counted = words["of_people"].format(count=theme.people, people=findings.people)
    return Scene(
        SceneKind.FIGURE,
        words["named"].format(label=label),
        words["figure_said"].format(percent=percent, label=label),
        text=f"{percent} %",
        items=(counted,) if findings.people else (),
    )


def _themes_scene(themes: Sequence[Theme], words: Mapping[str, str]) -> Scene:
    labels = [theme.label for theme in themes]
    shares = [round(100 * min(1.0, theme.share)) for theme in themes]
    return Scene(
        SceneKind.CHART,
        words["named_most"],
        words["themes_said"].format(
            first=labels[0], first_share=shares[0], second=labels[1], second_share=shares[1]
        ),
        text=words["share_note"],
        values=tuple(
            ChartValue(_cut(label, LABEL_CHARS), share)
            for label, share in zip(labels, shares, strict=True)
        ),
    )


def _quote_scene(theme: Theme, words: Mapping[str, str]) -> Scene:
    quote = _cut(theme.quotes[0], TEXT_CHARS)
    label = _cut(theme.label, HEADING_CHARS)
    return Scene(
        SceneKind.QUOTE,
        label[:1].upper() + label[1:],
        words["quote_said"].format(label=label, quote=_end(_cut(quote, QUOTED_CHARS))),
        text=quote,
    )


def _distribution_scene(distribution: Distribution, words: Mapping[str, str]) -> Scene:
    most, count = max(distribution.counts, key=lambda one: one[1])
    question = _cut(distribution.question, HEADING_CHARS)
    return Scene(
        SceneKind.CHART,
        question,
        words["distribution_said"].format(
            question=_end(question, mark="?"), most=most, count=f"{count:g}"
        ),
        values=tuple(
            ChartValue(_cut(label, LABEL_CHARS), value)
            for label, value in distribution.counts[:MAX_BARS]
        ),
    )


def _points_scene(points: Sequence[str], words: Mapping[str, str]) -> Scene:
    shown = [_cut(point, ITEM_CHARS) for point in points if point.strip()][:MAX_POINTS]
    said = " ".join(_end(point) for point in shown)
    return Scene(
        SceneKind.LIST,
        words["in_short"],
        f"{words['in_short_said']} {said}"[:NARRATION_CHARS],
        items=tuple(shown),
    )


def _closing_scene(findings: Findings, words: Mapping[str, str]) -> Scene:
    return Scene(
        SceneKind.CLOSING,
        words["thanks"],
        words["thanks_said"],
        text=_cut(findings.source_note, TEXT_CHARS),
    )


def _cut(text: str, most: int) -> str:
    flat = " ".join(text.split())
    if len(flat) <= most:
        return flat
    kept = flat[: most - 1].rpartition(" ")[0] or flat[: most - 1]
    return kept.rstrip(" .,;:") + "…"


def _end(text: str, *, mark: str = ".") -> str:
    """Return text that ends like a sentence, so that the voice pauses after it."""
    return text if text[-1:] in ".!?…" else f"{text}{mark}"


_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "language": "en",
        "untitled": "What we heard",
        "asked": "What {people} people told us",
        "title_said": "{title}",
        "asked_said": "We asked {people} people. This is what they told us.",
        "named": "named: {label}",
        "figure_said": "{percent} percent of them named this: {label}.",
        "of_people": "{count} of {people} people",
        "named_most": "What people named most",
        "themes_said": "First comes {first}, with {first_share} percent. "
        "Then {second}, with {second_share} percent.",
        "share_note": "Percent of the people asked; one person can name several things",
        "quote_said": "About {label}, one of them said: {quote}",
        "distribution_said": "We asked: {question} Most often the answer was {most}: "
        "{count} answers.",
        "in_short": "In short",
        "in_short_said": "In short.",
        "thanks": "Thank you for watching",
        "thanks_said": "Thank you for watching.",
    },
    "es": {
        "language": "es",
        "untitled": "Lo que escuchamos",
        "asked": "Lo que nos dijeron {people} personas",
        "title_said": "{title}",
        "asked_said": "Preguntamos a {people} personas. Esto es lo que nos dijeron.",
        "named": "mencionaron: {label}",
        "figure_said": "El {percent} por ciento mencionó esto: {label}.",
        "of_people": "{count} de {people} personas",
        "named_most": "Lo que más mencionaron",
        "themes_said": "Primero, {first}, con el {first_share} por ciento. "
        "Después, {second}, con el {second_share} por ciento.",
        "share_note": "Porcentaje de las personas; cada una puede mencionar varias cosas",
        "quote_said": "Sobre {label}, una de ellas dijo: {quote}",
        "distribution_said": "Preguntamos: {question} La respuesta más frecuente fue {most}: "
        "{count} respuestas.",
        "in_short": "En resumen",
        "in_short_said": "En resumen.",
        "thanks": "Gracias por ver este video",
        "thanks_said": "Gracias por ver este video.",
    },
}

_SYSTEM: Final = f"""You word the script of a short narrated video about findings. {DATA_RULE}

Each scene has a number, a kind, a heading, what is shown, and a narration so far. For each scene
give its number, a heading and a narration in the given language:
- the narration is spoken: plain sentences, two to four of them, no lists, no markup;
- say only what the scene holds; no number and no claim that is not in it;
- do not change quoted words; a quote scene's narration may introduce the quote and repeat it;
- the first scene says what the video is about, the last one thanks."""

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scenes"],
    "properties": {
        "scenes": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["number", "heading", "narration"],
                "properties": {
                    "number": {"type": "integer"},
                    "heading": {"type": "string"},
                    "narration": {"type": "string"},
                },
            },
        }
    },
}
