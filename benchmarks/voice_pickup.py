"""How long a room waits for its agent: taken by lease, and in the room.

    python -m benchmarks.voice_pickup [--rooms 20] [--quick]

One `run_voice_worker` process on PostgreSQL and a LiveKit server: DATABASE_URL (the server, the
database is made and dropped), REDIS_URL, TEST_LIVEKIT_URL, TEST_LIVEKIT_API_KEY and
TEST_LIVEKIT_API_SECRET say which. The clock runs from the moment the row is committed. Nobody
else joins, so nothing is said. Rooms ring for their agent (`sessions.voice.bell`); a dispatch
could save no more than the wait for the lease.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.machine import print_machine
from benchmarks.tables import print_table
from tests.services.stack import Stack, own_database

if TYPE_CHECKING:
    from livekit import api

    from sessions.models import VoiceSession

POLL_SECONDS = 0.005
CEILING_SECONDS = 60.0
"""The first room waits for the worker to load as well."""


async def wait_until(holds: Callable[[], bool]) -> None:
    """Ask again and again; give up after a time."""
    async with asyncio.timeout(CEILING_SECONDS):
        while True:
            if await asyncio.to_thread(holds):
                return
            await asyncio.sleep(POLL_SECONDS)


async def wait_for_agent(server: api.LiveKitAPI, room: str) -> None:
    """Wait until the agent has joined the room; nobody else does."""
    from livekit import api

    async with asyncio.timeout(CEILING_SECONDS):
        while True:
            try:
                answer = await server.room.list_participants(api.ListParticipantsRequest(room=room))
            except api.TwirpError as error:
                if error.code != "not_found":
                    raise
            else:
                if answer.participants:
                    return
            await asyncio.sleep(POLL_SECONDS)


async def measure_room(server: api.LiveKitAPI) -> tuple[float, float]:
    """Return the milliseconds until one room's agent had the lease, and was in the room."""
    from sessions.models import EndReason, SessionKind, Transport, VoiceSession
    from sessions.services.conversations import create_session
    from sessions.services.endings import end_session
    from sessions.services.voices import switch_transport

    created = await asyncio.to_thread(create_session, kind=SessionKind.CHAT)
    rows = VoiceSession.objects.filter(pk=created.session.pk)
    row: VoiceSession = await asyncio.to_thread(
        switch_transport, voice_session=created.session, transport=Transport.LIVEKIT
    )
    began = time.monotonic()
    took = []
    await wait_until(lambda: rows.filter(leased_until__isnull=False).exists())
    took.append(time.monotonic() - began)
    await wait_for_agent(server, row.room_name)
    took.append(time.monotonic() - began)
    await asyncio.to_thread(end_session, voice_session=row, reason=EndReason.STOPPED)
    await wait_until(lambda: rows.filter(leased_until__isnull=True).exists())
    lease, joined = (seconds * 1000 for seconds in took)
    return lease, joined


async def measure(rooms: int) -> None:
    """Open rooms one after the other, at any moment between two looks; print the table."""
    from django.conf import settings
    from livekit import api

    draw = random.Random(7)
    found = []
    async with api.LiveKitAPI(
        settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET
    ) as server:
        await measure_room(server)
        for _ in range(rooms):
            await asyncio.sleep(draw.random())
            found.append(await measure_room(server))
    rows = []
    for name, values in zip(
        ("lease taken", "agent in the room"),
        zip(*found, strict=True),
        strict=True,
    ):
        ordered = sorted(values)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        rows.append([name, len(ordered), ordered[len(ordered) // 2], p95, ordered[-1]])
    print_table("a room's wait for its agent", ["until", "rooms", "p50 ms", "p95 ms", "max"], rows)


def main() -> None:
    """Start a worker and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="6 rooms")
    options = parser.parse_args()
    rooms = 6 if options.quick else options.rooms
    print_machine("livekit-agents", "livekit")
    needed = ("DATABASE_URL", "REDIS_URL", "TEST_LIVEKIT_URL")
    if missing := [name for name in needed if not os.environ.get(name)]:
        print(f"not run: {', '.join(missing)} not set")
        return
    livekit = {f"LIVEKIT_{name}": os.environ[f"TEST_LIVEKIT_{name}"] for name in
               ("URL", "API_KEY", "API_SECRET")}  # fmt: skip
    variables = {**livekit, "VOICE_OFFERED": "true", "VOICE_ENGINE": "local"}
    with (
        own_database(os.environ["DATABASE_URL"]) as url,
        Stack(database_url=url, redis_url=os.environ["REDIS_URL"], variables=variables) as stack,
    ):
        stack.manage("migrate", "--noinput", "--verbosity", "0")
        os.environ.update(stack.environment)
        import django

        django.setup()
        stack.start_voice_worker("voice")
        try:
            asyncio.run(measure(rooms))
        except TimeoutError:
            raise SystemExit(f"no agent came:\n{stack.log('voice')[-2000:]}") from None


if __name__ == "__main__":
    main()
