"""Take turns: what the visitor says is stored first, then answered.

Owns the order of things that makes a crash harmless: the visitor's words are committed with
``reply_due_at`` before any agent is asked, and whoever finds that moment passed, asks again. A
reply is stored only if nothing was said since it was begun, so of two writers one wins.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core import clock, ratelimit
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge
from core.live import publish_ephemeral
from core.text import clean_text
from sessions import hooks, limits, payloads
from sessions.models import (
    EndReason,
    PauseCause,
    SegmentRole,
    SegmentSource,
    SessionStatus,
    TranscriptSegment,
    VoiceSession,
)
from sessions.services import replies
from sessions.services.conversations import (
    ConversationErasedError,
    SessionEndedError,
    commit_segment,
    lock_session,
    open_conversation,
    publish_progress,
    spot_absence,
    start_clock,
)
from sessions.services.endings import end_session, find_due_reason

ANSWER_JOB = "sessions.answer_turn"
RETRY_WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a client sent, checked and cleaned."""

    text: str
    had_hidden_text: bool
    client_id: str
    typing_seconds: float | None
    source: SegmentSource = SegmentSource.TYPED
    public_id: str = ""


@dataclass(frozen=True, slots=True)
class TakenTurn:
    """A visitor's turn as it is stored."""

    voice_session: VoiceSession
    segment: TranscriptSegment
    is_new: bool
    """False when its client id was known: then it has been answered, or somebody is at it."""


def say(
    *, voice_session: VoiceSession, text: str, client_id: str, typing_seconds: float | None = None
) -> list[TranscriptSegment]:
    """Take a typed turn and answer it: `take_turn`, then `answer_turn`.

    Returns:
        The visitor's segment and the reply. Without the reply when a later turn overtook this
        one: that turn's reply answers both, and ``reply_due_at`` is set until it is there. The
        same `client_id` again stores nothing and returns the same segments.

    Raises:
        See `take_turn`.
    """
    taken = take_turn(
        voice_session=voice_session,
        text=text,
        client_id=client_id,
        typing_seconds=typing_seconds,
    )
    if taken.is_new:
        answer_turn(voice_session=taken.voice_session)
    else:
        wait_for_pending_reply(voice_session=voice_session, seconds=RETRY_WAIT_SECONDS)
    return _exchange(taken.voice_session, taken.segment)


def take_turn(
    *, voice_session: VoiceSession, text: str, client_id: str, typing_seconds: float | None = None
) -> TakenTurn:
    """Commit a typed turn, with the moment from which its reply is overdue.

    Joins a conversation that has not begun and ends a pause. Whoever calls it asks for the reply
    with `answer_turn`; should that never happen, the sweep does. Must not be called inside a
    transaction. The same `client_id` again stores nothing.

    Args:
        voice_session: the conversation, found by its participant's credential.
        text: what the person wrote, as it came.
        client_id: chosen by the client, 1 to 64 characters, one for each turn.
        typing_seconds: how long the person typed, if the client measured it.

    Raises:
        InvalidInputError: empty or too long, or an unusable `client_id` or `typing_seconds`.
        ConflictError: the `client_id` was used for other words, or there are too many turns.
        RateLimitedError: more than SURVEY_TURNS_PER_MINUTE.
        SessionEndedError: the conversation is over; the turn is kept as late, never answered.
        ConversationErasedError: it was erased; nothing is kept.
        ParleyError: a listener of `hooks.on_participation` refused; nothing is kept.
    """
    return _take(voice_session, _check_turn(text, client_id, typing_seconds))


def take_spoken_turn(
    *,
    voice_session: VoiceSession,
    text: str,
    segment_id: str,
    speech_seconds: float | None = None,
) -> TakenTurn:
    """Commit what was heard of the visitor, as `take_turn` commits what they typed.

    Args:
        text: final words of the recogniser; longer than a turn may be, they are cut.
        segment_id: the public id under which its interim words were shown. The same one again
            is the same turn.
        speech_seconds: how long they spoke.

    Raises:
        See `take_turn`.
    """
    turn = _check_turn(text[: settings.SURVEY_MAX_TURN_CHARS], segment_id, speech_seconds)
    return _take(voice_session, replace(turn, source=SegmentSource.SPOKEN, public_id=segment_id))


def _take(voice_session: VoiceSession, turn: _Turn) -> TakenTurn:
    row, segment, is_new = voice_session, _find_turn(voice_session, turn), False
    if segment is None:
        ratelimit.hit(
            scope="session.turn",
            key=voice_session.public_id,
            limit=settings.SURVEY_TURNS_PER_MINUTE,
            window_seconds=60,
        )
        if voice_session.status == SessionStatus.READY:
            voice_session = open_conversation(voice_session=voice_session)
        row, segment, is_new = _commit_visitor_turn(voice_session, turn)
    if segment is None or segment.is_late:
        row.refresh_from_db()
        raise SessionEndedError(row)
    if is_new:
        publish_ephemeral(
            stream=row.stream_name,
            type=payloads.AGENT_STATE,
            payload=payloads.agent_state_payload(row),
        )
    return TakenTurn(row, segment, is_new)


def answer_turn(*, voice_session: VoiceSession, gives_up: bool = False) -> bool:
    """Ask the agent for the reply that is due and store it.

    Args:
        gives_up: store an apology that keeps the interview where it is, instead of asking.

    Returns:
        True when a reply was stored. False when none is due any more: the conversation ended,
        somebody else answered, or the visitor has said more, in which case that turn's own
        request answers. Safe to run twice and at the same time.
    """
    segment = write_answer(voice_session=voice_session, gives_up=gives_up)
    if segment is None:
        return False
    publish_ephemeral(
        stream=voice_session.stream_name,
        type=payloads.AGENT_STATE,
        payload=payloads.agent_state_payload(segment.voice_session),
    )
    return True


def write_answer(
    *, voice_session: VoiceSession, gives_up: bool = False
) -> TranscriptSegment | None:
    """Do what `answer_turn` does and return the reply itself, for whoever speaks it.

    Says nothing of what the agent is doing: a live agent tells that itself.
    """
    row = VoiceSession.objects.get(pk=voice_session.pk)
    segments = replies.answered_segments(row)
    if row.is_ended or not replies.awaits_reply(segments):
        return None
    reply = replies.write_apology(row) if gives_up else replies.write_reply(row, segments)
    with transaction.atomic():
        current = lock_session(row.pk)
        if current.is_ended or current.turn_version != row.turn_version:
            return None
        now = clock.now()
        waited = now - segments[-1].created_at
        current.interview_state = reply.state
        current.reply_due_at = None
        current.reply_attempts = 0
        segment = commit_segment(
            current,
            role=SegmentRole.AGENT,
            source=SegmentSource.AGENT,
            text=reply.text,
            question_id=reply.question_id,
            latency_ms=max(0, round(waited.total_seconds() * 1000)),
            now=now,
            also_save=("interview_state", "reply_due_at", "reply_attempts"),
        )
        publish_progress(current)
    return segment


def awaits_answer(*, voice_session: VoiceSession) -> bool:
    """Tell whether the visitor spoke last."""
    return replies.awaits_reply(replies.answered_segments(voice_session))


def nudge_overdue_turns(*, limit: int = 100) -> int:
    """Nudge a job for every turn whose reply is overdue. Returns how many.

    A live agent with a language model speaks first and stores what was heard afterwards, so as
    long as its process lives, its replies are nobody else's.
    """
    is_spoken = Q(briefing__isnull=True, leased_until__gt=clock.now())
    overdue = VoiceSession.objects.filter(reply_due_at__lte=clock.now()).exclude(is_spoken)
    overdue = overdue.order_by("reply_due_at")
    ids = list(overdue.values_list("public_id", flat=True)[:limit])
    for public_id in ids:
        nudge(ANSWER_JOB, public_id)
    return len(ids)


def take_over_turn(*, public_id: str) -> bool:
    """Answer a turn whose own request died, if it is still overdue.

    Claims the turn by moving ``reply_due_at`` on, so that of several workers one asks the agent.
    After `limits.REPLY_ATTEMPTS` the agent apologises instead of asking again.

    Returns:
        True when a reply was stored. Safe to run twice.
    """
    row = VoiceSession.objects.filter(public_id=public_id).first()
    now = clock.now()
    if row is None or row.reply_due_at is None or row.reply_due_at > now:
        return False
    claimed = VoiceSession.objects.filter(
        pk=row.pk, reply_due_at=row.reply_due_at, reply_attempts=row.reply_attempts
    ).update(reply_due_at=_takeover_at(now), reply_attempts=row.reply_attempts + 1)
    if not claimed:
        return False
    return answer_turn(voice_session=row, gives_up=row.reply_attempts >= limits.REPLY_ATTEMPTS)


def wait_for_pending_reply(*, voice_session: VoiceSession, seconds: float = 2.0) -> bool:
    """Wait until no reply is due in the conversation, at most `seconds`.

    Returns:
        True when nothing is due any more. Must not be called inside a transaction, which would
        keep the reply from being stored.
    """
    deadline = clock.monotonic() + seconds
    pending = VoiceSession.objects.filter(pk=voice_session.pk, reply_due_at__isnull=False)
    while pending.exists():
        if clock.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def _check_turn(text: str, client_id: str, typing_seconds: float | None) -> _Turn:
    longest = settings.SURVEY_MAX_TURN_CHARS
    if len(text) > longest:
        raise InvalidInputError(
            "turn_too_long",
            f"A turn has at most {longest} characters. Send it in two parts.",
            extra={"max_characters": longest},
        )
    cleaned = clean_text(text, longest)
    if not cleaned.text:
        raise InvalidInputError("turn_empty", "There are no words in this turn. Write something.")
    if not (0 < len(client_id) <= limits.CLIENT_ID_LENGTH and client_id.isprintable()):
        raise InvalidInputError(
            "client_id_invalid",
            f"Send a client_id of 1 to {limits.CLIENT_ID_LENGTH} printable characters, a new one "
            "for each turn.",
        )
    if typing_seconds is not None and not (math.isfinite(typing_seconds) and typing_seconds >= 0):
        raise InvalidInputError("typing_seconds_invalid", "Send typing_seconds of 0 or more.")
    return _Turn(
        text=cleaned.text,
        had_hidden_text=cleaned.hidden_count > limits.HIDDEN_CHARACTERS_BY_ACCIDENT,
        client_id=client_id,
        typing_seconds=typing_seconds,
    )


def _find_turn(voice_session: VoiceSession, turn: _Turn) -> TranscriptSegment | None:
    """Return the segment this client id has made already."""
    found = TranscriptSegment.objects.filter(
        voice_session=voice_session, client_id=turn.client_id
    ).first()
    if found is not None and found.text != turn.text:
        raise ConflictError(
            "client_id_reused",
            "This client_id belongs to a turn with other words. Use a new one for each turn.",
        )
    return found


def _commit_visitor_turn(
    voice_session: VoiceSession, turn: _Turn
) -> tuple[VoiceSession, TranscriptSegment | None, bool]:
    """Store the turn; return the row, the segment (None: too late to keep), and if it is new."""
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        known = _find_turn(row, turn)
        if known is not None:
            return row, known, False
        if row.end_reason == EndReason.ERASED:
            raise ConversationErasedError
        now = clock.now()
        if not row.is_ended:
            hooks.on_participation.send(row)
            _let_clock_run(row, now, turn)
            reason = find_due_reason(row)
            if reason is not None:
                row = end_session(voice_session=row, reason=reason)
        if row.is_ended:
            return row, _store_late_turn(row, turn, now), True
        _refuse_endless_talk(row)
        row.last_activity_at = now
        row.reply_due_at = _takeover_at(now)
        row.reply_attempts = 0
        segment = commit_segment(
            row,
            role=SegmentRole.USER,
            source=turn.source,
            text=turn.text,
            question_id=_open_question(row),
            client_id=turn.client_id,
            public_id=turn.public_id,
            typing_seconds=turn.typing_seconds,
            had_hidden_text=turn.had_hidden_text,
            now=now,
            also_save=("last_activity_at", "reply_due_at", "reply_attempts"),
        )
    return row, segment, True


def _let_clock_run(row: VoiceSession, now: datetime, turn: _Turn) -> None:
    """Count the person as present, and the time they wrote in as active."""
    spot_absence(row, now)
    if row.status == SessionStatus.ACTIVE:
        return
    charged = limits.THINKING_CHARGED
    if row.pause_cause == PauseCause.PERSON:
        charged = min(charged, timedelta(seconds=turn.typing_seconds or 0))
    start_clock(row, now, charged=charged)


def _store_late_turn(row: VoiceSession, turn: _Turn, now: datetime) -> TranscriptSegment | None:
    if row.segments.filter(is_late=True).count() >= limits.LATE_TURNS_KEPT:
        return None
    return commit_segment(
        row,
        role=SegmentRole.USER,
        source=turn.source,
        text=turn.text,
        client_id=turn.client_id,
        public_id=turn.public_id,
        typing_seconds=turn.typing_seconds,
        had_hidden_text=turn.had_hidden_text,
        is_late=True,
        now=now,
    )


def _refuse_endless_talk(row: VoiceSession) -> None:
    longest = settings.SURVEY_MAX_TURNS
    # The version counts both sides' segments, so below the limit there is nothing to count.
    if row.turn_version < longest:
        return
    if row.segments.filter(role=SegmentRole.USER, is_late=False).count() >= longest:
        raise ConflictError(
            "too_many_turns",
            "This conversation has as many turns as one may have. Finish it with Done.",
        )


def _open_question(row: VoiceSession) -> str:
    state = row.interview_state or {}
    return state.get("current_question_id") or ""


def _takeover_at(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.SURVEY_TURN_SECONDS) + limits.REPLY_TAKEOVER


def _exchange(voice_session: VoiceSession, segment: TranscriptSegment) -> list[TranscriptSegment]:
    """Return the visitor's segment and the agent's segments that answer it."""
    exchange = [segment]
    following = voice_session.segments.filter(
        position__gt=segment.position, is_late=False
    ).order_by("position")
    for other in following:
        if other.role == SegmentRole.AGENT:
            exchange.append(other)
        elif len(exchange) > 1:
            break
    return exchange
