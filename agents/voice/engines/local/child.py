"""The process in which the offline engines run: ``child.py recognise`` or ``child.py speak``.

Owns pocketsphinx and espeak-ng and nothing else; imports no module of ours, so it starts in a
fraction of a second and may crash without harm. A process of its own, because pocketsphinx keeps
Python's lock while it decodes: in the server it stalled every socket for seconds.

Messages on standard input, which is a socket both ways: u32 length, one byte kind, payload.
To a recogniser: ``B`` begin, ``A`` PCM16 mono 16 kHz, ``F`` finish, ``C`` cancel. It answers
``R`` ready, ``I`` words so far, ``T`` final words. To a speaker: ``S`` JSON {text, voice},
``C`` cancel. It answers ``R`` ready with the sample rate, ``P`` PCM16 mono, ``E`` end.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

HEADER = struct.Struct("!Ic")
INPUT_RATE = 16_000
INTERIM_BYTES = INPUT_RATE * 2 * 4 // 10
"""A hypothesis is told after so much more sound."""
LATEST_SECONDS = 0.8
LONGEST_BYTES = 1_000_000

# Of espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_CHARACTERS_UTF8 = 1
_PARAMETER_RATE = 1
_WORDS_PER_MINUTE = 160
_OK = 0


class Line:
    """The socket to the parent. Ends the process when the parent is gone."""

    def __init__(self) -> None:
        self._socket = socket.socket(fileno=0)

    def read(self) -> tuple[bytes, bytes]:
        """Return the next message's kind and payload; wait for it."""
        length, kind = HEADER.unpack(self._exactly(HEADER.size))
        if length > LONGEST_BYTES:
            sys.exit("a message is too long")
        return kind, self._exactly(length)

    def has_message(self) -> bool:
        """Tell whether one is waiting."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def write(self, kind: bytes, payload: bytes = b"") -> None:
        """Send a message."""
        self._socket.sendall(HEADER.pack(len(payload), kind) + payload)

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            piece = self._socket.recv(size - len(parts))
            if not piece:
                sys.exit(0)
            parts += piece
        return bytes(parts)


class Recogniser:
    """English speech to words, one utterance at a time."""

    def __init__(self, line: Line) -> None:
        from pocketsphinx import Decoder

        self._line = line
        self._decoder = Decoder(samprate=INPUT_RATE, logfn="/dev/null")
        self._is_open = False
        self._untold = 0
        self._told = ""
        self._told_at = 0.0

    def run(self) -> None:
        """Serve for ever."""
        self._line.write(b"R")
        while True:
            kind, payload = self._line.read()
            if kind == b"B":
                self._close()
                self._decoder.start_utt()
                self._is_open = True
            elif kind == b"A" and self._is_open:
                self._hear(payload)
            elif kind == b"F":
                self._finish()
            elif kind == b"C":
                self._close()

    def _hear(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm, False, False)
        self._untold += len(pcm)
        if self._untold < INTERIM_BYTES:
            return
        # What waits is decoded first, on a machine that is late; but not for ever.
        is_due = time.monotonic() - self._told_at >= LATEST_SECONDS
        if self._line.has_message() and not is_due:
            return
        self._untold = 0
        found = self._decoder.hyp()
        text = found.hypstr if found else ""
        if text and text != self._told:
            self._told = text
            self._told_at = time.monotonic()
            self._line.write(b"I", text.encode())

    def _finish(self) -> None:
        text = ""
        if self._is_open:
            self._decoder.end_utt()
            self._is_open = False
            if self._decoder.hyp():
                words = [part.word.partition("(")[0] for part in self._decoder.seg()]
                # Fillers stand in brackets: <sil>, [NOISE], [COUGH].
                text = " ".join(word for word in words if not word.startswith(("<", "[")))
        self._reset()
        self._line.write(b"T", text.encode())

    def _close(self) -> None:
        if self._is_open:
            self._decoder.end_utt()
            self._is_open = False
        self._reset()

    def _reset(self) -> None:
        self._untold, self._told, self._told_at = 0, "", 0.0


class Speaker:
    """Words to speech, one sentence at a time, by espeak-ng's library."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._cancelled = False
        self._library, data_path = load_espeak()
        self._rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, data_path.encode() if data_path else None, 0
        )
        if self._rate <= 0:
            sys.exit("espeak-ng found no voices")
        callback_type = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
        )
        # Kept: the library holds a bare pointer to it.
        self._callback: Any = callback_type(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def run(self) -> None:
        """Serve for ever."""
        self._line.write(b"R", str(self._rate).encode())
        while True:
            kind, payload = self._line.read()
            # A cancel that comes when nothing is spoken was overtaken by the end.
            if kind == b"S":
                self._speak(json.loads(payload))

    def _speak(self, order: dict[str, Any]) -> None:
        self._cancelled = False
        if self._library.espeak_SetVoiceByName(str(order["voice"]).encode()) != _OK:
            self._library.espeak_SetVoiceByName(b"en")
        self._library.espeak_SetParameter(_PARAMETER_RATE, _WORDS_PER_MINUTE, 0)
        text = str(order["text"]).encode()
        self._library.espeak_Synth(
            ctypes.c_char_p(text), len(text) + 1, 0, 0, 0, _CHARACTERS_UTF8, None, None
        )
        self._library.espeak_Synchronize()
        self._line.write(b"E")

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        """Pass on a piece; a 1 makes the library stop."""
        if self._cancelled:
            return 1
        if samples and count > 0:
            self._line.write(b"P", ctypes.string_at(samples, count * 2))
        if self._line.has_message():
            kind, _ = self._line.read()
            self._cancelled = kind == b"C"
        return int(self._cancelled)


def load_espeak() -> tuple[Any, str]:
    """Return espeak-ng's library and where its voices are (empty: where it looks by itself).

    Raises:
        OSError: there is none.
    """
    try:
        import espeakng_loader
    except ImportError:
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise OSError("espeak-ng is not installed") from None
        return ctypes.CDLL(name), ""
    return ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path()


ROLES: dict[str, Callable[[Line], Recogniser | Speaker]] = {
    "recognise": Recogniser,
    "speak": Speaker,
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](Line()).run()
