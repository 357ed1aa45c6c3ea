"""The agent's sound on its way to the one socket that plays it.

Owns what was sent and not yet heard, so that a line that broke in the middle of a sentence misses
none of it. Knows frames and a function that sends them, no socket and no agent.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agents.voice.types import OUTPUT_RATE, OutgoingAudio

_HEADER = struct.Struct(">II")
_BYTES_PER_MS: Final = OUTPUT_RATE * 2 // 1000
PIECE_BYTES: Final = 60 * _BYTES_PER_MS
KEPT_BYTES: Final = 90 * 1000 * _BYTES_PER_MS
"""Of one segment: a minute and a half. Longer ones lose their beginning, heard long ago."""

SendFrame = Callable[[bytes], bool]


def encode_frame(generation: int, segment: int, pcm: bytes) -> bytes:
    """Return a binary frame: u32 generation, u32 segment, both big-endian, then PCM16 24 kHz."""
    return _HEADER.pack(generation, segment) + pcm


@dataclass
class _Unheard:
    """A segment that has not been heard to its end."""

    segment_id: str
    generation: int
    pcm: bytearray = field(default_factory=bytearray)
    dropped_bytes: int = 0
    heard_ms: int = 0
    is_complete: bool = False


class AudioRelay:
    """Frames to the socket that plays them, kept until they were heard."""

    def __init__(self) -> None:
        self._send: SendFrame | None = None
        self._is_holding = False
        self._unheard: dict[int, _Unheard] = {}

    def attach(self, send: SendFrame) -> bool:
        """Send to this socket from now on.

        Returns:
            True when something waits to be heard: then frames are held until `release`, before
            which the page says how far it has played them.
        """
        self._send = send
        self._is_holding = any(one.pcm for one in self._unheard.values())
        return self._is_holding

    def detach(self, send: SendFrame) -> bool:
        """Stop sending to this socket; False when another has taken over already."""
        if self._send != send:
            return False
        self._send = None
        return True

    def take(self, audio: OutgoingAudio) -> None:
        """Send a piece, or keep it while nobody listens."""
        entry = self._unheard.get(audio.segment)
        if entry is None:
            entry = _Unheard(audio.segment_id, audio.generation)
            self._unheard[audio.segment] = entry
        entry.generation = audio.generation
        entry.pcm += audio.pcm
        surplus = len(entry.pcm) - KEPT_BYTES
        if surplus > 0:
            del entry.pcm[:surplus]
            entry.dropped_bytes += surplus
        if self._send is not None and not self._is_holding:
            self._send(encode_frame(audio.generation, audio.segment, audio.pcm))

    def find_segment(self, name: str) -> str:
        """Return the segment's id for its id or for the number its frames carry."""
        entry = self._unheard.get(int(name)) if name.isdecimal() and len(name) < 11 else None
        return name if entry is None else entry.segment_id

    def note_played(self, name: str, played_ms: int) -> None:
        """Take the page's report of how much of a segment it has played."""
        for number, entry in list(self._unheard.items()):
            if name not in (str(number), entry.segment_id):
                continue
            entry.heard_ms = max(entry.heard_ms, played_ms)
            # Clocks of pages are a little off: the last tenth of a second counts as heard.
            if entry.is_complete and (entry.heard_ms + 100) * _BYTES_PER_MS >= self._length(entry):
                del self._unheard[number]

    @property
    def is_holding(self) -> bool:
        """Whether sound waits for the page to say how far it came."""
        return self._is_holding

    def release(self) -> list[tuple[str, int, int]]:
        """Send what was held, each segment from where the page has heard it.

        Returns:
            Id, number and generation of the segments that are complete with it: their ends were
            announced to a line that was broken.
        """
        if not self._is_holding:
            return []
        self._is_holding = False
        if self._send is None:
            return []
        for number, entry in sorted(self._unheard.items()):
            start = max(0, entry.heard_ms * _BYTES_PER_MS - entry.dropped_bytes)
            rest = bytes(entry.pcm[start:])
            for at in range(0, len(rest), PIECE_BYTES):
                self._send(encode_frame(entry.generation, number, rest[at : at + PIECE_BYTES]))
        return [
            (entry.segment_id, number, entry.generation)
            for number, entry in sorted(self._unheard.items())
            if entry.is_complete
        ]

    def complete(self, segment: int) -> None:
        """Note that all of a segment is here."""
        if segment in self._unheard:
            self._unheard[segment].is_complete = True

    def clear(self, generation: int) -> None:
        """Forget every segment of an earlier generation."""
        for number, entry in list(self._unheard.items()):
            if entry.generation < generation:
                del self._unheard[number]

    def forget(self, segment_id: str) -> None:
        """Forget a segment that is over."""
        for number, entry in list(self._unheard.items()):
            if entry.segment_id == segment_id:
                del self._unheard[number]

    @staticmethod
    def _length(entry: _Unheard) -> int:
        return entry.dropped_bytes + len(entry.pcm)
