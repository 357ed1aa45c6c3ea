"""Open, pause and resume conversations: every status change but the last one.

Owns the clock of a conversation. Knows no survey: what else must happen hangs on `sessions.hooks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Company, User
from agents.interview.types import Briefing
from core import clock, ratelimit, tokens
from core.errors import ConflictError, GoneError
from core.ids import new_id
from core.live import append_event
from sessions import hooks, limits, payloads
from sessions.models import (
    EndReason,
    PauseCause,
    SegmentRole,
    SegmentSource,
    SessionKind,
    SessionMode,
    SessionStatus,
    TranscriptSegment,
    Transport,
    VoiceSession,
)
from sessions.services import replies

TOKEN_PREFIX = "st_"  # noqa: S105  # names the kind of token, is none


class SessionEndedError(ConflictError):
    """The conversation is over, so nothing more can be said in it."""

    def __init__(self, voice_session: VoiceSession) -> None:
        super().__init__(
            "session_ended",
            "This conversation is over; its transcript is kept. Start a new one to go on talking.",
            extra={"status": voice_session.status, "end_reason": voice_session.end_reason},
        )


class ConversationErasedError(GoneError):
    """The person had the conversation erased."""

    def __init__(self) -> None:
        super().__init__(
            "session_erased", "This conversation was erased at its person's wish. Nothing is left."
        )


@dataclass(frozen=True, slots=True)
class CreatedSession:
    """A new conversation with the one sight of its token."""

    session: VoiceSession
    token_plain: str


def create_session(
    *,
    kind: SessionKind,
    company: Company | None = None,
    owner: User | None = None,
    mode: SessionMode = SessionMode.TEXT,
    transport: Transport = Transport.TYPING,
    language: str = "en",
    allowed_origins: Sequence[str] = (),
    system_prompt: str = "",
    briefing: Briefing | None = None,
    max_seconds: int = 600,
    room_name: str | None = None,
    token_lifetime: timedelta | None = None,
) -> CreatedSession:
    """Create a conversation that nobody has joined yet.

    Args:
        kind: surveys bring a briefing; plain chats a system prompt or nothing.
        company: whose conversation it is; its members may watch.
        owner: the signed-in person who takes part, if any.
        allowed_origins: exact origins whose pages may use it; empty means any for a survey.
        max_seconds: active time until it ends by itself.
        room_name: by default ``<kind>-<session id>``.
        token_lifetime: by default SURVEY_RESUME_HOURS; the session expires with its token.

    Returns:
        The row and the participant's token, which is stored as a digest only.

    Joins the caller's transaction where there is one; otherwise one statement of its own.
    """
    now = clock.now()
    minted = tokens.mint(TOKEN_PREFIX)
    expires_at = now + (token_lifetime or timedelta(hours=settings.SURVEY_RESUME_HOURS))
    public_id = new_id("session")
    voice_session = VoiceSession.objects.create(
        public_id=public_id,
        kind=kind,
        company=company,
        owner=owner,
        mode=mode,
        transport=transport,
        language=language,
        room_name=room_name or f"{kind}-{public_id}",
        allowed_origins=list(allowed_origins),
        token_digest=minted.digest,
        token_expires_at=expires_at,
        system_prompt=system_prompt,
        briefing=None if briefing is None else asdict(briefing),
        max_seconds=max_seconds,
        expires_at=expires_at,
    )
    return CreatedSession(voice_session, minted.plain)


def lock_session(session_pk: int) -> VoiceSession:
    """Return the row, locked until the surrounding transaction ends.

    SQLite has no row locks; there the IMMEDIATE transaction holds the only write lock already.
    """
    return VoiceSession.objects.select_for_update().get(pk=session_pk)


def open_conversation(*, voice_session: VoiceSession) -> VoiceSession:
    """Join the conversation: the first time it becomes active and the agent greets.

    Later calls count as a sign of life and end a pause that came from absence; a pause the
    person asked for stays. The greeting is written outside of any transaction; of two first
    calls at the same moment one greets and the other changes nothing.

    Returns:
        The row as it stands now.

    Raises:
        SessionEndedError: it is over.
        ConversationErasedError: it was erased.
        ParleyError: a listener of `hooks.on_participation` refused.
    """
    if voice_session.status != SessionStatus.READY:
        with transaction.atomic():
            row = lock_session(voice_session.pk)
            refuse_if_ended(row)
            hooks.on_participation.send(row)
            note_presence(row, clock.now())
        return row
    greeting = replies.write_greeting(voice_session)
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        refuse_if_ended(row)
        hooks.on_participation.send(row)
        now = clock.now()
        if row.status != SessionStatus.READY:
            note_presence(row, now)
            return row
        row.status = SessionStatus.ACTIVE
        row.started_at = row.last_activity_at = now
        row.time_limit_at = now + timedelta(seconds=row.max_seconds)
        row.interview_state = greeting.state
        row.save(
            update_fields=[
                "status", "started_at", "last_activity_at", "time_limit_at", "interview_state"
            ]
        )  # fmt: skip
        publish_status(row, now)
        commit_segment(
            row,
            role=SegmentRole.AGENT,
            source=SegmentSource.AGENT,
            text=greeting.text,
            question_id=greeting.question_id,
            now=now,
        )
        publish_progress(row)
    return row


def pause(*, voice_session: VoiceSession) -> VoiceSession:
    """Stop the clock at the person's wish. Repeating it changes nothing.

    Raises:
        SessionEndedError: it is over.
        ConversationErasedError: it was erased.
        ConflictError: it has not begun.
        RateLimitedError: more than `limits.CONTROLS_PER_MINUTE`.
    """
    _count_control(voice_session)
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        refuse_if_ended(row)
        if row.status == SessionStatus.READY:
            raise ConflictError(
                "session_not_started", "The conversation has not begun. Join it before you pause."
            )
        now = clock.now()
        if row.status == SessionStatus.PAUSED:
            if row.pause_cause != PauseCause.PERSON:
                row.pause_cause = PauseCause.PERSON
                row.save(update_fields=["pause_cause"])
                publish_status(row, now)
            return row
        stop_clock(row, at=now, now=now, cause=PauseCause.PERSON)
    return row


def resume(*, voice_session: VoiceSession) -> VoiceSession:
    """Let the clock run again, whoever stopped it; joins a conversation that has not begun.

    Raises:
        SessionEndedError: it is over.
        ConversationErasedError: it was erased.
        RateLimitedError: more than `limits.CONTROLS_PER_MINUTE`.
        ParleyError: a listener of `hooks.on_participation` refused.
    """
    if voice_session.status == SessionStatus.READY:
        return open_conversation(voice_session=voice_session)
    _count_control(voice_session)
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        refuse_if_ended(row)
        hooks.on_participation.send(row)
        now = clock.now()
        spot_absence(row, now)
        start_clock(row, now)
    return row


def note_sign_of_life(*, voice_session: VoiceSession) -> None:
    """Record that the participant is still there: one statement, and none if one was just made.

    For sockets and polls. It ends no pause; joining and speaking do.
    """
    seen_at = voice_session.last_activity_at
    now = clock.now()
    if seen_at is not None and (now - seen_at).total_seconds() < limits.SIGN_OF_LIFE_SECONDS / 2:
        return
    VoiceSession.objects.filter(pk=voice_session.pk, status=SessionStatus.ACTIVE).update(
        last_activity_at=now
    )


def pause_absent_sessions(*, limit: int = 200) -> int:
    """Pause the active conversations whose participant has been gone for a while.

    The clock is set back to the last sign of life, so that a closed tab costs nobody time.

    Returns:
        How many were paused. Safe to run twice and in several processes.
    """
    gone_since = clock.now() - limits.ABSENCE_AFTER
    absent = VoiceSession.objects.filter(
        status=SessionStatus.ACTIVE, last_activity_at__lt=gone_since
    )
    paused = 0
    for pk in absent.order_by("last_activity_at").values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            row = lock_session(pk)
            seen_at = row.last_activity_at
            if row.status != SessionStatus.ACTIVE or seen_at is None or seen_at >= gone_since:
                continue
            stop_clock(row, at=seen_at, now=clock.now(), cause=PauseCause.ABSENCE)
            paused += 1
    return paused


def pause_unattended(*, voice_session: VoiceSession) -> None:
    """Stop the clock of a conversation in which nobody has said anything for long.

    Whoever comes back and speaks or types goes on. Does nothing unless it is active.
    """
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        if row.status == SessionStatus.ACTIVE:
            now = clock.now()
            stop_clock(row, at=now, now=now, cause=PauseCause.ABSENCE)


def _count_control(voice_session: VoiceSession) -> None:
    """Bound how often the clock is stopped and started: each time leaves an event for ever."""
    ratelimit.hit(
        scope="session.control",
        key=voice_session.public_id,
        limit=limits.CONTROLS_PER_MINUTE,
        window_seconds=60,
    )


# --- steps other services take inside a transaction that holds the row --------------------------


def refuse_if_ended(voice_session: VoiceSession) -> None:
    """Raise when nothing more can happen in the conversation."""
    if voice_session.end_reason == EndReason.ERASED:
        raise ConversationErasedError
    if voice_session.is_ended:
        raise SessionEndedError(voice_session)


def note_presence(voice_session: VoiceSession, now: datetime) -> None:
    """Count the person as present: ends an absence, leaves a pause they asked for."""
    spot_absence(voice_session, now)
    if (
        voice_session.status == SessionStatus.PAUSED
        and voice_session.pause_cause == PauseCause.ABSENCE
    ):
        start_clock(voice_session, now)
        return
    voice_session.last_activity_at = now
    voice_session.save(update_fields=["last_activity_at"])


def spot_absence(voice_session: VoiceSession, now: datetime) -> None:
    """Treat a conversation nobody attended as paused since then, before the sweep gets to it.

    Changes the object only: the step that follows either starts the clock, and saves, or ends it.
    """
    seen_at = voice_session.last_activity_at
    if (
        voice_session.status == SessionStatus.ACTIVE
        and seen_at is not None
        and seen_at < now - limits.ABSENCE_AFTER
    ):
        voice_session.status = SessionStatus.PAUSED
        voice_session.paused_at = seen_at
        voice_session.pause_cause = PauseCause.ABSENCE
        voice_session.time_limit_at = None


def start_clock(
    voice_session: VoiceSession, now: datetime, *, charged: timedelta = timedelta(0)
) -> None:
    """Make a paused conversation active again and say so.

    Args:
        charged: how much of the pause counts as active time after all.
    """
    voice_session.last_activity_at = now
    if voice_session.status != SessionStatus.PAUSED:
        voice_session.save(update_fields=["last_activity_at"])
        return
    settle_pause(voice_session, now, charged=charged)
    voice_session.status = SessionStatus.ACTIVE
    voice_session.time_limit_at = now + timedelta(seconds=voice_session.seconds_left(now))
    voice_session.save(
        update_fields=[
            "status", "last_activity_at", "paused_at", "pause_cause", "paused_seconds",
            "time_limit_at",
        ]
    )  # fmt: skip
    publish_status(voice_session, now)


def stop_clock(
    voice_session: VoiceSession, *, at: datetime, now: datetime, cause: PauseCause
) -> None:
    """Pause an active conversation as from `at` and say so."""
    voice_session.status = SessionStatus.PAUSED
    voice_session.paused_at = at
    voice_session.pause_cause = cause
    voice_session.time_limit_at = None
    voice_session.save(update_fields=["status", "paused_at", "pause_cause", "time_limit_at"])
    publish_status(voice_session, now)


def settle_pause(
    voice_session: VoiceSession, now: datetime, *, charged: timedelta = timedelta(0)
) -> None:
    """Move a running pause, less what is charged, into ``paused_seconds``. Does not save."""
    if voice_session.paused_at is not None:
        pause_length = now - voice_session.paused_at
        free = max(timedelta(0), pause_length - charged)
        voice_session.paused_seconds += free.total_seconds()
        voice_session.paused_at = None
        voice_session.pause_cause = ""


def commit_segment(
    voice_session: VoiceSession,
    *,
    role: SegmentRole,
    source: SegmentSource,
    text: str,
    now: datetime,
    question_id: str = "",
    client_id: str = "",
    typing_seconds: float | None = None,
    latency_ms: int | None = None,
    is_late: bool = False,
    had_hidden_text: bool = False,
    public_id: str = "",
    interrupted: bool = False,
    also_save: Sequence[str] = (),
) -> TranscriptSegment:
    """Store the next segment, raise the turn version, tell the stream and the listeners.

    A late segment is stored and told to nobody. Needs a transaction that holds the row.

    Args:
        public_id: chosen beforehand where interim words were shown under it; by default a new one.
        also_save: columns of the row the caller has set, saved in the same statement.
    """
    last = voice_session.segments.order_by("-position").values_list("position", flat=True).first()
    at_seconds = voice_session.active_seconds(now)
    segment = TranscriptSegment.objects.create(
        public_id=public_id or new_id("seg"),
        voice_session=voice_session,
        position=(last or 0) + 1,
        role=role,
        source=source,
        text=text,
        question_id=question_id,
        client_id=client_id,
        at_seconds=at_seconds,
        # What a client says of itself cannot reach back before the conversation began.
        typing_seconds=None if typing_seconds is None else min(typing_seconds, at_seconds),
        latency_ms=latency_ms,
        is_late=is_late,
        had_hidden_text=had_hidden_text,
        interrupted=interrupted,
    )
    if is_late:
        return segment
    voice_session.turn_version += 1
    voice_session.save(update_fields=["turn_version", *also_save])
    append_event(
        stream=voice_session.stream_name,
        type=payloads.TRANSCRIPT,
        payload=payloads.segment_payload(segment),
    )
    hooks.on_turn_committed.send(voice_session, segment)
    return segment


def publish_status(voice_session: VoiceSession, now: datetime) -> None:
    """Append the status to the stream, in the transaction that changed it."""
    append_event(
        stream=voice_session.stream_name,
        type=payloads.SESSION,
        payload=payloads.status_payload(voice_session, now),
    )


def publish_progress(voice_session: VoiceSession) -> None:
    """Append the progress to the stream, if the conversation has questions."""
    progress = payloads.progress_payload(voice_session)
    if progress is not None:
        append_event(stream=voice_session.stream_name, type=payloads.PROGRESS, payload=progress)
