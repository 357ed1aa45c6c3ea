"""Probes of what voice needs: the room server and a speech engine."""

from __future__ import annotations

from django.conf import settings

from core.doctor import Finding, register_probe
from sessions.livekit.rooms import forget_reachability, is_reachable
from sessions.livekit.tokens import is_configured


def probe_livekit() -> Finding:
    """List rooms with our key."""
    if not is_configured():
        return Finding("OK", "not configured: voice runs as browser audio")
    forget_reachability()
    if is_reachable():
        return Finding("OK", f"{settings.LIVEKIT_URL} takes our key")
    return Finding(
        "FAIL",
        f"{settings.LIVEKIT_URL} does not answer to our key",
        "See that the server runs, and that LIVEKIT_API_KEY and LIVEKIT_API_SECRET are among its "
        "keys; people are offered typing meanwhile.",
    )


def probe_speech() -> Finding:
    """Say which engine would hear and speak."""
    if not (settings.VOICE_OFFERED or settings.VOICE_IN_PROCESS):
        return Finding("OK", "voice is not offered here")
    from agents.voice.engines import choose_engine

    kind = choose_engine("en").value
    if kind == "none":
        return Finding(
            "FAIL",
            "voice is offered and no speech engine is there",
            "Set OPENAI_API_KEY, or install pocketsphinx and espeakng-loader, or VOICE_OFFERED="
            "false.",
        )
    return Finding("OK", f"engine {kind}")


register_probe("livekit", probe_livekit)
register_probe("speech", probe_speech)
