from __future__ import annotations

import asyncio
import json

import jsonschema
import pytest
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from agents.video.models import VideoSession
from agents.video.pipeline.types import AgentName, AgentStatus, AgentUpdate
from agents.video.routing import websocket_urlpatterns
from agents.video.services import reporting, runs
from agents.video.status import STATUS_SCHEMA
from core.jobs.testing import drain
from core.live.consumers import in_thread

pytestmark = [pytest.mark.django_db(transaction=True)]
application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
VALIDATOR = jsonschema.Draft202012Validator(STATUS_SCHEMA)


def cookie_of(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def socket(video_id, cookie="", *, after=None, origin="http://testserver"):
    headers = [(b"host", b"testserver"), (b"origin", origin.encode())]
    if cookie:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    path = f"/ws/status/{video_id}" + ("" if after is None else f"?after={after}")
    return WebsocketCommunicator(application, path, headers=headers, subprotocols=["parley.v1"])


async def read(line, count):
    """Return the next messages; each is as published."""
    found = []
    for _ in range(count):
        message = json.loads(await line.receive_from(timeout=5))
        assert VALIDATOR.is_valid(message), message
        found.append(message)
    return found


def brief(messages):
    return [(one["agentnumber"], one["status"], one["seq"]) for one in messages]


@pytest.fixture
def video(ana, make_video):
    return make_video(ana)


@pytest.fixture
def finished(ana, video, pipeline):
    runs.start_run(owner=ana, session_id=video.public_id)
    drain()
    return video


LATEST = [
    ("Agent2", "finished", 5),
    ("Agent4", "finished", 6),
    ("Agent5", "finished", 9),
    ("Orchestrator", "finished", 10),
]


async def test_a_late_joiner_sees_the_latest_word_of_each(ana, finished):
    line = socket(finished.public_id, await in_thread(cookie_of)(ana))
    assert (await line.connect(timeout=5))[0]

    found = await read(line, 4)
    assert brief(found) == LATEST
    assert found[-1]["userID"] == ana.public_id
    assert found[-1]["videoUrl"].startswith("http://testserver/api/video-files/")
    assert await line.receive_nothing(timeout=0.2)
    await line.disconnect()


async def test_who_comes_back_gets_the_latest_and_what_was_missed(ana, finished):
    line = socket(finished.public_id, await in_thread(cookie_of)(ana), after=7)
    assert (await line.connect(timeout=5))[0]

    found = await read(line, 7)
    assert brief(found[:4]) == LATEST
    assert [one["seq"] for one in found[4:]] == [8, 9, 10]
    await line.disconnect()


async def test_asking_for_what_one_has_brings_nothing_more(ana, finished):
    line = socket(finished.public_id, await in_thread(cookie_of)(ana), after=10)
    await line.connect(timeout=5)
    await read(line, 4)
    await line.send_to(text_data=json.dumps({"type": "after", "seq": 10}))
    assert await line.receive_nothing(timeout=0.2)
    await line.send_to(text_data=json.dumps({"type": "after", "seq": 8}))
    assert [one["seq"] for one in await read(line, 2)] == [9, 10]
    # A ping is answered by nothing: only status messages are sent here.
    await line.send_to(text_data=json.dumps({"type": "ping"}))
    assert await line.receive_nothing(timeout=0.2)
    await line.disconnect()


async def test_what_happens_live_arrives_in_order(ana, video):
    line = socket(video.public_id, await in_thread(cookie_of)(ana))
    await line.connect(timeout=5)
    assert await line.receive_nothing(timeout=0.1)

    def work():
        run = runs.start_run(owner=ana, session_id=video.public_id)
        held = runs.claim_run(run_id=run.public_id, worker="w")
        for agent, status, fields in (
            ("Orchestrator", "starting", {}),
            ("Agent2", "starting", {}),
            ("Agent2", "processing", {"progress": 40.0}),
            ("Agent2", "error", {"error": "disk_full", "reason": "No space is left."}),
        ):
            update = AgentUpdate(AgentName(agent), AgentStatus(status), **fields)
            reporting.record_update(held=held, update=update)

    await in_thread(work)()
    found = await read(line, 4)
    assert [(one["agentnumber"], one["status"]) for one in found] == [
        ("Orchestrator", "starting"),
        ("Agent2", "starting"),
        ("Agent2", "processing"),
        ("Agent2", "error"),
    ]
    assert (found[2]["progress"], found[3]["error"]) == (40.0, "disk_full")
    await line.disconnect()


async def test_only_the_owner_opens_it(ana, beto, carla, acme, video):
    for user in (beto, carla, None):
        cookie = await in_thread(cookie_of)(user) if user else ""
        assert (await socket(video.public_id, cookie).connect(timeout=5))[0] is False


@pytest.mark.parametrize("video_id", ["video_x", "..", "%2e%2e", "video_" + "0" * 26])
async def test_what_is_no_video_is_refused(ana, video_id):
    cookie = await in_thread(cookie_of)(ana)
    assert (await socket(video_id, cookie).connect(timeout=5))[0] is False


async def test_a_foreign_page_is_refused(ana, video):
    cookie = await in_thread(cookie_of)(ana)
    line = socket(video.public_id, cookie, origin="https://evil.test")
    assert (await line.connect(timeout=5))[0] is False


async def test_a_client_that_speaks_is_closed(ana, video):
    line = socket(video.public_id, await in_thread(cookie_of)(ana))
    await line.connect(timeout=5)
    await line.send_to(text_data=json.dumps({"type": "status", "status": "finished"}))
    closed = await line.receive_output(timeout=5)
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)


async def test_two_browsers_see_the_same(ana, finished):
    cookie = await in_thread(cookie_of)(ana)
    lines = [socket(finished.public_id, cookie) for _ in range(2)]
    for line in lines:
        await line.connect(timeout=5)
    seen = await asyncio.gather(*(read(line, 4) for line in lines))
    assert brief(seen[0]) == brief(seen[1]) == LATEST
    for line in lines:
        await line.disconnect()


async def test_a_deleted_video_is_closed_to_its_owner(ana, video):
    cookie = await in_thread(cookie_of)(ana)
    await VideoSession.objects.filter(pk=video.pk).aupdate(erased_at="2026-01-01T00:00:00Z")
    assert (await socket(video.public_id, cookie).connect(timeout=5))[0] is False
