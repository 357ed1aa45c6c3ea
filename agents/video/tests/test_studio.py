from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.video.models import VideoRun, VideoSession
from agents.video.pipeline.types import AgentName, AgentStatus, AgentUpdate
from agents.video.services import reporting, runs
from agents.video.tests.conftest import SCENES
from core import clock
from core.jobs.testing import drain

pytestmark = pytest.mark.django_db(transaction=True)

SCENE_FIELDS = ("kind", "heading", "text", "items", "values", "narration")


def sent(*scenes, do="save", **head):
    """Return a form as a browser sends it."""
    body = {"title": "A title", "language": "en", "voice": "", "do": do, "scenes": len(scenes)}
    for number, scene in enumerate(scenes):
        for name in SCENE_FIELDS:
            body[f"scene-{number}-{name}"] = scene.get(name, "")
    return {**body, **head}


TITLE = {"kind": "title", "heading": "Hello", "narration": "Hello there."}
CHART = {
    "kind": "chart", "heading": "Why", "values": "Price: 12\nToo slow; 30,5 %\n\n",
    "narration": "Two reasons.", "text": "not for a chart",
}  # fmt: skip


def shown(page, name):
    """Return what stands in a field of the page."""
    text = page.content.decode()
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', text)
    area = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\s*([^<]*)</textarea>', text)
    return (found or area)[1].strip() if found or area else None


def light_of(page, agent):
    found = re.search(
        rf'data-agent="{agent}" data-status="(\w+)".*?data-word>([^<]*)<',
        page.content.decode(),
        re.S,
    )
    return found.groups()


@pytest.fixture
def browser(ana, acme, browser_of):
    return browser_of(ana)


def test_an_empty_studio_says_how_to_begin(browser):
    page = browser.get("/studio/")

    assert b"No videos yet" in page.content
    assert b'href="/studio/new"' in page.content


def test_nobody_is_sent_to_the_login(browser_of, ana, make_video):
    for path in ("/studio/", "/studio/new", f"/studio/{make_video(ana).public_id}"):
        answer = browser_of().get(path)
        assert (answer.status_code, answer["Location"][:15]) == (302, "/account/login/")


def test_a_script_is_written_in_the_studio(browser, ana, acme):
    answer = browser.post("/studio/new", sent(TITLE, CHART))

    row = VideoSession.objects.get()
    assert answer["Location"] == f"/studio/{row.public_id}"
    assert (row.owner, row.company, row.origin) == (ana, acme, "studio")
    assert row.scenes == [
        TITLE,
        {
            "kind": "chart", "heading": "Why", "narration": "Two reasons.",
            "values": [{"label": "Price", "value": 12}, {"label": "Too slow", "value": 30.5}],
        },
    ]  # fmt: skip
    page = browser.get(f"/studio/{row.public_id}/script")
    assert shown(page, "scene-1-values") == "Price: 12\nToo slow: 30.5"


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(browser):
    broken = {**CHART, "heading": "", "values": "Price: many\nSpeed: 3"}
    page = browser.post("/studio/new", sent(TITLE, broken, title=""))

    assert page.status_code == 422
    assert VideoSession.objects.count() == 0
    text = page.content.decode()
    for message in (
        "Give the video a title.",
        "Say what this scene is about.",
        "Write &quot;Price: many&quot; as a name, a colon and a number from 0 up.",
    ):
        assert message in text
    assert shown(page, "scene-1-values") == "Price: many\nSpeed: 3"
    assert shown(page, "scene-1-text") == "not for a chart"
    assert shown(page, "scene-0-heading") == "Hello"


@pytest.mark.parametrize(
    ("do", "order"),
    [
        ("up:1", ["B", "A", "C"]),
        ("down:1", ["A", "C", "B"]),
        ("up:0", ["A", "B", "C"]),
        ("down:2", ["A", "B", "C"]),
        ("remove:1", ["A", "C"]),
        ("remove:9", ["A", "B", "C"]),
        ("nonsense", ["A", "B", "C"]),
    ],
)
def test_scenes_move_without_javascript_and_without_saving(browser, do, order):
    scenes = [{**TITLE, "heading": name} for name in "ABC"]
    page = browser.post("/studio/new", sent(*scenes, do=do))

    assert page.status_code == 200
    headings = [shown(page, f"scene-{number}-heading") for number in range(len(order))]
    assert headings == order
    assert VideoSession.objects.count() == 0


def test_a_scene_of_every_kind_can_be_added(browser):
    for kind in ("title", "chart", "quote", "figure", "list", "closing"):
        page = browser.post("/studio/new", sent(TITLE, do="add", add_kind=kind))
        added = re.search(r'name="scene-1-kind".*?</select>', page.content.decode(), re.S)[0]
        assert f'<option value="{kind}" selected>' in added


def test_a_script_changed_elsewhere_is_not_overwritten(browser, ana, make_video):
    video = make_video(ana)
    VideoSession.objects.filter(pk=video.pk).update(revision=4)

    page = browser.post(f"/studio/{video.public_id}/script", sent(TITLE, revision="1"))

    assert page.status_code == 422
    assert b"The script was changed since you opened it" in page.content
    assert shown(page, "scene-0-heading") == "Hello"
    video.refresh_from_db()
    assert video.scenes == SCENES


def test_save_and_make_starts_a_run(browser, pipeline):
    answer = browser.post("/studio/new", sent(TITLE, do="save_start"))
    run = VideoRun.objects.get()
    page = browser.get(answer["Location"])

    assert run.state == "queued"
    assert light_of(page, "Orchestrator") == ("waiting", "Waiting")
    assert b'http-equiv="refresh"' in page.content
    assert b"Cancel" in page.content

    drain()
    page = browser.get(answer["Location"])
    assert [
        light_of(page, agent)[0] for agent in ("Orchestrator", "Agent2", "Agent4", "Agent5")
    ] == ["finished"] * 4
    text = page.content.decode()
    assert re.search(r"<video[^>]*src=\"http://testserver/api/video-files/", text)
    assert '<track kind="captions"' in text
    assert "Make it again" in text
    assert 'http-equiv="refresh"' not in text


def test_the_lights_of_a_failed_run_say_why(browser, ana, make_video, pipeline):
    pipeline.error = "voice_missing"
    video = make_video(ana)
    browser.post(f"/studio/{video.public_id}/start")
    drain()
    page = browser.get(f"/studio/{video.public_id}")

    assert light_of(page, "Agent4") == ("error", "Error")
    assert light_of(page, "Agent5") == ("waiting", "Waiting")
    text = page.content.decode()
    assert "The video could not be made" in text
    assert "No voice is there." in text
    assert "stopped because Agent4 failed" in text
    assert "Try again" in text


def test_a_run_nobody_works_on_is_said_to_stand(browser, ana, make_video):
    video = make_video(ana)
    browser.post(f"/studio/{video.public_id}/start")
    VideoRun.objects.update(created_at=clock.now() - timedelta(minutes=1))

    assert b"Nobody is working on it" in browser.get(f"/studio/{video.public_id}").content


def test_cancel_and_delete_from_the_page(browser, ana, make_video):
    video = make_video(ana)
    path = f"/studio/{video.public_id}"
    browser.post(f"{path}/start")
    refused = browser.post(f"{path}/delete", follow=True)
    assert b"This script is being rendered" in refused.content

    browser.post(f"{path}/cancel")
    assert VideoRun.objects.get().state == "cancelled"
    assert b"Cancelled" in browser.get(path).content
    assert browser.post(f"{path}/delete")["Location"] == "/studio/"
    assert browser.get(path).status_code == 404


def test_a_colleague_sees_nothing_of_it(browser_of, beto, ana, make_video):
    path = f"/studio/{make_video(ana).public_id}"
    client = browser_of(beto)

    assert b"What we heard" not in client.get("/studio/").content
    for answer in (
        client.get(path),
        client.get(f"{path}/script"),
        client.get(f"{path}/captions.vtt"),
        client.post(f"{path}/start"),
        client.post(f"{path}/delete"),
    ):
        assert answer.status_code == 404
    assert VideoRun.objects.count() == 0


def test_tracks_come_from_our_own_origin(browser, ana, make_video, pipeline):
    video = make_video(ana)
    path = f"/studio/{video.public_id}"
    assert browser.get(f"{path}/captions.vtt").status_code == 404
    browser.post(f"{path}/start")
    drain()

    answer = browser.get(f"{path}/captions.vtt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/vtt; charset=utf-8")
    assert browser.get(f"{path}/chapters.vtt").content.startswith(b"WEBVTT")


def test_markup_in_a_script_is_text(browser, ana, make_video, pipeline):
    video = make_video(ana, title="<script>alert(1)</script>")
    held_page = browser.get(f"/studio/{video.public_id}").content
    assert b"<script>alert" not in held_page
    assert b"&lt;script&gt;alert(1)" in held_page


def test_the_list_costs_the_same_for_one_and_for_twenty(browser, ana, make_video):
    counts = []
    for number in (1, 19):
        for _ in range(number):
            make_video(ana)
        with CaptureQueriesContext(connection) as queries:
            browser.get("/studio/")
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 8


def test_the_admin_ends_a_run_that_stands(ana, make_video, admin_client):
    run = runs.start_run(owner=ana, session_id=make_video(ana).public_id)
    held = runs.claim_run(run_id=run.public_id, worker="w")

    admin_client.post(
        "/admin/video/videorun/", {"action": "end_runs", "_selected_action": [run.pk]}
    )

    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "ended_by_administrator")
    update = AgentUpdate(AgentName.AGENT2, AgentStatus.STARTING)
    with pytest.raises(reporting.RunLostError):
        reporting.record_update(held=held, update=update)
