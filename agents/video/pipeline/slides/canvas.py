"""The sheet slides are drawn on: smooth shapes, placed text, and the same in a mirror.

Owns one image and the direction it is read in: in a script that runs from right to left everything
stands on the other side. Knows no slide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from agents.video.pipeline.slides.fonts import FontBook
from agents.video.pipeline.slides.text import Block, Colour, Style, draw_block, fit

WIDTH: Final = 1920
HEIGHT: Final = 1080
SMOOTHING: Final = 4
"""Pillow draws hard edges: shapes are drawn this much larger and scaled down."""
LARGE_SMOOTHING: Final = 2
LARGE_PIXELS: Final = 600_000
"""Of large shapes half as much is enough, and takes a quarter of the time."""

Draw = Callable[[ImageDraw.ImageDraw, tuple[float, float, float, float], int], None]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, as if read from left to right."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Canvas:
    """One slide while it is drawn."""

    def __init__(self, book: FontBook, background: Colour, *, is_mirrored: bool) -> None:
        self.book = book
        self.is_mirrored = is_mirrored
        self.image = Image.new("RGB", (WIDTH, HEIGHT), background)

    def rectangle(self, box: Box, colour: Colour, *, radius: float = 0) -> None:
        """Fill a rectangle."""
        self._shape(
            box,
            colour,
            lambda pen, edge, scale: pen.rounded_rectangle(edge, radius * scale, fill=255),
        )

    def ellipse(self, box: Box, colour: Colour) -> None:
        """Fill an ellipse."""
        self._shape(box, colour, lambda pen, edge, scale: pen.ellipse(edge, fill=255))

    def ring(self, box: Box, colour: Colour, *, thickness: float, share: float = 1.0) -> None:
        """Draw a ring, or a share of it clockwise from the top."""
        start = -90.0
        end = start + 360 * share
        if self.is_mirrored:
            start, end = 180 - end, 180 - start
        self._shape(
            box,
            colour,
            lambda pen, edge, scale: pen.arc(
                edge, start, end, fill=255, width=int(thickness * scale)
            ),
        )

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a shape given by its corners."""
        left, top = min(x for x, _ in points), min(y for _, y in points)
        box = Box(left, top, max(x for x, _ in points) - left, max(y for _, y in points) - top)

        def draw(
            pen: ImageDraw.ImageDraw, edge: tuple[float, float, float, float], scale: int
        ) -> None:
            corners = [
                (
                    (box.right - x if self.is_mirrored else x - left) * scale,
                    (y - top) * scale,
                )
                for x, y in points
            ]
            pen.polygon(corners, fill=255)

        self._shape(box, colour, draw)

    def write(
        self, text: str, style: Style, box: Box, *, align: str = "start", valign: str = "top"
    ) -> Block:
        """Write text into a box, as large as fits, and return how it was set.

        Args:
            text: line breaks are kept.
            style: largest and smallest size.
            box: in which it stays.
            align: ``start``, ``middle`` or ``end`` of the reading direction.
            valign: ``top``, ``middle`` or ``bottom``.
        """
        block = fit(self.book, text, style, width=box.width, height=box.height)
        self.place(block, box, align=align, valign=valign)
        return block

    def place(self, block: Block, box: Box, *, align: str = "start", valign: str = "top") -> None:
        """Draw a block that was fitted before."""
        spare = box.height - block.height
        y = box.y + {"top": 0.0, "middle": spare / 2, "bottom": spare}[valign]
        if align == "middle":
            draw_block(
                self.image, self.book, block, x=self._x(box) + box.width / 2, y=y, anchor="middle"
            )
        elif (align == "start") != self.is_mirrored:
            draw_block(self.image, self.book, block, x=self._x(box), y=y)
        else:
            draw_block(
                self.image, self.book, block, x=self._x(box) + box.width, y=y, anchor="right"
            )

    def _x(self, box: Box) -> float:
        return WIDTH - box.right if self.is_mirrored else box.x

    def _shape(self, box: Box, colour: Colour, draw: Draw) -> None:
        width, height = max(1, round(box.width)), max(1, round(box.height))
        scale = SMOOTHING if width * height < LARGE_PIXELS else LARGE_SMOOTHING
        mask = Image.new("L", (width * scale, height * scale))
        draw(ImageDraw.Draw(mask), (0, 0, mask.width - 1, mask.height - 1), scale)
        smooth = mask.resize((width, height), Image.Resampling.BOX)
        self.image.paste(colour, (round(self._x(box)), round(box.y)), smooth)
