"""What the tests of the pipeline share: scripts, a fence, a recorder, and looking at processes."""

from __future__ import annotations

import array
import asyncio
import subprocess
import time
import wave
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from agents.video.pipeline.agent2 import agent_2_process
from agents.video.pipeline.agent4 import agent_4_process
from agents.video.pipeline.agent5 import agent_5_process
from agents.video.pipeline.context import PipelineOptions
from agents.video.pipeline.ffmpeg import find_ffmpeg
from agents.video.pipeline.orchestrator import VideoGenerationOrchestrator
from agents.video.pipeline.types import (
    AgentName,
    AgentStatus,
    AgentUpdate,
    ChartValue,
    RowError,
    Scene,
    SceneKind,
    Script,
)
from agents.video.pipeline.workspace import Workspace

USER, SESSION = "user_1", "video_1"
ROOT_KEY = f"scaffold_test/{USER}/{SESSION}"
SHORT = (
    Scene(SceneKind.TITLE, "What we heard", "We asked many people. They answered."),
    Scene(
        SceneKind.CHART,
        "Why they left",
        "Most of them had waited too long.",
        values=(ChartValue("Waiting", 62), ChartValue("Price", 21)),
    ),
)


def make_script(scenes=SHORT, **fields):
    wanted = {"id": SESSION, "user_id": USER, "title": "What we heard", "language": "en"}
    return Script(**{**wanted, **fields, "scenes": tuple(scenes)})


def long_scenes(count, *, sentences=12):
    """Return scenes that take each agent long enough to be caught at work."""
    sentence = "This sentence is here to be spoken for a while, so that somebody can interrupt it. "
    return [
        Scene(
            SceneKind.LIST, f"Heading {number}", sentence * sentences, items=("One", "Two", "Three")
        )
        for number in range(count)
    ]


@dataclass
class Fence:
    attempt: int = 1
    reusable_attempts: tuple[int, ...] = ()
    is_held: bool = True

    async def holds(self):
        return self.is_held


@dataclass
class Stage:
    """One run of the pipeline with everything around it in a folder of the test's own."""

    folder: Path
    script: Script = field(default_factory=make_script)
    fence: Fence = field(default_factory=Fence)
    storage: FileSystemStorage | None = None
    visuals: object = agent_2_process
    narration: object = agent_4_process
    composition: object = agent_5_process
    updates: list[AgentUpdate] = field(default_factory=list)
    on_update: object = None
    option_fields: dict = field(default_factory=dict)
    rows_read: int = 0

    def __post_init__(self):
        self.storage = self.storage or FileSystemStorage(self.folder / "store", base_url=None)
        self.options = replace(
            PipelineOptions(scratch_root=self.folder / "scratch"), **self.option_fields
        )

    def make(self):
        self.orchestrator = VideoGenerationOrchestrator(
            load_row=self.load_row,
            report=self.report,
            fence=self.fence,
            open_workspace=self.open_workspace,
            options=self.options,
            visuals=self.visuals,
            narration=self.narration,
            composition=self.composition,
        )
        return self.orchestrator

    async def run(self, user_id=USER, session_id=SESSION):
        return await self.make().start_full_test_process(user_id, session_id)

    async def load_row(self, user_id, session_id):
        self.rows_read += 1
        if (user_id, session_id) != (self.script.user_id, self.script.id):
            raise RowError
        return self.script

    async def report(self, update):
        self.updates.append(update)
        if self.on_update is not None:
            await self.on_update(update)

    def open_workspace(self, user_id, session_id):
        return Workspace(
            storage=self.storage,
            scratch_root=self.options.scratch_root,
            user_id=user_id,
            session_id=session_id,
            attempt=self.fence.attempt,
        )

    @staticmethod
    def starting(agent):
        return AgentUpdate(AgentName(agent), AgentStatus.STARTING, progress=0)

    def said(self, *, progress=False):
        """Return agent, status and reason of each update, without those of mere progress."""
        return [
            (update.agent.value, update.status.value, update.reason)
            for update in self.updates
            if progress or update.status.value != "processing"
        ]

    def last_words(self):
        return {update.agent.value: update.status.value for update in self.updates}

    def stored(self):
        root = self.folder / "store"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*"))

    def path(self, key):
        return self.folder / "store" / key


def processes_in(folder):
    """Return the numbers of processes that work in a folder; children of a run all do."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            place = (entry / "cwd").readlink()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and place.is_relative_to(folder):
            found.append(int(entry.name))
    return found


def none_left(folder):
    """Tell whether no process works in a folder; one that was killed may take a moment to go."""
    return wait_until(lambda: processes_in(folder) == [], 20.0)


async def until_busy(folder):
    """Wait until a process of a run works in the folder."""
    assert await asyncio.to_thread(wait_until, lambda: processes_in(folder))


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def decode_sound(video, target):
    """Write a video's sound as a 16-bit mono WAV file, as a player hears it."""
    subprocess.run(
        [find_ffmpeg(), "-v", "error", "-y", "-i", str(video), "-map", "0:a", "-ac", "1", target],
        check=True,
    )
    return target


def read_sound(path):
    """Return the samples of a 16-bit mono WAV file, and their rate."""
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        samples = array.array("h", sound.readframes(sound.getnframes()))
        return samples, sound.getframerate()


def heard_spans(path, *, threshold=500, gap_seconds=0.2):
    """Return when something is heard, in seconds: pauses longer than the gap divide."""
    samples, rate = read_sound(path)
    window = rate // 200
    spans = []
    for place in range(0, len(samples) - window, window):
        if max(map(abs, samples[place : place + window])) < threshold:
            continue
        start, end = place / rate, (place + window) / rate
        if spans and start - spans[-1][1] < gap_seconds:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    return [tuple(span) for span in spans]


def read_cues(text):
    """Return start, end and text of the cues of a WebVTT file."""

    def seconds(stamp):
        hours, minutes, rest = stamp.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)

    cues = []
    for block in text.split("\n\n")[1:]:
        lines = block.strip().split("\n")
        start, _, end = lines[1].partition(" --> ")
        cues.append((seconds(start), seconds(end), "\n".join(lines[2:])))
    return cues
