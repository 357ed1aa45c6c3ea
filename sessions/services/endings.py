"""End conversations: once each, whatever asks for it first.

Owns the last status change and the sweeps that make it when nobody does. Knows no survey.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from core import clock
from core.jobs import nudge
from core.live import close_stream, codes
from sessions import hooks, limits
from sessions.models import EndReason, SessionStatus, VoiceSession
from sessions.services.conversations import lock_session, publish_status, settle_pause

DELETE_ROOM_JOB = "sessions.delete_room"


def end_session(*, voice_session: VoiceSession, reason: EndReason) -> VoiceSession:
    """End the conversation, exactly once.

    Whoever comes first decides the reason; every later call returns the ended row and changes
    nothing. `hooks.on_session_ended` runs inside the transaction; the status event goes out when
    it commits. A reply that is being computed meanwhile is dropped. Joins the caller's
    transaction where there is one.
    """
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        _end_locked(row, reason)
    return row


def request_stop(*, voice_session: VoiceSession) -> VoiceSession:
    """Ask for the end from outside the conversation, from any process. Idempotent.

    Without a live agent the conversation ends at once. With one, the process that holds its
    lease ends it; should that process be gone, the sweep does when the lease has run out.
    """
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        if row.is_ended:
            return row
        now = clock.now()
        if row.stop_requested_at is None:
            row.stop_requested_at = now
            row.save(update_fields=["stop_requested_at"])
        if row.leased_until is None or row.leased_until <= now:
            _end_locked(row, EndReason.STOPPED)
    return row


def expire_due_sessions(*, limit: int = 200) -> int:
    """End what is due: time limits reached, nobody back in time, stops nobody carried out.

    Returns:
        How many ended. One short transaction each; safe to run twice and in several processes.
    """
    now = clock.now()
    due = VoiceSession.objects.exclude(status=SessionStatus.ENDED).filter(
        Q(time_limit_at__lte=now - limits.TIME_LIMIT_GRACE)
        | Q(expires_at__lte=now)
        | (
            Q(stop_requested_at__isnull=False)
            & (Q(leased_until__isnull=True) | Q(leased_until__lte=now))
        )
    )
    ended = 0
    for pk in due.order_by("expires_at").values_list("pk", flat=True)[:limit]:
        with transaction.atomic():
            row = lock_session(pk)
            reason = find_due_reason(row)
            if reason is not None:
                ended += _end_locked(row, reason)
    return ended


def find_due_reason(voice_session: VoiceSession) -> EndReason | None:
    """Return why the conversation should have ended by now, or None while it may go on."""
    now = clock.now()
    row = voice_session
    if row.is_ended:
        return None
    if row.time_limit_at is not None and row.time_limit_at + limits.TIME_LIMIT_GRACE <= now:
        return EndReason.TIME_LIMIT
    if row.stop_requested_at is not None and (row.leased_until is None or row.leased_until <= now):
        return EndReason.STOPPED
    return EndReason.EXPIRED if row.expires_at <= now else None


def _end_locked(row: VoiceSession, reason: EndReason) -> bool:
    """End a row the transaction holds; tell whether it was still running."""
    if not row.may_become(SessionStatus.ENDED):
        return False
    now = clock.now()
    settle_pause(row, now)
    row.status = SessionStatus.ENDED
    row.end_reason = reason
    row.ended_at = now
    row.time_limit_at = None
    row.reply_due_at = None
    row.reply_attempts = 0
    row.save(
        update_fields=[
            "status", "end_reason", "ended_at", "paused_at", "pause_cause", "paused_seconds",
            "time_limit_at", "reply_due_at", "reply_attempts",
        ]
    )  # fmt: skip
    publish_status(row, now)
    hooks.on_session_ended.send(row)
    close_stream(stream=row.stream_name, code=codes.ENDED)
    if row.room_is_open:
        # Whoever is still in the room is thrown out; a sweep does it should this be lost.
        nudge(DELETE_ROOM_JOB, row.public_id)
    return True
