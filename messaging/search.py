"""Finds the entries of a short list that fit what somebody wrote: products, questions, places.

Owns the ranking: words by their stems in both languages, rarer words count more (inverse document
frequency, Spärck Jones 1972), and words of six letters or more also by shared trigrams, which
forgives a slip. Pure; knows no row.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from agents.interview.language import fold, is_stop_word, stem, words
from messaging.router.reading import sound_of

Key = TypeVar("Key", bound=Hashable)

FUZZY_LENGTH = 5
FUZZY_SHARE = 0.6
QUERY_WORDS_MAX = 40
#: Words of asking that say nothing about what is asked for.
_ASKING = frozenset(
    """
    tienen tienes tenes venden busco buscando quiero quisiera necesito comprar compro llevar
    agrega agregar agregame anade ponme dame deme precio precios cuesta cuestan vale cuanto favor
    porfa hola buenas disponible producto productos pedir pedido ordenar manejan mandame
    want need buy looking have sell price prices cost costs much please hello add cart order
    available product products get give send take would like any some show
    peso pesos dolar dolares dollar dollars euros gratis free descuento ponlo ponla
    carrito quita quitar saca sacar elimina remove unidad unidades pieza piezas kilo kilos
    """.split()
)
#: Function words that are what a question asks for: "where is it from".
_TELLING = frozenset({"donde", "where"})


@dataclass(frozen=True, slots=True)
class Document(Generic[Key]):
    """Something that can be found."""

    key: Key
    title: str
    """Counts double."""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Match(Generic[Key]):
    """Something found."""

    key: Key
    score: float
    """Share of the query's weight that was met, 0 to 1."""


def query_words(text: str) -> list[str]:
    """Return the words of a query that carry its subject, folded, in order, once each."""
    found: dict[str, None] = {}
    for word in words(text):
        plain = fold(word)
        is_function_word = is_stop_word(plain, "es") or is_stop_word(plain, "en")
        if plain in _ASKING or (is_function_word and plain not in _TELLING):
            continue
        if len(plain) > 1 or plain.isdigit():
            found.setdefault(plain)
    return list(found)[:QUERY_WORDS_MAX]


def rank(
    query: str, documents: Sequence[Document[Key]], *, least: float = 0.34
) -> list[Match[Key]]:
    """Return the documents that meet at least a share of the query's weight, best first."""
    wanted = query_words(query)
    if not wanted or not documents:
        return []
    read = [(one, _stems(one.title), _stems(one.body)) for one in documents]
    spread = Counter(form for _, title, body in read for form in title | body)
    size = len(documents)

    def weight(forms: Iterable[str]) -> float:
        met = max((spread[form] for form in forms), default=0)
        return math.log(1 + size / (1 + met))

    queries = [(word, _forms(word)) for word in wanted]
    total = sum(weight(forms) for _, forms in queries)
    matches: list[tuple[float, int, Match[Key]]] = []
    for at, (document, title, body) in enumerate(read):
        met = bonus = 0.0
        for word, forms in queries:
            share = _met(word, forms, title)
            inside = 0.8 * _met(word, forms, body)
            met += weight(forms) * max(share, inside)
            bonus += weight(forms) * share
        score = met / total if total else 0.0
        if score >= least:
            # Of two that meet the same words, the one whose title says it, and says less besides.
            order = score + 0.1 * bonus / total - 0.002 * len(title)
            matches.append((-order, at, Match(document.key, min(1.0, score))))
    return [match for _, _, match in sorted(matches, key=lambda item: item[:2])]


def _met(word: str, forms: frozenset[str], stems: frozenset[str]) -> float:
    if forms & stems:
        return 1.0
    if len(word) < FUZZY_LENGTH:
        return 0.0
    return max((_alike(word, other) for other in stems if len(other) >= 4), default=0.0)


def _alike(first: str, second: str) -> float:
    one, two = _trigrams(first), _trigrams(second)
    share = len(one & two) / len(one | two)
    return share if share >= FUZZY_SHARE - 0.15 else 0.0


@lru_cache(maxsize=20_000)
def _trigrams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


@lru_cache(maxsize=20_000)
def _forms(word: str) -> frozenset[str]:
    return frozenset({word, stem(word, "es"), stem(word, "en"), sound_of(word)})


@lru_cache(maxsize=5_000)
def _stems(text: str) -> frozenset[str]:
    found: set[str] = set()
    for word in words(text):
        plain = fold(word)
        if len(plain) > 1 or plain.isdigit():
            found |= _forms(plain)
    return frozenset(found)
