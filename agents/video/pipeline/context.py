"""What a run needs to know: its options, and what each agent is handed.

Owns frozen dataclasses. Reads no settings: `agents.video.factory` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agents.video.pipeline.types import AgentUpdate, Fence, RowLoader
from agents.video.pipeline.workspace import Workspace
from agents.voice.prices import LIST_PRICES, Price

StatusCallback = Callable[[AgentUpdate], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How to reach a speech endpoint that speaks OpenAI's protocol."""

    api_key: str
    base_url: str = ""
    """Empty for OpenAI itself."""
    model: str = "gpt-4o-mini-tts"
    voice: str = "alloy"
    """Used where the script names none."""
    prices: Mapping[str, Price] = field(default_factory=lambda: LIST_PRICES)
    """The one table of what models cost, see `agents.voice.prices`."""


@dataclass(frozen=True, slots=True)
class StepLimits:
    """Longest each agent may take, in seconds: a base and something for each unit of work."""

    visuals_base: float = 60.0
    visuals_a_scene: float = 3.0
    narration_base: float = 60.0
    narration_a_character: float = 0.05
    composition_base: float = 180.0
    composition_a_second: float = 3.0
    """For each second of video; waiting for a free slot is not counted."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """Everything of this machine that a run depends on."""

    scratch_root: Path
    """Folder of this machine for the files of all runs."""
    ffmpeg: str = ""
    """Path of the program; empty to look for it."""
    font_folder: Path | None = None
    """Looked into before the system's fonts."""
    speech: SpeechOptions | None = None
    """None for the offline voice."""
    compose_slots: int = 0
    """Compositions at once on this machine; 0 for one for every two cores."""
    limits: StepLimits = StepLimits()


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an agent is handed. It reports through `report` and writes through `workspace` only."""

    user_id: str
    session_id: str
    load_row: RowLoader
    report: StatusCallback
    workspace: Workspace
    fence: Fence
    options: PipelineOptions

    @property
    def attempts(self) -> tuple[int, ...]:
        """This attempt, then the earlier ones whose work may be taken."""
        return (self.fence.attempt, *self.fence.reusable_attempts)
