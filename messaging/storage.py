"""Files people send and operators answer with: private, under random keys."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from core.ids import new_id

ALIAS = "messaging"


def media_storage() -> Storage:
    """Return where the files lie: a local folder, or S3 where a bucket is named."""
    return storages[ALIAS]


def save_media(content: bytes, *, folder: str) -> str:
    """Store a file; return its key, which says nothing of its name or owner."""
    return media_storage().save(f"{folder}/{new_id('file')}", ContentFile(content))


def read_media(key: str) -> bytes:
    """Return a stored file.

    Raises:
        FileNotFoundError: it is gone.
    """
    with media_storage().open(key, "rb") as stored:
        content: bytes = stored.read()
    return content
