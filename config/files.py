"""Where files lie: a local folder, or S3 where a bucket is named. Knows no app's rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

S3_STORAGE = "core.files_s3.PrivateS3Storage"
LOCAL_STORAGE = "django.core.files.storage.FileSystemStorage"


def build_storages(*, bucket: str, media_root: Path, is_production: bool) -> dict[str, Any]:
    """Return Django's STORAGES.

    Args:
        bucket: name of the S3 bucket; empty keeps files below `media_root`.
        media_root: local folder of everything that is not in S3.
        is_production: static files then get names with a hash of their content.
    """
    return {
        "default": {"BACKEND": S3_STORAGE if bucket else LOCAL_STORAGE},
        "messaging": private_storage(
            bucket=bucket, folder=media_root / "messaging", prefix="messaging", may_overwrite=False
        ),
        "videos": private_storage(bucket=bucket, folder=media_root / "videos", prefix="videos"),
        "proofs": private_storage(
            bucket=bucket, folder=media_root / "proofs", prefix="proofs", may_overwrite=False
        ),
        "staticfiles": {
            "BACKEND": (
                "core.staticfiles.HashedStaticFilesStorage"
                if is_production
                else "django.contrib.staticfiles.storage.StaticFilesStorage"
            )
        },
    }


def private_storage(
    *, bucket: str, folder: Path, prefix: str, may_overwrite: bool = True
) -> dict[str, Any]:
    """Return a storage whose keys the product makes itself, each of them only once.

    Args:
        bucket: empty for the local folder.
        folder: where local files lie.
        prefix: what stands before every key in the bucket.
        may_overwrite: False gives a key that is taken another name.
    """
    if bucket:
        options: dict[str, Any] = {
            "location": prefix,
            "file_overwrite": may_overwrite,
            # Beyond this many bytes an upload waits on disk instead of in memory.
            "max_memory_size": 4_000_000,
        }
        return {"BACKEND": S3_STORAGE, "OPTIONS": options}
    return {
        "BACKEND": LOCAL_STORAGE,
        # No address: links to these files are signed by the app that owns them.
        "OPTIONS": {"location": str(folder), "base_url": None, "allow_overwrite": may_overwrite},
    }


def file_origins(*, bucket: str, endpoint_url: str | None, region: str | None) -> list[str]:
    """Return the origins signed links lead to, which a page must be allowed to play from."""
    if not bucket:
        return []
    if endpoint_url:
        scheme, _, rest = endpoint_url.partition("://")
        host = rest.partition("/")[0]
        # Addressed by path or by a host name of the bucket's own, as the client decides.
        return [f"{scheme}://{host}", f"{scheme}://{bucket}.{host}"]
    regional = f".{region}" if region else ""
    return [
        f"https://{bucket}.s3.amazonaws.com",
        f"https://{bucket}.s3{regional}.amazonaws.com",
        f"https://s3{regional}.amazonaws.com",
    ]
