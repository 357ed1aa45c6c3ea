"""Sound for tests: spoken words, coughs, noise and quiet, as mono PCM16 at 16 kHz.

Words are spoken by the offline engine's own child process (espeak-ng from its wheel), so that a
real detector hears something like a voice without any package of the system.
"""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
from functools import cache

import numpy as np

from agents.voice.engines.local import child as child_module
from agents.voice.engines.local.child import HEADER
from agents.voice.types import INPUT_RATE


@cache
def say(text: str, voice: str = "en-us") -> bytes:
    """Return a spoken sentence."""
    line, rate = _speaker()
    order = json.dumps({"text": text, "voice": voice}).encode()
    line.sendall(HEADER.pack(len(order), b"S") + order)
    spoken = bytearray()
    while (message := _read(line))[0] != b"E":
        spoken += message[1]
    samples = np.frombuffer(bytes(spoken), np.int16)
    length = len(samples) * INPUT_RATE // rate
    places = np.linspace(0, len(samples) - 1, length)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.int16).tobytes()


@cache
def _speaker() -> tuple[socket.socket, int]:
    """Return the line to the one speaking process of this test process, and its rate."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", child_module.__file__, "speak"], stdin=theirs.fileno()
        )

    def end() -> None:
        # It leaves when its socket ends.
        ours.close()
        process.wait(5)

    atexit.register(end)
    return ours, int(_read(ours)[1])


def quiet(seconds: float) -> bytes:
    """Return silence."""
    return bytes(int(seconds * INPUT_RATE) * 2)


def noise(seconds: float, loudness: float = 500) -> bytes:
    """Return an even hiss."""
    samples = np.random.default_rng(3).normal(0, loudness, int(seconds * INPUT_RATE))
    return samples.clip(-32_768, 32_767).astype(np.int16).tobytes()


def cough(seconds: float = 0.3) -> bytes:
    """Return a burst with the loudness and the vowel of a cough, shorter than half a second."""
    voiced = np.frombuffer(say("huh"), np.int16)[: int(seconds * INPUT_RATE)]
    hiss = np.frombuffer(noise(len(voiced) / INPUT_RATE, 1500), np.int16)[: len(voiced)]
    return (voiced.astype(np.int32) + hiss).clip(-32_768, 32_767).astype(np.int16).tobytes()


def seconds_of(pcm: bytes) -> float:
    """Return how long a sound is."""
    return len(pcm) / (INPUT_RATE * 2)


def _read(line: socket.socket) -> tuple[bytes, bytes]:
    length, kind = HEADER.unpack(_exactly(line, HEADER.size))
    return kind, _exactly(line, length)


def _exactly(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += line.recv(size - len(found))
    return found
