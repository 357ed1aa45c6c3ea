"""The private storage of proofs: keys nobody can guess, links that expire, what is swept away.

Owns the alias ``proofs`` of Django's STORAGES. Files of a local folder are served by the app's
own view, which asks whose they are; S3 gets short signed links. Knows no row and no request.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

ALIAS: Final = "proofs"
LINK_SECONDS: Final = 120
_TOKEN_BYTES: Final = 24


def proof_storage() -> Storage:
    """Return the storage of proofs."""
    return storages[ALIAS]


def store_proof(content: bytes, *, owner_id: str, ending: str) -> str:
    """Store bytes under a fresh random key and return the key.

    Args:
        content: what `inspection.prepare_proof` made.
        owner_id: public id of whose it is; names the folder.
        ending: of the stored kind, without a dot; nothing of the sender's name is in the key.
    """
    key = f"{owner_id}/{secrets.token_urlsafe(_TOKEN_BYTES)}.{ending}"
    return proof_storage().save(key, ContentFile(content))


def delete_proof(key: str) -> None:
    """Delete a stored file; one that is gone already is no fault."""
    proof_storage().delete(key)


def open_proof(key: str) -> IO[bytes]:
    """Open a stored file for reading.

    Raises:
        FileNotFoundError: it is gone.
    """
    opened: Any = proof_storage().open(key, "rb")
    return opened  # type: ignore[no-any-return]  # Django's File passes everything on to a file


def link_to(key: str, *, content_type: str, disposition: str) -> str | None:
    """Return a short-lived link of the storage's own, or None where we serve the file.

    Args:
        key: storage key.
        content_type: what the storage is to call it.
        disposition: the Content-Disposition it is to send.
    """
    storage: Any = proof_storage()
    if isinstance(storage, FileSystemStorage):
        return None
    link: str = storage.url(
        key,
        expire=LINK_SECONDS,
        parameters={
            "ResponseContentType": content_type,
            "ResponseContentDisposition": disposition,
            "ResponseCacheControl": "private, no-store",
        },
    )
    return link


def list_keys() -> Iterator[tuple[str, datetime]]:
    """Yield every stored key and when it was written."""
    storage = proof_storage()
    try:
        owners, _ = storage.listdir("")
    except FileNotFoundError:
        return
    for owner in owners:
        for name in storage.listdir(owner)[1]:
            key = f"{owner}/{name}"
            yield key, storage.get_modified_time(key)
