"""Read the answer to a question with a closed form: a number, one of several choices, yes or no.

Owns the parsing both the interviewer and the insights agent need, in English and Spanish. Knows
nothing of a conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.interview.language import content_words, fold, stem, words
from agents.interview.types import Question

_NUMBER_WORDS = {
    word: value
    for value, names in enumerate(
        (
            ("zero", "cero"),
            ("one", "uno", "una"),
            ("two", "dos"),
            ("three", "tres"),
            ("four", "cuatro"),
            ("five", "cinco"),
            ("six", "seis"),
            ("seven", "siete"),
            ("eight", "ocho"),
            ("nine", "nueve"),
            ("ten", "diez"),
        )
    )
    for word in names
}
_SCALE_IN_TEXT = re.compile(
    r"\b(?P<low>[01])\s?(?:-|\u2013|to|through|and|a|al|y|hasta)\s?(?P<high>5|7|10)\b",
    re.IGNORECASE,
)
_OUT_OF = re.compile(r"\b(?:out of|sobre|de)\s(?P<high>5|7|10)\b", re.IGNORECASE)
#: "4", "4.5", "4/5", "4 out of 5", "4 de 5": the second number is the scale, not the answer.
_RATED = re.compile(
    r"(?<![\w.,])(?P<value>\d{1,2}(?:[.,]5)?)(?:\s?(?:/|out of|of|sobre|de)\s?\d{1,2})?(?![\w])",
    re.IGNORECASE,
)

_YES = frozenset(
    "yes yeah yep yup sure definitely absolutely certainly course indeed true si claro supuesto "
    "desde correcto exacto efectivamente afirmativo obvio sip".split()
)
_NO = frozenset("no nope nah never not nunca jamas tampoco negativo nop ninguno ninguna".split())
_NO_PHRASES = (
    "not really",
    "not at all",
    "para nada",
    "en absoluto",
    "claro que no",
    "of course not",
)
_HEDGES = frozenset("depends sometimes maybe depende quizas quiza veces perhaps".split())
_ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5,
    "primera": 0, "primero": 0, "segunda": 1, "segundo": 1, "tercera": 2, "tercero": 2,
    "cuarta": 3, "cuarto": 3, "quinta": 4, "quinto": 4, "sexta": 5, "sexto": 5,
}  # fmt: skip
_ALL = frozenset("all both todas todos ambas ambos".split())


@dataclass(frozen=True, slots=True)
class Scale:
    """The numbers a rating question allows, both ends included."""

    low: int
    high: int


def rating_scale(question: Question) -> Scale:
    """Return the scale a rating question names in its text, else 1 to 5."""
    found = _SCALE_IN_TEXT.search(question.text)
    if found:
        return Scale(int(found["low"]), int(found["high"]))
    out_of = _OUT_OF.search(question.text)
    if out_of:
        return Scale(1, int(out_of["high"]))
    return Scale(1, 5)


def parse_rating(text: str, scale: Scale) -> int | None:
    """Return the number a visitor gave on ``scale``, or None when there is none on it.

    A half counts down, a range ("3 or 4") counts as its lower end. The first number wins, so
    "4, I waited 9 days" is 4.
    """
    head = text[:300]
    for match in _RATED.finditer(head):
        value = int(re.split("[.,]", match["value"])[0])
        if scale.low <= value <= scale.high:
            return value
        return None
    tokens = [fold(word) for word in words(head)]
    for index, token in enumerate(tokens):
        value = _NUMBER_WORDS.get(token, -1)
        # "one" and "una" inside a sentence are articles, not marks.
        is_article = token in {"one", "una", "uno"} and len(tokens) > 3 and index > 0
        if scale.low <= value <= scale.high and not is_article:
            return value
    return None


def parse_choices(text: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the choices a visitor named, in the survey's order.

    Recognised are the choice's own words, its place ("the second", "b", "2") and "both" or
    "all". A choice whose words are part of a longer named one does not count beside it.
    """
    tokens = [fold(word) for word in words(text[:1000])]
    padded = f" {' '.join(tokens)} "
    found: list[int] = []
    for index, choice in enumerate(choices):
        needle = " ".join(fold(word) for word in words(choice))
        if needle and f" {needle} " in padded:
            found.append(index)
    kept = [index for index in found if not _is_part_of_longer(index, found, choices, padded)]
    if not kept:
        kept = _by_stems(text[:1000], choices)
    if not kept:
        kept = _by_place(tokens, choices)
    return tuple(choices[index] for index in kept)


def _is_part_of_longer(index: int, found: list[int], choices: tuple[str, ...], padded: str) -> bool:
    own = " ".join(fold(word) for word in words(choices[index]))
    rest = padded
    for other in found:
        longer = " ".join(fold(word) for word in words(choices[other]))
        if other != index and len(longer) > len(own) and f" {own} " in f" {longer} ":
            rest = rest.replace(longer, "")
    return f" {own} " not in rest


def _by_stems(text: str, choices: tuple[str, ...]) -> list[int]:
    """Return the choices all of whose content stems the text has, in either language."""
    said = {stem(word, language) for language in ("en", "es") for word in words(text)}
    kept = []
    for index, choice in enumerate(choices):
        for language in ("en", "es"):
            stems = {stem(word, language) for word in content_words(choice, language)}
            if stems and stems <= said:
                kept.append(index)
                break
    return kept


def _by_place(tokens: list[str], choices: tuple[str, ...]) -> list[int]:
    if len(tokens) > 6:
        return []
    if _ALL & set(tokens):
        return list(range(len(choices)))
    places: list[int] = []
    for token in tokens:
        place = _ORDINALS.get(token, -1)
        if token.isdigit():
            place = int(token) - 1
        elif len(token) == 1 and token.isalpha() and len(tokens) <= 2:
            place = ord(token) - ord("a")
        if 0 <= place < len(choices) and place not in places:
            places.append(place)
    if not places and tokens and tokens[-1] in {"last", "ultima", "ultimo"}:
        places = [len(choices) - 1]
    return sorted(places)


def parse_yes_no(text: str) -> bool | None:
    """Return True for yes, False for no, None when the answer is neither or both."""
    tokens = [fold(word) for word in words(text[:300])]
    head = tokens[:6]
    joined = " ".join(head)
    if any(joined.startswith(phrase) for phrase in _NO_PHRASES):
        return False
    if _HEDGES & set(head[:3]):
        return None
    for token in head:
        if token in _NO or token.endswith("n't"):
            return False
        if token in _YES:
            return True
    return None
