"""Agent4: speaks the narration, phrase by phrase, and writes when each is heard.

Reads the row first, speaks with the provider's voice where there is a key and with the offline one
elsewhere, levels the loudness and stores below ``agent4/``: ``narration.wav``, ``captions.vtt`` and
``timeline.json``. Takes an earlier attempt's sound when it was made of the same words.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from agents.video.pipeline import steps
from agents.video.pipeline.context import RunContext, SpeechOptions
from agents.video.pipeline.ffmpeg import find_ffmpeg, level_loudness
from agents.video.pipeline.processes import module_command
from agents.video.pipeline.speech.captions import write_captions
from agents.video.pipeline.speech.phrases import Phrase, split_narration
from agents.video.pipeline.speech.remote import RemoteVoice, Spoken
from agents.video.pipeline.speech.track import Timeline
from agents.video.pipeline.types import (
    AgentName,
    AgentStatus,
    AgentUpdate,
    Cost,
    PipelineError,
    Script,
)
from agents.video.pipeline.workspace import Manifest

FOLDER: Final = "agent4"
NARRATION: Final = "narration.wav"
CAPTIONS: Final = "captions.vtt"
TIMELINE: Final = "timeline.json"
SPEAKING_VERSION: Final = 1
"""Raise when equal words no longer make equal sound."""
WORKER: Final = "agents.video.pipeline.speech.worker"
SPOKEN_SHARE: Final = 90.0
"""Percent of this agent's progress that speaking is; the rest is levelling and storing."""


async def agent_4_process(context: RunContext) -> Manifest:
    """Speak the narration of a session and return what was stored.

    Raises:
        RowError: the row is missing or somebody else's.
        PipelineError: ``script_empty``, ``voice_missing``, ``voice_unknown``, ``voice_failed``,
            ``speech_refused``, ``speech_unavailable``, ``ffmpeg_missing``, ``narration_failed``,
            ``disk_full``, ``storage_failed`` or ``timed_out``.
    """
    await context.report(AgentUpdate(AgentName.AGENT4, AgentStatus.STARTING, progress=0))
    script = await context.load_row(context.user_id, context.session_id)
    steps.refuse_empty(script)
    phrases = [
        phrase
        for number, scene in enumerate(script.scenes)
        for phrase in split_narration(number, scene.narration)
    ]
    limits = context.options.limits
    characters = sum(len(phrase.spoken) for phrase in phrases)
    seconds = limits.narration_base + limits.narration_a_character * characters
    async with steps.limit_time("Speaking the narration", seconds):
        input_hash = _hash_input(script, phrases, context.options.speech)
        manifest = await steps.reuse(context, FOLDER, input_hash, steps.hash_script(script))
        is_reused = manifest is not None
        if manifest is None:
            manifest = await _make(context, script, phrases, input_hash)
    await context.report(
        AgentUpdate(
            AgentName.AGENT4,
            AgentStatus.FINISHED,
            progress=100,
            file_count=len(manifest.files),
            info={**manifest.info, "reused": is_reused},
        )
    )
    return manifest


async def _make(
    context: RunContext, script: Script, phrases: Sequence[Phrase], input_hash: str
) -> Manifest:
    ffmpeg = await asyncio.to_thread(find_ffmpeg, context.options.ffmpeg)
    workspace = context.workspace
    folder = workspace.folder(FOLDER)
    raw = folder / "raw.wav"
    order: dict[str, Any] = {
        "phrases": [
            {
                "scene": phrase.scene,
                "caption": phrase.caption,
                "spoken": phrase.spoken,
                "endsSentence": phrase.ends_sentence,
            }
            for phrase in phrases
        ],
        "sceneCount": len(script.scenes),
        "track": str(raw),
        "language": script.language,
        "voice": script.voice,
    }
    speech = context.options.speech
    if speech is not None and phrases:
        order |= await _ask_provider(context, speech, script.voice, phrases)
    timeline = await _speak(context, order, len(phrases), is_offline=speech is None)
    gain = await level_loudness(ffmpeg, raw, folder / NARRATION, scratch=workspace.scratch)
    await asyncio.to_thread(_write_texts, folder, timeline)
    stored = [await workspace.put(FOLDER, name) for name in (NARRATION, CAPTIONS, TIMELINE)]
    await steps.hold_fence(context)
    return await workspace.write_manifest(
        FOLDER,
        input_hash=input_hash,
        script_hash=steps.hash_script(script),
        files=stored,
        info={
            "provider": "espeak-ng" if speech is None else f"openai:{speech.model}",
            "voice": script.voice or (script.language if speech is None else speech.voice),
            "phrases": len(phrases),
            "seconds": round(timeline.seconds, 3),
            "gain_db": round(gain, 2),
        },
    )


async def _speak(
    context: RunContext, order: dict[str, Any], total: int, *, is_offline: bool
) -> Timeline:
    ends: list[Timeline] = []

    async def read(message: dict[str, Any]) -> None:
        if "end" in message:
            ends.append(Timeline.from_json(message["end"]))
        elif is_offline:
            await _report_spoken(context, int(message["done"]), total)

    await steps.run_worker(
        module_command(WORKER),
        scratch=context.workspace.scratch,
        order=order,
        on_message=read,
        error="narration_failed",
        what="Speaking the narration",
    )
    if is_offline:
        characters = sum(len(phrase["spoken"]) for phrase in order["phrases"])
        cost = Cost("espeak-ng", "characters", Decimal(characters), Decimal(0), "speech")
        await _report_spoken(context, total, total, cost)
    return ends[0]


async def _ask_provider(
    context: RunContext, speech: SpeechOptions, voice: str, phrases: Sequence[Phrase]
) -> dict[str, Any]:
    """Have every phrase spoken and return what the worker needs to put them together."""
    folder = context.workspace.folder(FOLDER)
    rates: dict[int, int] = {}

    async def ask(remote: RemoteVoice, number: int, phrase: Phrase) -> Path:
        spoken: Spoken = await remote.speak(phrase.spoken, reference=f"phrase-{number}")
        path = folder / f"phrase-{number:05d}.pcm"
        await asyncio.to_thread(path.write_bytes, spoken.samples)
        rates[number] = spoken.sample_rate
        await _report_spoken(context, len(rates), len(phrases), spoken.cost)
        return path

    try:
        async with RemoteVoice(speech, voice=voice) as remote, asyncio.TaskGroup() as group:
            asked = [
                group.create_task(ask(remote, number, phrase))
                for number, phrase in enumerate(phrases)
            ]
    except BaseExceptionGroup as failures:
        raise steps.first_cause(failures) from failures
    if len(set(rates.values())) != 1:
        raise PipelineError(
            "speech_refused", "The speech provider changed its sample rate between sentences."
        )
    return {"samples": [str(task.result()) for task in asked], "sampleRate": rates[0]}


async def _report_spoken(
    context: RunContext, done: int, total: int, cost: Cost | None = None
) -> None:
    await context.report(
        AgentUpdate(
            AgentName.AGENT4,
            AgentStatus.PROCESSING,
            progress=SPOKEN_SHARE * done / max(1, total),
            info={"phrases": total, "spoken": done},
            new_costs=() if cost is None else (cost,),
        )
    )


def _write_texts(folder: Path, timeline: Timeline) -> None:
    (folder / CAPTIONS).write_text(write_captions(timeline.cues), encoding="utf-8")
    (folder / TIMELINE).write_text(
        json.dumps(timeline.to_json(), ensure_ascii=False), encoding="utf-8"
    )


def _hash_input(script: Script, phrases: Sequence[Phrase], speech: SpeechOptions | None) -> str:
    content = [
        SPEAKING_VERSION,
        script.language,
        script.voice,
        None if speech is None else [speech.base_url, speech.model, speech.voice],
        len(script.scenes),
        [[phrase.scene, phrase.caption] for phrase in phrases],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
