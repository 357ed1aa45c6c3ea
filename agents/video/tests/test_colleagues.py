"""Videos of a company's survey: its researchers watch them, their maker alone changes them."""

from __future__ import annotations

import pytest

from accounts.models import Membership, Role
from accounts.tests.factories import add_member, make_user
from agents.video import selectors
from agents.video.models import Origin, VideoRun, VideoSession
from agents.video.services.runs import start_run
from agents.video.services.scripts import create_video_session

pytestmark = pytest.mark.django_db

SCENES = [{"kind": "title", "heading": "Findings", "narration": "Words."}]


@pytest.fixture
def video(ana, acme):
    return create_video_session(
        owner=ana,
        company=acme,
        title="What slows people down",
        scenes=SCENES,
        origin=Origin.SURVEY,
        origin_ref="survey_1",
    )


def test_a_colleague_watches_and_changes_nothing(ana, beto, acme, video, browser_of):
    run = start_run(owner=ana, session_id=video.public_id)
    beto_browser = browser_of(beto)

    assert "by Ana Ruiz" in beto_browser.get("/studio/").content.decode()
    page = beto_browser.get(f"/studio/{video.public_id}").content.decode()
    assert "What slows people down" in page
    assert "A colleague made this" in page
    assert "data-cancel" not in page
    api = f"/api/video-sessions/{video.public_id}"
    assert beto_browser.get(api).json()["made_by"] == "Ana Ruiz"
    for path in (f"{api}/status", f"{api}/runs", f"/api/video-runs/{run.public_id}"):
        assert beto_browser.get(path).status_code == 200
    listed = beto_browser.get("/api/video-sessions").json()["results"]
    assert [one["sessionId"] for one in listed] == [video.public_id]

    for path in ("start", "cancel", "delete", "script"):
        assert beto_browser.post(f"/studio/{video.public_id}/{path}").status_code == 404
    for method, path in (
        ("patch", api),
        ("delete", api),
        ("post", f"/api/video-runs/{run.public_id}/cancel"),
        ("post", f"/api/video-runs/{run.public_id}/retry"),
    ):
        answer = getattr(beto_browser, method)(path, {}, content_type="application/json")
        assert answer.status_code == 404, path
    started = beto_browser.post(
        "/api/startprocess",
        {"sessionId": video.public_id, "userId": beto.public_id},
        content_type="application/json",
    )
    assert started.status_code == 404
    row = VideoSession.objects.get()
    assert (row.title, row.erased_at, row.revision) == ("What slows people down", None, 1)
    assert VideoRun.objects.get().cancel_requested_at is None


def test_nobody_else_sees_it(acme, carla, globex, vera, video, browser_of):
    olga = make_user("olga@acme.test")
    add_member(acme, olga, Role.OPERATOR)

    for person in (carla, vera, olga):
        browser = browser_of(person)
        assert browser.get(f"/studio/{video.public_id}").status_code == 404
        assert browser.get(f"/api/video-sessions/{video.public_id}").status_code == 404
        assert "What slows people down" not in browser.get("/studio/").content.decode()
        assert not selectors.may_watch(person.pk, video.pk)


def test_what_somebody_wrote_themselves_stays_theirs(ana, beto, acme, browser_of):
    for origin in (Origin.STUDIO, Origin.API, Origin.WORKFLOW):
        own = create_video_session(
            owner=ana, company=acme, title="Private", scenes=SCENES, origin=origin
        )
        assert browser_of(beto).get(f"/studio/{own.public_id}").status_code == 404
        assert browser_of(ana).get(f"/studio/{own.public_id}").status_code == 200


def test_whoever_leaves_the_company_leaves_its_videos(ana, beto, acme, video, browser_of):
    assert selectors.may_watch(beto.pk, video.pk)
    assert selectors.may_watch(ana.pk, video.pk)

    Membership.objects.filter(user__in=(ana, beto)).delete()

    for person in (ana, beto):
        assert browser_of(person).get(f"/studio/{video.public_id}").status_code == 404
        assert not selectors.may_watch(person.pk, video.pk)
    with pytest.raises(selectors.VideoNotFoundError):
        start_run(owner=ana, session_id=video.public_id)


def test_a_person_who_is_switched_off_watches_nothing(beto, acme, video):
    beto.is_active = False
    beto.save()

    assert not selectors.may_watch(beto.pk, video.pk)


def test_the_list_costs_a_fixed_number_of_queries(
    ana, beto, acme, browser_of, django_assert_max_num_queries
):
    for number in range(5):
        create_video_session(
            owner=ana,
            company=acme,
            title=f"Film {number}",
            scenes=SCENES,
            origin=Origin.SURVEY,
            origin_ref="survey_1",
        )

    browser = browser_of(beto)
    with django_assert_max_num_queries(6):
        assert browser.get("/studio/").content.decode().count("by Ana Ruiz") == 5
