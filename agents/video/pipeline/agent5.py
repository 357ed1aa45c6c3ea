"""Agent5: makes the video of what the others left.

Reads the row first, looks for its input in ``agent2/`` and ``agent4/`` and takes only what this
attempt's manifests name. The video is written under a passing name and gets its own when it has
been looked into: a program that was stopped leaves a file that plays and is too short.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from agents.video.pipeline import ffmpeg, steps
from agents.video.pipeline.agent2 import FOLDER as VISUALS
from agents.video.pipeline.agent4 import CAPTIONS, NARRATION, TIMELINE
from agents.video.pipeline.agent4 import FOLDER as SOUND
from agents.video.pipeline.context import RunContext
from agents.video.pipeline.mp4 import Mp4Error, read_movie
from agents.video.pipeline.slots import count_slots, hold_slot
from agents.video.pipeline.speech.captions import write_chapters
from agents.video.pipeline.speech.track import Timeline
from agents.video.pipeline.types import (
    AgentName,
    AgentStatus,
    AgentUpdate,
    Cost,
    PipelineError,
    Script,
    VideoResult,
)
from agents.video.pipeline.workspace import Manifest

FOLDER: Final = "agent5"
VIDEO: Final = "video.mp4"
CHAPTERS: Final = "chapters.vtt"
COMPOSING_VERSION: Final = 1
"""Raise when equal input no longer makes an equal video."""
LENGTH_TOLERANCE_SECONDS: Final = 0.2
COMPOSED_SHARE: Final = 95.0
"""Percent of this agent's progress that composing is; the rest is storing."""


@dataclass(frozen=True, slots=True)
class _Input:
    """Everything composition needs, on this machine."""

    slides: tuple[Path, ...]
    sound: Path
    captions: Path
    timeline: Timeline


async def agent_5_process(context: RunContext) -> VideoResult:
    """Compose the video of a session and return where it is.

    Raises:
        RowError: the row is missing or somebody else's.
        PipelineError: ``input_missing``, ``input_damaged``, ``script_changed``,
            ``ffmpeg_missing``, ``composition_failed``, ``video_damaged``, ``disk_full``,
            ``storage_failed`` or ``timed_out``.
    """
    await context.report(AgentUpdate(AgentName.AGENT5, AgentStatus.STARTING, progress=0))
    script = await context.load_row(context.user_id, context.session_id)
    visuals = await _discover(context, VISUALS)
    sound = await _discover(context, SOUND)
    script_hash = steps.hash_script(script)
    if {visuals.script_hash, sound.script_hash} != {script_hash}:
        raise PipelineError(
            "script_changed", "The script was changed while its video was made. Start it again."
        )
    content = json.dumps([COMPOSING_VERSION, script_hash, visuals.input_hash, sound.input_hash])
    input_hash = hashlib.sha256(content.encode()).hexdigest()
    manifest = await steps.reuse(context, FOLDER, input_hash, script_hash)
    is_reused = manifest is not None
    if manifest is None:
        found = await _fetch(context, visuals, sound)
        await _wait_and_compose(context, script, found)
        manifest = await _store(context, found, input_hash, script_hash)
    result = _read_result(manifest)
    await context.report(
        AgentUpdate(
            AgentName.AGENT5,
            AgentStatus.FINISHED,
            progress=100,
            file_count=len(manifest.files),
            video_key=result.video_key,
            info={
                "duration_seconds": round(result.duration_seconds, 3),
                "size_bytes": result.size_bytes,
                "reused": is_reused,
            },
            new_costs=(
                Cost(
                    "ffmpeg",
                    "seconds",
                    Decimal(str(round(result.duration_seconds, 3))),
                    Decimal(0),
                    "composition",
                ),
            ),
        )
    )
    return result


async def _discover(context: RunContext, agent: str) -> Manifest:
    found = await context.workspace.scan(agent, [context.fence.attempt])
    if not found:
        raise PipelineError(
            "input_missing", f"{agent} left nothing that is complete. Start the video again."
        )
    return found[0]


async def _fetch(context: RunContext, visuals: Manifest, sound: Manifest) -> _Input:
    fetch = context.workspace.fetch
    slides = [await fetch(VISUALS, one) for one in visuals.files]
    texts = {one.name: await fetch(SOUND, one) for one in sound.files}
    try:
        written = await asyncio.to_thread(texts[TIMELINE].read_text, encoding="utf-8")
        timeline = Timeline.from_json(json.loads(written))
        found = _Input(tuple(slides), texts[NARRATION], texts[CAPTIONS], timeline)
    except (KeyError, ValueError, TypeError) as error:
        raise PipelineError(
            "input_damaged", "The narration's times cannot be read. Start the video again."
        ) from error
    if len(slides) != len(timeline.scene_seconds):
        raise PipelineError(
            "input_missing",
            f"There are {len(slides)} slides for {len(timeline.scene_seconds)} scenes. "
            "Start the video again.",
        )
    return found


async def _wait_and_compose(context: RunContext, script: Script, found: _Input) -> None:
    program = await asyncio.to_thread(ffmpeg.find_ffmpeg, context.options.ffmpeg)
    slots = context.options.compose_slots or count_slots()
    await context.report(
        AgentUpdate(
            AgentName.AGENT5, AgentStatus.PROCESSING, progress=0, info={"step": "waiting_for_slot"}
        )
    )
    limits = context.options.limits
    seconds = limits.composition_base + limits.composition_a_second * found.timeline.seconds
    # Waiting for a slot is not counted as time of composing.
    async with (
        hold_slot(context.options.scratch_root / "slots", slots=slots),
        steps.limit_time("Composing the video", seconds),
    ):
        await _compose(context, script, found, program)


async def _compose(context: RunContext, script: Script, found: _Input, program: str) -> None:
    folder = context.workspace.folder(FOLDER)
    partial = folder / f"{VIDEO}.part"
    total = found.timeline.seconds
    await asyncio.to_thread(_write_lists, folder, script, found)

    async def tell(seconds: float) -> None:
        await context.report(
            AgentUpdate(
                AgentName.AGENT5,
                AgentStatus.PROCESSING,
                progress=min(COMPOSED_SHARE, COMPOSED_SHARE * seconds / total),
                info={"step": "composing"},
            )
        )

    arguments = ffmpeg.compose_arguments(
        slides=folder / "slides.ffconcat",
        sound=found.sound,
        captions=found.captions if found.timeline.cues else None,
        metadata=folder / "metadata.txt",
        target=partial,
        seconds=total,
        language=script.language,
    )
    await ffmpeg.compose(program, arguments, scratch=context.workspace.scratch, on_seconds=tell)
    await asyncio.to_thread(check_video, partial, total, has_captions=bool(found.timeline.cues))
    await asyncio.to_thread(partial.replace, folder / VIDEO)


def check_video(path: Path, seconds: float, *, has_captions: bool) -> None:
    """Make sure the file is the whole video.

    Raises:
        PipelineError: ``video_damaged``; what is missing is in the reason.
    """
    try:
        movie = read_movie(path)
    except (OSError, Mp4Error) as error:
        raise _damaged("it cannot be read to its end") from error
    for kind, name in (("vide", "picture"), ("soun", "sound")):
        length = movie.longest(kind)
        if abs(length - seconds) > LENGTH_TOLERANCE_SECONDS:
            raise _damaged(f"its {name} lasts {length:.1f} s instead of {seconds:.1f} s")
    if has_captions and not any(track.kind in ("sbtl", "text") for track in movie.tracks):
        raise _damaged("it has no captions")
    if not movie.is_fast_start:
        raise _damaged("its index stands at the end")


async def _store(context: RunContext, found: _Input, input_hash: str, script_hash: str) -> Manifest:
    workspace = context.workspace
    folder = workspace.folder(FOLDER)
    captions = await asyncio.to_thread(found.captions.read_bytes)
    await asyncio.to_thread((folder / CAPTIONS).write_bytes, captions)
    stored = [await workspace.put(FOLDER, name) for name in (VIDEO, CAPTIONS, CHAPTERS)]
    await steps.hold_fence(context)
    return await workspace.write_manifest(
        FOLDER,
        input_hash=input_hash,
        script_hash=script_hash,
        files=stored,
        info={"seconds": round(found.timeline.seconds, 3)},
    )


def _read_result(manifest: Manifest) -> VideoResult:
    files = {one.name: one for one in manifest.files}
    return VideoResult(
        video_key=files[VIDEO].key,
        captions_key=files[CAPTIONS].key,
        chapters_key=files[CHAPTERS].key,
        duration_seconds=float(manifest.info["seconds"]),
        size_bytes=files[VIDEO].size_bytes,
        cost_usd=Decimal(0),
    )


def _write_lists(folder: Path, script: Script, found: _Input) -> None:
    """Write what ffmpeg reads beside pictures and sound, and the chapters players read."""
    lines = ["ffconcat version 1.0"]
    metadata = [";FFMETADATA1", f"title={ffmpeg.escape_metadata(script.title)}"]
    headings = [scene.heading for scene in script.scenes]
    start = 0.0
    for path, heading, seconds in zip(
        found.slides, headings, found.timeline.scene_seconds, strict=True
    ):
        lines += [f"file '{path.as_posix()}'", f"duration {seconds:.3f}"]
        metadata += [
            *("[CHAPTER]", "TIMEBASE=1/1000"),
            *(f"START={round(start * 1000)}", f"END={round((start + seconds) * 1000)}"),
            f"title={ffmpeg.escape_metadata(heading)}",
        ]
        start += seconds
    # The reader takes the last picture's length from what follows it.
    lines.append(f"file '{found.slides[-1].as_posix()}'")
    (folder / "slides.ffconcat").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "metadata.txt").write_text("\n".join(metadata) + "\n", encoding="utf-8")
    (folder / CHAPTERS).write_text(write_chapters(headings, found.timeline), encoding="utf-8")


def _damaged(detail: str) -> PipelineError:
    return PipelineError(
        "video_damaged", f"ffmpeg made a file that is not the whole video: {detail}. Start again."
    )
