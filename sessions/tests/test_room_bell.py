"""Rooms ring for their agent, so that nobody waits for the next look at the rows."""

from __future__ import annotations

import asyncio

import pytest

from core.live.threads import in_thread
from sessions import limits
from sessions.models import VoiceSession
from sessions.services import voices
from sessions.tests.sockets import wait_until_quiet
from sessions.tests.voices import QuietManager
from sessions.voice import bell
from sessions.voice.runner import VoiceRunner, use_runner

pytestmark = pytest.mark.django_db(transaction=True)
NEVER = 3600.0


@pytest.fixture
def with_rooms(settings):
    settings.VOICE_OFFERED = True
    settings.VOICE_IN_PROCESS = settings.VOICE_RECORDING = False
    settings.VOICE_ENGINE = "local"
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"
    settings.LIVEKIT_API_KEY = "parley"
    settings.LIVEKIT_API_SECRET = "a-secret-of-thirty-two-characters"


@pytest.fixture
async def rooms(with_rooms, monkeypatch):
    """Return the manager of a process that runs rooms and never looks by itself."""
    monkeypatch.setattr(limits, "AGENT_LOOK_SECONDS", NEVER)
    before = asyncio.all_tasks()
    manager = QuietManager()
    runner = VoiceRunner(manager)
    use_runner(runner)
    runner.run_rooms()
    yield manager
    await runner.stop_all()
    assert await wait_until_quiet(before) == set()


async def until(holds):
    for _ in range(1000):
        if await holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come true in time")


async def open_rooms(*created):
    for one in created:
        await in_thread(voices.switch_transport)(voice_session=one.session, transport="livekit")


async def test_a_room_that_wants_its_agent_rings_for_it(start_interview, rooms):
    created = [await in_thread(start_interview)() for _ in range(3)]

    async def is_ringing():
        # The first one may come before the bell hangs; ringing twice is harmless.
        await in_thread(voices.ring_if_wanted)(rows[0])
        return set(rooms.voices) == {row.public_id for row in rows}

    await open_rooms(*created)
    rows = [await in_thread(VoiceSession.objects.get)(pk=one.session.pk) for one in created]
    await until(is_ringing)

    leased = [await in_thread(VoiceSession.objects.get)(pk=row.pk) for row in rows]
    assert all(row.leased_until is not None for row in leased)
    assert [row.fence for row in leased] == [1, 1, 1]


async def test_a_bell_that_breaks_hangs_again_and_rows_are_looked_at_meanwhile(
    interview, with_rooms, monkeypatch
):
    class Broken:
        calls = 0

        async def new_channel(self):
            Broken.calls += 1
            raise OSError("the layer is away")

    monkeypatch.setattr(bell, "get_channel_layer", Broken)
    monkeypatch.setattr(bell, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(limits, "AGENT_LOOK_SECONDS", 0.02)
    manager = QuietManager()
    runner = VoiceRunner(manager)
    use_runner(runner)
    runner.run_rooms()
    await open_rooms(interview)

    async def is_there():
        return interview.session.public_id in manager.voices and Broken.calls >= 3

    await until(is_there)
    await runner.stop_all()
