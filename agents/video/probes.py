"""Probes of the programs that make pictures and sound, and of the language model's endpoint."""

from __future__ import annotations

import subprocess

from django.conf import settings

from agents.video.pipeline.ffmpeg import find_ffmpeg
from core.doctor import CALL_SECONDS, Finding, ask, register_probe

OPENAI_BASE = "https://api.openai.com/v1"


def probe_ffmpeg() -> Finding:
    """Start the program that composes videos, and see that it can make what players play."""
    program = find_ffmpeg(settings.FFMPEG)
    shown = subprocess.run(  # noqa: S603 - the program the settings name
        [program, "-hide_banner", "-encoders"],
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        check=True,
        stdin=subprocess.DEVNULL,
    ).stdout
    missing = [name for name in ("libx264", "aac") if f" {name} " not in shown]
    if missing:
        return Finding(
            "FAIL",
            f"{program} has no {' and no '.join(missing)}",
            "Install Debian's ffmpeg, or unset FFMPEG to use the one of imageio-ffmpeg.",
        )
    return Finding("OK", program)


def probe_espeak() -> Finding:
    """See that there is a voice that needs no key."""
    from agents.video.pipeline.speech.espeak import find_backend

    backend = find_backend()
    if backend:
        return Finding("OK", f"the offline voice is there (as a {backend})")
    return Finding(
        "WARN" if settings.OPENAI_API_KEY else "FAIL",
        "the offline voice espeak-ng is missing",
        "Install the requirements again (espeakng-loader), or Debian's espeak-ng.",
    )


def probe_openai() -> Finding:
    """Ask the endpoint for its models, which costs nothing."""
    if not settings.LLM_ENABLED:
        return Finding("OK", "no model configured: the built-in agents work")
    base = settings.OPENAI_BASE_URL or OPENAI_BASE
    status, body = ask(f"{base}/models", bearer=settings.OPENAI_API_KEY or "none")
    if status in (401, 403):
        return Finding("FAIL", f"{base} refuses the key ({status})", "Set OPENAI_API_KEY anew.")
    if status == 404:
        return Finding(
            "WARN", f"{base} has no list of models", "See that OPENAI_BASE_URL is right."
        )
    if status != 200:
        return Finding("FAIL", f"{base} answers {status}", "The built-in agents stand in for it.")
    models = {one.get("id") for one in body.get("data", []) if isinstance(one, dict)}
    if models and settings.OPENAI_MODEL not in models:
        return Finding(
            "WARN",
            f"{base} does not list the model {settings.OPENAI_MODEL}",
            "Set OPENAI_MODEL to one that this key may use.",
        )
    return Finding("OK", f"{base} answers, model {settings.OPENAI_MODEL}")


register_probe("ffmpeg", probe_ffmpeg)
register_probe("espeak", probe_espeak)
register_probe("openai", probe_openai)
