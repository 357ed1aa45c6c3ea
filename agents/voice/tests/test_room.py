"""LiveKit rooms without a server: what an agent's token opens, and a server that is not there."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from types import SimpleNamespace

import pytest
from livekit import api, rtc

from agents.voice.agent_manager import AgentManager
from agents.voice.browser import BrowserTransport
from agents.voice.options import VoiceOptions
from agents.voice.room import AGENT_IDENTITY, RoomTransport, agent_token, delete_room
from agents.voice.tests.stubs import StubEngine, StubHost, StubSink, ticket
from agents.voice.tests.talks import OPTIONS, tasks_left
from agents.voice.types import (
    TransportKind,
    VoiceBriefing,
    VoiceErrorCode,
    VoiceUnavailableError,
)

SECRET = "a-secret-of-more-than-thirty-two-characters"


@pytest.fixture
def nowhere():
    """Return options whose room server is a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return dataclasses.replace(
        OPTIONS,
        livekit_url=f"ws://127.0.0.1:{port}",
        livekit_api_key="key",
        livekit_api_secret=SECRET,
    )


def test_the_agents_token_opens_its_own_room_only(nowhere):
    claims = api.TokenVerifier("key", SECRET).verify(agent_token(nowhere, "survey-1"))

    assert claims.identity == AGENT_IDENTITY
    assert claims.kind == "agent"
    assert claims.video.room == "survey-1"
    assert claims.video.room_join is True
    assert claims.video.agent is True
    assert not claims.video.room_admin
    assert not claims.video.room_create
    assert not claims.metadata


async def test_a_room_server_that_is_not_there_is_said_and_leaves_nothing(detector, nowhere):
    before = {id(task) for task in asyncio.all_tasks()}
    manager = AgentManager(nowhere, detector)
    manager.use_engine(StubEngine())
    sink, host = StubSink(), StubHost()
    used = ticket(transport=TransportKind.LIVEKIT, room_name="survey-1")

    with pytest.raises(VoiceUnavailableError) as refused:
        await manager.start(used, VoiceBriefing(), sink, host)

    assert refused.value.code == "room_unreachable"
    assert host.calls == []
    assert sink.stored == []
    assert manager.count == 0
    await manager.aclose()
    assert await tasks_left(before) == []


async def test_deleting_a_room_of_a_server_that_is_not_there_is_no_error(nowhere):
    assert await delete_room(nowhere, "survey-1") is False


async def test_a_room_that_goes_away_is_told_and_lost_once_unless_the_agent_leaves(nowhere):
    handlers, lost, told = {}, [], []

    async def start(agent, **options):
        session.output = SimpleNamespace(audio=None)

    async def disconnect():
        handlers["disconnected"](rtc.DisconnectReason.CLIENT_INITIATED)

    session = SimpleNamespace(start=start)
    course = SimpleNamespace(
        tell_fault=lambda code, title: told.append(code),
        is_given_up=False,
    )

    async def make():
        handlers.clear()
        made = RoomTransport(
            ticket=ticket(transport=TransportKind.LIVEKIT),
            sink=StubSink(),
            options=nowhere,
            course=course,
            on_presence=lambda is_there: None,
            on_lost=lambda: lost.append(course.is_given_up),
            room=SimpleNamespace(on=handlers.__setitem__, disconnect=disconnect),
        )
        await made.start(session, None)
        return made

    leaving = await make()
    await leaving.aclose()
    await disconnect()
    assert (lost, told) == ([], [])

    await make()
    handlers["reconnecting"]()
    assert (lost, told) == ([], [VoiceErrorCode.ROOM_RECONNECTING])
    for _ in range(2):
        handlers["disconnected"](rtc.DisconnectReason.UNKNOWN_REASON)

    # What was being said is kept in full: nobody cut it.
    assert lost == [True]


async def test_no_transport_opens_the_session_to_who_is_there():
    """livekit's defaults answer any participant's question for the agent's instructions."""
    asked = []

    class Session:
        def __init__(self):
            self.input = SimpleNamespace(audio=None)
            self.output = SimpleNamespace(audio=None, transcription=None)

        async def start(self, agent, **options):
            asked.append(options)

    course = SimpleNamespace()
    room = RoomTransport(
        ticket=ticket(transport=TransportKind.LIVEKIT),
        sink=StubSink(),
        options=VoiceOptions(),
        course=course,
        on_presence=lambda is_there: None,
        on_lost=lambda: None,
        room=SimpleNamespace(on=lambda *_: None),
    )
    browser = BrowserTransport(
        sink=StubSink(),
        options=VoiceOptions(),
        course=course,
        recorder=None,
        on_connected=lambda is_there: None,
    )

    await room.start(Session(), None)
    await browser.start(Session(), None)
    await browser.aclose()

    assert [(one["session_host"], one["record"]) for one in asked] == [(False, False)] * 2
    in_room = asked[0]["room_options"]
    # Typing comes by our socket; a reload is no goodbye; deleting wants a worker's job.
    assert in_room.text_input is False
    assert in_room.close_on_disconnect is False
    assert in_room.delete_room_on_close is False
