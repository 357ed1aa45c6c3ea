"""Every socket of the product, crossed with every stranger, origin and credential.

The routes are the real ones, so that a new socket is in here the moment it exists; one that has no
rule below fails until it has.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.core.signing import TimestampSigner
from django.test import Client

from accounts.models import Company, Membership, User
from accounts.services.leaving import request_erasure
from accounts.tests.factories import make_key
from agents.video.models import VideoSession
from agents.video.services.scripts import create_video_session
from config.sockets import build_socket_application, websocket_urlpatterns
from core import clock
from core.live.consumers import in_thread
from messaging.tests.messages_world import make_messages
from sessions.models import VoiceSession
from sessions.services.chats import start_chat
from surveys.tests.builders import OTHER_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db(transaction=True)

OWN = "http://testserver"
CANARY = "zq7canary"
EVIL_ORIGINS = (
    "https://evil.test",
    "http://testserver.evil.test",
    "http://evil.testserver",
    "http://testserver:81",
    "https://testserver",
    "http://testserver/",
    "http://user@testserver",
    "null",
    "file://",
    "",
)


@dataclass(frozen=True)
class Rule:
    """Who may open a socket; the names are those of `World.cookies`."""

    argument: str
    """Of `World.ids`, put into the route; empty for one without an argument."""
    may: frozenset[str]
    takes_token: bool = False


RULES = {
    r"^ws/transcript/(?P<session_id>[^/]+)/?$": Rule(
        "session", frozenset({"ana", "beto"}), takes_token=True
    ),
    "ws/inbox/": Rule("", frozenset({"ana", "beto", "carla"})),
    "ws/inbox/<str:conversation_id>": Rule("conversation", frozenset({"ana", "beto"})),
    r"^ws/status/(?P<session_id>[^/]+)/?$": Rule("video", frozenset({"ana"})),
}


@dataclass
class World:
    ids: dict[str, str]
    cookies: dict[str, str]
    tokens: dict[str, str]
    """Of strangers, by what they are."""
    token: str
    """The one that fits."""


def path_of(route: str, world: World, *, other: str | None = None) -> str:
    """Return the address of a route with Ana's identifier, or another one, in it."""
    named = other if other is not None else world.ids.get(RULES[route].argument, "")
    start = "/ws/" + route.removeprefix("^").split("/")[1]
    return f"{start}/{named}"


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def make_world(ana: User, acme: Company, beto: User, carla: User, globex: Company) -> World:
    mine = Visitor(make_survey(acme, objective=CANARY))
    mine.start()
    mine.call("post", "join", mine.started["session_token"])
    theirs = Visitor(make_survey(globex))
    theirs.start()
    finished = Visitor(make_survey(globex))
    finished.answer_all(OTHER_ANSWERS)
    video = create_video_session(
        owner=ana,
        company=acme,
        title=CANARY,
        scenes=[{"kind": "title", "heading": CANARY, "narration": "Words."}],
    )
    ids = {
        "session": mine.session_id,
        "conversation": make_messages(acme, ana, CANARY)["conversation_id"],
        "video": video.public_id,
    }
    token = str(mine.started["session_token"])
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    unsigned = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, {"session_id": mine.session_id})
    )
    vera = User.objects.create_user("vera@sockets.test", "x")
    people = {"ana": ana, "beto": beto, "carla": carla, "vera": vera}
    return World(
        ids=ids,
        cookies={name: cookie_of(user) for name, user in people.items()},
        tokens={
            "a session of carla's": theirs.started["session_token"],
            "a finished session of carla's": finished.started["session_token"],
            "a receipt of the same session": mine.started["receipt_token"],
            "a receipt of carla's": finished.started["receipt_token"],
            "carla's key": make_key(globex)[1],
            "ana's key": make_key(acme)[1],
            "a publishable key": mine.survey.publishable_key,
            "one flipped character": flipped,
            "alg none": unsigned + ".",
            "signed for something else": TimestampSigner(salt="other").sign(mine.session_id),
            "the identifier itself": mine.session_id,
            "nothing": "",
        },
        token=token,
    )


@pytest.fixture
async def world(ana: User, acme: Company, beto: User, carla: User, globex: Company) -> World:
    return await in_thread(make_world)(ana, acme, beto, carla, globex)


def line(
    path: str, *, cookie: str = "", token: str | None = None, origin: str | None = OWN
) -> WebsocketCommunicator:
    headers = [(b"host", b"testserver")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if cookie:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    offered = ["parley.v1", *([f"bearer.{token}"] if token is not None else [])]
    return WebsocketCommunicator(
        build_socket_application(), path, headers=headers, subprotocols=offered
    )


async def opens(socket: WebsocketCommunicator) -> bool:
    """Tell whether a socket opens; close it again."""
    is_open, chosen = await socket.connect(timeout=5)
    if is_open:
        # The token is never echoed: the answer names the protocol alone.
        assert chosen == "parley.v1"
        await socket.disconnect(timeout=5)
    return bool(is_open)


def test_every_socket_has_a_rule() -> None:
    assert {str(route.pattern) for route in websocket_urlpatterns} == set(RULES)


@pytest.mark.parametrize("route", RULES)
async def test_people_open_their_own_sockets_and_no_others(route: str, world: World) -> None:
    rule, path = RULES[route], path_of(route, world)
    seen = {
        name for name, cookie in world.cookies.items() if await opens(line(path, cookie=cookie))
    }

    assert seen == rule.may
    assert not await opens(line(path))
    assert not await opens(line(path, cookie="0" * 32))


@pytest.mark.parametrize("route", RULES)
async def test_no_credential_of_somebody_else_opens_one(route: str, world: World) -> None:
    path = path_of(route, world)
    opened = [name for name, token in world.tokens.items() if await opens(line(path, token=token))]

    assert opened == []
    assert await opens(line(path, token=world.token)) is RULES[route].takes_token
    # A token in the address is none, and lends nothing to the cookie that is missing.
    assert not await opens(line(f"{path}?token={world.token}"))
    assert not await opens(line(f"{path}?access_token={world.token}"))


@pytest.mark.parametrize("route", RULES)
async def test_a_foreign_page_cannot_use_a_cookie(route: str, world: World) -> None:
    path, cookie = path_of(route, world), world.cookies["ana"]
    opened = [
        origin
        for origin in (*EVIL_ORIGINS, None)
        if await opens(line(path, cookie=cookie, origin=origin))
    ]

    assert opened == []
    assert await opens(line(path, cookie=cookie, origin=OWN))


async def test_origins_of_a_listed_survey(world: World) -> None:
    listed = "https://shop.example"
    await in_thread(VoiceSession.objects.update)(allowed_origins=[listed])
    path = f"/ws/transcript/{world.ids['session']}"
    tried = (*EVIL_ORIGINS, "https://shop.example.evil.test", "https://shop.example:444", None, OWN)

    opened = [
        origin
        for origin in (*tried, listed)
        if await opens(line(path, token=world.token, origin=origin))
    ]

    assert opened == [None, OWN, listed]


@pytest.mark.parametrize("route", [route for route in RULES if RULES[route].argument])
async def test_what_is_not_there_reads_like_what_is_not_yours(route: str, world: World) -> None:
    absent = path_of(route, world, other="session_01m00000000000000000000000")
    foreign = path_of(route, world)
    answers = []
    for path in (absent, foreign):
        socket = line(path, cookie=world.cookies["vera"])
        answers.append(await socket.connect(timeout=5))

    assert answers[0] == answers[1]
    assert answers[0][0] is False


Deed = Callable[[World, User], Awaitable[Any]]


def _end_membership(world: World, person: User) -> None:
    Membership.objects.filter(user=person).delete()


def _log_out(world: World, person: User) -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = world.cookies["beto"]
    assert client.post("/account/logout/").status_code == 302


def _change_password(world: World, person: User) -> None:
    person.set_password("another one entirely")
    person.save()


def _close_account(world: World, person: User) -> None:
    request_erasure(user=person)


@pytest.mark.parametrize("deed", [_end_membership, _log_out, _change_password, _close_account])
@pytest.mark.parametrize("kind", ["session", "conversation"])
async def test_a_right_that_ends_ends_the_open_sockets(
    world: World, beto: User, kind: str, deed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.live.hub.RECHECK_SECONDS", 0.05)
    route = next(route for route, rule in RULES.items() if rule.argument == kind)
    path = path_of(route, world)
    # Logging out of one browser leaves the other one's sockets alone; the rest closes both.
    other = line(path, cookie=await in_thread(cookie_of)(beto))
    socket = line(path, cookie=world.cookies["beto"])
    assert (await socket.connect(timeout=5))[0]
    assert (await other.connect(timeout=5))[0]

    await in_thread(deed)(world, beto)

    assert await _closed(socket) == 4401
    if deed is _log_out:
        await asyncio.sleep(0.15)
        await other.send_to(text_data=json.dumps({"type": "ping"}))
        await _until(other, "pong")
        await other.disconnect(timeout=5)
    else:
        assert await _closed(other) == 4401
    assert not await opens(line(path, cookie=world.cookies["beto"]))


async def test_a_video_given_away_is_watched_no_longer(
    world: World, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.live.hub.RECHECK_SECONDS", 0.05)
    socket = line(f"/ws/status/{world.ids['video']}", cookie=world.cookies["ana"])
    assert (await socket.connect(timeout=5))[0]

    await in_thread(VideoSession.objects.update)(owner=None)

    assert await _closed(socket) == 4401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token_digest": "0" * 64}, 4401),
        ({"token_expires_at": "past"}, 4401),
    ],
)
async def test_a_token_that_ends_ends_its_sockets(
    world: World, change: dict[str, Any], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.live.hub.RECHECK_SECONDS", 0.05)
    path = f"/ws/transcript/{world.ids['session']}"
    socket = line(path, token=world.token)
    assert (await socket.connect(timeout=5))[0]
    if "token_expires_at" in change:
        change = {"token_expires_at": clock.now() - timedelta(seconds=1)}

    rows = VoiceSession.objects.filter(public_id=world.ids["session"])
    await in_thread(rows.update)(**change)

    assert await _closed(socket) == code
    assert not await opens(line(path, token=world.token))


async def test_done_ends_the_sockets_of_participant_and_watcher(world: World) -> None:
    path = f"/ws/transcript/{world.ids['session']}"
    visitor, watcher = line(path, token=world.token), line(path, cookie=world.cookies["ana"])
    for socket in (visitor, watcher):
        assert (await socket.connect(timeout=5))[0]

    def press_done() -> int:
        client = Client()
        return int(
            client.post(
                f"/session/{world.ids['session']}/complete",
                {},
                "application/json",
                headers={"authorization": f"Bearer {world.token}"},
            ).status_code
        )

    assert await in_thread(press_done)() == 200
    assert [await _closed(visitor), await _closed(watcher)] == [1000, 1000]


async def test_a_plain_chat_is_its_owners_alone(world: World, ana: User, beto: User) -> None:
    chat = await in_thread(start_chat)(owner=beto, address="192.0.2.9")
    path = f"/ws/transcript/{chat.session.public_id}"

    seen = {
        name for name, cookie in world.cookies.items() if await opens(line(path, cookie=cookie))
    }

    assert seen == {"beto"}


async def _closed(socket: WebsocketCommunicator) -> int:
    """Return the code the server closes with, reading what comes before."""
    while True:
        output = await socket.receive_output(timeout=5)
        if output["type"] == "websocket.close":
            await socket.wait(timeout=5)
            return int(output.get("code", 1000))


async def _until(socket: WebsocketCommunicator, wanted: str) -> None:
    while json.loads(await socket.receive_from(timeout=5))["type"] != wanted:
        pass
