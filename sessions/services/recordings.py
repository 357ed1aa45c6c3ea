"""Sound files of conversations as rows: stored, placed, erased.

Owns the rows and the files' end. Makes no sound: `sessions.voice.recordings` writes the files.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction

from core import clock
from core.jobs import nudge
from sessions.models import EndReason, SessionRecording, TranscriptSegment, VoiceSession
from sessions.services.conversations import lock_session

ERASE_JOB = "sessions.erase_recording"
DRAFTS_KEPT_SECONDS: Final = 86_400


def place_in_recording(*, voice_session_pk: int, fence: int, offsets: Mapping[str, float]) -> int:
    """Note where segments begin in the recording of one life of the agent.

    Args:
        offsets: public id of the segment to seconds into the recording.

    Returns:
        How many segments were placed; none when there is no such recording.
    """
    recording = SessionRecording.objects.filter(
        voice_session_id=voice_session_pk, fence=fence
    ).first()
    if recording is None:
        return 0
    placed = 0
    with transaction.atomic():
        for segment_id, seconds in offsets.items():
            placed += TranscriptSegment.objects.filter(
                voice_session_id=voice_session_pk, public_id=segment_id
            ).update(recording=recording, recording_seconds=max(0.0, seconds))
    return placed


def record_recording(
    *,
    voice_session_pk: int,
    fence: int,
    storage_key: str,
    started_at: datetime,
    duration_seconds: float,
    byte_count: int,
) -> SessionRecording | None:
    """Store that a sound file is complete. The same fence twice is one.

    Returns:
        The row, or None when the conversation was erased meanwhile: its file goes at once.
    """
    with transaction.atomic():
        row = lock_session(voice_session_pk)
        recording, _ = SessionRecording.objects.get_or_create(
            voice_session=row,
            fence=fence,
            defaults={
                "storage_key": storage_key,
                "started_at": started_at,
                "duration_seconds": duration_seconds,
                "byte_count": byte_count,
                "erase_requested_at": (clock.now() if row.end_reason == EndReason.ERASED else None),
            },
        )
        if recording.erase_requested_at is not None:
            nudge(ERASE_JOB, recording.public_id)
            return None
    return recording


def request_erasure(*, voice_session: VoiceSession) -> int:
    """Mark the recordings of a conversation for erasure; the files go right after the commit.

    Joins the caller's transaction. From then on no route serves them. Safe to repeat.

    Returns:
        How many there are.
    """
    doomed = SessionRecording.objects.filter(
        voice_session=voice_session, erase_requested_at__isnull=True
    )
    ids = list(doomed.values_list("public_id", flat=True))
    SessionRecording.objects.filter(public_id__in=ids).update(erase_requested_at=clock.now())
    for public_id in ids:
        nudge(ERASE_JOB, public_id)
    return len(ids)


def erase_recording(*, public_id: str) -> bool:
    """Delete the file of a recording that is to be erased, then its row.

    Returns:
        True when nothing is left of it. Safe to run twice: a file that is gone is no error.
    """
    recording = SessionRecording.objects.filter(
        public_id=public_id, erase_requested_at__isnull=False
    ).first()
    if recording is None:
        return True
    default_storage.delete(recording.storage_key)
    recording.delete()
    return True


def nudge_due_erasures(*, limit: int = 100) -> int:
    """Nudge for every recording that should be gone. Returns how many."""
    due = SessionRecording.objects.filter(erase_requested_at__isnull=False)
    ids = list(due.order_by("erase_requested_at").values_list("public_id", flat=True)[:limit])
    for public_id in ids:
        nudge(ERASE_JOB, public_id)
    return len(ids)


def drafts_folder() -> Path:
    """Return where recordings lie while they are made."""
    return Path(settings.DATA_DIR) / "recording-drafts"


def purge_drafts() -> int:
    """Delete drafts of agents that died with their process; return how many."""
    folder = drafts_folder()
    if not folder.is_dir():
        return 0
    purged = 0
    for path in folder.glob("*.wav"):
        if path.stat().st_mtime < time.time() - DRAFTS_KEPT_SECONDS:
            path.unlink(missing_ok=True)
            purged += 1
    return purged
