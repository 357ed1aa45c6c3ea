from __future__ import annotations

import asyncio
import json
import shutil
import time
from decimal import Decimal

import pytest

from agents.video.pipeline import agent2, agent5
from agents.video.pipeline.mp4 import read_movie
from agents.video.pipeline.speech.track import Timeline
from agents.video.pipeline.types import PipelineError, RowError, Scene, SceneKind, VideoResult
from agents.video.tests.pipeline_stage import (
    ROOT_KEY,
    SESSION,
    USER,
    Fence,
    Stage,
    decode_sound,
    heard_spans,
    make_script,
    none_left,
    read_cues,
    read_sound,
)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Return a stage whose video is made, and its result. For looking at only."""
    stage = Stage(tmp_path_factory.mktemp("rendered"))
    return stage, asyncio.run(stage.run())


def test_a_script_becomes_a_video_and_every_step_is_said(rendered):
    stage, result = rendered

    assert stage.said()[0] == ("Orchestrator", "starting", "")
    starts = {("Agent2", "starting", ""), ("Agent4", "starting", "")}
    assert {stage.said()[1], stage.said()[2]} == starts
    assert stage.said()[5:] == [
        ("Agent5", "starting", ""),
        ("Agent5", "finished", ""),
        ("Orchestrator", "finished", ""),
    ]
    assert {stage.said()[3], stage.said()[4]} == {
        ("Agent2", "finished", ""),
        ("Agent4", "finished", ""),
    }
    assert stage.rows_read == 3
    assert result.video_key == f"{ROOT_KEY}/agent5/attempt-1/video.mp4"
    last = {update.agent.value: update for update in stage.updates}
    assert last["Agent5"].video_key == last["Orchestrator"].video_key == result.video_key
    assert (last["Agent2"].file_count, last["Agent4"].file_count) == (2, 3)
    assert last["Agent5"].file_count == 3
    assert all(update.progress == 100 for update in last.values())
    assert all(update.cost == Decimal(0) for update in last.values())
    assert stage.stored() == [
        f"{ROOT_KEY}/agent2/attempt-1/manifest.json",
        f"{ROOT_KEY}/agent2/attempt-1/slide-0001.png",
        f"{ROOT_KEY}/agent2/attempt-1/slide-0002.png",
        f"{ROOT_KEY}/agent4/attempt-1/captions.vtt",
        f"{ROOT_KEY}/agent4/attempt-1/manifest.json",
        f"{ROOT_KEY}/agent4/attempt-1/narration.wav",
        f"{ROOT_KEY}/agent4/attempt-1/timeline.json",
        f"{ROOT_KEY}/agent5/attempt-1/captions.vtt",
        f"{ROOT_KEY}/agent5/attempt-1/chapters.vtt",
        f"{ROOT_KEY}/agent5/attempt-1/manifest.json",
        f"{ROOT_KEY}/agent5/attempt-1/video.mp4",
        f"{ROOT_KEY}/timestamp.json",
    ]
    moment = json.loads(stage.path(f"{ROOT_KEY}/timestamp.json").read_text())
    assert isinstance(moment, int)
    assert abs(moment - time.time()) < 600
    assert not (stage.folder / "scratch" / f"{SESSION}-1").exists()
    assert none_left(stage.folder)


def test_the_video_holds_what_it_should(rendered):
    stage, result = rendered

    video = stage.path(result.video_key)
    movie = read_movie(video)
    assert movie.is_fast_start
    assert movie.longest("vide") == pytest.approx(result.duration_seconds, abs=0.05)
    assert movie.longest("soun") == pytest.approx(result.duration_seconds, abs=0.05)
    assert {track.kind for track in movie.tracks} == {"vide", "soun", "sbtl", "text"}
    assert result.size_bytes == video.stat().st_size
    chapters = read_cues(stage.path(result.chapters_key).read_text())
    assert [text for _, _, text in chapters] == ["What we heard", "Why they left"]
    assert chapters[0][0] == 0
    assert chapters[0][1] == chapters[1][0]
    assert chapters[1][1] == pytest.approx(result.duration_seconds, abs=0.002)


async def test_captions_are_within_50_ms_of_the_sound_in_the_video(tmp_path):
    narration = "The first sentence stands alone. Here is another one. And this is a third."
    scenes = [
        Scene(SceneKind.TITLE, "One", narration),
        Scene(SceneKind.FIGURE, "Two", "Sixty two percent of them left.", text="62 %"),
    ]
    stage = Stage(tmp_path, script=make_script(scenes))

    result = await stage.run()

    sound = decode_sound(stage.path(result.video_key), tmp_path / "heard.wav")
    heard = heard_spans(sound)
    cues = read_cues(stage.path(result.captions_key).read_text())
    assert [text.replace("\n", " ") for _, _, text in cues] == [
        "The first sentence stands alone.",
        "Here is another one.",
        "And this is a third.",
        "Sixty two percent of them left.",
    ]
    assert len(heard) == len(cues)
    for (start, end, _), (first, last) in zip(cues, heard, strict=True):
        assert abs(start - first) <= 0.05
        assert abs(end - last) <= 0.05


def test_progress_never_falls_and_is_100_only_at_the_end(rendered):
    stage, _ = rendered

    for agent in ("Orchestrator", "Agent2", "Agent4", "Agent5"):
        steps = [update for update in stage.updates if update.agent == agent]
        shown = [update.progress for update in steps]
        assert shown == sorted(shown)
        assert [update.status.value for update in steps if update.progress == 100] == ["finished"]


@pytest.mark.parametrize(
    ("user_id", "session_id"),
    [
        (USER, "video_2"),
        ("user_2", SESSION),
        ("..", SESSION),
        (USER, "../../etc"),
        (USER, "a/b"),
        (USER, ""),
        ("user\x00", SESSION),
        (USER, "a" * 65),
    ],
)
async def test_a_foreign_or_crooked_id_is_an_error_and_leaves_no_files(
    tmp_path, user_id, session_id
):
    stage = Stage(tmp_path)

    with pytest.raises(RowError):
        await stage.run(user_id, session_id)

    assert stage.last_words()["Orchestrator"] == "error"
    assert "finished" not in stage.last_words().values()
    files = [name for name in stage.stored() if not name.endswith("timestamp.json")]
    assert files == []
    assert {path.name for path in tmp_path.iterdir()} <= {"store", "scratch"}


async def test_a_second_attempt_takes_what_the_first_had_finished(tmp_path, rendered):
    shutil.copytree(rendered[0].folder / "store", tmp_path / "store")
    again = Stage(tmp_path, fence=Fence(attempt=2, reusable_attempts=(1,)))

    result = await again.run()

    reused = {
        update.agent.value: update.info["reused"]
        for update in again.updates
        if update.status == "finished" and "reused" in update.info
    }
    assert reused == {"Agent2": True, "Agent4": True, "Agent5": True}
    assert result.video_key == f"{ROOT_KEY}/agent5/attempt-1/video.mp4"
    named = json.loads(again.path(f"{ROOT_KEY}/agent2/attempt-2/manifest.json").read_text())
    assert [one["key"] for one in named["files"]] == [
        f"{ROOT_KEY}/agent2/attempt-1/slide-0001.png",
        f"{ROOT_KEY}/agent2/attempt-1/slide-0002.png",
    ]


@pytest.mark.slow  # Two videos.
async def test_a_second_attempt_does_anew_what_has_changed_or_is_gone(tmp_path):
    await Stage(tmp_path).run()
    (tmp_path / "store" / ROOT_KEY / "agent2/attempt-1/slide-0002.png").unlink()
    changed = make_script(
        [make_script().scenes[0], Scene(SceneKind.CLOSING, "Bye", "Something else is said.")]
    )
    again = Stage(tmp_path, script=changed, fence=Fence(attempt=2, reusable_attempts=(1,)))

    result = await again.run()

    reused = [update.info["reused"] for update in again.updates if "reused" in update.info]
    assert reused == [False, False, False]
    assert result.video_key == f"{ROOT_KEY}/agent5/attempt-2/video.mp4"


@pytest.mark.slow  # Two videos.
async def test_an_attempt_that_was_not_asked_for_is_left_alone(tmp_path):
    await Stage(tmp_path).run()
    again = Stage(tmp_path, fence=Fence(attempt=2))

    result = await again.run()

    assert result.video_key == f"{ROOT_KEY}/agent5/attempt-2/video.mp4"
    assert [u.info["reused"] for u in again.updates if "reused" in u.info] == [False] * 3


async def test_files_without_a_manifest_of_this_attempt_are_not_taken(tmp_path):
    async def draw_and_forget(context):
        manifest = await agent2.agent_2_process(context)
        context.workspace._storage.delete(context.workspace.key("agent2", "manifest.json"))
        return manifest

    stage = Stage(tmp_path, visuals=draw_and_forget)

    with pytest.raises(Exception, match="input_missing"):
        await stage.run()

    assert stage.last_words()["Agent5"] == "error"
    assert not any("agent5" in name for name in stage.stored())


async def test_a_scene_without_words_is_shown_in_silence(tmp_path):
    scenes = [Scene(SceneKind.TITLE, "Quiet", ""), Scene(SceneKind.CLOSING, "🚀", "🚀")]
    stage = Stage(tmp_path, script=make_script(scenes))

    result = await stage.run()

    assert result.duration_seconds == pytest.approx(4.8)
    assert stage.path(result.captions_key).read_text() == "WEBVTT\n"
    movie = read_movie(stage.path(result.video_key))
    assert movie.longest("vide") == pytest.approx(4.8, abs=0.05)


async def test_a_manifest_that_names_files_elsewhere_is_none(tmp_path, rendered):
    shutil.copytree(rendered[0].folder / "store", tmp_path / "store")
    path = tmp_path / "store/scaffold_test/user_1/video_1/agent2/attempt-1/manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][0]["key"] = "scaffold_test/user_2/video_9/agent2/attempt-1/slide-0001.png"
    path.write_text(json.dumps(manifest))
    workspace = Stage(tmp_path).open_workspace("user_1", "video_1")

    assert await workspace.scan("agent2", [1]) == []
    assert len(await workspace.scan("agent4", [1])) == 1


def test_composition_refuses_a_file_that_is_no_video(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypisom" + bytes(60))

    with pytest.raises(PipelineError, match="video_damaged"):
        agent5.check_video(path, 3.0, has_captions=False)


@pytest.mark.slow
async def test_two_hundred_scenes_are_drawn_and_spoken_without_drifting(tmp_path):
    seen = {}

    async def look(context):
        (visuals,) = await context.workspace.scan("agent2", [1])
        (sound,) = await context.workspace.scan("agent4", [1])
        files = {one.name: one for one in sound.files}
        timeline = await context.workspace.fetch("agent4", files["timeline.json"])
        narration = await context.workspace.fetch("agent4", files["narration.wav"])
        seen["slides"] = [one.name for one in visuals.files]
        seen["timeline"] = Timeline.from_json(json.loads(timeline.read_text()))
        samples, rate = read_sound(narration)
        seen["seconds"] = len(samples) / rate
        return VideoResult("key", "", "", 1.0, 1, Decimal(0))

    scenes = [
        Scene(SceneKind.FIGURE, f"Number {number}", "Word.", text=f"{number} %")
        for number in range(200)
    ]
    stage = Stage(tmp_path, script=make_script(scenes), composition=look)

    await stage.run()

    assert seen["slides"] == [f"slide-{number:04d}.png" for number in range(1, 201)]
    timeline = seen["timeline"]
    assert len(timeline.scene_seconds) == len(timeline.cues) == 200
    assert seen["seconds"] == pytest.approx(timeline.seconds, abs=0.02)
    starts = [sum(timeline.scene_seconds[:number]) for number in range(200)]
    late = [cue.start - start for cue, start in zip(timeline.cues, starts, strict=True)]
    assert max(late) - min(late) < 0.001
    assert late[0] == pytest.approx(0.4, abs=0.001)
