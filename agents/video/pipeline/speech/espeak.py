"""The offline voice: espeak-ng, as a library from the wheel or as the system's program.

Owns the foreign calls. Used in the speech worker only: the library is not safe for threads and a
fault in it ends its process. Sounds like a robot, speaks about a hundred languages, needs no key.
"""

from __future__ import annotations

import ctypes
import io
import shutil
import subprocess
import wave
from typing import Final, Protocol

RATE_WORDS_A_MINUTE: Final = 162
SPEAK_SECONDS: Final = 60
VOICES_BY_LANGUAGE: Final = {"en": "en-us", "zh": "cmn", "no": "nb", "iw": "he", "in": "id"}
"""Where espeak's name differs from the language code, or a variety is easier to follow."""
INSTALL_HINT: Final = (
    "Install the Python package espeakng-loader or the system's espeak-ng, "
    "or set OPENAI_API_KEY for a natural voice."
)

# speak_lib.h of espeak-ng 1.5x
_AUDIO_OUTPUT_SYNCHRONOUS: Final = 2
_POS_CHARACTER: Final = 1
_CHARS_UTF8: Final = 1
_RATE: Final = 1
_INITIALIZE_DONT_EXIT: Final = 0x8000


class VoiceError(Exception):
    """The voice cannot be used. Args: a stable code and a sentence for a person."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Voice(Protocol):
    """Says a phrase."""

    sample_rate: int
    """Of what `speak` returns, in hertz."""

    def speak(self, text: str) -> bytes:
        """Return the phrase as signed 16-bit mono samples in the machine's byte order."""
        ...


def find_backend() -> str:
    """Return ``library``, ``program`` or, where there is no offline voice, nothing."""
    try:
        import espeakng_loader

        if espeakng_loader.get_library_path():
            return "library"
    except (ImportError, OSError, RuntimeError):
        # No wheel, or one without a library for this machine: the program may be there.
        pass
    return "program" if _find_program() else ""


def open_voice(*, language: str, voice: str) -> Voice:
    """Return a voice for a language.

    Args:
        language: BCP 47 code such as ``es-419``.
        voice: a voice of espeak such as ``en-gb+f3``; empty for the language's own.

    Raises:
        VoiceError: ``voice_missing`` without espeak, ``voice_unknown`` for a voice or language
            it does not have.
    """
    backend = find_backend()
    if not backend:
        raise VoiceError("voice_missing", f"No offline voice is installed. {INSTALL_HINT}")
    opened = _Library() if backend == "library" else _Program()
    for name in _candidates(language, voice):
        if opened.choose(name):
            return opened
    if voice:
        raise VoiceError(
            "voice_unknown",
            f"The offline voice has no voice named {voice[:64]}. Leave the voice empty to let "
            "the language choose.",
        )
    raise VoiceError(
        "voice_unknown",
        f"The offline voice does not speak {language[:16]}. Choose another language, or set "
        "OPENAI_API_KEY.",
    )


def _candidates(language: str, voice: str) -> list[str]:
    if voice:
        return [voice]
    code = language.lower().replace("_", "-")
    base = code.split("-")[0]
    names = [VOICES_BY_LANGUAGE.get(code, code), VOICES_BY_LANGUAGE.get(base, base)]
    return list(dict.fromkeys(names))


def _find_program() -> str:
    return shutil.which("espeak-ng") or shutil.which("espeak") or ""


class _Library:
    """espeak-ng called in this process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        folder = str(espeakng_loader.get_data_path()).encode()
        self.sample_rate = int(
            self._library.espeak_Initialize(
                _AUDIO_OUTPUT_SYNCHRONOUS, 0, folder, _INITIALIZE_DONT_EXIT
            )
        )
        if self.sample_rate <= 0:
            raise VoiceError("voice_missing", f"The offline voice does not start. {INSTALL_HINT}")
        self._heard: list[bytes] = []
        receiver = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        # Kept in a field: the library calls it long after this function has returned.
        self._receiver = receiver(self._receive)
        self._library.espeak_SetSynthCallback(self._receiver)

    def choose(self, name: str) -> bool:
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            return False
        self._library.espeak_SetParameter(_RATE, RATE_WORDS_A_MINUTE, 0)
        return True

    def speak(self, text: str) -> bytes:
        content = text.encode()
        self._heard.clear()
        failed = self._library.espeak_Synth(
            content, len(content) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if failed:
            raise VoiceError("voice_failed", "The offline voice could not say a sentence.")
        return b"".join(self._heard)

    def _receive(self, samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            self._heard.append(ctypes.string_at(samples, count * 2))
        return 0


class _Program:
    """The system's espeak-ng, one process a phrase."""

    sample_rate = 22050

    def __init__(self) -> None:
        self._program = _find_program()
        self._voice = ""

    def choose(self, name: str) -> bool:
        self._voice = name
        return self._run("a").returncode == 0

    def speak(self, text: str) -> bytes:
        done = self._run(text)
        if done.returncode != 0:
            raise VoiceError("voice_failed", "The offline voice could not say a sentence.")
        with wave.open(io.BytesIO(_fix_length(done.stdout))) as sound:
            self.sample_rate = sound.getframerate()
            return bytes(sound.readframes(sound.getnframes()))

    def _run(self, text: str) -> subprocess.CompletedProcess[bytes]:
        # The text goes through standard input: as an argument it could be read as an option.
        return subprocess.run(  # noqa: S603 - the system's own program, no shell
            [
                self._program,
                "-v",
                self._voice,
                "-s",
                str(RATE_WORDS_A_MINUTE),
                "--stdin",
                "--stdout",
            ],
            input=text.encode(),
            capture_output=True,
            timeout=SPEAK_SECONDS,
            check=False,
        )


def _fix_length(content: bytes) -> bytes:
    """Write the true length into a WAV header: a program that streams cannot know it."""
    if content[:4] != b"RIFF" or content[36:40] != b"data":
        return content
    size = len(content) - 44
    return (
        content[:4]
        + (size + 36).to_bytes(4, "little")
        + content[8:40]
        + size.to_bytes(4, "little")
        + content[44:]
    )
