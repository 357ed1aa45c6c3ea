"""How long a room waits for its agent: by our lease and bell, and by LiveKit's dispatch.

    python -m benchmarks.voice_pickup [--rooms 20] [--quick]

On PostgreSQL and a LiveKit server: DATABASE_URL (the server, the database is made and dropped),
REDIS_URL, TEST_LIVEKIT_URL, TEST_LIVEKIT_API_KEY and TEST_LIVEKIT_API_SECRET say which. One
`run_voice_worker` and one livekit-agents worker of each executor (`voice_dispatch`) run all the
time and take rooms by turns, none of which has a person in it.

For ours the clock runs from the commit of the row that wants an agent; for a dispatch from the
call that asks for it, which a row would have to be committed before. In both it ends when the
server lists the agent as active in the room. Ours is then ready to talk; the dispatched job has
joined and nothing more, so its figure is a lower bound.

Then the worker that holds a room is killed, with a person in the room and a second worker ready;
and a room is asked for while no worker runs, and one is started.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.machine import print_machine
from benchmarks.tables import Cell, print_table
from benchmarks.voice_dispatch import REGISTERED, start_peer
from tests.services.stack import Stack, own_database

if TYPE_CHECKING:
    from livekit import api

    from sessions.models import VoiceSession

POLL_SECONDS = 0.005
CEILING_SECONDS = 60.0
"""The first room waits for the worker to load as well."""
OURS_READY = "voice worker: up to"
PERSON = "person"
EXECUTORS = ("process", "thread")
LOST = ("ours", "dispatch")


@dataclass(frozen=True)
class Patience:
    """How long a dispatch that went wrong is given to come right."""

    after_kill: float
    without_worker: float


async def wait_until(holds: Callable[[], bool], ceiling: float = CEILING_SECONDS) -> None:
    """Ask again and again; give up after a time."""
    async with asyncio.timeout(ceiling):
        while True:
            if await asyncio.to_thread(holds):
                return
            await asyncio.sleep(POLL_SECONDS)


async def wait_for_agent(
    server: api.LiveKitAPI, room: str, *, other_than: str = "", ceiling: float = CEILING_SECONDS
) -> str:
    """Wait until an agent has joined the room; return which visit of which agent it is.

    Args:
        other_than: a visit that does not count.
    """
    from livekit import api

    async with asyncio.timeout(ceiling):
        while True:
            try:
                answer = await server.room.list_participants(api.ListParticipantsRequest(room=room))
            except api.TwirpError as error:
                if error.code != "not_found":
                    raise
            else:
                for one in answer.participants:
                    is_there = one.state == api.ParticipantInfo.ACTIVE
                    if is_there and one.identity != PERSON and one.sid != other_than:
                        return str(one.sid)
            await asyncio.sleep(POLL_SECONDS)


# --- ours -----------------------------------------------------------------------------------------


def ask_for_agent() -> tuple[VoiceSession, float]:
    """Commit a conversation whose room wants an agent; return it and when."""
    from django.db import transaction

    from sessions.models import SessionKind, Transport
    from sessions.services.conversations import create_session
    from sessions.services.voices import switch_transport

    created = create_session(kind=SessionKind.CHAT)
    began: list[float] = []
    with transaction.atomic():
        # Before the bell, which rings on the same commit.
        transaction.on_commit(lambda: began.append(time.monotonic()))
        row = switch_transport(voice_session=created.session, transport=Transport.LIVEKIT)
    return row, began[0]


def leave_room(row: VoiceSession) -> None:
    """End a conversation as its owner would."""
    from sessions.models import EndReason
    from sessions.services.endings import end_session

    end_session(voice_session=row, reason=EndReason.STOPPED)


async def measure_lease(server: api.LiveKitAPI) -> dict[str, float]:
    """Return the milliseconds until one room's agent had the lease, and was in the room."""
    from sessions.models import VoiceSession

    row, began = await asyncio.to_thread(ask_for_agent)
    rows = VoiceSession.objects.filter(pk=row.pk)
    await wait_until(lambda: rows.filter(leased_until__isnull=False).exists())
    leased = time.monotonic() - began
    await wait_for_agent(server, row.room_name)
    joined = time.monotonic() - began
    await asyncio.to_thread(leave_room, row)
    await wait_until(lambda: rows.filter(leased_until__isnull=True).exists())
    return {
        "ours: lease taken": leased * 1000,
        "ours: agent in the room, ready to talk": joined * 1000,
    }


# --- the peer -------------------------------------------------------------------------------------


async def ask_for_dispatch(server: api.LiveKitAPI, agent_name: str) -> tuple[str, float, float]:
    """Dispatch an agent to a new room; return the room, when that was asked and when answered."""
    from livekit import api

    room = f"dispatch-{secrets.token_hex(6)}"
    began = time.monotonic()
    await server.agent_dispatch.create_dispatch(
        api.CreateAgentDispatchRequest(agent_name=agent_name, room=room)
    )
    return room, began, time.monotonic()


async def measure_dispatch(server: api.LiveKitAPI, executor: str) -> dict[str, float]:
    """Return the milliseconds until a dispatch was taken, and its agent in the room."""
    from livekit import api

    room, began, answered = await ask_for_dispatch(server, executor)
    await wait_for_agent(server, room)
    joined = time.monotonic() - began
    await server.room.delete_room(api.DeleteRoomRequest(room=room))
    return {
        f"dispatch, {executor}: asked for": (answered - began) * 1000,
        f"dispatch, {executor}: job in the room": joined * 1000,
    }


# --- what goes wrong ------------------------------------------------------------------------------


async def enter(room: str) -> object:
    """Be the person in a room, who says nothing; return what keeps them there."""
    from django.conf import settings
    from livekit import api, rtc

    grants = api.VideoGrants(room_join=True, room=room)
    token = api.AccessToken(settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    visit = rtc.Room()
    await visit.connect(
        settings.LIVEKIT_URL, token.with_identity(PERSON).with_grants(grants).to_jwt()
    )
    return visit


async def seconds_until(waited: Awaitable[object], since: float) -> float | None:
    """Return how long something took, or None when it did not happen."""
    try:
        await waited
    except TimeoutError:
        return None
    return time.monotonic() - since


def tell(name: str, seconds: float | None, patience: float) -> list[Cell]:
    """Return a row of the table."""
    return [name, f"not within {patience:.0f} s" if seconds is None else f"{seconds:.1f} s"]


async def wait_for_word(stack: Stack, name: str, word: str) -> None:
    """Wait until a process has printed something."""
    await wait_until(lambda: word in stack.log(name))


async def lose_workers(
    server: api.LiveKitAPI, stack: Stack, patience: Patience
) -> list[list[Cell]]:
    """Kill the workers that hold a room while others are ready; see who goes on and when."""
    row, _ = await asyncio.to_thread(ask_for_agent)
    room, _, _ = await ask_for_dispatch(server, "process")
    visits = [await wait_for_agent(server, one) for one in (row.room_name, room)]
    people = [await enter(one) for one in (row.room_name, room)]
    stack.start_voice_worker("ours-2")
    start_peer(stack, "dispatch-2", "process", "process")
    await wait_for_word(stack, "ours-2", OURS_READY)
    await wait_for_word(stack, "dispatch-2", REGISTERED)
    stack.kill("ours")
    stack.kill("process")
    killed = time.monotonic()
    found = await asyncio.gather(
        *(
            seconds_until(
                wait_for_agent(server, one, other_than=visit, ceiling=patience.after_kill), killed
            )
            for one, visit in zip((row.room_name, room), visits, strict=True)
        )
    )
    await asyncio.gather(*(person.disconnect() for person in people))  # type: ignore[attr-defined] # livekit is loaded late
    await asyncio.to_thread(leave_room, row)
    return [
        tell(f"{name}: worker killed, another agent in the room", seconds, patience.after_kill)
        for name, seconds in zip(LOST, found, strict=True)
    ]


async def ask_nobody(server: api.LiveKitAPI, stack: Stack, patience: Patience) -> list[list[Cell]]:
    """Ask while no worker runs, then start one; see whether it comes, from when it is ready."""
    for name in ("ours-2", "dispatch-2"):
        stack.kill(name)
    row, _ = await asyncio.to_thread(ask_for_agent)
    room, _, _ = await ask_for_dispatch(server, "process")
    people = [await enter(room)]
    stack.start_voice_worker("ours-3")
    start_peer(stack, "dispatch-3", "process", "process")

    async def wait(name: str, word: str, one: str) -> float | None:
        await wait_for_word(stack, name, word)
        coming = wait_for_agent(server, one, ceiling=patience.without_worker)
        return await seconds_until(coming, time.monotonic())

    found = await asyncio.gather(
        wait("ours-3", OURS_READY, row.room_name), wait("dispatch-3", REGISTERED, room)
    )
    await asyncio.gather(*(person.disconnect() for person in people))  # type: ignore[attr-defined] # livekit is loaded late
    await asyncio.to_thread(leave_room, row)
    return [
        tell(f"{name}: asked while no worker ran, after one is ready", seconds,
             patience.without_worker)
        for name, seconds in zip(LOST, found, strict=True)
    ]  # fmt: skip


# --- all of it ------------------------------------------------------------------------------------


async def measure_pickup(server: api.LiveKitAPI, rooms: int) -> None:
    """Open rooms one after the other, at any moment between two looks; print the table."""
    draw = random.Random(7)
    ways: list[Callable[[], Awaitable[dict[str, float]]]] = [
        lambda: measure_lease(server),
        *((lambda executor=one: measure_dispatch(server, executor)) for one in EXECUTORS),
    ]
    for way in ways:
        await way()
    found: dict[str, list[float]] = {}
    for _ in range(rooms):
        for way in draw.sample(ways, len(ways)):
            await asyncio.sleep(draw.random())
            for name, value in (await way()).items():
                found.setdefault(name, []).append(value)
    rows: list[list[Cell]] = []
    for name in sorted(found, key=_by_way):
        ordered = sorted(found[name])
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        rows.append([name, len(ordered), ordered[len(ordered) // 2], p95, ordered[-1]])
    print_table("a room's wait for its agent", ["until", "rooms", "p50 ms", "p95 ms", "max"], rows)


def _by_way(name: str) -> int:
    return [name.startswith(way) for way in ("ours", "dispatch, process", "")].index(True)


async def measure(stack: Stack, rooms: int, patience: Patience) -> None:
    """Measure what goes right, then what goes wrong."""
    from django.conf import settings
    from livekit import api

    async with api.LiveKitAPI(
        settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET
    ) as server:
        await wait_for_word(stack, "ours", OURS_READY)
        for executor in EXECUTORS:
            await wait_for_word(stack, executor, REGISTERED)
        await measure_pickup(server, rooms)
        stack.kill("thread")
        rows = await lose_workers(server, stack, patience)
        if patience.without_worker:
            rows += await ask_nobody(server, stack, patience)
    print_table("when a worker is missing", ["what", "took"], rows)


def main() -> None:
    """Start the workers and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="4 rooms, the kill, less patience")
    options = parser.parse_args()
    rooms = 4 if options.quick else options.rooms
    patience = Patience(18.0, 0.0) if options.quick else Patience(90.0, 30.0)
    print_machine("livekit-agents", "livekit")
    needed = ("DATABASE_URL", "REDIS_URL", "TEST_LIVEKIT_URL")
    if missing := [name for name in needed if not os.environ.get(name)]:
        print(f"not run: {', '.join(missing)} not set")
        return
    livekit = {f"LIVEKIT_{name}": os.environ[f"TEST_LIVEKIT_{name}"] for name in
               ("URL", "API_KEY", "API_SECRET")}  # fmt: skip
    variables = {
        **livekit,
        "VOICE_OFFERED": "true",
        "VOICE_ENGINE": "local",
        "PYTHONUNBUFFERED": "1",
    }
    with (
        own_database(os.environ["DATABASE_URL"]) as url,
        Stack(database_url=url, redis_url=os.environ["REDIS_URL"], variables=variables) as stack,
    ):
        for executor in EXECUTORS:
            # They need no database.
            start_peer(stack, executor, executor, executor)
        stack.manage("migrate", "--noinput", "--verbosity", "0")
        os.environ.update(stack.environment)
        import django

        django.setup()
        stack.start_voice_worker("ours")
        try:
            asyncio.run(measure(stack, rooms, patience))
        except TimeoutError as error:
            logs = "\n".join(stack.log(name)[-2000:] for name in ("ours", *EXECUTORS))
            raise RuntimeError(f"no agent came:\n{logs}") from error


if __name__ == "__main__":
    main()
