"""A minute of narrated 1080p video: the whole pipeline beside moviepy and bare ffmpeg, in one run.

Run ``python -m benchmarks.video_render`` (``--quick``: once each). Every row makes a video of the
same six slides and the same narration. Bare ffmpeg and moviepy are handed both; the pipeline
draws and speaks them first, unless the row says composition only. moviepy does not bear the
Pillow of this environment, so it gets one of its own below ``var/``, made with pip at first use;
where that cannot be made its rows say so.

Wall time, processor time of all processes together, and the largest memory the whole tree of
processes held at one moment (looked at every 20 ms).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import print_machine
from benchmarks.tables import Cell, median, print_table, ratio

ROOT = Path(__file__).resolve().parent.parent
PEER_FOLDER = ROOT / "var" / "bench-moviepy"
MOVIEPY = "moviepy==2.2.1"
LIMIT_RATIO = 0.12
LIMIT_MB = 400
LIMIT_OVERLAP = 1.10
LOOK_SECONDS = 0.02
OVERLAP_REPEATS = 5

SCENES: list[dict[str, Any]] = [
    {
        "kind": "title",
        "heading": "Why customers leave after the first order",
        "text": "What 214 people told us",
        "narration": "We asked two hundred and fourteen people why they did not come back after "
        "their first order. Here is what they told us, in their own words.",
    },
    {
        "kind": "figure",
        "heading": "named waiting for the delivery",
        "text": "62 %",
        "items": ["133 of 214 people"],
        "narration": "Sixty two percent named waiting for the delivery. It came up far more often "
        "than anything else, in every city we asked, and at every hour of the day.",
    },
    {
        "kind": "chart",
        "heading": "What went wrong",
        "values": [
            {"label": "Delivery was late", "value": 62},
            {"label": "Food arrived cold", "value": 41},
            {"label": "No answer from support", "value": 27.5},
            {"label": "The app crashed", "value": 12},
        ],
        "narration": "The delivery was late for most of them. Food arrived cold for two in five. "
        "One in four got no answer from support.",
    },
    {
        "kind": "quote",
        "heading": "On waiting",
        "text": "I ordered at seven, the rider came at nine, and nobody ever told me why.",
        "items": ["Visitor, 34"],
        "narration": "One of them said: I ordered at seven, the rider came at nine, and nobody "
        "ever told me why. I would have waited if someone had just written.",
    },
    {
        "kind": "list",
        "heading": "Three things to change first",
        "items": ["Tell people when an order is late", "Let support refund", "Fix the payment"],
        "narration": "There are three things to change first. Tell people when an order will be "
        "late, before they ask. Let support refund small amounts at once. And fix the payment.",
    },
    {
        "kind": "closing",
        "heading": "Thank you",
        "text": "Made from interviews",
        "narration": "Thank you for watching. Every figure links to the quotes behind it.",
    },
]

MOVIEPY_PROGRAM = """
import json, sys
from moviepy import AudioFileClip, ImageClip, concatenate_videoclips
order = json.load(sys.stdin)
clips = [ImageClip(path).with_duration(seconds) for path, seconds in order["slides"]]
movie = concatenate_videoclips(clips).with_audio(AudioFileClip(order["sound"]))
movie.write_videofile(
    order["target"], fps=order["fps"], codec="libx264", audio_codec="aac", preset="veryfast",
    ffmpeg_params=["-crf", "20", "-tune", "stillimage", "-pix_fmt", "yuv420p"], logger=None,
)
"""


@dataclass
class Measured:
    """What one run cost."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def measure(
    command: list[str], order: dict[str, Any] | None = None, *, folder: Path = ROOT
) -> Measured:
    """Run a command in a folder to its end and return what it cost.

    Raises:
        SystemExit: it failed; its last words are shown.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = [0]
    over = threading.Event()
    looking = threading.Thread(target=_watch_memory, args=(process.pid, peak, over))
    looking.start()
    output, errors = process.communicate(json.dumps(order or {}))
    wall = time.perf_counter() - started
    over.set()
    looking.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed:\n{errors[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, cpu, peak[0] / 2**20, output)


def _watch_memory(pid: int, peak: list[int], over: threading.Event) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    while not over.wait(LOOK_SECONDS):
        parents: dict[int, list[int]] = {}
        sizes: dict[int, int] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                sizes[int(entry.name)] = int((entry / "statm").read_text().split()[1]) * page
            except (OSError, ValueError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
        tree, found = [pid], 0
        while tree:
            one = tree.pop()
            found += sizes.get(one, 0)
            tree.extend(parents.get(one, ()))
        peak[0] = max(peak[0], found)


def run_pipeline(order: dict[str, Any]) -> None:
    """Make the video of the order in this process and print where and when. A row's child."""
    from django.conf import settings
    from django.core.files.storage import FileSystemStorage

    settings.configure(USE_TZ=True)
    from agents.video.pipeline.agent2 import agent_2_process
    from agents.video.pipeline.agent4 import agent_4_process
    from agents.video.pipeline.agent5 import agent_5_process
    from agents.video.pipeline.context import PipelineOptions, RunContext
    from agents.video.pipeline.orchestrator import VideoGenerationOrchestrator
    from agents.video.pipeline.types import AgentUpdate, Scene, Script
    from agents.video.pipeline.workspace import Workspace

    folder = Path(order["folder"])
    options = PipelineOptions(scratch_root=folder / "scratch")
    script = Script(
        id="video_1",
        user_id="user_1",
        title="Why customers leave",
        language="en",
        scenes=tuple(Scene.from_json(scene) for scene in order["scenes"]),
    )
    times: dict[str, list[float]] = {}

    async def load_row(user_id: str, session_id: str) -> Script:
        return script

    async def report(update: AgentUpdate) -> None:
        times.setdefault(update.agent.value, []).append(time.perf_counter())

    class Alone:
        attempt = 1
        reusable_attempts = ()

        async def holds(self) -> bool:
            return True

    def open_workspace(user_id: str, session_id: str) -> Workspace:
        return Workspace(
            storage=FileSystemStorage(folder / "store"),
            scratch_root=options.scratch_root,
            user_id=user_id,
            session_id=session_id,
            attempt=1,
        )

    agents: dict[str, Any] = {
        "visuals": agent_2_process,
        "narration": agent_4_process,
        "composition": agent_5_process,
    }

    async def run() -> None:
        if only := order.get("only"):
            workspace = open_workspace("user_1", "video_1")
            await workspace.open()
            context = RunContext("user_1", "video_1", load_row, report, workspace, Alone(), options)
            for name in only:
                await asyncio.gather(*(agents[one](context) for one in name.split("+")))
            await workspace.close()
            return
        await VideoGenerationOrchestrator(
            load_row=load_row,
            report=report,
            fence=Alone(),
            open_workspace=open_workspace,
            options=options,
            **agents,
        ).start_full_test_process("user_1", "video_1")

    asyncio.run(run())
    spans = {agent: (moments[0], moments[-1]) for agent, moments in times.items()}
    print(json.dumps({"spans": spans}))


def child(order: dict[str, Any]) -> Measured:
    """Run the pipeline, or some of its agents, in a process of its own."""
    return measure([sys.executable, "-m", "benchmarks.video_render", "--child"], order)


def find_moviepy() -> str:
    """Return the Python that has moviepy, made at first use; empty where it cannot be had."""
    python = PEER_FOLDER / "bin" / "python"
    if not python.is_file():
        print("moviepy: making an environment of its own (once)", flush=True)
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(PEER_FOLDER)], capture_output=True, check=False
        )
        if made.returncode:
            return ""
    ready = subprocess.run([str(python), "-c", "import moviepy"], capture_output=True, check=False)
    if ready.returncode:
        ready = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", MOVIEPY],
            capture_output=True,
            check=False,
        )
    return "" if ready.returncode else str(python)


def bare_command(slides: list[tuple[str, float]], sound: str, target: Path, fps: int) -> list[str]:
    """Return the ffmpeg call one would write by hand: no captions, no chapters, no checks."""
    from agents.video.pipeline.ffmpeg import find_ffmpeg

    listing = target.with_suffix(".ffconcat")
    lines = [f"file '{path}'\nduration {seconds}" for path, seconds in slides]
    listing.write_text("ffconcat version 1.0\n" + "\n".join([*lines, f"file '{slides[-1][0]}'"]))
    return [
        *(find_ffmpeg(), "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(listing)),
        *("-i", sound, "-vf", f"format=yuv420p,fps={fps}", "-c:v", "libx264"),
        *("-preset", "veryfast", "-tune", "stillimage", "-crf", "20", "-c:a", "aac"),
        *("-t", str(sum(seconds for _, seconds in slides)), str(target)),
    ]


def measure_renders(folder: Path, repeats: int, *, quick: bool) -> bool:
    """Print the first table and say whether the limits are kept."""
    runs: dict[str, list[Measured]] = {}
    first = folder / "first"
    child({"scenes": SCENES, "folder": str(first)})
    store = first / "store" / "scaffold_test" / "user_1" / "video_1"
    timeline = json.loads((store / "agent4/attempt-1/timeline.json").read_text())
    length = sum(timeline["sceneSeconds"])
    sound = str(store / "agent4/attempt-1/narration.wav")
    paths = sorted(map(str, (store / "agent2/attempt-1").glob("slide-*.png")))
    slides = list(zip(paths, timeline["sceneSeconds"], strict=True))
    moviepy = find_moviepy()
    rates = (5,) if quick else (5, 24)
    for number in range(repeats):
        place = folder / f"run-{number}"
        runs.setdefault("Parley, script to video", []).append(
            child({"scenes": SCENES, "folder": str(place)})
        )
        shutil.rmtree(place / "store" / "scaffold_test/user_1/video_1/agent5")
        runs.setdefault("Parley, composition only", []).append(
            child({"scenes": SCENES, "folder": str(place), "only": ["composition"]})
        )
        for fps in rates:
            target = folder / f"bare-{fps}.mp4"
            runs.setdefault(f"bare ffmpeg, {fps} fps", []).append(
                measure(bare_command(slides, sound, target, fps))
            )
            if moviepy:
                order = {
                    "slides": slides,
                    "sound": sound,
                    "target": str(folder / f"moviepy-{fps}.mp4"),
                    "fps": fps,
                }
                runs.setdefault(f"moviepy, {fps} fps", []).append(
                    # It leaves its temporary files where it stands.
                    measure([moviepy, "-c", MOVIEPY_PROGRAM], order, folder=folder)
                )
    base = median([one.wall_seconds for one in runs["Parley, script to video"]])
    rows: list[list[Cell]] = []
    for name, found in runs.items():
        wall = median([one.wall_seconds for one in found])
        rows.append(
            [
                name,
                wall,
                f"{wall / length:.3f}",
                median([one.cpu_seconds for one in found]),
                round(max(one.peak_mb for one in found)),
                ratio(wall, base),
            ]
        )
    print_table(
        f"{length:.1f} s of 1080p video, 6 slides, median of {repeats}",
        ["maker", "wall s", "x real time", "cpu s", "peak MB", "wall"],
        rows,
    )
    if not moviepy:
        print("moviepy: not measured, its environment could not be made (no network?)")
    peak = max(one.peak_mb for one in runs["Parley, script to video"])
    print(
        f"limits: {LIMIT_RATIO} x real time, {LIMIT_MB} MB; "
        f"found {base / length:.3f} and {peak:.0f} MB"
    )
    return base / length <= LIMIT_RATIO and peak <= LIMIT_MB


def measure_overlap(folder: Path, repeats: int) -> bool:
    """Print the second table and say whether the limit is kept.

    The limit is on one and the same run: how long the two took together, of the longer one. What
    each takes alone is shown beside it; on a machine with fewer free cores than the two can use
    they slow each other down, which is no want of overlap.
    """
    scenes = SCENES * OVERLAP_REPEATS
    found: dict[str, list[float]] = {}
    for number in range(repeats):
        for kind in ("visuals", "narration", "visuals+narration"):
            place = str(folder / f"{kind}-{number}")
            output = child({"scenes": scenes, "folder": place, "only": [kind]}).output
            spans = json.loads(output.splitlines()[-1])["spans"]
            begun = min(first for first, _ in spans.values())
            ended = max(last for _, last in spans.values())
            found.setdefault(kind, []).append(ended - begun)
            if kind == "visuals+narration":
                longer = max(last - first for first, last in spans.values())
                found.setdefault("overlap", []).append((ended - begun) / longer)
    times = {kind: median(values) for kind, values in found.items()}
    both = times["visuals+narration"]
    print_table(
        f"Agent2 and Agent4, {len(scenes)} scenes, median of {repeats}",
        ["agents", "seconds"],
        [
            ["Agent2 alone", times["visuals"]],
            ["Agent4 alone", times["narration"]],
            ["one after the other", times["visuals"] + times["narration"]],
            ["both at once", both],
            ["both at once, of the longer in that run", f"x{times['overlap']:.3f}"],
            [
                "both at once, of the longer alone",
                ratio(both, max(times["visuals"], times["narration"])),
            ],
        ],
    )
    print(f"limit: x{LIMIT_OVERLAP:.2f} of the longer; found x{times['overlap']:.3f}")
    return times["overlap"] <= LIMIT_OVERLAP


def main() -> int:
    """Print the tables; fail when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="Once each, moviepy at 5 fps only.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run_pipeline(json.load(sys.stdin))
        return 0
    print_machine("pillow", "imageio-ffmpeg", "espeakng-loader")
    repeats = 1 if arguments.quick else arguments.repeats
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        kept = measure_renders(Path(folder), repeats, quick=arguments.quick)
        kept = measure_overlap(Path(folder), max(3, repeats)) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
