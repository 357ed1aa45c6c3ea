from __future__ import annotations

import pytest

from agents.video.models import VideoRun, VideoSession
from agents.video.services import scripts
from agents.video.tests.conftest import SCENES, VIDEO
from core.jobs.testing import drain

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"title": "What we heard", "scenes": SCENES, "language": "en"}


def start(client, person, video_id, **more):
    body = {"sessionId": video_id, "userId": person.public_id, **more}
    return client.post("/api/startprocess", body)


@pytest.fixture
def client(ana, acme, api_of):
    return api_of(ana)


def test_a_script_is_stored_and_read(client, ana, acme):
    made = client.post("/api/video-sessions", BODY)

    assert made.status_code == 201
    row = VideoSession.objects.get()
    assert (row.owner, row.company, row.origin) == (ana, acme, "api")
    body = made.json()
    assert body["sessionId"] == row.public_id
    assert (body["scenes"], body["revision"], body["run"]) == (SCENES, 1, None)
    assert client.get(f"/api/video-sessions/{row.public_id}").json() == body
    assert [one["sessionId"] for one in client.get("/api/video-sessions").json()["results"]] == [
        row.public_id
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**BODY, "title": ""}, "/title"),
        ({**BODY, "scenes": []}, "/scenes"),
        ({**BODY, "scenes": [{"kind": "quote"}]}, "/scenes/0/heading"),
        ({**BODY, "scenes": [[[[[]]]]]}, "/scenes/0"),
        ({**BODY, "scenes": {"a": 1}}, "/scenes"),
        ({**BODY, "language": "?"}, "/language"),
        ({**BODY, "owner": "user_x"}, "/owner"),
        ({}, "/title"),
        ([], "/"),
    ],
)
def test_a_script_that_cannot_be_used_is_a_400_with_places(client, body, pointer):
    answer = client.post("/api/video-sessions", body)

    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]
    assert VideoSession.objects.count() == 0


def test_a_repeat_with_one_key_is_one_script(client):
    first = client.post("/api/video-sessions", BODY, headers={"Idempotency-Key": "k1"})
    again = client.post("/api/video-sessions", BODY, headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert VideoSession.objects.count() == 1


def test_a_script_is_changed_and_says_when_it_is_another(client, ana, make_video):
    path = f"/api/video-sessions/{make_video(ana).public_id}"

    changed = client.patch(path, {"title": "Another", "revision": 1})
    assert (changed.status_code, changed.json()["title"], changed.json()["revision"]) == (
        200, "Another", 2,
    )  # fmt: skip
    assert changed.json()["scenes"] == SCENES
    late = client.patch(path, {"title": "Too late", "revision": 1})
    assert (late.status_code, late.json()["code"]) == (409, "script_changed")
    same = client.patch(path, {"title": "Another"})
    assert same.json()["revision"] == 2


def test_start_answers_at_once_as_the_seed_spells_it(client, ana, make_video, pipeline):
    video = make_video(ana)

    answer = start(client, ana, video.public_id, test="Full Test")

    run = VideoRun.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "started", "sessionID": video.public_id, "runId": run.public_id,
    }  # fmt: skip
    assert run.state == "queued"
    busy = start(client, ana, video.public_id)
    assert (busy.status_code, busy.json()["code"]) == (409, "video_run_open")
    assert busy.json()["runId"] == run.public_id
    locked = client.patch(f"/api/video-sessions/{video.public_id}", {"title": "Later"})
    assert (locked.status_code, locked.json()["code"]) == (409, "video_run_open")
    assert client.delete(f"/api/video-sessions/{video.public_id}").status_code == 409


def test_a_start_in_somebody_elses_name_or_of_nothing_is_a_404(
    client, ana, carla, api_of, make_video
):
    video = make_video(ana)

    for answer in (
        start(client, carla, video.public_id),
        start(api_of(carla), carla, video.public_id),
        start(api_of(carla), ana, video.public_id),
        start(client, ana, "video_00000000000000000000000000"),
        start(client, ana, "../../secret"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "video_session_not_found")
    assert VideoRun.objects.count() == 0


def test_a_start_needs_its_fields(client, ana, make_video):
    video = make_video(ana)

    assert client.post("/api/startprocess", {}).status_code == 400
    unknown = start(client, ana, video.public_id, test="Half Test")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_process")
    assert start(client, ana, video.public_id, extra=1).status_code == 400
    assert VideoRun.objects.count() == 0


def test_nobody_gets_nothing(api, ana, make_video):
    video = make_video(ana)

    for path in ("video-sessions", f"video-sessions/{video.public_id}"):
        assert api.get(f"/api/{path}").status_code in (401, 403)
    assert start(api, ana, video.public_id).status_code in (401, 403)


def test_from_start_to_a_video_read_by_ranges(client, api, ana, make_video, pipeline):
    video = make_video(ana)
    run_id = start(client, ana, video.public_id).json()["runId"]
    drain()

    run = client.get(f"/api/video-runs/{run_id}").json()
    assert (run["state"], run["error"], run["is_stalled"]) == ("finished", None, False)
    assert run["costs"] == {"Agent4": 0.0024}
    whole = api.get(run["videoUrl"])
    assert (whole.status_code, whole["Content-Type"]) == (200, "video/mp4")
    assert b"".join(whole.streaming_content) == VIDEO
    part = api.get(run["videoUrl"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part["Content-Range"]) == (206, f"bytes 10-19/{len(VIDEO)}")
    assert b"".join(part.streaming_content) == VIDEO[10:20]
    captions = api.get(run["captionsUrl"])
    assert captions["Content-Type"] == "text/vtt; charset=utf-8"
    assert b"".join(captions.streaming_content).startswith(b"WEBVTT")


def test_status_without_a_socket(client, ana, make_video, pipeline):
    video = make_video(ana)
    start(client, ana, video.public_id)
    drain()
    path = f"/api/video-sessions/{video.public_id}/status"

    plain = client.get(path).json()
    assert [one["agentnumber"] for one in plain["latest"]] == [
        "Agent2", "Agent4", "Agent5", "Orchestrator",
    ]  # fmt: skip
    assert plain["events"] == []
    later = client.get(f"{path}?after=8").json()
    assert [one["seq"] for one in later["events"]] == [9, 10]
    assert later["events"][-1]["videoUrl"].startswith("http://testserver/api/video-files/")
    assert client.get(f"{path}?after=-1").status_code == 400
    assert client.get(f"{path}?after=x").status_code == 400


def test_cancel_and_retry(client, ana, make_video, pipeline):
    video = make_video(ana)
    run_id = start(client, ana, video.public_id).json()["runId"]

    cancelled = client.post(f"/api/video-runs/{run_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    again = client.post(f"/api/video-runs/{run_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "video_run_ended")

    retried = client.post(f"/api/video-runs/{run_id}/retry")
    assert retried.status_code == 200
    drain()
    listed = client.get(f"/api/video-sessions/{video.public_id}/runs").json()
    assert [one["state"] for one in listed] == ["finished", "cancelled"]
    assert listed[0]["runId"] == retried.json()["runId"]


def test_deleting_takes_the_words_the_messages_and_the_files(
    client, ana, make_video, pipeline, video_folder
):
    video = make_video(ana)
    start(client, ana, video.public_id)
    drain()
    assert len([path for path in video_folder.rglob("*") if path.is_file()]) == 3

    assert client.delete(f"/api/video-sessions/{video.public_id}").status_code == 204
    drain()

    assert client.get(f"/api/video-sessions/{video.public_id}").status_code == 404
    row = VideoSession.objects.get()
    assert (row.title, row.scenes, row.files_erased_at is not None) == ("Deleted", [], True)
    assert [path for path in video_folder.rglob("*") if path.is_file()] == []
    assert client.delete(f"/api/video-sessions/{video.public_id}").status_code == 404


def test_an_hour_allows_sixty_scripts(client, monkeypatch):
    monkeypatch.setattr(scripts, "CREATED_PER_HOUR", 2)
    codes = [client.post("/api/video-sessions", BODY).status_code for _ in range(3)]

    assert codes == [201, 201, 429]
    assert VideoSession.objects.count() == 2


def test_a_person_without_a_company_makes_videos_too(vera, api_of):
    made = api_of(vera).post("/api/video-sessions", BODY)

    assert made.status_code == 201
    assert VideoSession.objects.get().company is None
