"""Looks into an MP4 file: how long each track is, and whether it can be played while it loads.

Owns the few boxes of ISO/IEC 14496-12 needed for that, so that no second program has to be there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia"})
_MAX_BOXES: Final = 100_000


class Mp4Error(ValueError):
    """No complete MP4 file."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track."""

    kind: str
    """``vide``, ``soun``, ``sbtl``, ``text``."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Movie:
    """What the file holds."""

    seconds: float
    tracks: tuple[Track, ...]
    is_fast_start: bool
    """The index stands before the pictures: playing begins before everything is loaded."""

    def longest(self, kind: str) -> float:
        """Return the length of the longest track of a kind; 0 where there is none."""
        return max((track.seconds for track in self.tracks if track.kind == kind), default=0.0)


def read_movie(path: Path) -> Movie:
    """Return what an MP4 file holds.

    Raises:
        Mp4Error: it is none, or was cut short.
    """
    size = path.stat().st_size
    seconds: float | None = None
    tracks: list[Track] = []
    length = 0.0
    order: list[bytes] = []
    with path.open("rb") as handle:
        for count, (kind, start, end) in enumerate(_boxes(handle, 0, size)):
            if end > size or count > _MAX_BOXES:
                raise Mp4Error("the file was cut short")
            handle.seek(start)
            if kind in (b"moov", b"mdat"):
                order.append(kind)
            if kind in (b"mvhd", b"mdhd"):
                found = _read_length(handle.read(min(end - start, 36)))
                seconds, length = (found, length) if kind == b"mvhd" else (seconds, found)
            elif kind == b"hdlr":
                name = handle.read(12)[8:12].decode("ascii", errors="replace")
                tracks.append(Track(name, length))
    if seconds is None or b"mdat" not in order:
        raise Mp4Error("the file has no index or no content")
    return Movie(seconds, tuple(tracks), order.index(b"moov") < order.index(b"mdat"))


def _boxes(handle: BinaryIO, place: int, limit: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start of the content and end of each box, containers before what they hold."""
    while place + 8 <= limit:
        handle.seek(place)
        size, kind = struct.unpack(">I4s", handle.read(8))
        start = place + 8
        if size == 1:
            size = struct.unpack(">Q", handle.read(8))[0]
            start += 8
        end = limit if size == 0 else place + size
        if end < start:
            raise Mp4Error("a box has no sensible size")
        yield kind, start, end
        if kind in _CONTAINERS:
            yield from _boxes(handle, start, min(end, limit))
        place = end


def _read_length(content: bytes) -> float:
    try:
        if content[0] == 1:
            scale, units = struct.unpack(">IQ", content[20:32])
        else:
            scale, units = struct.unpack(">II", content[12:20])
    except (struct.error, IndexError) as error:
        raise Mp4Error("a header was cut short") from error
    return units / scale if scale else 0.0
