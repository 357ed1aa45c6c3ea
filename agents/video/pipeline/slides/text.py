"""Text that always fits: wrapped, shrunk, and only in the last resort cut.

Owns measuring, breaking and placing lines in either direction. Knows no slide.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from agents.video.pipeline.slides.fonts import (
    BITMAP_EMOJI_SIZE,
    HAS_RAQM,
    Face,
    FontBook,
    Run,
    load_font,
)

Colour = tuple[int, int, int]
SHRINK: Final = 0.94
ELLIPSIS: Final = "…"
WHOLE_WORDS: Final = 0.45
"""Down to this share of its size a text shrinks before a word is broken."""
BALANCED_LINES: Final = 4
BALANCE_STEPS: Final = 8
THICKEN: Final = 0.022
"""Outline of a bold that the family does not have, in sizes."""

# A break may stand after each character of scripts written without spaces.
_TOKENS: Final = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]|"
    "[^\\s\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]+|\\s+"
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is set."""

    face: Face
    size: int
    """Largest size, in pixels."""
    colour: Colour
    smallest: int
    leading: float = 1.25
    """Distance of base lines, in sizes."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines ready to be drawn."""

    lines: tuple[str, ...]
    style: Style
    size: int
    width: float
    """Of the widest line."""
    was_cut: bool = False

    @property
    def height(self) -> int:
        """From the top of the first line's capitals to the last line's base line, with air."""
        if not self.lines:
            return 0
        return round(self.size * (self.style.leading * (len(self.lines) - 1) + 1.0))


def is_right_to_left(text: str) -> bool:
    """Say whether the first letter that has a direction runs from right to left."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in {"R", "AL"}:
            return True
        if direction == "L":
            return False
    return False


def fit(book: FontBook, text: str, style: Style, *, width: float, height: float) -> Block:
    """Return the text in the largest size whose lines fit into the box.

    Args:
        book: the fonts.
        text: line breaks in it are kept.
        style: its size is where the search begins.
        width: of the box, in pixels.
        height: of the box, in pixels.
    """
    text = book.clean(text).strip()
    size = style.size
    while True:
        lines = _wrap(book, text, style.face, size, width)
        block = _block(book, lines, style, size)
        breaks_words = (
            size > style.size * WHOLE_WORDS and _widest_word(book, text, style.face, size) > width
        )
        if block.height <= height and not (breaks_words and size > style.smallest):
            return _balance(book, text, block, width)
        if size <= style.smallest:
            return _cut(book, lines, style, size, width=width, height=height)
        size = max(style.smallest, int(size * SHRINK))


def _widest_word(book: FontBook, text: str, face: Face, size: int) -> float:
    words = (word for word in _TOKENS.findall(text) if not word.isspace())
    return max((measure(book, word, face, size) for word in words), default=0.0)


def _balance(book: FontBook, text: str, block: Block, width: float) -> Block:
    """Even out two to four lines, so that no single word is left alone in the last one."""
    if not 2 <= len(block.lines) <= BALANCED_LINES or "\n" in text:
        return block
    best = block
    for _ in range(BALANCE_STEPS):
        width *= 0.95
        lines = _wrap(book, text, block.style.face, block.size, width)
        if len(lines) != len(block.lines) or any(
            measure(book, line, block.style.face, block.size) > width for line in lines
        ):
            break
        best = _block(book, lines, block.style, block.size)
    return best


def draw_block(
    image: Image.Image, book: FontBook, block: Block, *, x: float, y: float, anchor: str = "left"
) -> None:
    """Draw the lines; `x` is their left edge, their right one or their middle, as `anchor` says."""
    for number, line in enumerate(block.lines):
        width = measure(book, line, block.style.face, block.size)
        left = {"left": x, "right": x - width, "middle": x - width / 2}[anchor]
        top = y + number * block.size * block.style.leading
        _draw_line(image, book, line, block.style, block.size, left, top)


def measure(book: FontBook, line: str, face: Face, size: int) -> float:
    """Return the width of a line in pixels."""
    place = (line, face, size)
    if place not in book.widths:
        book.widths[place] = sum(_run_width(run, size, line) for run in book.runs(line, face))
    return book.widths[place]


def _run_width(run: Run, size: int, line: str) -> float:
    font = load_font(run.face, size)
    scale = size / BITMAP_EMOJI_SIZE if run.face.is_colour else 1.0
    return font.getlength(run.text, direction=_direction(run.face, line)) * scale


def _direction(face: Face, line: str) -> str | None:
    # Pillow's own font comes without the layout engine that knows directions.
    if not HAS_RAQM or face.path is None:
        return None
    return "rtl" if is_right_to_left(line) else "ltr"


def _draw_line(
    image: Image.Image,
    book: FontBook,
    line: str,
    style: Style,
    size: int,
    left: float,
    top: float,
) -> None:
    runs = book.runs(line, style.face)
    if is_right_to_left(line):
        runs.reverse()
        if not HAS_RAQM:
            # Without a layout engine the order can be kept, the joining of letters cannot.
            runs = [Run(run.text[::-1], run.face) for run in runs]
    pen = ImageDraw.Draw(image)
    # Runs of different fonts stand on one base line.
    base = top + size * 0.8
    for run in runs:
        width = _run_width(run, size, line)
        if run.face.is_colour:
            _draw_emoji(image, run, size, left, base)
        else:
            pen.text(
                (left, base),
                run.text,
                font=load_font(run.face, size),
                fill=style.colour,
                anchor="ls",
                direction=_direction(run.face, line),
                stroke_width=size * THICKEN if run.face.is_thin else 0,
                stroke_fill=style.colour,
            )
        left += width


def _draw_emoji(image: Image.Image, run: Run, size: int, left: float, base: float) -> None:
    font = load_font(run.face, size)
    width = max(1, round(font.getlength(run.text)))
    picture = Image.new("RGBA", (width, round(BITMAP_EMOJI_SIZE * 1.25)))
    ImageDraw.Draw(picture).text((0, 0), run.text, font=font, embedded_color=True)
    scale = size / BITMAP_EMOJI_SIZE
    small = picture.resize((max(1, round(width * scale)), round(picture.height * scale)))
    image.paste(small, (round(left), round(base - small.height * 0.8)), small)


def _block(book: FontBook, lines: list[str], style: Style, size: int) -> Block:
    width = max((measure(book, line, style.face, size) for line in lines), default=0.0)
    return Block(tuple(lines), style, size, width)


def _wrap(book: FontBook, text: str, face: Face, size: int, width: float) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _TOKENS.findall(paragraph):
            if piece.isspace():
                line += " " if line else ""
                continue
            # Measured as a whole: the font of a line, and so its width, depends on all of it.
            if line and measure(book, line + piece, face, size) > width:
                lines.append(line.rstrip())
                line = ""
            if not line:
                # One word wider than the box, such as an address, is broken where it must be.
                *full, piece = _break_word(book, piece, face, size, width)
                lines.extend(full)
            line += piece
        if line.strip():
            lines.append(line.rstrip())
    return lines


def _break_word(book: FontBook, word: str, face: Face, size: int, width: float) -> list[str]:
    if measure(book, word, face, size) <= width:
        return [word]
    parts = [""]
    for character in word:
        if parts[-1] and measure(book, parts[-1] + character, face, size) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _cut(
    book: FontBook, lines: list[str], style: Style, size: int, *, width: float, height: float
) -> Block:
    most = max(1, int((height / size - 1.0) / style.leading) + 1)
    kept = lines[:most]
    last = kept[-1].rstrip(" .,;:")
    while last and measure(book, last + ELLIPSIS, style.face, size) > width:
        last = last[:-1].rstrip()
    kept[-1] = last + ELLIPSIS
    block = _block(book, kept, style, size)
    return Block(block.lines, style, size, block.width, was_cut=True)
