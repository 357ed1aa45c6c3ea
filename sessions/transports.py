"""What can carry a conversation on this server, by its settings and what is installed.

Owns the answer; loads no speech library for it, because every web process asks.
"""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec
from typing import Final

from django.conf import settings

from agents.voice.types import EngineKind
from sessions.livekit.tokens import is_configured
from sessions.models import Transport

RECOGNISED_OFFLINE: Final = frozenset({"en"})
"""Languages the offline recogniser knows; in others a page offers typing."""


def find_engine(language: str) -> EngineKind:
    """Return who recognises and speaks a language here, ``NONE`` where nobody does.

    Args:
        language: a tag such as ``en`` or ``en-GB``.
    """
    wanted = settings.VOICE_ENGINE
    has_provider = bool(settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL)
    if wanted in ("auto", "openai") and has_provider:
        return EngineKind.OPENAI
    is_known = language.partition("-")[0].lower() in RECOGNISED_OFFLINE
    if wanted in ("auto", "local") and is_known and has_offline_engine():
        return EngineKind.LOCAL
    return EngineKind.NONE


@cache
def has_offline_engine() -> bool:
    """Tell whether an offline recogniser and an offline voice are installed."""
    has_voice = find_spec("espeakng_loader") is not None or shutil.which("espeak-ng") is not None
    return find_spec("pocketsphinx") is not None and has_voice


def list_transports(language: str) -> tuple[Transport, ...]:
    """Return what can carry a conversation in a language, the best way first."""
    if find_engine(language) is EngineKind.NONE or not settings.VOICE_OFFERED:
        return (Transport.TYPING,)
    rooms = (Transport.LIVEKIT,) if is_configured() else ()
    return (*rooms, Transport.BROWSER_AUDIO, Transport.TYPING)


def describe_engine(language: str) -> str:
    """Return a line that tells people whose voice they will hear; empty without one."""
    engine = find_engine(language)
    if engine is EngineKind.LOCAL:
        return "Offline voice of this server: it understands simple English and sounds mechanical."
    if engine is EngineKind.OPENAI:
        return f"Voice by {settings.VOICE_TTS_MODEL}, listening by {settings.VOICE_STT_MODEL}."
    return ""
