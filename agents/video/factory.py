"""The one place that makes a pipeline as the settings of this machine have it.

Owns the reading of the settings, when a run asks and never before. Knows no row.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages

from agents.video.pipeline.agent2 import agent_2_process
from agents.video.pipeline.agent4 import agent_4_process
from agents.video.pipeline.agent5 import agent_5_process
from agents.video.pipeline.context import PipelineOptions, SpeechOptions
from agents.video.pipeline.orchestrator import VideoGenerationOrchestrator
from agents.video.pipeline.types import Fence, Reporter, RowLoader
from agents.video.pipeline.workspace import Workspace
from agents.video.storage import ALIAS
from agents.voice.prices import merge_prices

SCRATCH_FOLDER = "video-work"


def build_pipeline(
    *, load_row: RowLoader, report: Reporter, fence: Fence
) -> VideoGenerationOrchestrator:
    """Return the orchestrator of one attempt.

    Args:
        load_row: reads the script.
        report: takes every status.
        fence: of this attempt.
    """
    options = read_options()

    def open_workspace(user_id: str, session_id: str) -> Workspace:
        return Workspace(
            storage=storages[ALIAS],
            scratch_root=options.scratch_root,
            user_id=user_id,
            session_id=session_id,
            attempt=fence.attempt,
        )

    return VideoGenerationOrchestrator(
        load_row=load_row,
        report=report,
        fence=fence,
        open_workspace=open_workspace,
        options=options,
        visuals=agent_2_process,
        narration=agent_4_process,
        composition=agent_5_process,
    )


def read_options() -> PipelineOptions:
    """Return what the settings say."""
    return PipelineOptions(
        scratch_root=Path(settings.DATA_DIR) / SCRATCH_FOLDER,
        ffmpeg=settings.FFMPEG,
        font_folder=Path(settings.VIDEO_FONT_DIR) if settings.VIDEO_FONT_DIR else None,
        speech=_read_speech(),
    )


def _read_speech() -> SpeechOptions | None:
    has_provider = bool(settings.OPENAI_API_KEY) or (
        # A server of one's own often answers questions and does not speak: it must be asked for.
        settings.VIDEO_VOICE == "openai" and bool(settings.OPENAI_BASE_URL)
    )
    if settings.VIDEO_VOICE == "offline" or not has_provider:
        return None
    return SpeechOptions(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        model=settings.VOICE_TTS_MODEL,
        voice=settings.VOICE_TTS_VOICE,
        prices=merge_prices(settings.VOICE_PRICES),
    )
