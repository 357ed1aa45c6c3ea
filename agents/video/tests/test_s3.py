"""Videos in S3: on a stand-in always, on OpenStack Swift with `make test-services`."""

from __future__ import annotations

import os
import time
from urllib.parse import quote

import pytest

from agents.video import storage
from agents.video.services import runs
from agents.video.tests import s3_contract
from agents.video.tests.s3_contract import CONTENT, KEY, PREFIX, check_files, check_link, fetch
from core.jobs.testing import drain


@pytest.fixture
def stand_in(settings, monkeypatch):
    moto = pytest.importorskip("moto")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        import boto3

        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="parley")
        store = s3_contract.make_storage(
            settings, endpoint=None, region="us-east-1", access_key="testing",
            secret_key="testing", bucket="parley",
        )  # fmt: skip
        storage.storages._storages[storage.ALIAS] = store
        yield store


def test_files_and_links_on_the_stand_in(stand_in):
    check_files(stand_in)
    check_link()


@pytest.mark.django_db(transaction=True)
def test_a_run_whose_files_lie_in_s3(stand_in, ana, make_video, pipeline, api_of, browser_of):
    video = make_video(ana)
    runs.start_run(owner=ana, session_id=video.public_id)
    drain()

    run = api_of(ana).get(f"/api/video-sessions/{video.public_id}").json()["run"]
    assert run["state"] == "finished"
    assert run["videoUrl"].startswith("https://")
    assert "X-Amz-Signature=" in run["videoUrl"]
    # Tracks come from our own origin, as players demand.
    captions = browser_of(ana).get(f"/studio/{video.public_id}/captions.vtt")
    assert captions.content.startswith(b"WEBVTT")


@pytest.fixture
def swift(settings):
    endpoint = os.environ.get("TEST_S3_ENDPOINT_URL", "")
    if not endpoint:
        pytest.skip("Swift does not run: it is optional, and `make test-services` said why")
    store = s3_contract.make_storage(
        settings,
        endpoint=endpoint,
        region=os.environ["TEST_S3_REGION"],
        access_key=os.environ["TEST_S3_ACCESS_KEY"],
        secret_key=os.environ["TEST_S3_SECRET_KEY"],
        bucket=os.environ["TEST_S3_BUCKET"],
    )
    storage.storages._storages[storage.ALIAS] = store
    storage.delete_keys(PREFIX)
    return store


@pytest.mark.services
def test_files_on_swift(swift):
    check_files(swift)


@pytest.mark.services
def test_a_link_of_swift_opens_one_file_for_a_while(swift, monkeypatch):
    check_files(swift)
    link = check_link()

    status, headers, body = fetch(link)
    assert (status, body) == (200, CONTENT)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Disposition"] == 'inline; filename="what-we-heard.mp4"'
    status, headers, body = fetch(link, Range="bytes=10-19")
    assert (status, body) == (206, CONTENT[10:20])
    assert headers["Content-Range"] == f"bytes 10-19/{len(CONTENT)}"
    assert fetch(link, Range=f"bytes={len(CONTENT)}-")[0] == 416

    tampered = link.replace("video_1", "video_2")
    assert fetch(tampered)[0] == 403
    assert fetch(link.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"))[0] == 403
    assert fetch(link.partition("?")[0])[0] in (400, 403)

    monkeypatch.setattr(storage, "link_seconds", lambda: 1)
    short = check_short_link()
    assert fetch(short)[0] == 200
    time.sleep(2.5)
    assert fetch(short)[0] == 403


def check_short_link():
    link = storage.presign(KEY, filename="a.mp4", as_download=True)
    assert "X-Amz-Expires=1&" in link
    assert quote('attachment; filename="a.mp4"', safe="") in link
    return link


@pytest.mark.services
def test_a_wrong_key_opens_nothing(swift, settings):
    from botocore.exceptions import ClientError

    stranger = s3_contract.make_storage(
        settings, endpoint=settings.AWS_S3_ENDPOINT_URL, region="us-east-1",
        access_key="test:tester", secret_key="wrong", bucket="parley",
    )  # fmt: skip
    with pytest.raises(ClientError):
        stranger.size(KEY)


@pytest.mark.services
@pytest.mark.timeout(180)
@pytest.mark.django_db(transaction=True)
def test_a_real_video_is_made_into_swift_and_read_by_ranges(swift, ana, make_video, api_of):
    video = make_video(ana)
    runs.start_run(owner=ana, session_id=video.public_id)
    drain()

    run = api_of(ana).get(f"/api/video-sessions/{video.public_id}").json()["run"]
    assert (run["state"], run["error"]) == ("finished", None)
    status, headers, body = fetch(run["videoUrl"], Range="bytes=0-11")
    assert (status, body[4:8]) == (206, b"ftyp")
    assert headers["Content-Range"] == f"bytes 0-11/{run['size_bytes']}"
    assert fetch(run["captionsUrl"])[2].startswith(b"WEBVTT")
    names = [key.rpartition("/")[2] for key in storage.list_keys(video.storage_prefix)]
    assert "timestamp.json" in names
    assert names.count("manifest.json") == 3
