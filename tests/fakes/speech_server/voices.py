"""Voices and ears of the tests: text to PCM and PCM to text, with whatever this machine has.

Owns engines and sample rates. pocketsphinx understands flite at 3 % word error and espeak-ng at
50 %, so only flite is used where words are compared exactly.
"""

from __future__ import annotations

import ctypes
import io
import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np

SAMPLE_RATE = 16_000


def has_clear_voice() -> bool:
    """Tell whether there is a voice the recogniser understands."""
    return shutil.which("flite") is not None


def speak(text: str, *, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Return the spoken text as mono PCM16."""
    if has_clear_voice():
        with tempfile.NamedTemporaryFile(suffix=".wav") as made:
            # flite splits a text after -t only when it has a space, else it takes a file name.
            subprocess.run(
                ["flite", "-voice", "slt", "-t", f"{text} ", "-o", made.name],
                check=True, capture_output=True, timeout=30,
            )  # fmt: skip
            return read_wav(Path(made.name).read_bytes(), sample_rate)
    if (program := shutil.which("espeak-ng")) is not None:
        spoken = subprocess.run(
            [program, "--stdout", "-v", "en-us", text], check=True, capture_output=True, timeout=30
        )
        return read_wav(spoken.stdout, sample_rate)
    return _speak_by_library(text, sample_rate)


def read_wav(content: bytes, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Return a mono PCM16 WAV at another rate; lengths in its header may be wrong, as in pipes."""
    with wave.open(io.BytesIO(content)) as reader:
        rate = reader.getframerate()
        frames = reader.readframes(len(content))
    return resample(np.frombuffer(frames[: len(frames) // 2 * 2], np.int16), rate, sample_rate)


def write_wav(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> bytes:
    """Return a WAV file of mono PCM16."""
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(samples.astype(np.int16).tobytes())
    return made.getvalue()


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return the samples at another rate, by straight lines between them."""
    if rate == wanted or not len(samples):
        return samples
    length = round(len(samples) * wanted / rate)
    places = np.linspace(0, len(samples) - 1, length)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.int16)


def silence(seconds: float, *, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Return quiet."""
    return np.zeros(round(seconds * sample_rate), np.int16)


def hum(seconds: float, *, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Return an even sound, which costs nothing to make."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    return (np.sin(times * 2 * np.pi * 220) * 6000).astype(np.int16)


def cough(*, seconds: float = 0.25, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Return a short burst of noise with a voice's loudness, over before it is half a second."""
    length = round(seconds * sample_rate)
    noise = np.random.default_rng(7).normal(0, 1, length)
    rise = np.minimum(1, np.arange(length) / (0.02 * sample_rate))
    envelope = rise * np.exp(-np.arange(length) / (0.12 * sample_rate))
    return (noise * envelope * 9000).clip(-32768, 32767).astype(np.int16)


@cache
def _decoder():  # the wheel has no types
    from pocketsphinx import Decoder

    return Decoder(samprate=SAMPLE_RATE, logfn="/dev/null")


def recognise(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> str:
    """Return what is said, in lower case without punctuation; empty when nothing is."""
    heard = resample(samples, sample_rate, SAMPLE_RATE)
    if len(heard) < SAMPLE_RATE // 5 or int(np.abs(heard).max(initial=0)) < 300:
        return ""
    edge = silence(0.2)
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw(np.concatenate([edge, heard, edge]).tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return found.hypstr if found else ""


_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1


def _speak_by_library(text: str, sample_rate: int) -> np.ndarray:
    """Speak with the espeak-ng that comes as a wheel."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(
        _AUDIO_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0
    )
    pieces: list[bytes] = []
    callback_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )

    @callback_type
    def take(samples, count, _events):
        if samples and count:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    library.espeak_SetSynthCallback(take)
    library.espeak_SetVoiceByName(b"en-us")
    encoded = text.encode()
    library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
    library.espeak_Synchronize()
    return resample(np.frombuffer(b"".join(pieces), np.int16), rate, sample_rate)
