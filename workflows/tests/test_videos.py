"""A finished run becomes the script of a video."""

from __future__ import annotations

import pytest

from agents.video.models import VideoSession
from core import clock
from workflows.models import Execution
from workflows.tests.builders import make_execution

pytestmark = pytest.mark.django_db


def test_a_finished_run_is_told_step_by_step_and_without_its_notes(ana, browser_of):
    execution = make_execution(ana)
    Execution.objects.filter(pk=execution.pk).update(
        state="completed",
        ended_at=clock.now(),
        done_steps=[1, 2],
        step_notes={"1": "zq7 private"},
    )

    answer = browser_of(ana).post(f"/executor/{execution.public_id}/video")

    video = VideoSession.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/studio/{video.public_id}/script")
    assert (video.owner, video.origin, video.origin_ref) == (ana, "workflow", execution.public_id)
    assert [scene["kind"] for scene in video.scenes] == ["title", "list", "list", "closing"]
    assert "zq7" not in str(video.scenes)


def test_an_unfinished_or_foreign_run_makes_no_video(ana, carla, browser_of):
    execution = make_execution(ana)

    answer = browser_of(ana).post(f"/executor/{execution.public_id}/video")
    assert answer["Location"] == f"/executor/{execution.public_id}"
    assert browser_of(carla).post(f"/executor/{execution.public_id}/video").status_code == 404

    assert not VideoSession.objects.exists()
