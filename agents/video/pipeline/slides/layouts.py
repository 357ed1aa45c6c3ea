"""How each kind of scene looks.

Owns the composition: margins, sizes, colours, and what stands where. Every slide keeps the lowest
seventh free, where players show captions. Knows neither files nor processes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image

from agents.video.pipeline.slides.canvas import HEIGHT, WIDTH, Box, Canvas
from agents.video.pipeline.slides.fonts import FontBook
from agents.video.pipeline.slides.text import Block, Colour, Style, fit, is_right_to_left
from agents.video.pipeline.types import Scene, SceneKind

PAPER: Final = (250, 249, 245)
WHITE: Final = (255, 255, 255)
INK: Final = (27, 33, 31)
SOFT: Final = (74, 82, 78)
FAINT: Final = (98, 106, 101)
LINE: Final = (225, 221, 210)
PINE: Final = (11, 102, 82)
PINE_PALE: Final = (196, 222, 212)
PINE_MIST: Final = (225, 239, 233)
DARK: Final = (7, 52, 42)
DARK_LIFT: Final = (12, 72, 58)
GOLD: Final = (238, 175, 51)
ON_DARK: Final = (246, 248, 244)
ON_DARK_SOFT: Final = (172, 208, 195)

MARGIN: Final = 150
TOP: Final = 96
#: Captions are shown below this line; 14 % of the height.
SAFE_BOTTOM: Final = HEIGHT - 151
CONTENT: Final = Box(MARGIN, 196, WIDTH - 2 * MARGIN, SAFE_BOTTOM - 196)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the video a slide stands."""

    number: int
    total: int
    title: str


@dataclass(slots=True)
class Sheet:
    """A slide while it is composed."""

    canvas: Canvas
    scene: Scene
    place: Place
    was_cut: bool = False

    def style(
        self, weight: str, size: int, colour: Colour, smallest: int, leading: float = 1.25
    ) -> Style:
        """Return a style of this video's fonts; `weight` is regular, bold or display."""
        return Style(getattr(self.canvas.book, weight), size, colour, smallest, leading)

    def write(
        self, text: str, style: Style, box: Box, *, align: str = "start", valign: str = "top"
    ) -> Block:
        """Write text and remember whether it had to be cut."""
        block = self.canvas.write(text, style, box, align=align, valign=valign)
        self.was_cut = self.was_cut or block.was_cut
        return block

    def measure(self, text: str, style: Style, box: Box) -> Block:
        """Return how text would be set in a box."""
        return fit(self.canvas.book, text, style, width=box.width, height=box.height)

    def put(self, block: Block, box: Box, *, align: str = "start", valign: str = "top") -> None:
        """Draw what was measured."""
        self.canvas.place(block, box, align=align, valign=valign)
        self.was_cut = self.was_cut or block.was_cut


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished slide."""

    image: Image.Image
    was_cut: bool
    """Some text was too long even in the smallest size."""


def draw_slide(book: FontBook, scene: Scene, place: Place) -> Drawing:
    """Draw one scene.

    Raises:
        MissingLettersError: no font here has its letters.
    """
    is_dark = scene.kind in (SceneKind.TITLE, SceneKind.CLOSING)
    words = f"{scene.heading} {scene.text}"
    canvas = Canvas(book, DARK if is_dark else PAPER, is_mirrored=is_right_to_left(words))
    sheet = Sheet(canvas, scene, place)
    _LAYOUTS[scene.kind](sheet)
    return Drawing(canvas.image, sheet.was_cut)


def _draw_title(sheet: Sheet) -> None:
    _draw_motif(sheet.canvas)
    scene = sheet.scene
    box = Box(MARGIN, 170, 1120, SAFE_BOTTOM - 210)
    heading = sheet.measure(
        scene.heading,
        sheet.style("display", 124, ON_DARK, 56, 1.12),
        Box(box.x, box.y, box.width, box.height * (0.66 if scene.text else 0.9)),
    )
    text = sheet.measure(
        scene.text,
        sheet.style("regular", 46, ON_DARK_SOFT, 28, 1.4),
        Box(box.x, 0, 1000, box.height - heading.height - 110),
    )
    total = 8 + 56 + heading.height + (48 + text.height if scene.text else 0)
    y = box.y + (box.height - total) / 2
    sheet.canvas.rectangle(Box(box.x, y, 120, 8), GOLD, radius=4)
    y += 64
    sheet.put(heading, Box(box.x, y, box.width, heading.height))
    if scene.text:
        y += heading.height + 48
        sheet.put(text, Box(box.x, y, 1000, text.height))


def _draw_closing(sheet: Sheet) -> None:
    scene = sheet.scene
    canvas = sheet.canvas
    _draw_motif(canvas, is_quiet=True)
    width = 1280
    left = (WIDTH - width) / 2
    room = SAFE_BOTTOM - 2 * TOP
    heading = sheet.measure(
        scene.heading, sheet.style("display", 108, ON_DARK, 48, 1.14), Box(0, 0, width, room * 0.5)
    )
    body = "\n".join(part for part in (scene.text, *scene.items) if part)
    text = sheet.measure(
        body,
        sheet.style("regular", 44, ON_DARK_SOFT, 26, 1.42),
        Box(0, 0, 1100, room - heading.height - 110),
    )
    y = TOP + (room - 64 - heading.height - (44 + text.height if body else 0)) / 2 + 30
    canvas.rectangle(Box(WIDTH / 2 - 60, y, 120, 8), GOLD, radius=4)
    y += 64
    sheet.put(heading, Box(left, y, width, heading.height), align="middle")
    if body:
        y += heading.height + 44
        sheet.put(text, Box(WIDTH / 2 - 550, y, 1100, text.height), align="middle")


def _draw_quote(sheet: Sheet) -> None:
    _draw_frame(sheet)
    scene, canvas = sheet.scene, sheet.canvas
    source = " · ".join(scene.items)
    left, width = MARGIN + 190, CONTENT.width - 190 - 60
    heading = sheet.measure(scene.heading, sheet.style("bold", 40, PINE, 28), Box(0, 0, width, 110))
    words = sheet.measure(
        scene.text,
        sheet.style("bold", 84, INK, 30, 1.3),
        Box(0, 0, width, CONTENT.height - heading.height - 80 - (86 if source else 0)),
    )
    total = heading.height + 52 + words.height + (86 if source else 0)
    y = CONTENT.y + (CONTENT.height - total) / 2 - 6
    _draw_marks(canvas, MARGIN, y + 4)
    sheet.put(heading, Box(left, y, width, heading.height))
    y += heading.height + 52
    sheet.put(words, Box(left, y, width, words.height))
    if source:
        y += words.height + 44
        canvas.rectangle(Box(left, y + 16, 56, 5), GOLD, radius=2.5)
        sheet.write(
            source, sheet.style("regular", 34, FAINT, 22), Box(left + 80, y, width - 80, 46)
        )


def _draw_figure(sheet: Sheet) -> None:
    _draw_frame(sheet)
    scene, canvas = sheet.scene, sheet.canvas
    share = read_share(scene.text)
    ring = 470
    width = CONTENT.width - (ring + 110 if share is not None else 0)
    note = "\n".join(scene.items)
    number = sheet.measure(
        scene.text,
        sheet.style("display", 300, PINE, 56, 1.1),
        Box(0, 0, width, CONTENT.height * 0.46),
    )
    heading = sheet.measure(
        scene.heading, sheet.style("bold", 60, INK, 34, 1.24), Box(0, 0, width, 230)
    )
    small = sheet.measure(
        note,
        sheet.style("regular", 38, SOFT, 24, 1.4),
        Box(0, 0, width, max(60.0, CONTENT.height - number.height - heading.height - 130)),
    )
    total = number.height + 56 + heading.height + (36 + small.height if note else 0)
    y = CONTENT.y + (CONTENT.height - total) / 2 - 10
    sheet.put(number, Box(MARGIN, y, width, number.height))
    y += number.height + 56
    sheet.put(heading, Box(MARGIN, y, width, heading.height))
    if note:
        y += heading.height + 36
        sheet.put(small, Box(MARGIN, y, width, small.height))
    if share is not None:
        circle = Box(CONTENT.right - ring, CONTENT.y + (CONTENT.height - ring) / 2 - 10, ring, ring)
        canvas.ring(circle, PINE_MIST, thickness=74)
        if share > 0:
            canvas.ring(circle, PINE, thickness=74, share=share)


def _draw_list(sheet: Sheet) -> None:
    _draw_frame(sheet)
    scene, canvas = sheet.scene, sheet.canvas
    body = _draw_heading(sheet)
    points = [point for point in scene.items if point.strip()] or [scene.text or scene.heading]
    columns = 2 if len(points) > 4 else 1
    rows = math.ceil(len(points) / columns)
    gap = 26.0
    width = (body.width - 72 * (columns - 1)) / columns
    height = min(150.0, (body.height - gap * (rows - 1)) / rows)
    disc = min(76.0, height - 12)
    size = 50 if columns == 1 else 42
    style = sheet.style("regular", size, INK, 20, 1.24)
    cells = []
    for index, point in enumerate(points):
        column, row = divmod(index, rows)
        cells.append((column, row, sheet.measure(point, style, Box(0, 0, width - 128, height))))
    # One size for all: points of different size look like points of different weight.
    common = min(block.size for _, _, block in cells)
    style = sheet.style("regular", common, INK, 20, 1.24)
    spare = body.height - rows * height - (rows - 1) * gap
    top = body.y + min(40.0, spare / 2)
    for index, (column, row, _) in enumerate(cells):
        x = body.x + column * (width + 72)
        y = top + row * (height + gap)
        canvas.rectangle(Box(x, y + (height - disc) / 2, disc, disc), PINE_MIST, radius=disc * 0.3)
        sheet.write(
            str(index + 1),
            sheet.style("bold", int(disc * 0.46), PINE, 14),
            Box(x, y + (height - disc) / 2, disc, disc),
            align="middle",
            valign="middle",
        )
        sheet.write(
            points[index],
            style,
            Box(x + disc + 36, y, width - disc - 36, height),
            valign="middle",
        )


def _draw_chart(sheet: Sheet) -> None:
    _draw_frame(sheet)
    values = sheet.scene.values
    body = _draw_heading(sheet)
    if not values:
        return
    largest = max(value.value for value in values) or 1.0
    texts = [format_value(value.value) for value in values]
    gap = 18.0 if len(values) > 8 else 26.0
    row = min(128.0, (body.height - gap * (len(values) - 1)) / len(values))
    size = max(22, min(42, int(row * 0.5)))
    label_style = sheet.style("regular", size, INK, 17, 1.15)
    value_style = sheet.style("bold", size, INK, 17)
    labels = [
        sheet.measure(value.label, label_style, Box(0, 0, body.width * 0.34, row + gap * 0.6))
        for value in values
    ]
    label_width = max(180.0, *(block.width for block in labels))
    value_width = max(sheet.measure(text, value_style, Box(0, 0, 400, 80)).width for text in texts)
    start = body.x + label_width + 36
    room = body.right - start - value_width - 28
    spare = body.height - row * len(values) - gap * (len(values) - 1)
    top = body.y + spare / 2
    sheet.canvas.rectangle(Box(start - 4, top, 3, body.height - spare), LINE, radius=1.5)
    for index, (value, block, text) in enumerate(zip(values, labels, texts, strict=True)):
        y = top + index * (row + gap)
        sheet.put(block, Box(body.x, y, label_width, row), align="end", valign="middle")
        # However small, what is not nothing can be seen.
        length = max(6.0, room * value.value / largest) if value.value else 0.0
        colour = PINE if value.value == largest else PINE_PALE
        thick = row * 0.82
        if length:
            sheet.canvas.rectangle(
                Box(start, y + (row - thick) / 2, length, thick), colour, radius=min(10, thick / 4)
            )
        sheet.write(
            text,
            value_style,
            Box(start + length + 24, y, value_width + 40, row),
            valign="middle",
        )


def _draw_heading(sheet: Sheet) -> Box:
    """Write heading and text at the top; return what is left below them."""
    scene = sheet.scene
    heading = sheet.write(
        scene.heading,
        sheet.style("display", 72, INK, 40, 1.14),
        Box(CONTENT.x, CONTENT.y - 20, CONTENT.width, 172),
    )
    y = CONTENT.y - 20 + heading.height
    has_text = scene.text and (scene.kind is not SceneKind.LIST or scene.items)
    if has_text:
        text = sheet.write(
            scene.text,
            sheet.style("regular", 36, SOFT, 24, 1.35),
            Box(CONTENT.x, y + 26, CONTENT.width * 0.86, 104),
        )
        y += 26 + text.height
    y += 64
    return Box(CONTENT.x, y, CONTENT.width, SAFE_BOTTOM - y)


def _draw_frame(sheet: Sheet) -> None:
    """Draw what all light slides share: the video's title, the number, the way gone so far."""
    canvas, place = sheet.canvas, sheet.place
    canvas.rectangle(Box(0, 0, WIDTH, 10), PINE_MIST)
    canvas.rectangle(Box(0, 0, WIDTH * place.number / place.total, 10), PINE)
    style = sheet.style("regular", 28, FAINT, 20)
    # A title that does not fit into one line of small print is cut; the slide loses nothing by it.
    canvas.write(place.title, style, Box(MARGIN, 74, CONTENT.width - 220, 36))
    canvas.write(
        f"{place.number} / {place.total}",
        style,
        Box(CONTENT.right - 200, 74, 200, 36),
        align="end",
    )


def _draw_motif(canvas: Canvas, *, is_quiet: bool = False) -> None:
    """Draw the mark of dark slides: sound going out from where somebody speaks."""
    centre_x, centre_y = (WIDTH - 320, 465) if not is_quiet else (WIDTH / 2, HEIGHT + 260)
    steps: Sequence[int] = (980, 740, 520) if not is_quiet else (2100, 1700, 1300)
    shades = (_mix(DARK, DARK_LIFT, 0.45), _mix(DARK, DARK_LIFT, 0.8), DARK_LIFT)
    for size, shade in zip(steps, shades, strict=True):
        canvas.ellipse(Box(centre_x - size / 2, centre_y - size / 2, size, size), shade)
    if is_quiet:
        return
    heights = (86, 170, 260, 150, 220, 110, 60)
    pitch, width = 46, 22
    left = centre_x - (len(heights) - 1) * pitch / 2 - width / 2
    for index, height in enumerate(heights):
        colour = GOLD if index == 2 else ON_DARK_SOFT
        canvas.rectangle(
            Box(left + index * pitch, centre_y - height / 2, width, height), colour, radius=11
        )


def _draw_marks(canvas: Canvas, x: float, y: float) -> None:
    """Draw opening quotation marks."""
    for offset in (0, 66):
        canvas.ellipse(Box(x + offset, y + 40, 54, 54), GOLD)
        canvas.polygon(
            [
                (x + offset, y + 68),
                (x + offset + 3, y + 44),
                (x + offset + 20, y + 14),
                (x + offset + 44, y),
                (x + offset + 50, y + 10),
                (x + offset + 34, y + 24),
                (x + offset + 26, y + 44),
            ],
            GOLD,
        )


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


_LAYOUTS: Final[Mapping[SceneKind, Callable[[Sheet], None]]] = {
    SceneKind.TITLE: _draw_title,
    SceneKind.CHART: _draw_chart,
    SceneKind.QUOTE: _draw_quote,
    SceneKind.FIGURE: _draw_figure,
    SceneKind.LIST: _draw_list,
    SceneKind.CLOSING: _draw_closing,
}

_PERCENT: Final = re.compile(r"\s*(\d{1,3}(?:[.,]\d+)?)\s?%\s*")
_OUT_OF: Final = re.compile(r"\s*(\d{1,6})\s*(?:/|of|out of|de|von|sur)\s*(\d{1,6})\s*", re.I)


def read_share(text: str) -> float | None:
    """Return the share a figure states, 0 to 1; None when it states none."""
    percent = _PERCENT.fullmatch(text)
    if percent is not None:
        share = float(percent[1].replace(",", ".")) / 100
        return share if share <= 1 else None
    parts = _OUT_OF.fullmatch(text)
    if parts is not None and int(parts[2]) > 0 and int(parts[1]) <= int(parts[2]):
        return int(parts[1]) / int(parts[2])
    return None


def format_value(value: float) -> str:
    """Return a number as short as it can be read."""
    for limit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if value >= limit:
            return f"{value / limit:.3g}{letter}"
    if value == int(value):
        return f"{int(value):,}"
    if value < 0.01:
        return f"{value:.1g}"
    return f"{value:,.2f}".rstrip("0") if value < 10 else f"{value:,.1f}"
