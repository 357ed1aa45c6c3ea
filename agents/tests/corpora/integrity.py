"""Attacks and honest controls for the integrity checks, as whole transcripts.

``attacks.txt`` and ``honest_answers.txt`` hold one text a line (``family language text``); each is
put into a good interview of its language, so that what is found is found among honest answers.
``attack_interviews.txt`` holds attacks that take a whole interview, named by the flag they earn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents.interview.types import EvaluationRequest, FlagKind, Role, Turn
from agents.tests.corpora.rated import (
    DEVELOPMENT,
    FOLDER,
    SECOND,
    RatedInterview,
    read_rated,
)

BASE = {"en": "d01", "es": "d24"}
"""The good interviews that single texts are put into."""
BEARABLE_RATING = 20
"""Interviews rated from here on are honest work, however thin."""


@dataclass(frozen=True, slots=True)
class Case:
    """One transcript with what should be found in it."""

    id: str
    family: str
    text: str
    """The text in question; empty when the whole interview is."""
    request: EvaluationRequest
    twin: EvaluationRequest | None = None
    """The same transcript without the text; of an honest one, with what was said in its place."""


def _bases() -> dict[str, EvaluationRequest]:
    by_id = {item.id: item.request for item in read_rated(DEVELOPMENT)}
    return {language: by_id[name] for language, name in BASE.items()}


def _lines(name: str) -> list[tuple[str, str, str]]:
    rows = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    parts = [row.split(" ", 2) for row in rows if row]
    return [(family, language, text) for family, language, text in parts]


def _with_text(request: EvaluationRequest, text: str, *, is_alone: bool) -> EvaluationRequest:
    """Put a text behind the visitor's second answer, or in place of it."""
    second = [turn for turn in request.turns if turn.role is Role.USER][1]
    said = text if is_alone else f"{second.text} {text}"
    changed = replace(second, text=said)
    return replace(
        request, turns=tuple(changed if turn is second else turn for turn in request.turns)
    )


def empty_bases() -> dict[str, EvaluationRequest]:
    """Return the good interviews with next to nothing in place of every answer."""
    return {language: _emptied(request) for language, request in _bases().items()}


def with_empty_answers(case: Case) -> EvaluationRequest:
    """Return an attack's text behind next to nothing."""
    return _with_text(_emptied(case.twin or case.request), case.text, is_alone=False)


def _emptied(request: EvaluationRequest) -> EvaluationRequest:
    words = {"en": "It was ok.", "es": "Estuvo bien."}[request.language]
    return replace(
        request,
        turns=tuple(
            replace(turn, text=words) if turn.role is Role.USER else turn for turn in request.turns
        ),
    )


def read_attacks() -> list[Case]:
    """Return every attack: texts behind an honest answer, and whole interviews."""
    bases = _bases()
    cases = [
        Case(
            id=f"attack-{number}",
            family=family,
            text=text,
            request=_with_text(bases[language], text, is_alone=False),
            twin=bases[language],
        )
        for number, (family, language, text) in enumerate(_lines("attacks.txt"))
    ]
    whole = [
        Case(id=item.id, family=item.id.partition("-")[0], text="", request=item.request)
        for item in read_rated(FOLDER / "attack_interviews.txt")
    ]
    return cases + whole + _conduct_attacks(bases["en"]) + [_unfinished(bases["es"])]


def _conduct_attacks(base: EvaluationRequest) -> list[Case]:
    """Return attacks that show in when and how words came, not in the words."""

    def case(family: str, turns: Sequence[Turn]) -> Case:
        return Case(
            id=f"{family}-0", family=family, text="", request=replace(base, turns=tuple(turns))
        )

    turns = base.turns
    hidden = [
        replace(turn, had_hidden_text=True) if turn.role is Role.USER else turn for turn in turns
    ]
    late = [*turns[:-1], replace(turns[-1], is_late=True)]
    hurried = [replace(turn, at_seconds=0.4 * number) for number, turn in enumerate(turns)]
    even = [
        replace(turn, at_seconds=40.0 * (number // 2) + (20.0 if number % 2 else 0.0))
        for number, turn in enumerate(turns)
    ]
    return [
        case("hidden_text", hidden),
        case("late_turn", late),
        case("speeding", hurried),
        case("scripted", even),
    ]


def _unfinished(base: EvaluationRequest) -> Case:
    """Return an interview left after the first of three required questions."""
    return Case(
        id="incomplete-0",
        family="incomplete",
        text="",
        request=replace(base, turns=base.turns[:2]),
    )


def read_honest() -> list[Case]:
    """Return honest transcripts: single answers that could be mistaken, and rated interviews."""
    bases = _bases()
    single = [
        Case(
            id=f"honest-{number}",
            family=family,
            text=text,
            request=_with_text(bases[language], text, is_alone=True),
            twin=bases[language],
        )
        for number, (family, language, text) in enumerate(_lines("honest_answers.txt"))
    ]
    whole = [
        Case(id=item.id, family="interview", text="", request=item.request)
        for item in _rated_honestly()
    ]
    return single + whole


def _rated_honestly() -> list[RatedInterview]:
    rated = read_rated(DEVELOPMENT) + read_rated(SECOND)
    return [item for item in rated if item.rating >= BEARABLE_RATING]


def expected_flag(case: Case) -> FlagKind:
    """Return the flag the family of an attack is named after."""
    return FlagKind(case.family)
