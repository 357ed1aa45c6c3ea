from __future__ import annotations

import asyncio
import time

import pytest

from agents.video.pipeline import agent2, agent4
from agents.video.pipeline.context import StepLimits
from agents.video.pipeline.processes import module_command
from agents.video.pipeline.types import (
    AgentName,
    PipelineError,
    RowError,
    StoppedError,
    StopReason,
)
from agents.video.tests import pipeline_faults
from agents.video.tests.pipeline_faults import (
    ASLEEP_FILE,
    ASLEEP_SECONDS,
    FaultyStorage,
    no_space,
    write_ffmpeg,
)
from agents.video.tests.pipeline_stage import (
    Fence,
    Stage,
    long_scenes,
    make_script,
    none_left,
    processes_in,
    until_busy,
    wait_until,
)


async def run_and_fail(stage):
    """Run a stage that must fail; return its error after looking at what every failure owes."""
    with pytest.raises(PipelineError) as caught:
        await stage.run()

    assert "processing" not in stage.last_words().values()
    assert "starting" not in stage.last_words().values()
    assert stage.last_words()["Orchestrator"] == "error"
    assert stage.updates[-1].agent is AgentName.ORCHESTRATOR
    assert stage.updates[-1].error == caught.value.error
    assert stage.updates[-1].reason == caught.value.reason
    assert not any(update.video_key for update in stage.updates)
    assert not any(name.endswith("agent5/attempt-1/manifest.json") for name in stage.stored())
    assert none_left(stage.folder)
    assert not (stage.options.scratch_root / "video_1-1").exists()
    assert "secret" not in str([update.reason for update in stage.updates])
    return caught.value


def failing_row(number):
    """Return a row loader that fails when asked for the given time."""

    def make(stage):
        found = stage.load_row

        async def load(user_id, session_id):
            script = await found(user_id, session_id)
            if stage.rows_read == number:
                raise RowError
            return script

        return load

    return make


@pytest.mark.parametrize(
    ("number", "agent"), [(1, "Agent2"), (2, "Agent4"), (3, "Agent5")], ids=lambda one: str(one)
)
async def test_a_row_that_is_gone_fails_the_agent_that_reads_it(tmp_path, number, agent):
    stage = Stage(tmp_path)
    stage.load_row = failing_row(number)(stage)

    error = await run_and_fail(stage)

    assert (error.error, error.agent) == ("session_not_found", agent)


STORAGE_STEPS = [
    ("save", "timestamp.json", "Orchestrator"),
    ("save", "slide-0001.png", "Agent2"),
    ("save", "slide-0002.png", "Agent2"),
    ("save", "agent2/attempt-1/manifest.json", "Agent2"),
    ("save", "narration.wav", "Agent4"),
    ("save", "agent4/attempt-1/captions.vtt", "Agent4"),
    ("save", "timeline.json", "Agent4"),
    ("save", "agent4/attempt-1/manifest.json", "Agent4"),
    ("listdir", "agent2", "Agent5"),
    ("listdir", "agent4", "Agent5"),
    ("open", "agent2/attempt-1/manifest.json", "Agent5"),
    ("save", "video.mp4", "Agent5"),
    ("save", "agent5/attempt-1/captions.vtt", "Agent5"),
    ("save", "chapters.vtt", "Agent5"),
    ("save", "agent5/attempt-1/manifest.json", "Agent5"),
]


# What fails after both agents have finished takes a second each; one of them stays with the rest.
LATE_STEPS = [step for step in STORAGE_STEPS if step[2] == "Agent5" and step[1] != "video.mp4"]


@pytest.mark.parametrize(
    ("operation", "ending", "agent"),
    [
        pytest.param(*step, marks=pytest.mark.slow if step in LATE_STEPS else ())
        for step in STORAGE_STEPS
    ],
)
async def test_a_storage_that_fails_is_an_honest_error_at_every_step(
    tmp_path, operation, ending, agent
):
    storage = FaultyStorage(tmp_path / "store", operation=operation, ending=ending)

    error = await run_and_fail(Stage(tmp_path, storage=storage))

    assert (error.error, error.agent) == ("storage_failed", agent)


@pytest.mark.parametrize(
    "ending",
    ["slide-0001.png", "narration.wav", pytest.param("video.mp4", marks=pytest.mark.slow)],
)
async def test_a_full_disk_is_called_so(tmp_path, ending):
    storage = FaultyStorage(tmp_path / "store", operation="save", ending=ending, error=no_space())

    error = await run_and_fail(Stage(tmp_path, storage=storage))

    assert error.error == "disk_full"


FFMPEG_FAULTS = {
    "measuring": ({"ebur128": "exit 1"}, "Agent4", "narration_failed"),
    "levelling": ({"alimiter": "exit 1"}, "Agent4", "narration_failed"),
    "composing": ({"libx264": "exit 1"}, "Agent5", "composition_failed"),
    "killed": ({"libx264": "kill -9 $$"}, "Agent5", "composition_failed"),
    "full disk": (
        {"libx264": 'echo "x: No space left on device" >&2; exit 1'},
        "Agent5",
        "disk_full",
    ),
    "no end": ({"libx264": '"$REAL" "$@" >/dev/null; exit 0'}, "Agent5", "composition_failed"),
    "no file": ({"libx264": "echo progress=end; exit 0"}, "Agent5", "video_damaged"),
}


@pytest.mark.parametrize(
    "name",
    [
        # Those get to the end of a video, and one of them is enough while one waits.
        pytest.param(
            name, marks=pytest.mark.slow if agent == "Agent5" and name != "composing" else ()
        )
        for name, (_, agent, _) in FFMPEG_FAULTS.items()
    ],
)
async def test_an_ffmpeg_that_fails_is_an_honest_error(tmp_path, name):
    cases, agent, code = FFMPEG_FAULTS[name]
    stage = Stage(tmp_path, option_fields={"ffmpeg": write_ffmpeg(tmp_path, cases)})

    error = await run_and_fail(stage)

    assert (error.error, error.agent) == (code, agent)


@pytest.mark.slow
async def test_an_ffmpeg_that_ends_early_with_a_playable_file_is_found_out(tmp_path):
    # The last argument is the file; a later -t overrules the one before.
    early = (
        'for last; do :; done; set -- $(printf "%s\\n" "$@" | sed \'$d\');'
        ' "$REAL" "$@" -t 1.5 "$last"; exit 0'
    )
    stage = Stage(tmp_path, option_fields={"ffmpeg": write_ffmpeg(tmp_path, {"libx264": early})})

    error = await run_and_fail(stage)

    assert error.error == "video_damaged"
    assert "lasts 1.6 s instead of" in error.reason or "lasts 1.5 s instead of" in error.reason


async def test_a_missing_ffmpeg_names_what_to_install(tmp_path):
    stage = Stage(tmp_path, option_fields={"ffmpeg": "/nowhere/ffmpeg"})

    error = await run_and_fail(stage)

    assert (error.error, error.agent) == ("ffmpeg_missing", "Agent4")
    assert "imageio-ffmpeg" in error.reason


async def test_an_empty_script_is_refused(tmp_path):
    error = await run_and_fail(Stage(tmp_path, script=make_script([])))

    assert error.error == "script_empty"


async def test_a_language_nobody_speaks_is_refused_with_what_to_do(tmp_path):
    error = await run_and_fail(Stage(tmp_path, script=make_script(language="tlh")))

    assert (error.error, error.agent) == ("voice_unknown", "Agent4")
    assert "OPENAI_API_KEY" in error.reason


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("killed", "out of memory"),
        ("silent", "it ended with code 0"),
        ("chatty", "it ended with code 7"),
    ],
)
@pytest.mark.parametrize(
    ("module", "agent", "code"),
    [(agent2, "Agent2", "visuals_failed"), (agent4, "Agent4", "narration_failed")],
    ids=["drawing", "speaking"],
)
async def test_a_worker_that_dies_fails_its_agent(
    tmp_path, monkeypatch, module, agent, code, behaviour, reason
):
    command = module_command(pipeline_faults.WORKER, behaviour)
    monkeypatch.setattr(module, "module_command", lambda worker: command)

    error = await run_and_fail(Stage(tmp_path))

    assert (error.error, error.agent) == (code, agent)
    assert reason in error.reason


@pytest.mark.parametrize("behaviour", ["slow", "stubborn"])
@pytest.mark.parametrize(
    ("module", "agent", "sibling"),
    [(agent2, "Agent2", "Agent4"), (agent4, "Agent4", "Agent2")],
    ids=["drawing", "speaking"],
)
async def test_a_failing_agent_stops_its_sibling_and_says_so_before_it_has_ended(
    tmp_path, monkeypatch, module, agent, sibling, behaviour
):
    # The sibling sleeps, or even ignores the request to end.
    other = agent4 if module is agent2 else agent2
    sleeping = module_command(pipeline_faults.WORKER, behaviour)
    monkeypatch.setattr(other, "module_command", lambda worker: sleeping)

    async def fail(context):
        await context.report(stage.starting(agent))
        assert await asyncio.to_thread(
            wait_until, lambda: any(tmp_path.rglob(ASLEEP_FILE)), ASLEEP_SECONDS / 3
        )
        raise PipelineError("broken", "It broke.")

    async def look(update):
        if (update.agent, update.status) == ("Orchestrator", "error"):
            working.extend(processes_in(tmp_path))

    working = []
    started = time.monotonic()
    stage = Stage(tmp_path, **{"visuals" if agent == "Agent2" else "narration": fail})
    stage.on_update = look

    error = await run_and_fail(stage)

    assert time.monotonic() - started < ASLEEP_SECONDS / 2
    assert (error.error, error.agent) == ("broken", agent)
    assert stage.said()[-3:] == [
        (agent, "error", "It broke."),
        (sibling, "error", f"stopped because {agent} failed"),
        ("Orchestrator", "error", "It broke."),
    ]
    # Published before anybody was waited for: a stubborn process has to be killed.
    assert working or behaviour == "slow"


async def test_real_drawing_is_stopped_on_the_way(tmp_path):
    async def fail(context):
        # In a thread, as the drawing is read from this loop.
        assert await asyncio.to_thread(
            wait_until, lambda: any("slide" in name for name in stage.stored()), 60.0
        )
        raise PipelineError("broken", "It broke.")

    stage = Stage(tmp_path, script=make_script(long_scenes(200)), narration=fail)

    await run_and_fail(stage)

    assert 0 < len([name for name in stage.stored() if "slide" in name]) < 200


@pytest.mark.parametrize(
    "agent", ["Agent2", "Agent4", pytest.param("Agent5", marks=pytest.mark.slow)]
)
async def test_a_cancelled_run_says_so_and_ends_on_the_way(tmp_path, agent):
    stage = Stage(tmp_path, script=make_script(long_scenes(6, sentences=3)))
    asked = []

    async def cancel(update):
        if update.agent == agent and update.status == "processing" and not asked:
            if agent == "Agent5" and update.info["step"] != "composing":
                return
            asked.append(update)
            asyncio.get_running_loop().create_task(stage.orchestrator.stop(StopReason.CANCELLED))

    stage.on_update = cancel

    with pytest.raises(StoppedError) as caught:
        await stage.run()

    assert caught.value.stop_reason is StopReason.CANCELLED
    assert stage.said()[-1] == ("Orchestrator", "error", "cancelled")
    assert (agent, "error", "cancelled") in stage.said()
    assert {"starting", "processing"} & set(stage.last_words().values()) == set()
    assert none_left(tmp_path)
    assert not any("agent5" in name for name in stage.stored())


async def test_a_word_that_is_being_written_is_written_before_the_last_one(tmp_path):
    stage = Stage(tmp_path, script=make_script(long_scenes(6)))
    written = []
    asked = asyncio.Event()

    async def write_slowly(update):
        if update.agent == "Agent2" and update.status == "processing":
            asked.set()
        # As a row is written: in a thread, whatever becomes of the task that waits for it.
        await asyncio.to_thread(time.sleep, 0.05)
        written.append(update)

    stage.on_update = write_slowly
    running = asyncio.create_task(stage.run())
    await asked.wait()

    await stage.orchestrator.stop(StopReason.CANCELLED)
    with pytest.raises(StoppedError):
        await running

    assert written == stage.updates
    assert (written[-1].agent, written[-1].reason) == ("Orchestrator", "cancelled")


async def test_a_task_that_is_cancelled_reports_it_too(tmp_path):
    stage = Stage(tmp_path, script=make_script(long_scenes(20)))
    running = asyncio.create_task(stage.run())
    await until_busy(tmp_path)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert stage.said()[-1] == ("Orchestrator", "error", "cancelled")
    assert none_left(tmp_path)


@pytest.mark.parametrize("reason", [StopReason.FENCED, StopReason.SHUTDOWN])
async def test_a_run_that_goes_on_elsewhere_ends_without_a_word(tmp_path, reason):
    stage = Stage(tmp_path, script=make_script(long_scenes(20)))
    running = asyncio.create_task(stage.run())
    await until_busy(tmp_path)
    said = len(stage.said())

    await stage.orchestrator.stop(reason)
    with pytest.raises(StoppedError) as caught:
        await running

    assert caught.value.stop_reason is reason
    assert len(stage.said()) == said
    assert none_left(tmp_path)


@pytest.mark.parametrize(
    "agent", ["agent2", "agent4", pytest.param("agent5", marks=pytest.mark.slow)]
)
async def test_an_attempt_that_lost_its_run_writes_no_manifest(tmp_path, agent):
    fence = Fence()
    stage = Stage(tmp_path, fence=fence)
    kept = stage.open_workspace

    def open_workspace(user_id, session_id):
        workspace = kept(user_id, session_id)
        put = workspace.put

        async def put_and_lose(folder, name, **fields):
            if folder == agent:
                fence.is_held = False
            return await put(folder, name, **fields)

        workspace.put = put_and_lose
        return workspace

    stage.open_workspace = open_workspace

    with pytest.raises(StoppedError) as caught:
        await stage.run()

    assert caught.value.stop_reason is StopReason.FENCED
    assert "error" not in stage.last_words().values()
    assert not any(f"{agent}/attempt-1/manifest.json" in name for name in stage.stored())


async def test_a_report_that_says_another_attempt_runs_stops_everything(tmp_path):
    stage = Stage(tmp_path)

    async def refuse(update):
        if update.agent == "Agent2" and update.status == "processing":
            raise StoppedError(StopReason.FENCED, "another attempt")

    stage.on_update = refuse

    with pytest.raises(StoppedError) as caught:
        await stage.run()

    assert caught.value.stop_reason is StopReason.FENCED
    assert "error" not in stage.last_words().values()
    assert none_left(tmp_path)


@pytest.mark.parametrize(
    ("limits", "agent"),
    [
        (StepLimits(visuals_base=0.3, visuals_a_scene=0), "Agent2"),
        (StepLimits(narration_base=0.05, narration_a_character=0), "Agent4"),
        pytest.param(
            StepLimits(composition_base=0.3, composition_a_second=0),
            "Agent5",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["drawing", "speaking", "composing"],
)
async def test_a_step_that_takes_too_long_is_stopped(tmp_path, limits, agent):
    stage = Stage(
        tmp_path, script=make_script(long_scenes(12, sentences=3)), option_fields={"limits": limits}
    )

    error = await run_and_fail(stage)

    assert (error.error, error.agent) == ("timed_out", agent)


async def test_an_unexpected_fault_is_an_error_without_its_text(tmp_path, caplog):
    async def break_down(context):
        raise KeyError("secret of the house")

    error = await run_and_fail(Stage(tmp_path, visuals=break_down))

    assert (error.error, error.agent) == ("internal_error", "Agent2")
    assert [record.message for record in caplog.records] == ["video.agent_failed"]


async def test_a_disk_that_fills_up_anywhere_else_is_called_so_too(tmp_path):
    async def fill_up(context):
        raise no_space()

    error = await run_and_fail(Stage(tmp_path, narration=fill_up))

    assert (error.error, error.agent) == ("disk_full", "Agent4")


async def test_when_both_fail_the_first_one_is_named(tmp_path):
    async def fail_first(context):
        raise PipelineError("first", "First.")

    async def fail_second(context):
        try:
            await asyncio.sleep(10)
        finally:
            raise PipelineError("second", "Second.")

    error = await run_and_fail(Stage(tmp_path, visuals=fail_first, narration=fail_second))

    assert error.error == "first"


async def test_a_damaged_file_is_not_composed(tmp_path):
    async def speak_and_damage(context):
        manifest = await agent4.agent_4_process(context)
        # As if it had to be read back from a storage that returns something else.
        context.workspace.folder("agent4").joinpath("narration.wav").write_bytes(b"noise")
        return manifest

    error = await run_and_fail(Stage(tmp_path, narration=speak_and_damage))

    assert (error.error, error.agent) == ("input_damaged", "Agent5")


async def test_a_script_that_changes_on_the_way_is_found_out(tmp_path):
    stage = Stage(tmp_path)

    async def change(update):
        if update.agent == "Agent5":
            stage.script = make_script(title="Another title")

    stage.on_update = change

    error = await run_and_fail(stage)

    assert (error.error, error.agent) == ("script_changed", "Agent5")
