"""The process that draws: a script comes in, pictures and progress go out.

Run as a module with JSON on standard input: ``scenes``, ``title``, ``folder`` and ``fontFolder``.
Writes one JSON object a line: ``{"done": 3, "name": "slide-0003.png"}``, at last ``{"end": …}``,
or ``{"error", "reason"}`` and exit code 3. Draws in a process of its own because a thread that
draws cannot be stopped.
"""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any, Final

from agents.video.pipeline.slides.fonts import HAS_RAQM, MissingLettersError, open_book
from agents.video.pipeline.slides.layouts import Place, draw_slide
from agents.video.pipeline.types import Scene

REFUSED: Final = 3
COMPRESSION: Final = 1
"""Of zlib. Higher takes several times as long and these pictures are read once."""


def slide_name(number: int) -> str:
    """Return the file name of a scene's slide, from 1."""
    return f"slide-{number:04d}.png"


def draw(order: dict[str, Any]) -> None:
    """Draw every scene of the order."""
    folder = Path(order["folder"])
    font_folder = Path(order["fontFolder"]) if order["fontFolder"] else None
    book = open_book(font_folder)
    scenes = [Scene.from_json(scene) for scene in order["scenes"]]
    cut = []
    for number, scene in enumerate(scenes, start=1):
        drawing = draw_slide(book, scene, Place(number, len(scenes), order["title"]))
        name = slide_name(number)
        drawing.image.save(folder / name, compress_level=COMPRESSION)
        if drawing.was_cut:
            cut.append(number)
        _say({"done": number, "name": name})
    _say(
        {
            "end": {
                "font": book.family,
                "leftOut": len(book.left_out),
                "cutSlides": cut,
                "hasTextLayout": HAS_RAQM,
            }
        }
    )


def main() -> int:
    """Draw what standard input asks for and return the exit code."""
    try:
        draw(json.load(sys.stdin))
    except MissingLettersError as error:
        _say({"error": "font_missing", "reason": str(error)})
        return REFUSED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _say({"error": "disk_full", "reason": "No space is left for the slides. Free some."})
        return REFUSED
    return 0


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
