from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from core.models import AuditEvent
from workflows.models import ClientOperation, Execution, ExecutionSegment, ExecutionState
from workflows.services import executions
from workflows.services.timing import close_silent_segments
from workflows.tests.builders import NOON, STARTER, fresh, make_execution, set_profile

pytestmark = pytest.mark.django_db
MOVES = ("complete", "abandon", "pause", "resume")


def url(execution, what=""):
    return f"/api/execution/{execution.public_id}{what}"


def finish_steps(api, execution, count=5):
    return api.put(url(execution, "/progress"), {"steps_completed": count, "notes": ""})


def test_starting_makes_a_run_with_its_clock_going(ana, api_of):
    set_profile(ana, market="freelancer", skill_level="beginner")

    with time_machine.travel(NOON, tick=False):
        answer = api_of(ana).post("/api/execution", {"workflow_name": STARTER})

    body = answer.json()
    row = Execution.objects.get()
    assert answer.status_code == 201
    assert body["execution_id"] == row.public_id
    assert body["status"] == "in_progress"
    assert (body["steps_completed"], body["current_step"], body["total_steps"]) == (0, 1, 5)
    assert body["step"]["title"] == "Gather your facts"
    assert (body["elapsed_seconds"], body["is_timing"], body["rev"]) == (0, True, 1)
    assert body["executor_url"] == f"/executor/{row.public_id}"
    assert (row.person, row.started_at) == (ana, NOON)
    assert (row.market.slug, row.skill_level.slug) == ("freelancer", "beginner")


def test_a_later_profile_leaves_the_cohort_of_a_run_alone(ana):
    set_profile(ana, market="freelancer", skill_level="beginner")
    execution = make_execution(ana)

    set_profile(ana, market="agency", skill_level="advanced")

    assert fresh(execution).market.slug == "freelancer"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_input"),
        ({"workflow_name": 5}, 400, "invalid_input"),
        ({"workflow_name": "none_such"}, 404, "workflow_not_found"),
        ({"workflow_name": "whatsapp_bot"}, 403, None),
        ({"workflow_name": STARTER, "user_id": "user_x"}, 403, "not_your_user_id"),
    ],
)
def test_a_run_that_may_not_start_leaves_nothing(ana, api_of, body, status, code):
    answer = api_of(ana).post("/api/execution", body)

    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code
    assert Execution.objects.count() == 0


def test_one_key_starts_one_run(ana, api_of):
    client = api_of(ana)
    headers = {"HTTP_IDEMPOTENCY_KEY": "start-1"}

    first = client.post("/api/execution", {"workflow_name": STARTER}, **headers).json()
    second = client.post("/api/execution", {"workflow_name": STARTER}, **headers).json()

    assert first["execution_id"] == second["execution_id"]
    assert Execution.objects.count() == 1


def test_starts_are_limited(ana, api_of, monkeypatch):
    monkeypatch.setattr("workflows.api.executions.STARTS_AN_HOUR", 1)
    client = api_of(ana)
    client.post("/api/execution", {"workflow_name": STARTER})

    answer = client.post("/api/execution", {"workflow_name": STARTER})

    assert answer.status_code == 429
    assert Execution.objects.count() == 1


def test_a_run_reads_in_full_for_its_person(ana, api_of):
    execution = make_execution(ana)
    api_of(ana).put(url(execution, "/progress"), {"steps_completed": 1, "notes": "call Ben"})

    body = api_of(ana).get(url(execution)).json()

    assert [step["number"] for step in body["steps"]] == [1, 2, 3, 4, 5]
    assert body["steps_done"] == [1]
    assert body["step_notes"] == {"1": "call Ben"}
    assert body["missing_steps"] == [2, 3, 4, 5]
    assert body["user_id"] == ana.public_id
    assert body["has_newer_version"] is False


def test_a_run_of_somebody_else_is_not_there(ana, carla, api_of, api):
    execution = make_execution(ana)

    assert api.get(url(execution)).status_code == 401
    for client in (api_of(carla),):
        assert client.get(url(execution)).json()["code"] == "execution_not_found"
        changed = client.put(url(execution, "/progress"), {"steps_completed": 3, "notes": "x"})
        assert changed.status_code == 404
        assert client.post(url(execution, "/heartbeat")).status_code == 404
        for move in MOVES:
            assert client.post(url(execution, f"/{move}")).status_code == 404
    row = fresh(execution)
    assert (row.state, row.rev, row.done_steps, row.step_notes) == ("in_progress", 1, [], {})


def test_completing_needs_every_required_step(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    finish_steps(client, execution, 3)

    refused = client.post(url(execution, "/complete"))

    assert refused.status_code == 409
    assert refused.json()["code"] == "steps_missing"
    assert refused.json()["missing_steps"] == [4, 5]
    assert fresh(execution).state == ExecutionState.IN_PROGRESS


def test_completing_twice_is_completing_once(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    finish_steps(client, execution)

    first = client.post(url(execution, "/complete"))
    ended_at = fresh(execution).ended_at
    second = client.post(url(execution, "/complete"))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["status"] == second.json()["status"] == "completed"
    assert first.json()["rev"] == second.json()["rev"]
    assert fresh(execution).ended_at == ended_at
    assert AuditEvent.objects.filter(action="execution.completed").count() == 1


def test_an_optional_step_may_stay_open(ana, api_of):
    execution = make_execution(ana)
    steps = [dict(step, required=step["number"] != 3) for step in execution.version.steps]
    type(execution.version).objects.filter(pk=execution.version_id).update(steps=steps)
    client = api_of(ana)
    client.put(
        url(execution, "/progress"), {"rev": 1, "steps_done": [1, 2, 4, 5], "client_op_id": "a"}
    )

    assert client.post(url(execution, "/complete")).json()["status"] == "completed"


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("abandon", "complete", 409),
        ("abandon", "pause", 409),
        ("abandon", "resume", 409),
        ("abandon", "abandon", 200),
        ("pause", "pause", 200),
        ("pause", "resume", 200),
        ("pause", "abandon", 200),
        ("pause", "complete", 200),
        ("complete", "abandon", 409),
        ("complete", "pause", 409),
    ],
)
def test_a_run_moves_only_where_its_states_lead(ana, api_of, first, second, status):
    execution = make_execution(ana)
    client = api_of(ana)
    finish_steps(client, execution)
    assert client.post(url(execution, f"/{first}")).status_code == 200
    before = fresh(execution).state

    answer = client.post(url(execution, f"/{second}"))

    assert answer.status_code == status
    if status == 409:
        assert answer.json()["code"] == "execution_ended"
        assert fresh(execution).state == before


def test_why_a_run_was_given_up_is_kept(ana, api_of):
    execution = make_execution(ana)

    api_of(ana).post(url(execution, "/abandon"), {"reason": "No time this month"})

    row = fresh(execution)
    assert (row.state, row.abandon_reason) == ("abandoned", "No time this month")
    assert row.ended_at is not None
    assert not ExecutionSegment.objects.filter(execution=row, ended_at__isnull=True).exists()


def test_the_clock_counts_segments_and_leaves_pauses_out(ana, api_of):
    client = api_of(ana)
    with time_machine.travel(NOON, tick=False) as now:
        execution = make_execution(ana)
        now.shift(timedelta(minutes=3))
        client.post(url(execution, "/pause"))
        now.shift(timedelta(hours=2))
        assert client.get(url(execution)).json()["elapsed_seconds"] == 180
        client.post(url(execution, "/resume"))
        now.shift(timedelta(minutes=2))

        body = client.get(url(execution)).json()

    assert (body["elapsed_seconds"], body["is_timing"]) == (300, True)
    assert ExecutionSegment.objects.filter(execution=execution).count() == 2


def test_heartbeats_keep_the_clock_going(ana, api_of):
    client = api_of(ana)
    with time_machine.travel(NOON, tick=False) as now:
        execution = make_execution(ana)
        for _ in range(10):
            now.shift(timedelta(minutes=4))
            beat = client.post(url(execution, "/heartbeat")).json()

    assert (beat["elapsed_seconds"], beat["left_out_seconds"], beat["rev"]) == (2400, 0, 1)
    assert ExecutionSegment.objects.filter(execution=execution).count() == 1


@pytest.mark.parametrize("is_swept", [True, False])
def test_silence_stops_the_clock_at_the_last_sign_of_life(ana, api_of, is_swept):
    client = api_of(ana)
    with time_machine.travel(NOON, tick=False) as now:
        execution = make_execution(ana)
        now.shift(timedelta(minutes=2))
        client.post(url(execution, "/heartbeat"))
        now.shift(timedelta(minutes=30))
        asleep = client.get(url(execution)).json()
        if is_swept:
            assert close_silent_segments() == 1
            assert close_silent_segments() == 0
        awake = client.post(url(execution, "/heartbeat")).json()
        now.shift(timedelta(minutes=1))
        later = client.get(url(execution)).json()

    assert (asleep["elapsed_seconds"], asleep["is_timing"]) == (120, False)
    assert (awake["elapsed_seconds"], awake["left_out_seconds"]) == (120, 1800)
    assert (later["elapsed_seconds"], later["is_timing"]) == (180, True)


def test_a_heartbeat_wakes_no_paused_and_no_ended_run(ana, api_of):
    client = api_of(ana)
    execution = make_execution(ana)
    client.post(url(execution, "/pause"))

    assert client.post(url(execution, "/heartbeat")).json()["is_timing"] is False
    client.post(url(execution, "/abandon"))
    assert client.post(url(execution, "/heartbeat")).json()["status"] == "abandoned"
    assert not ExecutionSegment.objects.filter(ended_at__isnull=True).exists()


def test_a_retired_workflow_cannot_be_started_but_its_runs_go_on(ana, api_of):
    execution = make_execution(ana)
    execution.workflow.is_active = False
    execution.workflow.save()

    refused = api_of(ana).post("/api/execution", {"workflow_name": STARTER})

    assert refused.json()["code"] == "workflow_not_found"
    assert finish_steps(api_of(ana), execution).status_code == 200
    assert executions.complete_execution(execution=execution).state == "completed"


def test_the_trail_of_changes_cannot_be_rewritten(ana, api_of):
    execution = make_execution(ana)
    api_of(ana).put(
        url(execution, "/progress"), {"rev": 1, "steps_done": [1], "client_op_id": "op-1"}
    )
    operation = ClientOperation.objects.get()

    with pytest.raises(RuntimeError):
        operation.save()
    with pytest.raises(RuntimeError):
        operation.delete()
