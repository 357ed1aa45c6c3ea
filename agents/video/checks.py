"""System checks: what a machine lacks to make videos, and what to install.

Warnings, never errors: everything else works without. Each names the part that is missing now, so
that nobody learns it from a run that fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, register

from agents.video.pipeline.ffmpeg import find_ffmpeg
from agents.video.pipeline.speech import espeak
from agents.video.pipeline.types import PipelineError


@register("parley")
def check_programs(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Say whether ffmpeg and a voice are there."""
    found: list[CheckMessage] = []
    try:
        find_ffmpeg(settings.FFMPEG)
    except PipelineError as error:
        found.append(checks.Warning("Videos cannot be made.", hint=error.reason, id="video.W001"))
    if not _has_voice():
        found.append(
            checks.Warning("Videos cannot be narrated.", hint=espeak.INSTALL_HINT, id="video.W002")
        )
    if settings.VIDEO_VOICE == "openai" and not (
        settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL
    ):
        found.append(
            checks.Warning(
                "VIDEO_VOICE is openai, but there is no key: the offline voice speaks.",
                hint="Set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server.",
                id="video.W003",
            )
        )
    if settings.VIDEO_FONT_DIR and not Path(settings.VIDEO_FONT_DIR).is_dir():
        found.append(
            checks.Warning(
                "VIDEO_FONT_DIR is no folder; the system's fonts are used.",
                hint="Name a folder of .ttf or .otf files, or leave it empty.",
                id="video.W004",
            )
        )
    return found


@register("parley", deploy=True)
def check_looks(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Say what would make slides look or read better (shown by ``check --deploy``)."""
    # Imported late: Pillow is loaded where slides are drawn, not in each web process.
    from agents.video.pipeline.slides.fonts import HAS_RAQM, open_book

    found: list[CheckMessage] = []
    book = open_book(Path(settings.VIDEO_FONT_DIR) if settings.VIDEO_FONT_DIR else None)
    if book.family != "Inter":
        found.append(
            checks.Info(
                f"Slides are set in {book.family}.",
                hint="Install Inter (for instance apt install fonts-inter) for better ones.",
                id="video.I001",
            )
        )
    if not HAS_RAQM:
        found.append(
            checks.Warning(
                "Pillow has no text layout engine: Arabic and the like are not joined.",
                hint="Use Pillow's own wheels, or install libraqm and FriBiDi.",
                id="video.W005",
            )
        )
    return found


def _has_voice() -> bool:
    if espeak.find_backend():
        return True
    # The provider's voice needs no program here.
    return settings.VIDEO_VOICE != "offline" and bool(settings.OPENAI_API_KEY)
