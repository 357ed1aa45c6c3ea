"""Which characters a font file has, read from its `cmap` table.

Owns that one table (OpenType 1.9, formats 4 and 12): Pillow draws a box for what a font lacks and
never says so. Reads only what it needs of the file.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

_UNICODE_TABLES: Final = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0))
"""Platform and encoding of tables that are keyed by Unicode, those with most characters first."""
_MAX_RANGES: Final = 70_000


class FontFileError(ValueError):
    """No font file, or one that cannot be read."""


def read_ranges(path: Path) -> tuple[tuple[int, int], ...]:
    """Return the code points of a font as sorted ranges, ends included.

    Args:
        path: a ``.ttf``, ``.otf`` or ``.ttc`` file; of a collection the first face.

    Raises:
        FontFileError: the file is none of these, or has no Unicode table.
    """
    try:
        with path.open("rb") as handle:
            content = handle.read(12)
            start = 0
            if content[:4] == b"ttcf":
                start = int.from_bytes(handle.read(4), "big")
                handle.seek(start)
                content = handle.read(12)
            count = struct.unpack(">H", content[4:6])[0]
            directory = handle.read(16 * count)
            for place in range(0, len(directory), 16):
                if directory[place : place + 4] == b"cmap":
                    offset, length = struct.unpack(">II", directory[place + 8 : place + 16])
                    handle.seek(offset)
                    return _read_table(handle.read(min(length, 1 << 22)))
    except (OSError, struct.error, IndexError) as error:
        raise FontFileError(f"{path.name} cannot be read") from error
    raise FontFileError(f"{path.name} has no character table")


def _read_table(table: bytes) -> tuple[tuple[int, int], ...]:
    count = struct.unpack(">H", table[2:4])[0]
    places = {}
    for number in range(count):
        platform, encoding, offset = struct.unpack(">HHI", table[4 + 8 * number : 12 + 8 * number])
        places[platform, encoding] = offset
    for kind in _UNICODE_TABLES:
        if kind not in places:
            continue
        part = table[places[kind] :]
        form = struct.unpack(">H", part[:2])[0]
        if form == 12:
            return _read_format_12(part)
        if form == 4:
            return _read_format_4(part)
    raise FontFileError("no table keyed by Unicode")


def _read_format_12(part: bytes) -> tuple[tuple[int, int], ...]:
    count = min(struct.unpack(">I", part[12:16])[0], _MAX_RANGES)
    groups = struct.iter_unpack(">III", part[16 : 16 + 12 * count])
    return tuple(sorted((first, last) for first, last, _ in groups if first <= last))


def _read_format_4(part: bytes) -> tuple[tuple[int, int], ...]:
    segments = struct.unpack(">H", part[6:8])[0] // 2
    ends = struct.unpack(f">{segments}H", part[14 : 14 + 2 * segments])
    starts_at = 16 + 2 * segments
    starts = struct.unpack(f">{segments}H", part[starts_at : starts_at + 2 * segments])
    # The last segment is the mandatory 0xFFFF, no character.
    return tuple(
        sorted(
            (first, last)
            for first, last in zip(starts, ends, strict=True)
            if first <= last and first != 0xFFFF
        )
    )
