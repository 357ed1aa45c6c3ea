"""Addresses of a video's parts, signed at the moment somebody reads them. Knows no request."""

from __future__ import annotations

import re
import unicodedata

from django.urls import reverse

from agents.video import storage
from agents.video.models import VideoRun, VideoSession


def file_link(key: str, *, origin: str, filename: str = "video.mp4", download: bool = False) -> str:
    """Return an absolute link to a stored file that works for a while.

    Args:
        key: storage key.
        origin: scheme and host by which the reader reached this server.
        filename: what a browser saves it under.
        download: save instead of show.
    """
    if storage.serves_itself(storage.video_storage()):
        return storage.presign(key, filename=filename, as_download=download)
    token = storage.sign_key(key, filename=filename, as_download=download)
    return f"{origin}{reverse('video_file', args=[token])}"


def video_filename(video_session: VideoSession) -> str:
    """Return an ASCII file name made of the title."""
    plain = unicodedata.normalize("NFKD", video_session.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()
    return f"{words[:60].rstrip('-') or 'video'}.mp4"


def video_link(
    video_session: VideoSession, run: VideoRun, *, origin: str, download: bool = False
) -> str | None:
    """Return the link of a run's video, or None while there is none."""
    if not run.video_key or run.withdrawn_at is not None:
        return None
    return file_link(
        run.video_key, origin=origin, filename=video_filename(video_session), download=download
    )


def socket_path(video_session: VideoSession) -> str:
    """Return the path of the status socket."""
    return f"/ws/status/{video_session.public_id}"
