"""What a store must do for videos, asked of the stand-in and of the real one alike."""

from __future__ import annotations

import urllib.error
import urllib.request

from django.core.files.base import ContentFile

from agents.video import links, storage
from core.files_s3 import PrivateS3Storage

CONTENT = bytes(range(256)) * 100
PREFIX = "scaffold_test/user_1/video_1/"
KEY = f"{PREFIX}agent5/attempt-1/video.mp4"


def make_storage(settings, *, endpoint, region, access_key, secret_key, bucket):
    settings.AWS_S3_ENDPOINT_URL = endpoint
    settings.AWS_S3_ADDRESSING_STYLE = "path" if endpoint else "auto"
    return PrivateS3Storage(
        bucket_name=bucket,
        endpoint_url=endpoint,
        region_name=region,
        access_key=access_key,
        secret_key=secret_key,
        location="videos",
        file_overwrite=True,
        default_acl=None,
    )


def check_files(store):
    """Files come back as they were saved, are found by folder and go when told to."""
    assert store.save(KEY, ContentFile(CONTENT)) == KEY
    assert store.save(KEY, ContentFile(CONTENT[::-1])) == KEY
    store.save(KEY, ContentFile(CONTENT))
    store.save(f"{PREFIX}agent2/attempt-1/001.png", ContentFile(b"png"))
    store.save(f"{PREFIX}timestamp.json", ContentFile(b"1"))
    assert store.exists(KEY)
    assert store.size(KEY) == len(CONTENT)
    with storage.open_file(KEY) as handle:
        assert handle.read() == CONTENT
    assert sorted(storage.list_keys(PREFIX)) == [
        f"{PREFIX}agent2/attempt-1/001.png",
        KEY,
        f"{PREFIX}timestamp.json",
    ]
    assert storage.delete_keys(PREFIX, keep=[KEY]) == 2
    assert list(storage.list_keys(PREFIX)) == [KEY]


def check_link():
    """The link is the store's own, signed by version 4, and names type and file."""
    link = links.file_link(KEY, origin="http://testserver", filename="what-we-heard.mp4")
    assert "X-Amz-Signature=" in link
    assert "X-Amz-Expires=900" in link
    assert "response-content-type=video%2Fmp4" in link
    assert "testserver" not in link
    return link


def fetch(link, **headers):
    """Return status, headers and body of a plain GET."""
    try:
        with urllib.request.urlopen(urllib.request.Request(link, headers=headers)) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
