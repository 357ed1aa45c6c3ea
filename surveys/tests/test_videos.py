"""A survey's findings as a video, and what an erasure takes out of it."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Company, User
from agents.video.models import RunState, VideoRun, VideoSession
from agents.video.services.runs import start_run
from core import clock
from core.jobs import testing as jobs
from core.live import append_event, read_events
from surveys.models import Survey
from surveys.services.videos import NoFindingsError, create_insights_video
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS, Visitor, make_survey
from surveys.tests.test_insights import WordAgent

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitors(acme: Company, monkeypatch: pytest.MonkeyPatch) -> tuple[Survey, list[Visitor]]:
    """Three finished answers and the findings of them."""
    monkeypatch.setattr("surveys.services.insights.get_insights_agent", WordAgent)
    survey = make_survey(acme)
    found = []
    for answers in (ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS):
        visitor = Visitor(survey)
        visitor.answer_all(answers)
        found.append(visitor)
    jobs.drain(sweeps=True)
    return survey, found


def test_the_button_drafts_a_script_of_the_findings(
    visitors: tuple[Survey, list[Visitor]], ana: User, acme: Company, browser_of: Any
) -> None:
    survey, _ = visitors
    client = browser_of(ana)
    page = client.get(f"/console/surveys/{survey.public_id}/insights/")
    assert b"Make a video" in page.content

    answer = client.post(f"/console/surveys/{survey.public_id}/insights/video/")

    video = VideoSession.objects.get()
    assert answer["Location"] == f"/studio/{video.public_id}/script"
    assert (video.owner, video.company) == (ana, acme)
    assert (video.origin, video.origin_ref) == ("survey", survey.public_id)
    kinds = [scene["kind"] for scene in video.scenes]
    assert (kinds[0], kinds[-1]) == ("title", "closing")
    quotes = [scene["text"] for scene in video.scenes if scene["kind"] == "quote"]
    assert quotes == [ANSWERS[0][:10].strip()]
    assert VideoRun.objects.count() == 0
    assert client.get(answer["Location"]).status_code == 200


def test_one_press_makes_the_video_and_colleagues_find_it_in_the_console(
    visitors: tuple[Survey, list[Visitor]], ana: User, beto: User, carla: User, browser_of: Any
) -> None:
    survey, _ = visitors
    page = f"/console/surveys/{survey.public_id}/insights/"

    answer = browser_of(ana).post(f"{page}video/", {"do": "make"})

    video = VideoSession.objects.get()
    assert answer["Location"] == f"/studio/{video.public_id}"
    assert VideoRun.objects.get().state == RunState.QUEUED
    listed = browser_of(beto).get(page).content.decode()
    assert "Videos of these findings" in listed
    assert "by Ana Ruiz" in listed
    assert browser_of(beto).get(f"/studio/{video.public_id}").status_code == 200
    assert browser_of(carla).get(f"/studio/{video.public_id}").status_code == 404


def test_without_findings_there_is_nothing_to_make(
    acme: Company, ana: User, browser_of: Any
) -> None:
    survey = make_survey(acme)

    with pytest.raises(NoFindingsError):
        create_insights_video(survey=survey, owner=ana)
    answer = browser_of(ana).post(f"/console/surveys/{survey.public_id}/insights/video/")
    assert answer["Location"] == f"/console/surveys/{survey.public_id}/insights/"
    assert VideoSession.objects.count() == 0


def test_another_company_makes_none_of_it(
    visitors: tuple[Survey, list[Visitor]], carla: User, globex: Company, browser_of: Any
) -> None:
    survey, _ = visitors

    answer = browser_of(carla).post(f"/console/surveys/{survey.public_id}/insights/video/")

    assert answer.status_code == 404
    assert VideoSession.objects.count() == 0


def test_an_erased_answer_leaves_script_video_and_messages(
    visitors: tuple[Survey, list[Visitor]], ana: User
) -> None:
    survey, (first, *_) = visitors
    video = create_insights_video(survey=survey, owner=ana)
    quoted = next(scene["text"] for scene in video.scenes if scene["kind"] == "quote")
    run = start_run(owner=ana, session_id=video.public_id)
    jobs.lose_pending()
    VideoRun.objects.filter(pk=run.pk).update(
        state=RunState.FINISHED, video_key=f"{video.storage_prefix}a.mp4", ended_at=clock.now()
    )
    append_event(stream=video.stream_name, type="status", payload={"run": run.public_id})

    first.call("delete", "data", first.started["receipt_token"])
    jobs.drain()

    video.refresh_from_db()
    run.refresh_from_db()
    assert quoted not in str(video.scenes)
    assert [scene["kind"] for scene in video.scenes if scene["kind"] == "quote"] == []
    assert video.revision == 2
    assert run.withdrawn_at is not None
    assert run.swept_at is not None
    assert read_events(video.stream_name) == []


def test_an_erased_answer_nobody_quoted_changes_no_video(
    visitors: tuple[Survey, list[Visitor]], ana: User
) -> None:
    survey, (_, second, _) = visitors
    video = create_insights_video(survey=survey, owner=ana)

    second.call("delete", "data", second.started["receipt_token"])

    video.refresh_from_db()
    assert video.revision == 1
