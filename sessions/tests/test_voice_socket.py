"""Voice over the socket: who starts the agent, where its events and sound go, how it ends."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db.models import F

from agents.voice.types import (
    AgentCaption,
    AgentSpoken,
    AgentState,
    AgentStateChanged,
    AudioCleared,
    AudioEnded,
    ConversationOverError,
    InterimTranscript,
    ModelUsage,
    OutgoingAudio,
    SpeakerRole,
    SpeechChanged,
    TranscriptDropped,
    TurnLatency,
    UsageMeasured,
    VisitorTurn,
    VoiceEnd,
    VoiceErrorCode,
    VoiceFault,
)
from core.live.threads import in_thread
from sessions import limits
from sessions.models import (
    EndReason,
    LatencyKind,
    SessionStatus,
    TranscriptSegment,
    VoiceLatency,
    VoiceSession,
    VoiceUsage,
)
from sessions.services import endings, transcripts, turns, voices
from sessions.tests.sockets import Socket, socket_of, wait_until_quiet
from sessions.tests.test_asyncapi import message_types, problems_of
from sessions.tests.voices import QuietManager
from sessions.voice.runner import VoiceRunner, use_runner

pytestmark = pytest.mark.django_db(transaction=True)
SOUND = b"\x01\x00" * 640


@dataclass
class Spoken:
    """A conversation whose socket carries voice."""

    created: object
    runner: VoiceRunner
    manager: QuietManager
    socket: Socket

    @property
    def voice(self):
        return self.manager.voices[self.created.session.public_id]

    async def row(self):
        return await in_thread(VoiceSession.objects.get)(pk=self.created.session.pk)


@pytest.fixture
def voiced(settings, monkeypatch):
    monkeypatch.setattr(limits, "AGENT_LOOK_SECONDS", 0.05)
    settings.VOICE_IN_PROCESS = settings.VOICE_OFFERED = True
    settings.VOICE_ENGINE = "local"
    settings.VOICE_RECORDING = False
    return settings


@pytest.fixture
async def spoken(interview, voiced):
    before = asyncio.all_tasks()
    runner = VoiceRunner(QuietManager())
    use_runner(runner)
    switch = in_thread(voices.switch_transport)
    await switch(voice_session=interview.session, transport="browser_audio")
    socket = socket_of(interview)
    await socket.open()
    await socket.line.send_to(bytes_data=SOUND)
    found = Spoken(interview, runner, runner._find_manager(), socket)
    await until(lambda: found.manager.voices and found.voice.audio.heard)
    yield found
    await socket.leave()
    await runner.stop_all()
    assert await wait_until_quiet(before) == set()


async def until(holds, seconds=5.0):
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


async def test_the_first_sound_starts_the_agent_and_none_of_it_is_lost(spoken):
    assert spoken.voice.audio.heard == SOUND
    assert spoken.voice.audio.connected == [True]
    row = await spoken.row()
    assert (row.mode, row.transport, row.fence) == ("voice", "browser_audio", 1)
    assert row.lease_owner != ""


async def test_words_heard_become_the_same_turn_that_was_shown_on_its_way(spoken):
    spoken.voice.sink.publish(InterimTranscript("seg_abc", "i take"))
    interim = await spoken.socket.receive_until("transcript", final=False)
    taken = await spoken.voice.host.take_turn(
        VisitorTurn("seg_abc", "i take the bus", speech_seconds=1.5)
    )
    final = await spoken.socket.receive_until("transcript", final=True, role="user")
    line = await spoken.voice.host.reply()

    assert (interim["segment_id"], interim["text"], interim["seq"]) == ("seg_abc", "i take", None)
    assert taken is True
    assert (final["segment_id"], final["text"]) == ("seg_abc", "i take the bus")
    stored = await in_thread(TranscriptSegment.objects.get)(public_id="seg_abc")
    assert (stored.source, stored.typing_seconds) == ("spoken", pytest.approx(1.5, abs=1.5))
    reply = await in_thread(TranscriptSegment.objects.get)(public_id=line.segment_id)
    assert (reply.role, reply.text) == ("agent", line.text)


async def test_the_same_words_twice_are_one_turn(spoken):
    turn = VisitorTurn("seg_twice", "by train")

    assert await spoken.voice.host.take_turn(turn) is True
    assert await spoken.voice.host.take_turn(turn) is False

    assert await in_thread(TranscriptSegment.objects.filter(role="user").count)() == 1


async def test_words_that_were_read_before_there_was_a_voice_are_not_cut(spoken):
    long_ago = TranscriptSegment.objects.update
    await in_thread(long_ago)(created_at=F("created_at") - timedelta(seconds=10))
    line = await spoken.voice.host.open()
    await spoken.voice.sink.store(AgentSpoken(line.segment_id, "", line.text, True, 0.0, None))

    stored = await in_thread(TranscriptSegment.objects.get)(public_id=line.segment_id)
    assert (stored.text, stored.interrupted) == (line.text, False)


async def test_coming_back_says_the_open_question_again_and_stores_it_once(spoken):
    first = await spoken.voice.host.open()
    await spoken.voice.host.take_turn(VisitorTurn("seg_1", "by bus, every morning at eight"))
    line = await spoken.voice.host.reply()
    again = await spoken.voice.host.open()

    assert first.text == (await _agent_texts())[0]
    assert (again.segment_id, again.text) == (line.segment_id, line.text)
    assert len(await _agent_texts()) == 2


async def _agent_texts():
    rows = TranscriptSegment.objects.filter(role="agent").order_by("position")
    return await in_thread(list)(rows.values_list("text", flat=True))


async def test_sound_goes_to_the_socket_with_generation_and_segment(spoken):
    spoken.voice.sink.send_audio(OutgoingAudio(2, 7, "seg_x", b"\x05\x00" * 4))

    frame = await spoken.socket.receive_binary()

    assert struct.unpack(">II", frame[:8]) == (2, 7)
    assert frame[8:] == b"\x05\x00" * 4


async def test_playback_is_reported_by_the_number_frames_carry(spoken):
    spoken.voice.sink.send_audio(OutgoingAudio(0, 3, "seg_x", b"\x00\x00"))
    await spoken.socket.send(type="playback", segment_id="3", played_ms=840, interrupted=True)

    await until(lambda: spoken.voice.audio.reports)
    report = spoken.voice.audio.reports[0]
    assert (report.segment_id, report.played_ms, report.interrupted) == ("seg_x", 840, True)


async def test_what_a_person_presses_reaches_the_agent(spoken):
    await spoken.socket.send(type="mute", muted=True)
    await spoken.socket.send(type="interrupt")
    await spoken.socket.send(type="done_speaking")
    await until(lambda: len(spoken.voice.done) == 3)

    assert spoken.voice.done == [("muted", True), ("interrupt",), ("finish_turn",)]


async def test_a_pause_holds_the_agent_and_resume_lets_it_go_on(spoken):
    await spoken.socket.send(type="pause")
    await until(lambda: ("paused", True) in spoken.voice.done)
    await spoken.socket.send(type="resume")
    await until(lambda: ("paused", False) in spoken.voice.done)

    assert (await spoken.row()).status == SessionStatus.ACTIVE


async def test_typing_meanwhile_is_answered_aloud_and_once(spoken):
    await spoken.socket.send(type="say", text="By bus, every day.", client_id="typed-1")
    await until(lambda: any(step[0] == "reply" for step in spoken.voice.done))

    texts = await in_thread(list)(
        TranscriptSegment.objects.order_by("position").values_list("role", "source", "text")
    )
    assert spoken.voice.done[0] == ("say_text", "By bus, every day.")
    assert [role for role, _, _ in texts] == ["agent", "user", "agent"]
    assert texts[1] == ("user", "typed", "By bus, every day.")
    assert texts[2][2] == spoken.voice.done[1][1].text


async def test_a_turn_the_agent_answered_when_it_came_is_not_answered_again(spoken):
    take = in_thread(turns.take_turn)
    taken = await take(voice_session=await spoken.row(), text="By bus.", client_id="typed-1")
    turn = VisitorTurn(taken.segment.public_id, "By bus.", is_typed=True)

    assert await spoken.voice.host.open() is not None
    assert await spoken.voice.host.take_turn(turn) is False


async def test_a_cut_sentence_keeps_what_was_heard_of_it(spoken):
    line = await spoken.voice.host.open()
    heard = line.text[:20]
    await spoken.voice.sink.store(
        AgentSpoken(line.segment_id, heard, line.text, True, 1.2, 0.0, TurnLatency(barge_in=0.61))
    )
    event = await spoken.socket.receive_until("transcript", interrupted=True)

    assert (event["segment_id"], event["text"], event["final"]) == (line.segment_id, heard, True)
    assert event["seq"] is not None
    stored = await in_thread(TranscriptSegment.objects.get)(public_id=line.segment_id)
    assert (stored.text, stored.interrupted) == (heard, True)
    waits = await in_thread(list)(VoiceLatency.objects.values_list("kind", "milliseconds"))
    assert waits == [(LatencyKind.SILENCE, 610)]


async def test_a_sentence_cut_before_its_first_word_is_not_empty(spoken):
    line = await spoken.voice.host.open()
    await spoken.voice.sink.store(AgentSpoken(line.segment_id, "", line.text, True, 0.0, None))

    stored = await in_thread(TranscriptSegment.objects.get)(public_id=line.segment_id)
    assert (stored.text, stored.interrupted) == ("…", True)


async def test_waits_and_use_are_stored_and_totals_replaced(spoken):
    line = await spoken.voice.host.open()
    latency = TurnLatency(total=0.9, transcription=0.3, reply=0.2, speech=0.1)
    await spoken.voice.sink.store(
        AgentSpoken(line.segment_id, line.text, line.text, False, 2.0, 0.1, latency)
    )
    for seconds in (10.0, 25.0):
        used = ModelUsage("stt", "openai", "whisper-1", audio_seconds=seconds, cost_micros=2500)
        await spoken.voice.sink.store(UsageMeasured((used,)))

    stored = await in_thread(TranscriptSegment.objects.get)(public_id=line.segment_id)
    assert (stored.latency_ms, stored.interrupted) == (900, False)
    usage = await in_thread(list)(VoiceUsage.objects.values_list("part", "audio_seconds", "fence"))
    assert usage == [("stt", 25.0, 1)]


async def test_another_tab_takes_the_sound_over_and_the_first_is_told(spoken):
    other = socket_of(spoken.created)
    await other.open()
    await other.line.send_to(bytes_data=SOUND * 2)
    await until(lambda: len(spoken.voice.audio.heard) == len(SOUND) * 3)
    await spoken.socket.line.send_to(bytes_data=SOUND)
    error = await spoken.socket.receive_until("error")
    spoken.voice.sink.send_audio(OutgoingAudio(0, 1, "seg_x", b"\x00\x00"))
    frame = await other.receive_binary()

    assert error["code"] == "voice_elsewhere"
    assert len(spoken.voice.audio.heard) == len(SOUND) * 3
    assert len(frame) == 10
    await other.leave()


async def test_a_lost_line_makes_the_agent_wait_and_go_on_after_the_page_has_reported(spoken):
    spoken.voice.sink.send_audio(OutgoingAudio(0, 1, "seg_x", b"\x00\x00"))
    await spoken.socket.leave()
    await until(lambda: spoken.voice.audio.connected == [True, False])
    again = socket_of(spoken.created)
    await again.open()
    await again.send(type="playback", segment_id="1", played_ms=400, interrupted=True)
    await until(lambda: spoken.voice.audio.connected == [True, False, True])

    assert [report.played_ms for report in spoken.voice.audio.reports] == [400]
    await again.leave()


async def test_two_conversations_never_see_each_others_events(spoken, start_interview):
    other = await in_thread(start_interview)()
    socket = socket_of(other)
    await socket.open()
    await socket.receive_until("progress")
    spoken.voice.sink.publish(InterimTranscript("seg_abc", "a secret"))
    await spoken.socket.receive_until("transcript", final=False)
    spoken.voice.sink.send_audio(OutgoingAudio(0, 1, "seg_abc", b"\x00\x00"))
    await spoken.socket.receive_binary()
    await socket.send(type="ping")
    await socket.receive_until("pong")

    assert not any(event.get("text") == "a secret" for event in socket.seen)
    await socket.leave()


async def test_after_a_restart_the_next_process_takes_over_and_asks_again(spoken):
    await spoken.voice.host.take_turn(VisitorTurn("seg_1", "by bus, every morning at eight"))
    line = await spoken.voice.host.reply()
    # The first process is gone without a word: its lease stands, nobody renews it.
    spoken.runner._looking.cancel()
    next_runner = VoiceRunner(QuietManager())
    use_runner(next_runner)
    socket = socket_of(spoken.created)
    await socket.open()
    await socket.line.send_to(bytes_data=SOUND)
    voices_there = next_runner._find_manager().voices
    await until(lambda: voices_there)
    again = await voices_there[spoken.created.session.public_id].host.open()

    assert await _agent_texts() == [*(await _agent_texts())[:1], line.text]
    assert (again.segment_id, again.text) == (line.segment_id, line.text)
    assert (await spoken.row()).fence == 2
    await socket.leave()
    await next_runner.stop_all()
    use_runner(spoken.runner)


async def test_stop_from_elsewhere_ends_agent_and_conversation(spoken):
    await in_thread(endings.request_stop)(voice_session=spoken.created.session)
    assert (await spoken.row()).status == SessionStatus.ACTIVE

    assert await spoken.socket.closed() == 1000
    row = await spoken.row()
    assert (row.status, row.end_reason) == (SessionStatus.ENDED, EndReason.STOPPED)
    assert row.leased_until is None
    assert spoken.voice.is_running is False


async def test_done_on_another_process_ends_the_agent(spoken):
    await in_thread(endings.end_session)(
        voice_session=spoken.created.session, reason=EndReason.DONE
    )
    await until(lambda: not spoken.voice.is_running)

    row = await spoken.row()
    assert (row.end_reason, row.segments is not None) == (EndReason.DONE, True)
    with pytest.raises(ConversationOverError):
        await spoken.voice.host.take_turn(VisitorTurn("seg_late", "too late"))
    late = await in_thread(TranscriptSegment.objects.get)(public_id="seg_late")
    assert late.is_late is True


async def test_an_agent_another_process_has_taken_over_lets_go(spoken):
    await in_thread(VoiceSession.objects.update)(fence=F("fence") + 1, lease_owner="other")
    await until(lambda: not spoken.voice.is_running)

    row = await spoken.row()
    assert (row.status, row.lease_owner) == (SessionStatus.ACTIVE, "other")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (VoiceEnd.PROVIDER_FAILED, "speech_unavailable"),
        (VoiceEnd.FAILED, "speech_unavailable"),
        (VoiceEnd.ROOM_LOST, "room_unreachable"),
    ],
)
async def test_speech_that_fails_leaves_a_conversation_to_type_in(spoken, reason, code):
    await spoken.voice.end(reason)
    error = await spoken.socket.receive_until("error")
    await spoken.socket.send(type="say", text="By bus then.", client_id="typed-2")
    await spoken.socket.receive_until("transcript", role="agent", position=3)

    row = await spoken.row()
    assert error["code"] == code
    assert (row.mode, row.transport, row.status) == ("text", "typing", SessionStatus.ACTIVE)
    assert (row.agent_due_at, row.leased_until) == (None, None)


@pytest.mark.parametrize(
    ("stops_as", "mode", "transport", "told"),
    [
        # The next process would fail the same person the same way.
        (VoiceEnd.PROVIDER_FAILED, "text", "typing", ["speech_unavailable"]),
        (VoiceEnd.STOPPED, "voice", "browser_audio", []),
        (VoiceEnd.FAILED, "voice", "browser_audio", []),
    ],
)
async def test_a_process_that_stops_gives_up_voice_only_if_its_provider_had_failed(
    spoken, stops_as, mode, transport, told
):
    spoken.manager.stops_as = stops_as
    await spoken.runner.stop_all()
    await spoken.socket.send(type="say", text="By bus then.", client_id="typed-3")
    await spoken.socket.receive_until("transcript", role="user", final=True)

    row = await spoken.row()
    assert (row.mode, row.transport, row.status) == (mode, transport, SessionStatus.ACTIVE)
    assert row.leased_until is None
    assert [event["code"] for event in spoken.socket.seen if event["type"] == "error"] == told


async def test_long_silence_stops_the_clock(spoken):
    await spoken.voice.end(VoiceEnd.IDLE)
    event = await spoken.socket.receive_until("session", status="paused")

    assert event["pause_cause"] == "absence"


async def test_the_time_limit_of_the_agent_is_the_conversations(spoken):
    await spoken.voice.end(VoiceEnd.TIME_LIMIT)

    assert await spoken.socket.closed() == 1000
    assert (await spoken.row()).end_reason == EndReason.TIME_LIMIT


async def test_an_erased_conversation_stores_nothing_more(spoken):
    line = await spoken.voice.host.open()
    await in_thread(transcripts.erase_conversation)(voice_session=spoken.created.session)
    await spoken.voice.sink.store(
        AgentSpoken(line.segment_id, "a", line.text, True, 1.0, 0.0, TurnLatency(total=1.0))
    )

    assert await in_thread(TranscriptSegment.objects.count)() == 0


async def test_no_agent_to_be_had_is_said_and_typing_goes_on(interview, voiced):
    runner = VoiceRunner(QuietManager())
    runner._find_manager().refuses = "voice_busy"
    use_runner(runner)
    await in_thread(voices.switch_transport)(
        voice_session=interview.session, transport="browser_audio"
    )
    socket = socket_of(interview)
    await socket.open()
    await socket.line.send_to(bytes_data=SOUND)
    error = await socket.receive_until("error")

    assert error["code"] == "voice_busy"
    row = await in_thread(VoiceSession.objects.get)(pk=interview.session.pk)
    assert row.leased_until is None
    await socket.leave()
    await runner.stop_all()


async def test_a_process_without_voice_says_so(interview, voiced):
    voiced.VOICE_IN_PROCESS = False
    use_runner(VoiceRunner(QuietManager()))
    await in_thread(voices.switch_transport)(
        voice_session=interview.session, transport="browser_audio"
    )
    socket = socket_of(interview)
    await socket.open()
    await socket.line.send_to(bytes_data=SOUND)
    error = await socket.receive_until("error")

    assert error["code"] == "voice_not_loaded"
    await socket.leave()


async def test_junk_at_fifty_kilobytes_a_second_closes_and_leaves_the_transcript(spoken):
    for _ in range(60):
        await spoken.socket.line.send_to(bytes_data=b"\xff" * 5_000)

    assert await spoken.socket.closed() == 4429
    assert len(spoken.voice.audio.heard) < 250_000
    assert await in_thread(TranscriptSegment.objects.filter(role="user").count)() == 0


async def test_every_event_of_voice_is_as_published(spoken):
    sink = spoken.voice.sink
    for event in (
        InterimTranscript("seg_a", "wor"),
        TranscriptDropped("seg_a"),
        AgentCaption("seg_b", "Good"),
        SpeechChanged(SpeakerRole.USER, True),
        AgentStateChanged(AgentState.SPEAKING),
        AudioCleared(3),
        AudioEnded("seg_b", 4, 3),
        VoiceFault(VoiceErrorCode.SPEECH_RETRYING, "Speech failed once. Say it again."),
    ):
        sink.publish(event)
    await spoken.socket.receive_until("error")

    kinds = {event["type"] for event in spoken.socket.seen}
    assert (
        {"speech", "audio_clear", "audio_end", "agent_state"}
        <= kinds
        <= message_types("sendEvents")
    )
    for event in spoken.socket.seen:
        assert problems_of(event) == [], event
