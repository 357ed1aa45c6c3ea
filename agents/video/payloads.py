"""Rows as the API and the studio's scripts read them. Knows no request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agents.video import links, selectors
from agents.video.models import VideoRun, VideoSession
from agents.video.script_rules import estimate_seconds
from agents.video.status import read_status
from core import clock


def script_payload(video_session: VideoSession) -> dict[str, Any]:
    """Return a script."""
    return {
        "sessionId": video_session.public_id,
        "title": video_session.title,
        "scenes": video_session.scenes,
        "language": video_session.language,
        "voice": video_session.voice,
        "revision": video_session.revision,
        "origin": video_session.origin,
        "made_by": video_session.owner.display_name if video_session.owner else None,
        "estimated_seconds": round(estimate_seconds(video_session.scenes), 1),
        "created_at": clock.rfc3339(video_session.created_at),
        "updated_at": clock.rfc3339(video_session.updated_at),
    }


def run_payload(video_session: VideoSession, run: VideoRun, *, origin: str) -> dict[str, Any]:
    """Return a run with links signed now.

    Args:
        origin: scheme and host by which the reader reached this server.
    """
    return {
        "runId": run.public_id,
        "sessionId": video_session.public_id,
        "state": run.state,
        "tries": run.tries,
        "revision": run.revision,
        "is_stalled": run.is_stalled(clock.now()),
        "cancel_requested": run.cancel_requested_at is not None,
        "error": run.error or None,
        "reason": run.reason or None,
        "videoUrl": links.video_link(video_session, run, origin=origin),
        "withdrawn": run.withdrawn_at is not None,
        "captionsUrl": _link(run, run.captions_key, origin, "captions.vtt"),
        "chaptersUrl": _link(run, run.chapters_key, origin, "chapters.vtt"),
        "duration_seconds": run.duration_seconds,
        "size_bytes": run.size_bytes,
        "costs": {agent: float(spent) for agent, spent in selectors.costs_of(run).items()},
        "created_at": clock.rfc3339(run.created_at),
        "started_at": _moment(run.started_at),
        "heartbeat_at": _moment(run.heartbeat_at),
        "ended_at": _moment(run.ended_at),
    }


def status_message(
    video_session: VideoSession, stored: selectors.StoredStatus, *, origin: str
) -> dict[str, Any]:
    """Return a stored status message with its number and a link signed now."""
    filename = links.video_filename(video_session)
    return read_status(
        stored.message,
        seq=stored.seq,
        link_of=lambda key: links.file_link(key, origin=origin, filename=filename),
    )


def _link(run: VideoRun, key: str, origin: str, filename: str) -> str | None:
    if not key or run.withdrawn_at is not None:
        return None
    return links.file_link(key, origin=origin, filename=filename)


def _moment(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None
