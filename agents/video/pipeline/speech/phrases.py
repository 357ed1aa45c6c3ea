"""What is spoken in one go and shown as one caption.

Owns the cutting: sentences first, and inside long ones clauses, then words. Each phrase is spoken
by itself, so its time in the sound is known exactly and needs no guess. Knows no voice.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

CAPTION_CHARS: Final = 84
"""Two lines of 42, the common limit for captions that can be read at ease."""
MAX_SPOKEN_CHARS: Final = 20_000

_SENTENCE_END: Final = re.compile(
    "(?<![.!?…])[.!?…]++[\"'”’»)\\]]{0,3}(?=\\s)|[。！？．؟۔।]++[\"'”’」』»)\\]]{0,3}|\n"
)
_CLAUSE_END: Final = re.compile("[,;:،؛](?=\\s)|[、，；：]|\\s[–—-](?=\\s)")
_SPACE: Final = re.compile(r"\s+")
_ABBREVIATIONS: Final = frozenset(
    "mr mrs ms dr prof sr sra srta st jr vs etc approx núm num av avda ej pág e.g i.e".split()
)
# Emoji and their parts: a voice would spell out their names.
_UNSPOKEN_CATEGORIES: Final = frozenset({"So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of one scene's narration."""

    scene: int
    """Index of its scene, from 0."""
    caption: str
    spoken: str
    """The caption without what cannot be said."""
    ends_sentence: bool


def split_narration(scene: int, narration: str) -> list[Phrase]:
    """Return the phrases of one scene, in order; none when there is nothing to say."""
    phrases: list[Phrase] = []
    for sentence in _sentences(narration[:MAX_SPOKEN_CHARS]):
        pieces = _split_long(sentence)
        for number, piece in enumerate(pieces):
            ends = number == len(pieces) - 1
            spoken = make_speakable(piece)
            if spoken:
                phrases.append(Phrase(scene, piece, spoken, ends))
            elif phrases and len(phrases[-1].caption) + len(piece) < CAPTION_CHARS:
                # An emoji after a full stop belongs to what was said before it.
                last = phrases[-1]
                phrases[-1] = Phrase(scene, f"{last.caption} {piece}", last.spoken, ends)
    return phrases


def make_speakable(text: str) -> str:
    """Return the text without symbols that have no sound; empty when no word is left."""
    kept = "".join(
        " " if unicodedata.category(one) in _UNSPOKEN_CATEGORIES else one for one in text
    )
    kept = _SPACE.sub(" ", kept).strip()
    return kept if any(one.isalnum() for one in kept) else ""


def _sentences(text: str) -> list[str]:
    found = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if match[0] == ".":
            words = text[max(start, match.start() - 8) : match.start()].split()
            last = words[-1].lower().lstrip("(\"'") if words else ""
            if last in _ABBREVIATIONS:
                continue
        found.append(text[start : match.end()])
        start = match.end()
    found.append(text[start:])
    return [flat for one in found if (flat := _SPACE.sub(" ", one).strip())]


def _split_long(sentence: str) -> list[str]:
    """Return pieces of at most `CAPTION_CHARS`, cut as near to the middle as sense allows."""
    pieces: list[str] = []
    waiting = [sentence]
    while waiting:
        piece = waiting.pop()
        if len(piece) <= CAPTION_CHARS:
            pieces.append(piece)
            continue
        place = _cut_place(piece)
        first, second = piece[:place].strip(), piece[place:].strip()
        waiting.extend(part for part in (second, first) if part)
    return pieces


def _cut_place(piece: str) -> int:
    middle = len(piece) / 2
    # A clause mark near either end leaves a piece too short to be read.
    least = min(12, len(piece) // 4)
    clauses = [
        match.end()
        for match in _CLAUSE_END.finditer(piece)
        if least <= match.end() <= len(piece) - least
    ]
    spaces = [match.start() for match in _SPACE.finditer(piece) if match.start()]
    for places in (clauses, spaces):
        if places:
            return min(places, key=lambda place: abs(place - middle))
    return int(middle)
