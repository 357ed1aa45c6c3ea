from __future__ import annotations

import pytest

from agents.video.models import VideoRun
from agents.video.services import runs
from agents.video.services.scripts import forget_words
from core.jobs.testing import drain

pytestmark = pytest.mark.django_db(transaction=True)

SAID = "On Monday the courier left both bags at the wrong house, so we had no coffee."
TITLE = {"kind": "title", "heading": "What we heard", "narration": "We asked five people."}
HOLDING = {
    "a quote": {"kind": "quote", "heading": "Late", "text": "no coffee", "narration": "So it was."},
    "a quote cut short": {
        "kind": "quote", "heading": "Late", "text": "On Monday the courier left both…",
        "narration": "Late.",
    },
    "narration": {
        "kind": "closing", "heading": "End",
        "narration": "Somebody said the courier left both bags at the wrong house.",
    },
    "a point in quotation marks": {
        "kind": "list", "heading": "In short", "narration": "Two things.",
        "items": ["Deliveries: «we had no coffee»", "Price"],
    },
}  # fmt: skip
FREE = {
    "other words": {"kind": "quote", "heading": "x", "text": "It is fine.", "narration": "Fine."},
    "a few of the same words": {
        "kind": "list", "heading": "The courier", "items": ["On Monday the courier left"],
        "narration": "The wrong house.",
    },
}  # fmt: skip


def make(make_video, ana, scene):
    return make_video(ana, scenes=[TITLE, scene], origin="survey", origin_ref="survey_1")


@pytest.mark.parametrize("what", sorted(HOLDING))
def test_a_scene_that_holds_erased_words_goes(ana, make_video, what):
    video = make(make_video, ana, HOLDING[what])

    assert forget_words(origin="survey", origin_ref="survey_1", said=[SAID]) == 1

    video.refresh_from_db()
    assert (video.scenes, video.revision) == ([TITLE], 2)
    assert forget_words(origin="survey", origin_ref="survey_1", said=[SAID]) == 0


@pytest.mark.parametrize("what", sorted(FREE))
def test_a_scene_of_other_words_stays(ana, make_video, what):
    video = make(make_video, ana, FREE[what])

    assert forget_words(origin="survey", origin_ref="survey_1", said=[SAID]) == 0
    assert forget_words(origin="survey", origin_ref="survey_2", said=["It is fine."]) == 0
    video.refresh_from_db()
    assert video.scenes == [TITLE, FREE[what]]


def test_a_video_that_holds_them_is_withdrawn_with_its_files(
    ana, make_video, pipeline, video_folder, browser_of
):
    video = make(make_video, ana, HOLDING["a quote"])
    runs.start_run(owner=ana, session_id=video.public_id)
    drain()
    forget_words(origin="survey", origin_ref="survey_1", said=[SAID])
    drain()

    run = VideoRun.objects.get()
    assert (run.state, run.withdrawn_at is not None) == ("finished", True)
    assert list(video_folder.rglob("*.mp4")) == []
    page = browser_of(ana).get(f"/studio/{video.public_id}")
    assert b"<video" not in page.content
    assert b"Somebody quoted in it" in page.content


def test_a_run_that_is_open_ends_and_says_why(ana, make_video):
    video = make(make_video, ana, HOLDING["a quote"])
    run = runs.start_run(owner=ana, session_id=video.public_id)

    forget_words(origin="survey", origin_ref="survey_1", said=[SAID])

    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "words_erased")
