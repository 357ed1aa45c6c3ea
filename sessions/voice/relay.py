"""The agent's sound on its way to the one socket that plays it.

Owns the binary frame and which socket gets it. Knows frames and a function that sends them, no
socket and no agent: what of a sentence was heard, and what is sent again after an interruption,
is the agent's to know.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from agents.voice.types import OutgoingAudio

_HEADER = struct.Struct(">II")
NAMES_KEPT: Final = 32

SendFrame = Callable[[bytes], bool]


def encode_frame(generation: int, segment: int, pcm: bytes) -> bytes:
    """Return a binary frame: u32 generation, u32 segment, both big-endian, then PCM16 24 kHz."""
    return _HEADER.pack(generation, segment) + pcm


class AudioRelay:
    """Hands frames to the socket that plays them; without one they are gone."""

    def __init__(self) -> None:
        self._send: SendFrame | None = None
        self._names: OrderedDict[int, str] = OrderedDict()

    def attach(self, send: SendFrame) -> None:
        """Send to this socket from now on, and to no other."""
        self._send = send

    def detach(self, send: SendFrame) -> bool:
        """Stop sending to this socket; False when another has taken over already."""
        if self._send != send:
            return False
        self._send = None
        return True

    def is_attached(self, send: SendFrame) -> bool:
        """Tell whether this socket carries the sound."""
        return self._send == send

    def take(self, audio: OutgoingAudio) -> None:
        """Send a piece."""
        if audio.segment not in self._names:
            self._names[audio.segment] = audio.segment_id
            while len(self._names) > NAMES_KEPT:
                self._names.popitem(last=False)
        if self._send is not None:
            self._send(encode_frame(audio.generation, audio.segment, audio.pcm))

    def find_segment(self, name: str) -> str:
        """Return the segment's id for its id, or for the number its frames carry."""
        if name.isascii() and name.isdecimal() and len(name) < 11:
            return self._names.get(int(name), name)
        return name
