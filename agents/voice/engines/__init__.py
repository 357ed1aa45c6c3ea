"""Speech engines: who recognises and who speaks, and which there is for a language.

Owns the choice. Cheap to import in every process: an engine's own module is imported only when
the engine is made, in a process that speaks.
"""

from __future__ import annotations

import ctypes.util
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings

from agents.voice.options import VoiceOptions
from agents.voice.types import EngineKind, TransportKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import llm, stt, tts

    from agents.voice.hearing import VadTap

LOCAL_LANGUAGES = frozenset({"en"})
"""The offline recogniser knows English; its voice speaks Spanish too, which alone is no talk."""


class SpeechEngine(Protocol):
    """Ears and a voice. One engine serves every conversation of a process."""

    @property
    def kind(self) -> EngineKind: ...

    def make_stt(self, language: str, tap: VadTap, on_restart: Callable[[], None]) -> stt.STT[Any]:
        """Return the recogniser of one conversation; it follows the detector behind `tap`."""
        ...

    def make_tts(self, language: str, on_restart: Callable[[], None]) -> tts.TTS[Any]:
        """Return the voice of one conversation."""
        ...

    def make_llm(self) -> llm.LLM[Any] | None:
        """Return the language model of one conversation; None where the engine has none."""
        ...

    async def warm(self) -> None:
        """Get ready for the first conversation."""
        ...

    async def aclose(self) -> None:
        """Let go of everything: connections, processes."""
        ...


def make_engine(kind: EngineKind, options: VoiceOptions) -> SpeechEngine:
    """Return a fresh engine.

    Raises:
        ValueError: there is no engine of this kind.
    """
    if kind is EngineKind.OPENAI:
        from agents.voice.engines.openai import OpenAIEngine

        return OpenAIEngine(options)
    if kind is EngineKind.LOCAL:
        from agents.voice.engines.local.engine import LocalEngine

        return LocalEngine()
    raise ValueError(f"no speech engine of kind {kind}")


def choose_engine(language: str) -> EngineKind:
    """Return who can hold a conversation in a language here; `EngineKind.NONE` for nobody."""
    wanted = settings.VOICE_ENGINE
    if wanted in ("auto", "openai") and settings.LLM_ENABLED:
        return EngineKind.OPENAI
    speaks_it = language.partition("-")[0].lower() in LOCAL_LANGUAGES
    if wanted in ("auto", "local") and speaks_it and has_local_engine():
        return EngineKind.LOCAL
    return EngineKind.NONE


def available_transports(language: str) -> tuple[TransportKind, ...]:
    """Return what a conversation in a language can be carried by, best first; typing always.

    Tells what is configured and installed, without asking anybody: whether a room server can be
    reached is found out when an agent goes there.
    """
    found = []
    if choose_engine(language) is not EngineKind.NONE:
        if settings.LIVEKIT_URL and settings.LIVEKIT_API_KEY and settings.LIVEKIT_API_SECRET:
            found.append(TransportKind.LIVEKIT)
        if settings.VOICE_OFFERED:
            found.append(TransportKind.BROWSER_AUDIO)
    return (*found, TransportKind.TYPING)


@cache
def has_local_engine() -> bool:
    """Tell whether the offline recogniser and voice are installed."""
    has_voice = find_spec("espeakng_loader") or ctypes.util.find_library("espeak-ng")
    return bool(has_voice and find_spec("pocketsphinx"))
