"""Text from outside made safe to store, to show and to open in a spreadsheet.

Owns which invisible characters go. Knows nothing of what the text is for.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# What a reader cannot see but a machine can read: tags, direction overrides, joiners and fillers.
# ZWNJ and ZWJ are looked at separately: scripts and emoji need them between visible characters.
_HIDDEN = re.compile(
    "["
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "]"
)
_JOINERS = "\u200c\u200d"
_VARIATION = re.compile("[\ufe00-\ufe0f]")
# Controls other than tab, line feed and carriage return.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_BREAKS = re.compile("\r\n?|\u2028|\u2029")
# A base letter carries a few marks in any language; hundreds are an attack on the page.
_MAX_MARKS = 8

_FORMULA_STARTS = frozenset("=+-@|%＝＋－＠﹢﹣﹦﹫−")


@dataclass(frozen=True)
class CleanText:
    """Text after cleaning."""

    text: str
    had_hidden: bool
    """Whether characters a reader cannot see were taken out."""
    hidden_count: int = 0
    """How many. Pasted text brings one or two by accident; a hidden message needs many."""


def clean_text(raw: str, max_length: int) -> CleanText:
    """Return the text in NFC without hidden characters, controls and lone surrogates.

    Line breaks become ``\\n``; white space around the text goes; what is longer than
    `max_length` characters is cut, so callers that must refuse long text check before.
    """
    text = _SURROGATES.sub("", raw)
    text = _LINE_BREAKS.sub("\n", text)
    visible = _HIDDEN.sub("", text)
    visible = _CONTROLS.sub("", visible)
    visible = _drop_lonely_joiners(visible)
    hidden = len(raw) - raw.count("\r\n") - len(visible)
    visible = _thin_marks(unicodedata.normalize("NFC", visible))
    return CleanText(
        text=visible.strip()[:max_length].rstrip(), had_hidden=hidden > 0, hidden_count=hidden
    )


def _drop_lonely_joiners(text: str) -> str:
    """Keep a joiner or variation selector only beside a visible character that can use it."""
    kept: list[str] = []
    for index, character in enumerate(text):
        if character in _JOINERS:
            before = kept[-1] if kept else " "
            after = text[index + 1] if index + 1 < len(text) else " "
            if not (_joins(before) and _joins(after)):
                continue
        elif _VARIATION.match(character) and (
            not kept or kept[-1].isspace() or _VARIATION.match(kept[-1])
        ):
            continue
        kept.append(character)
    return "".join(kept)


def _joins(character: str) -> bool:
    # Latin, Greek and Cyrillic never join; there a joiner only splits a word for a machine.
    code = ord(character)
    return code > 0x052F and not character.isspace() and character not in _JOINERS


def _thin_marks(text: str) -> str:
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character) == "Mn" else 0
        if run <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def neutralise_cell(value: object) -> str:
    """Return the value as a CSV cell no spreadsheet runs as a formula.

    Text whose first visible character starts a formula, full-width forms included, gets an
    apostrophe in front, also when white space or control characters come before it; so does
    text that begins with a tab or carriage return. Numbers stay numbers.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        # Numbers, dates and decimals of ours: a leading minus is a sign.
        return str(value)
    text = _SURROGATES.sub("", value).replace("\x00", "")
    visible = text.lstrip()
    while visible and (
        not visible[0].isprintable() or visible[0].isspace() or _HIDDEN.match(visible[0])
    ):
        visible = visible[1:]
    if text[:1] in ("\t", "\r", "\n") or visible[:1] in _FORMULA_STARTS:
        return "'" + text
    return text
