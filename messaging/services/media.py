"""Files that came in: downloaded by a job while their link lives, kept for operators.

Owns `InboundMedia`. The webhook only notes that there is a file; nothing waits for it.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta

import filetype

from core import clock
from core.live import publish_ephemeral
from core.retry import backoff_seconds
from messaging.models import InboundMedia, MediaState
from messaging.services.sending import sender_of
from messaging.storage import save_media
from messaging.whatsapp.base import ErrorClass, MediaGoneError, SendError
from messaging.whatsapp.factory import get_backend

logger = logging.getLogger(__name__)

LIMIT_BYTES = 25_000_000
ATTEMPTS_MAX = 6
#: Types a browser shows without running anything; others are offered as a download.
SHOWN_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/webp",
        "audio/ogg",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/amr",
        "video/mp4",
        "video/3gpp",
        "application/pdf",
    }
)


def download_media(*, media: InboundMedia) -> bool:
    """Fetch one file, if it is still wanted; tell whether it is stored now.

    The call is made outside of any transaction. Safe to run twice: the second copy is dropped.
    """
    if media.state != MediaState.WANTED:
        return media.state == MediaState.STORED
    sender = sender_of(media.message.number)
    wanted = InboundMedia.objects.filter(pk=media.pk, state=MediaState.WANTED)
    try:
        content, told_type = get_backend().fetch_media(
            sender, media.media_id, limit_bytes=LIMIT_BYTES
        )
    except MediaGoneError as error:
        wanted.update(state=MediaState.GONE, next_attempt_at=None, error_code=str(error)[:64])
        return False
    except SendError as error:
        attempts = media.attempts + 1
        is_over = attempts >= ATTEMPTS_MAX or error.error_class is ErrorClass.NEVER
        pause = backoff_seconds(attempts, base=2.0, cap=300.0)
        wanted.update(
            attempts=attempts,
            error_code=error.code[:64],
            state=MediaState.GONE if is_over else MediaState.WANTED,
            next_attempt_at=None if is_over else clock.now() + timedelta(seconds=pause),
        )
        return False
    kind = filetype.guess_mime(content) or "application/octet-stream"
    key = save_media(content, folder="inbound")
    changed = wanted.update(
        state=MediaState.STORED,
        file_key=key,
        # What the bytes say: what the sender says may be a picture that is none.
        mime_type=kind if kind in SHOWN_TYPES or told_type in SHOWN_TYPES else told_type[:100],
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        next_attempt_at=None,
        error_code="",
    )
    if changed:
        publish_ephemeral(
            stream=media.message.conversation.stream_name,
            type="message",
            payload={"side": "in"},
        )
    return True


def due_media_keys(*, limit: int = 50) -> list[str]:
    """Return the keys of messages whose files are wanted now."""
    return [
        str(key)
        for key in InboundMedia.objects.filter(
            state=MediaState.WANTED, next_attempt_at__lte=clock.now()
        )
        .order_by("next_attempt_at")
        .values_list("message_id", flat=True)[:limit]
    ]
