"""Who may open the socket of a conversation, and until when."""

from __future__ import annotations

import asyncio

import pytest

from core.live.consumers import in_thread
from sessions.models import TranscriptSegment, VoiceSession
from sessions.services import replies
from sessions.tests.sockets import OWN, Socket, cookie_of, socket_of, wait_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _nothing_left_running():
    before = asyncio.all_tasks()
    yield
    assert await wait_until_quiet(before) == set()


@pytest.mark.parametrize("token", ["", "st_" + "A" * 43, "st_short", "sk_" + "A" * 43])
async def test_a_wrong_token_is_refused_before_anything_happens(interview, token, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("an agent was asked")

    monkeypatch.setattr(replies, "get_interviewer", never)
    offer = ["parley.v1", f"bearer.{token}"]

    assert not await Socket(interview.session.public_id, offer=offer).connect()
    assert await in_thread(TranscriptSegment.objects.count)() == 0


async def test_a_foreign_token_is_refused(start_interview):
    mine = await in_thread(start_interview)()
    other = await in_thread(start_interview)()

    assert not await Socket(other.session.public_id, token=mine.token_plain).connect()
    assert not await Socket("session_nothing", token=mine.token_plain).connect()


async def test_without_a_credential_or_protocol_there_is_no_socket(interview):
    session_id = interview.session.public_id

    assert not await Socket(session_id).connect()
    assert not await Socket(session_id, offer=[f"bearer.{interview.token_plain}"]).connect()


@pytest.mark.parametrize(
    ("listed", "origin", "is_admitted"),
    [
        ([], OWN, True),
        ([], "https://shop.example", True),
        ([], "null", False),
        ([], None, True),
        (["https://shop.example"], "https://shop.example", True),
        (["https://shop.example"], "http://shop.example", False),
        (["https://shop.example"], "https://shop.example:444", False),
        (["https://shop.example"], "https://shop.example.evil.test", False),
        (["https://shop.example"], "https://evil.test", False),
        (["https://shop.example"], OWN, True),
        (["https://shop.example"], None, True),
    ],
)
async def test_origins_of_participants(start_interview, listed, origin, is_admitted):
    created = await in_thread(start_interview)(allowed_origins=listed)
    socket = socket_of(created, origin=origin)

    assert await socket.connect() is is_admitted
    if is_admitted:
        await socket.leave()


async def test_a_company_watches_and_never_speaks(interview, ana, beto):
    watcher = Socket(interview.session.public_id, cookie=await in_thread(cookie_of)(beto))
    visitor = socket_of(interview)
    snapshot = await watcher.open()
    await visitor.open()
    await watcher.receive_until("transcript", role="agent")
    await visitor.send(type="say", text="By bus.", client_id="c1")
    said = await watcher.receive_until("transcript", role="user")
    await watcher.send(type="ping")
    await watcher.receive_until("pong")

    await watcher.send(type="say", text="I am the visitor.", client_id="w1")

    assert await watcher.closed() == 1008
    assert (snapshot["status"], said["text"]) == ("ready", "By bus.")
    spoken = TranscriptSegment.objects.filter(role="user").values_list("text", flat=True)
    assert await in_thread(list)(spoken) == ["By bus."]
    await visitor.leave()


async def test_watching_does_not_begin_a_conversation(interview, ana):
    watcher = Socket(interview.session.public_id, cookie=await in_thread(cookie_of)(ana))
    await watcher.open()
    await watcher.leave()

    row = await in_thread(VoiceSession.objects.get)()
    assert row.status == "ready"


async def test_other_companies_visitors_and_other_pages_do_not_watch(
    interview, ana, carla, globex, vera
):
    session_id = interview.session.public_id

    for user in (carla, vera):
        cookie = await in_thread(cookie_of)(user)
        assert not await Socket(session_id, cookie=cookie).connect()
    cookie = await in_thread(cookie_of)(ana)
    for origin in ("https://evil.test", "http://testserver.evil.test", "null", None):
        assert not await Socket(session_id, cookie=cookie, origin=origin).connect()


async def test_a_watcher_who_leaves_the_company_is_cut_off(interview, beto, monkeypatch):
    from accounts.models import Membership

    monkeypatch.setattr("core.live.hub.RECHECK_SECONDS", 0.05)
    watcher = Socket(interview.session.public_id, cookie=await in_thread(cookie_of)(beto))
    await watcher.open()

    await in_thread(Membership.objects.filter(user=beto).delete)()

    assert await watcher.closed() == 4401


async def test_a_revoked_token_cuts_its_sockets_off(interview, monkeypatch):
    monkeypatch.setattr("core.live.hub.RECHECK_SECONDS", 0.05)
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")

    await in_thread(VoiceSession.objects.update)(token_digest="0" * 64)

    assert await socket.closed() == 4401


async def test_the_owner_takes_part_by_cookie(start_interview, vera):
    chat = await in_thread(start_interview)(owner=vera, company=None, kind="chat")
    socket = Socket(chat.session.public_id, cookie=await in_thread(cookie_of)(vera))
    await socket.open()

    await socket.send(type="say", text="By bus.", client_id="c1")
    said = await socket.receive_until("transcript", role="user")

    assert said["text"] == "By bus."
    await socket.receive_until("agent_state", state="listening")
    await socket.leave()
