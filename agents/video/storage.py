"""The storage of videos: where keys are, links that expire, and what is swept away.

Owns the alias ``videos`` of Django's STORAGES. A local folder has no links of its own, so they
are signed here and served by the app; S3 signs its own. Knows no row and no request.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.core import signing
from django.core.files.storage import FileSystemStorage, Storage, storages

logger = logging.getLogger(__name__)

ALIAS: Final = "videos"
ROOT: Final = "scaffold_test"
_SALT: Final = "agents.video.file"
CONTENT_TYPES: Final = {".mp4": "video/mp4", ".vtt": "text/vtt; charset=utf-8"}
MAX_TEXT_BYTES: Final = 2_000_000


class LinkRefusedError(Exception):
    """A link nobody signed, or one whose time is over."""

    def __init__(self, *, is_expired: bool) -> None:
        super().__init__("expired" if is_expired else "not signed here")
        self.is_expired = is_expired


@dataclass(frozen=True, slots=True)
class SignedFile:
    """What a link opens."""

    key: str
    filename: str
    as_download: bool


def video_storage() -> Storage:
    """Return the storage of videos."""
    return storages[ALIAS]


def session_prefix(user_id: str, session_id: str) -> str:
    """Return the folder of one video session, as the seed spells it, with a slash at its end."""
    return f"{ROOT}/{user_id}/{session_id}/"


def link_seconds() -> int:
    """Return how long a link opens something, counted from its signing."""
    seconds: int = settings.AWS_QUERYSTRING_EXPIRE
    return seconds


def serves_itself(storage: Storage) -> bool:
    """Tell whether the storage signs links of its own, so that files never pass through us."""
    return not isinstance(storage, FileSystemStorage)


def presign(key: str, *, filename: str, as_download: bool) -> str:
    """Return the storage's own link for a key; no call leaves this process.

    Args:
        key: storage key.
        filename: ASCII name a browser saves under.
        as_download: save instead of show.
    """
    disposition = "attachment" if as_download else "inline"
    storage: Any = video_storage()
    link: str = storage.url(
        key,
        expire=link_seconds(),
        parameters={
            "ResponseContentType": content_type_of(key),
            "ResponseContentDisposition": f'{disposition}; filename="{filename}"',
        },
    )
    return link


def sign_key(key: str, *, filename: str, as_download: bool) -> str:
    """Return a token that names a key, a file name and the present second."""
    named = {"k": key, "n": filename, "d": int(as_download)}
    return signing.dumps(named, salt=_SALT, compress=True)


def read_token(token: str) -> SignedFile:
    """Return what a token of `sign_key` names.

    Raises:
        LinkRefusedError: changed, made elsewhere, or too old.
    """
    try:
        named: dict[str, Any] = signing.loads(token, salt=_SALT, max_age=link_seconds())
    except signing.SignatureExpired:
        raise LinkRefusedError(is_expired=True) from None
    except (signing.BadSignature, ValueError):
        raise LinkRefusedError(is_expired=False) from None
    return SignedFile(key=named["k"], filename=named["n"], as_download=bool(named["d"]))


def content_type_of(key: str) -> str:
    """Return the media type of a key by its ending."""
    return CONTENT_TYPES.get(Path(key).suffix, "application/octet-stream")


def open_file(key: str) -> IO[bytes]:
    """Open a stored file for reading.

    Raises:
        FileNotFoundError: it is gone.
    """
    opened: Any = video_storage().open(key, "rb")
    return opened  # type: ignore[no-any-return]  # Django's File passes everything on to a file


def modified_at(key: str) -> float:
    """Return when a stored file was last written, in Unix seconds."""
    return video_storage().get_modified_time(key).timestamp()


def read_text(key: str) -> str:
    """Return a small text file, such as captions.

    Raises:
        FileNotFoundError: it is gone.
    """
    with open_file(key) as handle:
        return handle.read(MAX_TEXT_BYTES).decode("utf-8", "replace")


def list_keys(prefix: str) -> Iterator[str]:
    """Yield every key below a folder, in no order; nothing where there is no such folder."""
    storage = video_storage()
    try:
        folders, files = storage.listdir(prefix)
    except FileNotFoundError:
        return
    for name in files:
        yield f"{prefix}{name}"
    for name in folders:
        yield from list_keys(f"{prefix}{name}/")


def delete_keys(prefix: str, *, keep: Collection[str] = ()) -> int:
    """Delete what lies below a folder.

    Args:
        prefix: with a slash at its end.
        keep: keys that stay, and folders (with a slash) whose keys all stay.

    Returns:
        How many files are gone. Repeating it finishes what was interrupted.
    """
    storage = video_storage()
    kept_folders = tuple(one for one in keep if one.endswith("/"))
    deleted = 0
    for key in list(list_keys(prefix)):
        if key in keep or (kept_folders and key.startswith(kept_folders)):
            continue
        storage.delete(key)
        deleted += 1
    if isinstance(storage, FileSystemStorage):
        _remove_empty_folders(Path(storage.path(prefix)))
    return deleted


def _remove_empty_folders(root: Path) -> None:
    """Remove empty folders from the deepest up; a local disk keeps them otherwise."""
    if not root.is_dir():
        return
    folders = sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True)
    for folder in [*folders, root]:
        if not any(folder.iterdir()):
            folder.rmdir()
