"""Agent2: draws one picture for each scene.

Reads the row first, draws in a process of its own, stores below ``agent2/`` and says so. Takes an
earlier attempt's pictures when they were made of the same scenes.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any, Final

from agents.video.pipeline import steps
from agents.video.pipeline.context import RunContext
from agents.video.pipeline.processes import module_command
from agents.video.pipeline.types import AgentName, AgentStatus, AgentUpdate, Cost, Script
from agents.video.pipeline.workspace import Manifest, StoredFile

FOLDER: Final = "agent2"
DRAWING_VERSION: Final = 1
"""Raise when equal scenes no longer make equal pictures."""
WORKER: Final = "agents.video.pipeline.slides.worker"


async def agent_2_process(context: RunContext) -> Manifest:
    """Draw the slides of a session and return what was stored.

    Raises:
        RowError: the row is missing or somebody else's.
        PipelineError: ``script_empty``, ``font_missing``, ``disk_full``, ``storage_failed``,
            ``visuals_failed`` or ``timed_out``.
    """
    report = context.report
    await report(AgentUpdate(AgentName.AGENT2, AgentStatus.STARTING, progress=0))
    script = await context.load_row(context.user_id, context.session_id)
    steps.refuse_empty(script)
    limits = context.options.limits
    seconds = limits.visuals_base + limits.visuals_a_scene * len(script.scenes)
    async with steps.limit_time("Drawing the slides", seconds):
        input_hash = _hash_input(script)
        manifest = await steps.reuse(context, FOLDER, input_hash, steps.hash_script(script))
        is_reused = manifest is not None
        if manifest is None:
            manifest = await _draw(context, script, input_hash)
    await report(
        AgentUpdate(
            AgentName.AGENT2,
            AgentStatus.FINISHED,
            progress=100,
            file_count=len(manifest.files),
            info={**manifest.info, "reused": is_reused},
            new_costs=(
                Cost("pillow", "slides", Decimal(len(manifest.files)), Decimal(0), "slides"),
            ),
        )
    )
    return manifest


async def _draw(context: RunContext, script: Script, input_hash: str) -> Manifest:
    workspace = context.workspace
    order = {
        "title": script.title,
        "scenes": [scene.to_json() for scene in script.scenes],
        "folder": str(workspace.folder(FOLDER)),
        "fontFolder": str(context.options.font_folder or ""),
    }
    stored: list[StoredFile] = []
    end: dict[str, Any] = {}

    async def read(message: dict[str, Any]) -> None:
        if "end" in message:
            end.update(message["end"])
        elif "done" in message:
            stored.append(await workspace.put(FOLDER, message["name"]))
            await context.report(
                AgentUpdate(
                    AgentName.AGENT2,
                    AgentStatus.PROCESSING,
                    progress=100 * len(stored) / len(script.scenes),
                    file_count=len(stored),
                )
            )

    await steps.run_worker(
        module_command(WORKER),
        scratch=workspace.scratch,
        order=order,
        on_message=read,
        error="visuals_failed",
        what="Drawing the slides",
    )
    await steps.hold_fence(context)
    return await workspace.write_manifest(
        FOLDER,
        input_hash=input_hash,
        script_hash=steps.hash_script(script),
        files=stored,
        info={
            "font": end["font"],
            "symbols_left_out": end["leftOut"],
            "slides_with_cut_text": len(end["cutSlides"]),
            "has_text_layout": end["hasTextLayout"],
        },
    )


def _hash_input(script: Script) -> str:
    shown = [{**scene.to_json(), "narration": ""} for scene in script.scenes]
    content = json.dumps([DRAWING_VERSION, script.title, shown], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
