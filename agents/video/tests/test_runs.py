from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from agents.video import selectors
from agents.video.models import AgentCost, RunAgent, RunState, VideoRun, VideoSession
from agents.video.pipeline.types import AgentName, AgentStatus, AgentUpdate
from agents.video.services import rendering, reporting, runs
from core import clock
from core.jobs.testing import drain, lose_pending, pending, run_sweeps
from core.live import read_events

# The worker writes from threads of its own, which a wrapped test would hold up.
pytestmark = pytest.mark.django_db(transaction=True)


def said(video):
    """Return who said what, in order."""
    return [
        (event.payload["agentnumber"], event.payload["status"])
        for event in read_events(video.stream_name)
    ]


def lights(run):
    return dict(RunAgent.objects.filter(run=run).values_list("agent", "status"))


def expire(run):
    """Let the lease run out, as it does when a worker dies."""
    VideoRun.objects.filter(pk=run.pk).update(leased_until=clock.now() - timedelta(seconds=1))


def claim(run):
    held = runs.claim_run(run_id=run.public_id, worker="w")
    assert held is not None
    return held


def test_a_run_goes_from_start_to_finished(ana, acme, make_video, pipeline):
    video = make_video(ana, acme)

    run = runs.start_run(owner=ana, session_id=video.public_id)
    assert (run.state, run.revision, pending()) == (
        "queued",
        1,
        [("video.render_run", run.public_id)],
    )
    assert drain() == [("video.render_run", run.public_id)]

    run.refresh_from_db()
    prefix = f"scaffold_test/{ana.public_id}/{video.public_id}/agent5/attempt-1"
    assert run.state == RunState.FINISHED
    assert run.video_key == f"{prefix}/video.mp4"
    assert run.captions_key == f"{prefix}/captions.vtt"
    assert (run.duration_seconds, run.size_bytes, run.tries) == (12.5, 10240, 1)
    assert run.leased_until is None
    assert said(video) == [
        ("Orchestrator", "starting"),
        ("Agent2", "starting"),
        ("Agent4", "starting"),
        ("Agent2", "processing"),
        ("Agent2", "finished"),
        ("Agent4", "finished"),
        ("Agent5", "starting"),
        ("Agent5", "processing"),
        ("Agent5", "finished"),
        ("Orchestrator", "finished"),
    ]
    assert lights(run) == dict.fromkeys(("Orchestrator", "Agent2", "Agent4", "Agent5"), "finished")


def test_costs_are_ledger_lines_and_the_orchestrator_names_their_sum(ana, make_video, pipeline):
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    drain()

    assert selectors.costs_of(run) == {"Agent4": Decimal("0.002400")}
    latest = {m["agentnumber"]: m for _, m in selectors.latest_messages(video.pk)}
    assert (latest["Agent4"]["cost"], latest["Agent2"]["cost"]) == (0.0024, 0)
    assert latest["Orchestrator"]["cost"] == 0.0024


def test_a_cost_reported_twice_counts_once(ana, make_video):
    from agents.video.pipeline.types import Cost

    run = runs.start_run(owner=ana, session_id=make_video(ana).public_id)
    held = claim(run)
    cost = Cost("openai", "characters", Decimal(10), Decimal("0.1"), "req-9")
    for _ in range(2):
        reporting.record_update(
            held=held,
            update=AgentUpdate(AgentName.AGENT4, AgentStatus.PROCESSING, new_costs=(cost,)),
        )

    assert AgentCost.objects.count() == 1
    assert selectors.costs_of(run) == {"Agent4": Decimal("0.1")}


def test_a_failing_agent_ends_the_run_and_every_light(ana, make_video, pipeline):
    pipeline.error = "voice_missing"
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    drain()

    run.refresh_from_db()
    assert (run.state, run.error, run.reason) == ("failed", "voice_missing", "No voice is there.")
    assert said(video)[-3:] == [("Agent4", "error"), ("Agent2", "error"), ("Orchestrator", "error")]
    messages = {m["agentnumber"]: m for _, m in selectors.latest_messages(video.pk)}
    assert messages["Agent2"]["reason"] == "stopped because Agent4 failed"
    assert run.video_key == ""


def test_a_pipeline_that_breaks_ends_in_an_honest_error(ana, make_video, pipeline):
    pipeline.fail = RuntimeError("a fault of ours with secret words")
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    drain()

    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "internal_error")
    assert "secret" not in run.reason
    assert set(lights(run).values()) == {"error"}
    assert run.leased_until is None


def test_a_second_start_is_refused_while_one_is_open(ana, make_video, pipeline):
    video = make_video(ana)
    first = runs.start_run(owner=ana, session_id=video.public_id)

    with pytest.raises(runs.RunOpenError) as refused:
        runs.start_run(owner=ana, session_id=video.public_id)
    assert refused.value.extra == {"runId": first.public_id}
    assert VideoRun.objects.count() == 1

    drain()
    again = runs.start_run(owner=ana, session_id=video.public_id)
    drain()
    again.refresh_from_db()
    assert (again.state, again.attempt) == ("finished", 2)
    assert "attempt-2" in again.video_key


def test_of_many_starts_at_once_one_wins(ana, make_video):
    video = make_video(ana)
    gate = threading.Barrier(8)

    def start(_):
        gate.wait()
        try:
            return runs.start_run(owner=ana, session_id=video.public_id).public_id
        except runs.RunOpenError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(8)))

    assert answers.count("video_run_open") == 7
    assert VideoRun.objects.count() == 1


def test_somebody_elses_video_is_not_there(ana, carla, make_video):
    video = make_video(ana)

    with pytest.raises(selectors.VideoNotFoundError):
        runs.start_run(owner=carla, session_id=video.public_id)
    assert VideoRun.objects.count() == 0


@pytest.mark.parametrize("path", ["../../etc", "video_..", "video_/../x", "", "video_" + "z" * 26])
def test_ids_that_are_paths_are_not_there(ana, path):
    with pytest.raises(selectors.VideoNotFoundError):
        runs.start_run(owner=ana, session_id=path)


def test_a_person_has_five_open_runs_at_most(ana, make_video):
    for _ in range(runs.OPEN_RUNS_MAX):
        runs.start_run(owner=ana, session_id=make_video(ana).public_id)

    with pytest.raises(runs.ConflictError, match="too_many_open_runs"):
        runs.start_run(owner=ana, session_id=make_video(ana).public_id)


def test_a_run_nobody_works_on_is_cancelled_at_once(ana, make_video, pipeline):
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)

    cancelled = runs.request_cancel(owner=ana, run_id=run.public_id)

    assert (cancelled.state, cancelled.reason) == ("cancelled", "cancelled")
    assert said(video) == [("Orchestrator", "error")]
    drain(sweeps=True)
    assert pipeline.made == []
    with pytest.raises(runs.RunEndedError):
        runs.request_cancel(owner=ana, run_id=run.public_id)


def test_only_the_owner_cancels(ana, carla, make_video):
    run = runs.start_run(owner=ana, session_id=make_video(ana).public_id)

    with pytest.raises(selectors.RunNotFoundError):
        runs.request_cancel(owner=carla, run_id=run.public_id)
    run.refresh_from_db()
    assert (run.state, run.cancel_requested_at) == ("queued", None)


def test_a_running_run_is_cancelled_on_the_way(ana, make_video, pipeline):
    pipeline.hang = True
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    lose_pending()

    def work():
        try:
            return rendering.render_run(run_id=run.public_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        assert pipeline.reached.wait(60)
        runs.request_cancel(owner=ana, run_id=run.public_id)
        # By itself it would never end.
        assert working.result(60) is True

    run.refresh_from_db()
    assert (run.state, run.reason) == ("cancelled", "cancelled")
    assert lights(run) == {"Orchestrator": "error", "Agent2": "error", "Agent4": "error"}


def test_a_lost_nudge_is_found_by_the_sweep(ana, make_video, pipeline):
    run = runs.start_run(owner=ana, session_id=make_video(ana).public_id)
    lose_pending()

    run_sweeps("video.due_runs")
    drain()

    run.refresh_from_db()
    assert run.state == "finished"


def test_a_held_run_is_left_alone_and_a_lost_one_taken_over(ana, make_video, pipeline):
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    lose_pending()
    dead = claim(run)
    update = AgentUpdate(AgentName.AGENT2, AgentStatus.PROCESSING, progress=30)
    reporting.record_update(held=dead, update=update)
    assert runs.claim_run(run_id=run.public_id, worker="other") is None
    run_sweeps("video.due_runs")
    assert pending() == []

    expire(run)
    run_sweeps("video.due_runs")
    drain()

    run.refresh_from_db()
    assert (run.state, run.tries, run.attempt) == ("finished", 2, 2)
    # The light of the attempt that was lost went out before the next one began.
    assert said(video)[:3] == [
        ("Agent2", "processing"),
        ("Agent2", "error"),
        ("Orchestrator", "starting"),
    ]
    with pytest.raises(reporting.RunLostError):
        reporting.record_update(held=dead, update=update)
    assert runs.beat(dead) is False


def test_after_three_lost_workers_the_run_says_so(ana, make_video):
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    lose_pending()
    for number in range(1, 4):
        held = claim(run)
        assert held.attempt == number
        update = AgentUpdate(AgentName.AGENT5, AgentStatus.PROCESSING, progress=10)
        reporting.record_update(held=held, update=update)
        expire(run)

    run_sweeps("video.due_runs")

    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "worker_lost")
    assert set(lights(run).values()) == {"error"}
    run_sweeps("video.due_runs")
    assert pending() == []


def test_a_cancel_of_a_run_whose_worker_died_still_ends_it(ana, make_video):
    run = runs.start_run(owner=ana, session_id=make_video(ana).public_id)
    claim(run)
    runs.request_cancel(owner=ana, run_id=run.public_id)
    run.refresh_from_db()
    assert run.state == "running"

    expire(run)
    run_sweeps("video.due_runs")

    run.refresh_from_db()
    assert (run.state, run.reason) == ("cancelled", "cancelled")


def test_what_comes_after_the_last_word_is_dropped(ana, make_video):
    video = make_video(ana)
    held = claim(runs.start_run(owner=ana, session_id=video.public_id))

    def report(agent, status, **fields):
        update = AgentUpdate(AgentName(agent), AgentStatus(status), **fields)
        return reporting.record_update(held=held, update=update)

    assert report("Agent2", "starting") is True
    assert report("Agent2", "finished", file_count=3) is True
    assert report("Agent2", "processing", progress=10) is False
    assert report("Agent4", "processing", progress=10) is True
    assert report("Orchestrator", "error", error="disk_full", reason="Full.") is True
    assert report("Orchestrator", "finished") is False
    assert report("Agent5", "starting") is False
    assert report("Agent4", "error", error="stopped", reason="Stopped.") is True
    assert said(video) == [
        ("Agent2", "starting"),
        ("Agent2", "finished"),
        ("Agent4", "processing"),
        ("Orchestrator", "error"),
        ("Agent4", "error"),
    ]


def test_a_refused_update_leaves_no_event_and_no_number(ana, make_video):
    video = make_video(ana)
    held = claim(runs.start_run(owner=ana, session_id=video.public_id))
    broken = AgentUpdate(AgentName.AGENT2, AgentStatus.FINISHED)

    with pytest.raises(ValueError, match="fileCount"):
        reporting.record_update(held=held, update=broken)
    assert said(video) == []


def test_attempts_of_one_run_may_reuse_each_other_and_of_another_never(ana, make_video, pipeline):
    video = make_video(ana)
    runs.start_run(owner=ana, session_id=video.public_id)
    drain()
    run = runs.start_run(owner=ana, session_id=video.public_id)
    lose_pending()
    claim(run)
    expire(run)
    held = claim(run)

    fence = rendering.RunFence(held)
    assert (fence.attempt, fence.reusable_attempts) == (3, (2,))


def test_a_run_without_a_worker_is_called_stalled(ana, make_video):
    run = runs.start_run(owner=ana, session_id=make_video(ana).public_id)

    assert run.is_stalled(run.created_at + timedelta(seconds=29)) is False
    assert run.is_stalled(run.created_at + timedelta(seconds=31)) is True


def test_a_run_of_a_person_who_is_gone_ends(ana, make_video):
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    VideoSession.objects.filter(pk=video.pk).update(owner=None)
    drain()

    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "owner_gone")
