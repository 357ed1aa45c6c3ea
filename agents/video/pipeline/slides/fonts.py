"""Which font draws which text: Inter where it is installed, else the best there is.

Owns looking for font files and choosing one that has the characters. A letter no font has is an
error that names what to install; a symbol or an emoji no font has is left out.
"""

from __future__ import annotations

import bisect
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from PIL import ImageFont, features

from agents.video.pipeline.slides.cmap import FontFileError, read_ranges

HAS_RAQM: Final[bool] = bool(features.check("raqm"))
"""Whether Pillow can shape letters and order text that runs from right to left."""

SYSTEM_FOLDERS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
#: Family, then the files of its regular, bold and display weight.
FAMILIES: Final = (
    ("Inter", "Inter-Regular", "Inter-SemiBold", "InterDisplay-Bold"),
    ("Noto Sans", "NotoSans-Regular", "NotoSans-SemiBold", "NotoSans-Bold"),
    ("Source Sans 3", "SourceSans3-Regular", "SourceSans3-Semibold", "SourceSans3-Bold"),
    ("Roboto", "Roboto-Regular", "Roboto-Medium", "Roboto-Bold"),
    ("Segoe UI", "segoeui", "seguisb", "segoeuib"),
    ("Liberation Sans", "LiberationSans-Regular", "LiberationSans-Bold", "LiberationSans-Bold"),
    ("Arial", "Arial", "Arial Bold", "Arial Bold"),
    ("DejaVu Sans", "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Bold"),
)
BITMAP_EMOJI_SIZE: Final = 109
"""The one size in which Noto Color Emoji's pictures exist."""
MAX_FILES: Final = 3000
_IGNORABLE: Final = frozenset("\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff")


class MissingLettersError(Exception):
    """No font here has these letters; the message says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One font file, or Pillow's own font when there is no path. Compared by identity."""

    path: Path | None
    ranges: tuple[tuple[int, int], ...]
    is_thin: bool = False
    """Its family has no bold of its own: bold is drawn by a thicker outline."""

    @property
    def is_colour(self) -> bool:
        return self.path is not None and "coloremoji" in self.path.stem.lower()

    def has(self, character: str) -> bool:
        """Say whether the font can draw this character."""
        point = ord(character)
        place = bisect.bisect_right(self.ranges, (point, 0x110000)) - 1
        return place >= 0 and self.ranges[place][0] <= point <= self.ranges[place][1]


@dataclass(frozen=True, slots=True)
class Run:
    """Part of a line that one font draws."""

    text: str
    face: Face


@dataclass(slots=True)
class FontBook:
    """The fonts of one video."""

    family: str
    regular: Face
    bold: Face
    display: Face
    others: list[Path]
    """Files that are looked into when the family lacks a character."""
    left_out: set[str] = field(default_factory=set)
    """Symbols that were not drawn because no font has them."""
    widths: dict[tuple[str, Face, int], float] = field(default_factory=dict)
    """Widths of words in pixels, by word, font and size."""
    _fallbacks: list[Face] = field(default_factory=list)
    _bolds: dict[Face, Face] = field(default_factory=dict)

    def clean(self, text: str) -> str:
        """Return the text without what no font can draw.

        Raises:
            MissingLettersError: a letter or digit is among it.
        """
        kept = []
        for character in text:
            if character.isspace():
                # Other kinds of space have no glyph, or one nobody can tell apart.
                kept.append("\n" if character in "\n\u2028\u2029" else " ")
            elif self._find(character, self.regular) is not None:
                kept.append(character)
            elif character not in _IGNORABLE:
                self._leave_out(character)
        return "".join(kept)

    def runs(self, text: str, face: Face) -> list[Run]:
        """Return the parts of a cleaned line with the font of each.

        Where the font lacks letters, one font draws the whole line if any has all of it, so that
        letters join as they should; where it lacks symbols only, those alone are drawn by another.
        """
        if not text:
            return []
        lacks_letters = any(one.isalpha() and not face.has(one) for one in text)
        if lacks_letters or all(self._is_drawn_by(face, one) for one in text):
            for candidate in (face, *self._fallbacks):
                if all(self._is_drawn_by(candidate, one) for one in text):
                    return [Run(text, self._match(candidate, text, face))]
        parts: list[Run] = []
        for character in text:
            if self._belongs_to(character, parts):
                parts[-1] = Run(parts[-1].text + character, parts[-1].face)
                continue
            own = face if self._is_drawn_by(face, character) else self._find(character, face)
            if parts and own is parts[-1].face:
                parts[-1] = Run(parts[-1].text + character, parts[-1].face)
            else:
                parts.append(Run(character, own or face))
        return [Run(part.text, self._match(part.face, part.text, face)) for part in parts]

    @staticmethod
    def _belongs_to(character: str, parts: list[Run]) -> bool:
        """Say whether a character stays with what came before: a joiner, or a space of letters.

        The space of an emoji font is as wide as an emoji.
        """
        if not parts:
            return False
        return character in _IGNORABLE or (character == " " and not parts[-1].face.is_colour)

    def _match(self, found: Face, text: str, asked: Face) -> Face:
        """Return the bold of a fallback font where bold was asked for and it has one."""
        if found is asked or asked is self.regular or found.is_colour or found.path is None:
            return found
        if found not in self._bolds:
            bold = found.path.with_name(_bold_name(found.path))
            self._bolds[found] = Face(bold, read_ranges(bold)) if bold.is_file() else found
        bold_face = self._bolds[found]
        has_all = all(self._is_drawn_by(bold_face, character) for character in text)
        return bold_face if has_all else found

    def _is_drawn_by(self, face: Face, character: str) -> bool:
        return character.isspace() or character in _IGNORABLE or face.has(character)

    def _find(self, character: str, face: Face) -> Face | None:
        for known in (face, *self._fallbacks):
            if known.has(character):
                return known
        while self.others:
            path = self.others.pop(0)
            try:
                found = Face(path, read_ranges(path))
            except FontFileError:
                continue
            self._fallbacks.append(found)
            if found.has(character):
                return found
        return None

    def _leave_out(self, character: str) -> None:
        if unicodedata.category(character)[0] in "LN":
            name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
            script = name.split(" ")[0]
            raise MissingLettersError(
                f"No font here has the letters of this script ({script}). Install one, such as "
                "the package fonts-noto-core (fonts-noto-cjk for Chinese, Japanese, Korean)."
            )
        self.left_out.add(character)


def open_book(font_folder: Path | None = None) -> FontBook:
    """Return the fonts of this machine, best family first; Pillow's own font when there is none.

    Args:
        font_folder: looked into first.
    """
    folders = [Path(one).expanduser() for one in SYSTEM_FOLDERS]
    files = _find_files([font_folder, *folders] if font_folder else folders)
    for family, regular, bold, display in FAMILIES:
        if regular in files:
            faces = [
                Face(path, read_ranges(path), is_thin=path == files[regular] and name != regular)
                for name in (regular, bold, display)
                for path in (files.get(name, files[regular]),)
            ]
            return FontBook(family, faces[0], faces[1], faces[2], _order_fallbacks(files))
    ranges = ((0x20, 0x7E), (0xA0, 0x17F), (0x2013, 0x2014), (0x2018, 0x201E), (0x2022, 0x2026))
    plain, thick = Face(None, ranges), Face(None, ranges, is_thin=True)
    return FontBook("Aileron", plain, thick, thick, _order_fallbacks(files))


@cache
def load_font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """Return the font in a size; colour emoji come in their one size and are scaled when drawn."""
    if face.path is None:
        built_in = ImageFont.load_default(size)
        if not isinstance(built_in, ImageFont.FreeTypeFont):
            raise FontFileError("this Pillow has no FreeType")
        return built_in
    engine = ImageFont.Layout.RAQM if HAS_RAQM else ImageFont.Layout.BASIC
    real_size = BITMAP_EMOJI_SIZE if face.is_colour else size
    return ImageFont.truetype(str(face.path), real_size, layout_engine=engine)


def _bold_name(path: Path) -> str:
    stem = path.stem.removesuffix("-Regular")
    return f"{stem}-Bold{path.suffix}"


def _find_files(folders: list[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in {".ttf", ".otf", ".ttc"}:
                files.setdefault(path.stem, path)
            if len(files) >= MAX_FILES:
                return files
    return files


def _order_fallbacks(files: dict[str, Path]) -> list[Path]:
    """Return upright regular fonts, those known for many scripts first."""

    def rank(path: Path) -> tuple[int, str]:
        name = path.stem.lower()
        known = ("notocoloremoji", "dejavusans", "notosans", "noto", "freesans", "unifont")
        place = next((n for n, start in enumerate(known) if name.startswith(start)), len(known))
        return place, name

    heavy = ("bold", "italic", "oblique", "black", "light", "thin", "mono", "serif", "condensed")
    return sorted(
        (path for path in files.values() if not any(word in path.stem.lower() for word in heavy)),
        key=rank,
    )
