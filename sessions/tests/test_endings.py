"""How conversations end: once each, for one reason, with the transcript kept."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from core import clock
from core.errors import ParleyError
from core.jobs.testing import run_sweeps
from core.live import read_events
from sessions import hooks
from sessions.models import (
    ALLOWED_TRANSITIONS,
    EndReason,
    SegmentSource,
    SessionStatus,
    TranscriptSegment,
    VoiceSession,
)
from sessions.services import conversations, endings, turns
from sessions.services.transcripts import (
    ClaimedLine,
    erase_conversation,
    store_claimed_transcript,
)
from sessions.tests.conftest import make_briefing


@pytest.fixture
def ended():
    """Return the reasons listeners have heard, in order."""
    heard = []

    def listen(voice_session):
        assert connection.in_atomic_block
        heard.append((voice_session.public_id, voice_session.end_reason))

    hooks.on_session_ended(listen)
    yield heard
    hooks.on_session_ended.remove(listen)


def test_the_first_reason_counts(running, ended):
    endings.end_session(voice_session=running, reason=EndReason.DONE)
    endings.end_session(voice_session=running, reason=EndReason.STOPPED)
    endings.request_stop(voice_session=running)

    row = VoiceSession.objects.get()
    assert (row.status, row.end_reason) == ("ended", "done")
    assert ended == [(row.public_id, "done")]
    statuses = [e.payload for e in read_events(row.stream_name) if e.type == "session"]
    assert [payload["status"] for payload in statuses] == ["active", "ended"]
    assert statuses[-1]["end_reason"] == "done"
    assert statuses[-1]["is_finished"] is True


def test_a_listener_that_raises_undoes_the_end(running):
    def refuse(voice_session):
        raise RuntimeError("no")

    hooks.on_session_ended(refuse)
    try:
        with pytest.raises(RuntimeError):
            endings.end_session(voice_session=running, reason=EndReason.DONE)
    finally:
        hooks.on_session_ended.remove(refuse)

    assert VoiceSession.objects.get().status == SessionStatus.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_forty_ends_at_once_are_one(start_interview, ended):
    voice_session = start_interview().session
    barrier = threading.Barrier(40)
    reasons = [EndReason.DONE, EndReason.STOPPED, EndReason.TIME_LIMIT, EndReason.EXPIRED] * 10

    def end(reason):
        try:
            barrier.wait(30)
            endings.end_session(voice_session=voice_session, reason=reason)
        finally:
            connection.close()

    threads = [threading.Thread(target=end, args=(reason,)) for reason in reasons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    row = VoiceSession.objects.get()
    assert ended == [(row.public_id, row.end_reason)]
    assert [event.type for event in read_events(row.stream_name)] == ["session"]


def test_the_time_limit_ends_a_conversation(running, ended):
    VoiceSession.objects.update(last_activity_at=running.started_at + timedelta(seconds=600))

    with time_machine.travel(running.started_at + timedelta(seconds=609)):
        run_sweeps("sessions.due_endings")
        assert ended == []
    with time_machine.travel(running.started_at + timedelta(seconds=611)):
        run_sweeps("sessions.due_endings")
        run_sweeps("sessions.due_endings")

    assert ended == [(running.public_id, "time_limit")]
    assert VoiceSession.objects.get().is_finished


def test_nobody_coming_back_ends_a_conversation(interview, ended):
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1)):
        run_sweeps("sessions.due_endings")

    assert ended == [(interview.session.public_id, "expired")]
    assert not VoiceSession.objects.get().is_finished


def test_the_downtime_of_a_server_is_nobodys_talking_time(running, ended):
    with time_machine.travel(running.started_at + timedelta(hours=3)):
        run_sweeps("sessions.due_endings")

    row = VoiceSession.objects.get()
    assert ended == []
    assert (row.status, row.pause_cause) == ("paused", "absence")
    assert row.seconds_left(clock.now()) == 600


def test_a_paused_conversation_keeps_its_time(running):
    conversations.pause(voice_session=running)

    with time_machine.travel(running.started_at + timedelta(hours=3)):
        run_sweeps("sessions.due_endings")
        row = conversations.resume(voice_session=running)

    assert row.status == SessionStatus.ACTIVE
    assert row.seconds_left(running.started_at + timedelta(hours=3)) == pytest.approx(600, abs=60)


def test_a_stop_waits_for_the_process_that_holds_the_agent(running, ended):
    VoiceSession.objects.update(
        lease_owner="other", leased_until=clock.now() + timedelta(seconds=5)
    )

    endings.request_stop(voice_session=running)
    run_sweeps("sessions.due_endings")
    assert ended == []
    assert VoiceSession.objects.get().stop_requested_at is not None

    with time_machine.travel(clock.now() + timedelta(seconds=6)):
        run_sweeps("sessions.due_endings")
    assert ended == [(running.public_id, "stopped")]


def test_an_end_drops_the_reply_that_is_due(running):
    taken = turns.take_turn(voice_session=running, text="By bus.", client_id="c1")

    endings.end_session(voice_session=running, reason=EndReason.DONE)

    assert turns.answer_turn(voice_session=taken.voice_session) is False
    assert VoiceSession.objects.get().reply_due_at is None
    assert TranscriptSegment.objects.filter(role="agent").count() == 1


def test_erasure_ends_and_empties(running, ended):
    turns.say(voice_session=running, text="By bus.", client_id="c1")

    erase_conversation(voice_session=running)

    assert ended == [(running.public_id, "erased")]
    row = VoiceSession.objects.get()
    assert (row.briefing, row.interview_state, row.system_prompt) == (None, None, "")
    assert read_events(running.stream_name) == []
    with pytest.raises(conversations.ConversationErasedError):
        turns.say(voice_session=running, text="Still here.", client_id="c2")
    assert not TranscriptSegment.objects.exists()


# --- claimed transcripts ----------------------------------------------------------------------


def test_a_claimed_transcript_is_stored_once_and_marked(interview):
    lines = [ClaimedLine("agent", "How was it?"), ClaimedLine("user", "  Fine\u200b.  ", 3.0)]

    stored = store_claimed_transcript(
        voice_session=interview.session, lines=lines, source=SegmentSource.VISITOR_CLAIM
    )
    again = store_claimed_transcript(
        voice_session=interview.session, lines=lines, source=SegmentSource.VISITOR_CLAIM
    )

    assert [(s.position, s.role, s.source, s.text) for s in stored] == [
        (1, "agent", "visitor_claim", "How was it?"),
        (2, "user", "visitor_claim", "Fine."),
    ]
    assert again == []
    assert TranscriptSegment.objects.count() == 2


def test_the_servers_own_record_wins(running):
    turns.say(voice_session=running, text="By bus.", client_id="c1")

    stored = store_claimed_transcript(
        voice_session=running,
        lines=[ClaimedLine("user", "I own three trains.")],
        source=SegmentSource.VISITOR_CLAIM,
    )

    assert stored == []
    assert TranscriptSegment.objects.filter(text__contains="trains").count() == 0


def test_only_claims_are_stored_as_claims(running):
    with pytest.raises(ValueError, match="claimed"):
        store_claimed_transcript(
            voice_session=running, lines=[ClaimedLine("user", "x")], source=SegmentSource.TYPED
        )


# --- the table of states ----------------------------------------------------------------------


def test_the_database_refuses_an_end_without_a_reason(running):
    with pytest.raises(IntegrityError), transaction.atomic():
        VoiceSession.objects.filter(pk=running.pk).update(status="ended", ended_at=clock.now())


def test_nothing_leaves_the_last_state():
    assert ALLOWED_TRANSITIONS[SessionStatus.ENDED] == frozenset()
    assert set(ALLOWED_TRANSITIONS) == set(SessionStatus)


class ConversationMachine(RuleBasedStateMachine):
    """Any order of steps keeps a conversation whole: clock, events, transcript, one end."""

    def __init__(self):
        super().__init__()
        self.moment = clock.now()
        self.traveller = None
        self.heard = []
        self.numbers = 0
        hooks.on_session_ended(self.listen)

    def listen(self, voice_session):
        self.heard.append(voice_session.end_reason)

    @initialize()
    def create(self):
        from sessions.models import SessionKind

        self.travel(0)
        self.session = conversations.create_session(
            kind=SessionKind.SURVEY, briefing=make_briefing(), max_seconds=300
        ).session
        self.status = SessionStatus.READY

    def travel(self, seconds):
        if self.traveller is not None:
            self.traveller.stop()
        self.moment += timedelta(seconds=seconds)
        self.traveller = time_machine.travel(self.moment, tick=False)
        self.traveller.start()

    def attempt(self, function, **arguments):
        try:
            function(voice_session=VoiceSession.objects.get(pk=self.session.pk), **arguments)
        except ParleyError as error:
            return error.code
        return ""

    @rule(seconds=st.sampled_from([0, 1, 20, 46, 200, 310, 40_000]))
    def wait(self, seconds):
        self.travel(seconds)

    @rule()
    def join(self):
        self.attempt(conversations.open_conversation)

    @rule()
    def pause(self):
        self.attempt(conversations.pause)

    @rule()
    def resume(self):
        self.attempt(conversations.resume)

    @rule(answered=st.booleans())
    def say(self, answered):
        self.numbers += 1
        before = TranscriptSegment.objects.filter(voice_session=self.session).count()
        code = self.attempt(
            turns.say if answered else turns.take_turn,
            text=f"I take the bus number {self.numbers}.",
            client_id=f"c{self.numbers}",
        )
        after = TranscriptSegment.objects.filter(voice_session=self.session).count()
        assert code in {"", "session_ended", "session_token_invalid"}
        if code == "session_ended":
            late = TranscriptSegment.objects.filter(voice_session=self.session, is_late=True)
            assert after == before + 1 or late.count() == 20
        else:
            assert after > before

    @rule()
    def sweep(self):
        run_sweeps("sessions.due_endings")
        for row in VoiceSession.objects.filter(reply_due_at__lte=clock.now()):
            turns.take_over_turn(public_id=row.public_id)

    @rule(reason=st.sampled_from([EndReason.DONE, EndReason.FAILED]))
    def end(self, reason):
        self.attempt(endings.end_session, reason=reason)

    @rule()
    def stop(self):
        self.attempt(endings.request_stop)

    @invariant()
    def holds_together(self):
        row = VoiceSession.objects.filter(pk=getattr(self, "session", row_missing).pk).first()
        if row is None:
            return
        now = clock.now()
        if row.status != self.status:
            path_via_active = SessionStatus.ACTIVE in ALLOWED_TRANSITIONS[self.status]
            assert row.status in ALLOWED_TRANSITIONS[self.status] or path_via_active
            self.status = SessionStatus(row.status)
        assert len(self.heard) == (1 if row.is_ended else 0)
        assert (row.reply_due_at is None) or not row.is_ended
        assert row.active_seconds(now) >= 0
        assert 0 <= row.seconds_left(now) <= row.max_seconds
        assert (row.time_limit_at is not None) == (row.status == SessionStatus.ACTIVE)
        positions = list(row.segments.order_by("position").values_list("position", flat=True))
        assert positions == list(range(1, len(positions) + 1))
        spoken = row.segments.filter(is_late=False)
        assert row.turn_version == spoken.count()
        times = list(spoken.order_by("position").values_list("at_seconds", flat=True))
        assert times == sorted(times)
        events = read_events(row.stream_name)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        told = [e.payload["segment_id"] for e in events if e.type == "transcript"]
        assert told == list(spoken.order_by("position").values_list("public_id", flat=True))
        last = [e.payload["status"] for e in events if e.type == "session"]
        assert (last[-1] if last else "ready") == row.status

    def teardown(self):
        hooks.on_session_ended.remove(self.listen)
        if self.traveller is not None:
            self.traveller.stop()


class row_missing:  # noqa: N801 - stands for "not created yet" before the first rule
    pk = None


@pytest.mark.django_db
def test_any_order_of_steps_keeps_a_conversation_whole(settings_of_machine):
    run_state_machine_as_test(ConversationMachine, settings=settings_of_machine)


@pytest.fixture
def settings_of_machine():
    return settings(
        max_examples=15,
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
