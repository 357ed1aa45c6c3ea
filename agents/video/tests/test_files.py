from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from hypothesis import given
from hypothesis import strategies as st

from agents.video import links, storage
from agents.video.api.files import ByteRange, RangeUnsatisfiableError, read_range
from agents.video.models import VideoRun
from agents.video.services import files, runs
from core import clock
from core.jobs.testing import drain

CONTENT = bytes(range(256)) * 1200
"""More than one chunk."""
KEY = "scaffold_test/user_1/video_1/agent5/attempt-1/video.mp4"


@pytest.fixture
def link():
    storage.video_storage().save(KEY, ContentFile(CONTENT))
    return links.file_link(KEY, origin="http://testserver")


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, len(CONTENT) - 1),
        ("bytes=-100", len(CONTENT) - 100, len(CONTENT) - 1),
        ("bytes=0-999999999", 0, len(CONTENT) - 1),
        ("bytes=-999999999", 0, len(CONTENT) - 1),
        (f"bytes={len(CONTENT) - 1}-", len(CONTENT) - 1, len(CONTENT) - 1),
    ],
)
def test_a_range_is_answered_with_its_bytes(api, link, header, start, end):
    answer = api.get(link, headers={"Range": header})

    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {start}-{end}/{len(CONTENT)}"
    assert answer["Content-Length"] == str(end - start + 1)
    assert body(answer) == CONTENT[start : end + 1]


@pytest.mark.parametrize("header", [f"bytes={len(CONTENT)}-", "bytes=-0", "bytes=999999999-"])
def test_a_range_past_the_end_is_a_416(api, link, header):
    answer = api.get(link, headers={"Range": header})

    assert (answer.status_code, answer.json()["code"]) == (416, "range_unsatisfiable")
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    "header", ["bytes=0-1,5-9", "bytes=5-1", "bytes= 0-9", "items=0-9", "bytes=", "bytes=a-b", ""]
)
def test_what_is_no_single_range_gets_the_whole_file(api, link, header):
    answer = api.get(link, headers={"Range": header})

    assert (answer.status_code, answer["Accept-Ranges"]) == (200, "bytes")
    assert body(answer) == CONTENT


def test_if_range_gives_a_part_only_of_the_same_file(api, link):
    whole = api.get(link)
    body(whole)

    for condition, status in (
        (whole["ETag"], 206),
        ('"another"', 200),
        (f"W/{whole['ETag']}", 200),
        (whole["Last-Modified"], 206),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 200),
        ("nonsense", 200),
    ):
        answer = api.get(link, headers={"Range": "bytes=0-9", "If-Range": condition})
        assert (condition, answer.status_code) == (condition, status)
        body(answer)


def test_head_answers_without_the_bytes(api, link):
    answer = api.head(link)

    assert (answer.status_code, body(answer)) == (200, b"")
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["Cache-Control"] == "private, max-age=300"


def test_a_link_expires_and_refuses_tampering(api, link, settings):
    with time_machine.travel(clock.now() + timedelta(seconds=settings.AWS_QUERYSTRING_EXPIRE + 2)):
        late = api.get(link)
    assert (late.status_code, late.json()["code"]) == (410, "link_expired")
    for changed in (link[:-1] + ("A" if link[-1] != "A" else "B"), link[:-5], f"{link}x"):
        answer = api.get(changed)
        assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")
    assert api.get("/api/video-files/..%2f..%2fetc").status_code in (403, 404)


def test_a_file_that_is_gone_is_a_404(api, link):
    storage.video_storage().delete(KEY)

    answer = api.get(link)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


@given(st.integers(0, 40), st.text("bytes=-0123456789, ", max_size=14))
def test_a_range_lies_within_the_file_or_is_none(size, header):
    for given_header in (header, f"bytes={header}"):
        try:
            found = read_range(given_header, size)
        except RangeUnsatisfiableError:
            continue
        assert found is None or 0 <= found.start <= found.end < size


def test_a_range_counts_its_bytes():
    assert ByteRange(10, 19).length == 10


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def save(video, name):
    storage.video_storage().save(video.storage_prefix + name, ContentFile(b"x"))


@pytest.mark.django_db(transaction=True)
def test_a_sweep_keeps_what_a_player_shows_and_nothing_else(
    ana, make_video, pipeline, video_folder
):
    video = make_video(ana)
    run = runs.start_run(owner=ana, session_id=video.public_id)
    drain()
    for name in ("timestamp.json", "agent2/attempt-1/001.png", "agent4/attempt-1/001.wav"):
        save(video, name)
    assert files.sweep_files() == 0

    VideoRun.objects.filter(pk=run.pk).update(ended_at=clock.now() - timedelta(hours=2))
    assert files.sweep_files() == 2

    assert names(video_folder) == ["captions.vtt", "chapters.vtt", "timestamp.json", "video.mp4"]
    assert files.sweep_files() == 0


@pytest.mark.django_db(transaction=True)
def test_a_sweep_leaves_an_open_run_alone(ana, make_video, video_folder):
    video = make_video(ana)
    first = runs.start_run(owner=ana, session_id=video.public_id)
    runs.request_cancel(owner=ana, run_id=first.public_id)
    VideoRun.objects.update(ended_at=clock.now() - timedelta(hours=2))
    save(video, "agent2/attempt-1/001.png")
    runs.start_run(owner=ana, session_id=video.public_id)

    assert files.sweep_files() == 0
    assert names(video_folder) == ["001.png"]


def test_the_storage_knows_no_way_out_of_its_folder():
    with pytest.raises(Exception, match="outside of the base path"):
        storage.open_file("../../etc/passwd")
