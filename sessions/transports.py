"""What can carry a conversation on this server, in this app's words.

Owns the translation; what is installed and configured is `agents.voice.engines`' to know.
"""

from __future__ import annotations

from django.conf import settings

from agents.voice.engines import available_transports, choose_engine
from agents.voice.types import EngineKind
from sessions.models import Transport


def list_transports(language: str) -> tuple[Transport, ...]:
    """Return what can carry a conversation in a language, the best way first; typing always."""
    return tuple(Transport(kind.value) for kind in available_transports(language))


def describe_engine(language: str) -> str:
    """Return a line that tells people whose voice they will hear; empty without one."""
    engine = choose_engine(language)
    if engine is EngineKind.LOCAL:
        return "Offline voice of this server: it understands simple English and sounds mechanical."
    if engine is EngineKind.OPENAI:
        return f"Voice by {settings.VOICE_TTS_MODEL}, listening by {settings.VOICE_STT_MODEL}."
    return ""
