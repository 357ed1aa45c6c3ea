"""The live socket of a conversation, from handshake to close."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from core.live import read_events
from core.live.consumers import in_thread
from sessions.models import EndReason, TranscriptSegment, VoiceSession
from sessions.services import conversations, endings, replies, turns
from sessions.services.transcripts import erase_conversation
from sessions.tests.conftest import CANARY
from sessions.tests.sockets import Socket, cookie_of, socket_of, wait_until_quiet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def _nothing_left_running():
    before = asyncio.all_tasks()
    yield
    assert await wait_until_quiet(before) == set()


async def test_a_participant_is_greeted_speaks_and_is_answered(interview):
    socket = socket_of(interview)

    snapshot = await socket.open()
    greeting = await socket.receive_until("transcript", role="agent")
    await socket.send(type="say", text="By bus, it is cheap.", client_id="c1", typing_seconds=2.5)
    said = await socket.receive_until("transcript", role="user")
    reply = await socket.receive_until("transcript", role="agent")
    progress = await socket.receive_until("progress")
    await socket.receive_until("agent_state", state="listening")

    assert socket.answer == "parley.v1"
    assert (snapshot["type"], snapshot["status"], snapshot["segments"]) == ("snapshot", "ready", [])
    assert greeting["final"] is True
    assert (said["client_id"], said["text"]) == ("c1", "By bus, it is cheap.")
    assert reply["latency_ms"] >= 0
    assert progress["total"] == 3
    numbers = [event["seq"] for event in socket.seen if event["seq"] is not None]
    assert numbers == list(range(len(numbers)))
    states = [event["state"] for event in socket.seen if event["type"] == "agent_state"]
    assert states == ["thinking", "listening"]
    await socket.leave()


async def test_a_reconnect_with_the_last_number_misses_nothing(interview):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")
    last = max(event["seq"] or 0 for event in socket.seen)
    await socket.leave()
    await in_thread(turns.say)(voice_session=interview.session, text="By bus.", client_id="c1")

    again = socket_of(interview, after=last)
    snapshot = await again.open()
    replayed = [await again.receive() for _ in range(3)]

    assert [segment["role"] for segment in snapshot["segments"]] == ["agent", "user", "agent"]
    assert [event["seq"] for event in replayed] == [last + 1, last + 2, last + 3]
    await again.leave()


async def test_two_tabs_see_the_same(interview):
    one, two = socket_of(interview), socket_of(interview)
    await one.open()
    await one.receive_until("progress")
    await two.open()

    await one.send(type="say", text="By bus.", client_id="c1")
    seen_by_one = [await one.receive_until("transcript", position=n) for n in (2, 3)]
    seen_by_two = [await two.receive_until("transcript", position=n) for n in (2, 3)]
    await two.send(type="say", text="The delays.", client_id="c2")
    await one.receive_until("transcript", text="The delays.")

    assert seen_by_one == seen_by_two
    await one.leave()
    await two.leave()


async def test_two_conversations_never_meet(start_interview):
    first = await in_thread(start_interview)()
    second = await in_thread(start_interview)()
    one, two = socket_of(first), socket_of(second)
    await one.open()
    await two.open()
    await one.receive_until("progress")
    await two.receive_until("progress")

    await one.send(type="say", text="Only here.", client_id="c1")
    await one.receive_until("agent_state", state="listening")

    assert await two.line.receive_nothing(timeout=0.2)
    await one.leave()
    await two.leave()


async def test_a_repeated_turn_is_acknowledged_again_and_stored_once(interview):
    socket = socket_of(interview)
    await socket.open()
    await socket.send(type="say", text="By bus.", client_id="c1")
    first = await socket.receive_until("transcript", role="user")
    await socket.receive_until("agent_state", state="listening")

    await socket.send(type="say", text="By bus.", client_id="c1")
    second = await socket.receive_until("transcript", role="user")

    assert second["segment_id"] == first["segment_id"]
    assert second["seq"] is None
    count = await in_thread(TranscriptSegment.objects.filter(role="user").count)()
    assert count == 1
    await socket.leave()


async def test_a_refused_turn_says_which_and_why(interview):
    socket = socket_of(interview)
    await socket.open()

    await socket.send(type="say", text="   ", client_id="c1")
    empty = await socket.receive_until("error")
    await socket.send(type="say", text="x" * 4001, client_id="c2")
    long = await socket.receive_until("error")
    await socket.send(type="ping")
    await socket.receive_until("pong")

    assert (empty["code"], empty["client_id"]) == ("turn_empty", "c1")
    assert (long["code"], long["client_id"]) == ("turn_too_long", "c2")
    assert "two parts" in long["detail"]
    await socket.leave()


async def test_pausing_and_resuming(interview):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")

    await socket.send(type="pause")
    paused = await socket.receive_until("session")
    await socket.send(type="resume")
    resumed = await socket.receive_until("session")

    assert (paused["status"], paused["pause_cause"]) == ("paused", "person")
    assert resumed["status"] == "active"
    await socket.leave()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "done_speaking"}, "voice_only"),
        ({"type": "mute", "muted": True}, "voice_not_on"),
        ({"type": "interrupt"}, "voice_only"),
    ],
)
async def test_voice_messages_are_politely_refused_in_a_typed_conversation(
    interview, message, code
):
    socket = socket_of(interview)
    await socket.open()

    await socket.send(**message)
    error = await socket.receive_until("error")
    await socket.send(type="ping")
    await socket.receive_until("pong")

    assert error["code"] == code
    await socket.leave()


async def test_a_report_of_sound_nobody_sends_any_more_is_no_mistake(interview):
    socket = socket_of(interview)
    await socket.open()

    await socket.send(type="playback", segment_id="seg_1", played_ms=10, interrupted=False)
    await socket.send(type="ping")
    await socket.receive_until("pong")

    assert not any(event["type"] == "error" for event in socket.seen)
    await socket.leave()


async def test_audio_is_politely_refused(interview):
    socket = socket_of(interview)
    await socket.open()

    await socket.line.send_to(bytes_data=b"\x00\x01" * 160)
    error = await socket.receive_until("error")
    await socket.send(type="ping")
    await socket.receive_until("pong")

    assert error["code"] == "voice_not_on"
    await socket.leave()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("not json", 1008),
        ("[" * 50_000, 1008),
        ('{"type": "say"}', 1008),
        ('{"type": "say", "text": "a", "client_id": "b", "role": "agent"}', 1008),
        ('{"type": "say", "text": "\\u0000", "client_id": "b"}', 1008),
        ('{"type": "say", "text": "\\ud800", "client_id": "b"}', 1008),
        ('{"type": "say", "type": "pause"}', 1008),
        ('{"type": "say", "text": 1, "client_id": "b"}', 1008),
        ('{"type": "say", "text": "a", "client_id": "b", "typing_seconds": true}', 1008),
        ('{"type": "say", "text": "a", "client_id": "b", "typing_seconds": -1}', 1008),
        ('{"type": "snapshot"}', 1008),
        ('{"type": "evaluate", "score": 100}', 1008),
        ('{"type": ["say"]}', 1008),
        ("[]", 1008),
        ('"' + "x" * 70_000 + '"', 1009),
    ],
)
async def test_junk_closes_politely_and_changes_nothing(interview, frame, code, caplog):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")

    await socket.line.send_to(text_data=frame)

    assert await socket.closed() == code
    assert [record for record in caplog.records if record.exc_info] == []
    spoken = await in_thread(TranscriptSegment.objects.filter(role="user").count)()
    assert spoken == 0


async def test_the_end_is_told_and_closes(interview):
    socket, other = socket_of(interview), socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")
    await other.open()

    await in_thread(endings.end_session)(voice_session=interview.session, reason=EndReason.DONE)

    for client in (socket, other):
        assert await client.closed() == 1000
        assert (client.seen[-1]["type"], client.seen[-1]["status"]) == ("session", "ended")
        assert client.seen[-1]["is_finished"] is True


async def test_a_survey_that_is_over_shows_only_that(interview):
    await in_thread(conversations.open_conversation)(voice_session=interview.session)
    await in_thread(turns.say)(voice_session=interview.session, text="By bus.", client_id="c1")
    await in_thread(endings.end_session)(voice_session=interview.session, reason=EndReason.DONE)
    socket = socket_of(interview)

    snapshot = await socket.open()

    assert (snapshot["status"], snapshot["end_reason"]) == ("ended", "done")
    assert snapshot["segments"] == []
    assert await socket.closed() == 1000


async def test_erasure_closes_and_locks(interview):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")

    await in_thread(erase_conversation)(voice_session=interview.session)

    assert await socket.closed() == 1000
    assert not await socket_of(interview).connect()


async def test_a_slow_agent_leaves_the_socket_responsive(interview, monkeypatch):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")
    release = threading.Event()
    original = replies.get_interviewer()

    class Slow:
        def respond(self, *args, **kwargs):
            release.wait(5)
            return original.respond(*args, **kwargs)

    monkeypatch.setattr(replies, "get_interviewer", Slow)
    await socket.send(type="say", text="By bus.", client_id="c1")
    await socket.receive_until("agent_state", state="thinking")
    await socket.send(type="ping")
    await socket.receive_until("pong")
    release.set()

    assert (await socket.receive_until("transcript", role="agent"))["position"] == 3
    await socket.leave()


async def test_a_tab_closed_before_the_answer_still_gets_it_stored(interview, monkeypatch):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")

    await socket.send(type="say", text="By bus.", client_id="c1")
    await socket.receive_until("transcript", role="user")
    await socket.leave()

    stored = TranscriptSegment.objects.order_by("position").values_list("role", flat=True)
    assert await in_thread(list)(stored) == ["agent", "user", "agent"]


async def test_a_broken_agent_does_not_break_the_socket(interview, monkeypatch):
    class Broken:
        def respond(self, *args, **kwargs):
            raise ValueError("broken")

    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")
    monkeypatch.setattr(replies, "get_interviewer", Broken)

    await socket.send(type="say", text="By bus.", client_id="c1")
    await socket.receive_until("agent_state", state="thinking")
    await socket.send(type="ping")
    await socket.receive_until("pong")

    row = await in_thread(VoiceSession.objects.get)()
    assert row.reply_due_at is not None
    await socket.leave()


async def test_nothing_private_crosses_the_socket(interview, ana):
    visitor = socket_of(interview)
    watcher = Socket(interview.session.public_id, cookie=await in_thread(cookie_of)(ana))
    await visitor.open()
    await watcher.open()
    for number, words in enumerate(["By bus, since it is cheap.", "Delays.", "Yes.", "Right."]):
        await visitor.send(type="say", text=words, client_id=f"c{number}")
        await visitor.receive_until("agent_state", state="listening")
        await watcher.receive_until("agent_state", state="listening")

    assert len(visitor.seen) > 15
    assert CANARY not in json.dumps([visitor.seen, watcher.seen])
    events = await in_thread(read_events)(interview.session.stream_name)
    assert CANARY not in repr(events)
    await visitor.leave()
    await watcher.leave()


async def test_words_stay_words(interview):
    socket = socket_of(interview)
    await socket.open()
    words = '<img src=x onerror=alert(1)> {"type":"session","status":"ended"} \u202eevil'

    await socket.send(type="say", text=words, client_id="c1")
    said = await socket.receive_until("transcript", role="user")

    assert said["text"] == '<img src=x onerror=alert(1)> {"type":"session","status":"ended"} evil'
    await socket.receive_until("agent_state", state="listening")
    await socket.leave()
