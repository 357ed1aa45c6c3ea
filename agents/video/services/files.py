"""Sweeping: files nobody needs any more, and what a killed worker left on this machine.

A finished run keeps its video, captions and chapters; everything its agents made on the way
goes. A run that failed keeps nothing.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

from agents.video import selectors, storage
from agents.video.models import OPEN_STATES, VideoRun, VideoSession
from agents.video.pipeline.processes import sweep_orphans
from core import clock

logger = logging.getLogger(__name__)

KEPT_AFTER_END: Final = timedelta(hours=1)
"""Long enough to look at what a failed run left."""
SESSIONS_A_SWEEP: Final = 50


def sweep_files() -> int:
    """Delete the files of deleted videos, and of runs that are over what no player shows.

    Calls the storage outside of any transaction. Idempotent; an interrupted sweep is finished by
    the next one.

    Returns:
        How many files are gone.
    """
    before = clock.now() - KEPT_AFTER_END
    deleted = 0
    for video_session in selectors.sessions_with_rest(before)[:SESSIONS_A_SWEEP]:
        deleted += _sweep_session(video_session)
    if deleted:
        logger.info("video.files_swept", extra={"files": deleted})
    return deleted


def _sweep_session(video_session: VideoSession) -> int:
    moment = clock.now()
    if video_session.erased_at is not None:
        deleted = storage.delete_keys(video_session.storage_prefix)
        VideoSession.objects.filter(pk=video_session.pk).update(files_erased_at=moment)
    else:
        # Read before the look at what is open: a run that starts now writes below a new attempt,
        # whose files the look would still miss.
        kept = [*selectors.finished_keys(video_session), _timestamp_key(video_session)]
        if VideoRun.objects.filter(video_session=video_session, state__in=OPEN_STATES).exists():
            return 0
        newer = f"attempt-{video_session.last_attempt + 1}/"
        deleted = storage.delete_keys(
            video_session.storage_prefix,
            keep=[
                *kept,
                *(f"{video_session.storage_prefix}{agent}/{newer}" for agent in _FOLDERS),
            ],
        )
    VideoRun.objects.filter(
        video_session=video_session, ended_at__isnull=False, swept_at__isnull=True
    ).update(swept_at=moment)
    return deleted


_FOLDERS: Final = ("agent2", "agent4", "agent5")


def _timestamp_key(video_session: VideoSession) -> str:
    return f"{video_session.storage_prefix}timestamp.json"


def scratch_root() -> Path:
    """Return the folder of this machine in which runs work."""
    folder: Path = settings.DATA_DIR / "video-work"
    return folder


def sweep_machine() -> int:
    """End programs of this machine whose worker was killed, and remove the folders they used.

    Returns:
        How many folders were removed.
    """
    return sweep_orphans(scratch_root())
