"""The demo's video: drafted from the findings of its survey, made by the server once it runs."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse

from accounts.models import Company, User
from agents.video.models import Origin, VideoSession
from agents.video.services.runs import start_run
from surveys.demo.content import OWNER
from surveys.models import Survey
from surveys.services.videos import NoFindingsError, create_insights_video


def prepare_demo(company: Company, report: Callable[[str], None]) -> list[tuple[str, str]]:
    """Draft a video of the first survey with findings and ask for it to be made.

    Idempotent: one is enough. The run waits in its row, so that the set-up is not held up; the
    server makes it within seconds of its start.

    Args:
        company: the demo company.
        report: told in a line what is being made.

    Returns:
        The entrance to print.
    """
    entrance = [("Studio", reverse("studio_home"))]
    owner = User.objects.filter(email=OWNER.email).first()
    if owner is None or VideoSession.objects.filter(owner=owner, origin=Origin.SURVEY).exists():
        return entrance
    for survey in Survey.objects.filter(company=company).order_by("pk"):
        try:
            video = create_insights_video(survey=survey, owner=owner)
        except NoFindingsError:
            continue
        report("A narrated video of the findings, made while you look around")
        start_run(owner=owner, session_id=video.public_id)
        break
    return entrance
