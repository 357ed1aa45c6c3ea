"""Captions and chapters as WebVTT (https://www.w3.org/TR/webvtt1/).

Owns the two files' text. Knows no storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agents.video.pipeline.speech.track import Cue, Timeline

LINE_CHARS: Final = 42


def write_captions(cues: Sequence[Cue]) -> str:
    """Return the captions; markup in what people wrote is text."""
    blocks = ["WEBVTT\n"]
    for number, cue in enumerate(cues, start=1):
        if cue.end <= cue.start:
            continue
        lines = "\n".join(_escape(line) for line in _two_lines(cue.text))
        blocks.append(f"{number}\n{format_time(cue.start)} --> {format_time(cue.end)}\n{lines}\n")
    return "\n".join(blocks)


def write_chapters(headings: Sequence[str], timeline: Timeline) -> str:
    """Return one chapter a scene."""
    blocks = ["WEBVTT\n"]
    start = 0.0
    for number, (heading, seconds) in enumerate(
        zip(headings, timeline.scene_seconds, strict=True), start=1
    ):
        title = _escape(" ".join(heading.split())) or str(number)
        blocks.append(
            f"{number}\n{format_time(start)} --> {format_time(start + seconds)}\n{title}\n"
        )
        start += seconds
    return "\n".join(blocks)


def format_time(seconds: float) -> str:
    """Return a WebVTT timestamp."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _two_lines(text: str) -> list[str]:
    """Return the caption in one line, or in two of about the same length."""
    if len(text) <= LINE_CHARS:
        return [text]
    places = [place for place, one in enumerate(text) if one == " "]
    if not places:
        return [text]
    place = min(places, key=lambda one: abs(one - len(text) / 2))
    return [text[:place], text[place + 1 :]]
