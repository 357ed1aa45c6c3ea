"""Words, stems, sentences and the language of a text, for English and Spanish.

Owns the small linguistic tools the built-in agents share. Every function takes time linear in
its text: none of the expressions can backtrack over more than one word. Knows nothing of
questions, answers or marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from agents.interview.stopwords import STOP_WORDS

Language = Literal["en", "es"]

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
#: Sentence marks with the closing quotes that belong to them, then white space; or a line break.
#: The look-behind and the possessive sign keep a long run of marks linear.
_SENTENCE_END = re.compile(r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]]{0,3}(?=\s)|\n")
_ABBREVIATION_LIST = """
mr mrs ms dr prof sr sra srta st jr vs etc approx núm num av avda ej pág eg ie e.g i.e
"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
_SPANISH_MARKS = re.compile("[\u00bf\u00a1\u00f1\u00d1]")
_ACCENTED_VOWEL = re.compile("[\u00e1\u00e9\u00ed\u00f3\u00fa]")
#: Words both languages spell alike say nothing about which one it is.
_SHARED_STOP_WORDS = STOP_WORDS["en"] & STOP_WORDS["es"]


def normalise_language(code: str) -> Language:
    """Return the language the built-in agents speak for a BCP 47 code: Spanish, else English."""
    return "es" if code.strip().lower().replace("_", "-").split("-")[0] == "es" else "en"


def fold(text: str) -> str:
    """Return ``text`` in lower case without accents, with straight apostrophes."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def word_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield ``(start, end, word in lower case)`` of each word, offsets into ``text`` itself."""
    for match in _WORD.finditer(text):
        yield match.start(), match.end(), match.group().lower().replace("\u2019", "'")


def words(text: str) -> list[str]:
    """Return the words of ``text`` in order, in lower case; accents and inner apostrophes stay."""
    return list(_words(text))


@lru_cache(maxsize=64)
def _words(text: str) -> tuple[str, ...]:
    # A dozen checks read the same few turns one after the other while a visitor waits.
    return tuple(word.lower().replace("\u2019", "'") for word in _WORD.findall(text))


def is_stop_word(word: str, language: str) -> bool:
    """Say whether ``word`` is a function word or a filler of ``language``."""
    return fold(word) in STOP_WORDS[normalise_language(language)]


def content_words(text: str, language: str) -> list[str]:
    """Return the words of ``text`` that carry a subject: no stop words, no single letters.

    Numbers stay. Words come back unstemmed, in lower case and in order, repeats kept.
    """
    stops = STOP_WORDS[normalise_language(language)]
    return [
        word
        for word in words(text)
        if (len(word) > 1 or word.isdigit()) and fold(word) not in stops
    ]


#: Endings with the letters that must stay before them, the longer ending first.
_ENGLISH_ENDINGS = (
    ("ation", 5), ("ingly", 3), ("edly", 3), ("ment", 3), ("ness", 3), ("ing", 3), ("ion", 5),
    ("ed", 3), ("ly", 3),
)  # fmt: skip


def _singular_english(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _stem_english(word: str) -> str:
    word = word.removesuffix("'s")
    if len(word) <= 3:
        return word
    word = _singular_english(word)
    stripped = word
    for suffix, keep in _ENGLISH_ENDINGS:
        if word.endswith(suffix) and _has_vowel(word[: -len(suffix)]):
            if len(word) - len(suffix) >= keep:
                stripped = word[: -len(suffix)]
            break
    # "stopp" of "stopped" and "cancell" lose a letter; "call", "miss" and "buzz" keep theirs.
    is_doubled = stripped != word and len(stripped) > 3 and stripped[-1] == stripped[-2]
    if is_doubled and (stripped[-1] not in "lsz" or len(stripped) > 5):
        stripped = stripped[:-1]
    if stripped.endswith("e") and len(stripped) > 3:
        stripped = stripped[:-1]
    if stripped.endswith("y") and len(stripped) > 3 and stripped[-2] not in "aeiou":
        stripped = stripped[:-1]
    return stripped


def _has_vowel(word: str) -> bool:
    return any(char in "aeiouy" for char in word)


#: Longest first. Verb endings are stripped only where at least four letters stay, so that nouns
#: such as "precio" and "tienda" keep their shape.
_SPANISH_VERB_ENDINGS = """
amente aríamos eríamos iríamos ábamos iéramos aciones uciones iciones amiento imiento adores
aron ieron iendo ando aban ían aría ería iría aste iste amos emos imos adas ados idas idos
ación ución ición mente ador ada ado ida ido aba ía ará erá irá arán erán irán ar er ir an
"""
_SPANISH_ENDINGS = sorted(set(fold(_SPANISH_VERB_ENDINGS).split()), key=lambda e: (-len(e), e))


def _stem_spanish(word: str) -> str:
    word = fold(word)
    if len(word) <= 3:
        return word
    for suffix in _SPANISH_ENDINGS:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    if word.endswith("ces"):
        word = word[:-3] + "z"
    elif word.endswith("es") and len(word) > 5 and word[-3] not in "aeiou":
        word = word[:-2]
    elif word.endswith("s"):
        word = word[:-1]
    if len(word) > 3 and word[-1] in "aoe":
        word = word[:-1]
    return word


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """Return a light stem of one word: plurals, common verb and adverb endings, folded accents.

    Made for grouping ("waiting" with "waited", "tarifas" with "tarifa"), not for showing.
    """
    if normalise_language(language) == "es":
        return _stem_spanish(word.lower())
    return _stem_english(fold(word))


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return ``(start, end)`` of each sentence of ``text``, surrounding white space left out.

    A full stop after an abbreviation or an initial, or inside a number, ends nothing.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if text[match.start()] == "." and match.end() - match.start() == 1:
            # A slice before the stop is enough to see an abbreviation and keeps this linear.
            before = text[max(start, match.start() - 8) : match.start()].split()
            last = before[-1].lower().lstrip("(\"'") if before else ""
            is_initial = len(last) == 1 and last.isalpha() and last not in "iyaeo"
            if last in _ABBREVIATIONS or is_initial:
                continue
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    trimmed = piece.strip()
    if trimmed and any(char.isalnum() for char in trimmed):
        spans.append((start + left, start + left + len(trimmed)))


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` in order, trimmed; pieces without a letter are dropped."""
    return [text[start:end] for start, end in sentence_spans(text)]


def detect_language(text: str) -> Language:
    """Return ``"es"`` when the text shows more signs of Spanish than of English, else ``"en"``.

    Signs are stop words only one of the two has, inverted marks, the letter n with tilde, and
    accented vowels. Reads at most the first 400 words.
    """
    english = spanish = 0.0
    head = text[:4000]
    for count, word in enumerate(words(head)):
        if count >= 400:
            break
        folded = fold(word)
        if folded in _SHARED_STOP_WORDS:
            continue
        english += folded in STOP_WORDS["en"]
        spanish += folded in STOP_WORDS["es"]
    spanish += 2 * len(_SPANISH_MARKS.findall(head)) + 0.5 * len(_ACCENTED_VOWEL.findall(head))
    return "es" if spanish > english else "en"
