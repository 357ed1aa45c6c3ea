"""What this app holds about a person: the videos they made."""

from __future__ import annotations

from typing import Any

from agents.video.models import OPEN_STATES, Origin, VideoRun, VideoSession
from agents.video.services.runs import request_cancel
from agents.video.services.scripts import erase_video
from core.privacy import Person, Section, export_rows


def _export(person: Person) -> dict[str, Any]:
    if person.user_pk is None:
        return {}
    videos = VideoSession.objects.filter(owner_id=person.user_pk, erased_at__isnull=True)
    return {
        "videos": export_rows(videos),
        "runs": export_rows(
            VideoRun.objects.filter(video_session__in=videos),
            without=("video_key", "captions_key", "chapters_key"),
        ),
    }


def _erase(person: Person) -> None:
    """Erase their videos; one that is being made is called off first.

    What was made of a company's survey is the company's and stays, without their name.

    Raises:
        ScriptLockedError: a worker has not let go of a run yet; try again.
    """
    videos = VideoSession.objects.filter(owner_id=person.user_pk).select_related("owner")
    for row in videos if person.user_pk is not None else ():
        owner = row.owner
        is_companys = row.origin == Origin.SURVEY and row.company_id is not None
        if row.erased_at is None and owner is not None and not is_companys:
            for run in VideoRun.objects.filter(video_session=row, state__in=OPEN_STATES):
                request_cancel(owner=owner, run_id=run.public_id)
            erase_video(owner=owner, session_id=row.public_id)
        VideoSession.objects.filter(pk=row.pk).update(owner=None)


SECTION = Section(
    name="videos",
    export=_export,
    erase=_erase,
    models=frozenset({"video.VideoSession", "video.VideoRun", "video.RunAgent"}),
    kept={
        "video.VideoSession": "A bare row without title, script or owner; costs hang on it. A "
        "company keeps the film of its survey, without who made it.",
        "video.VideoRun": "That something was rendered, and when.",
        "video.AgentCost": "What a rendering cost us; names nobody.",
    },
)
