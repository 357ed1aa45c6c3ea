"""Jobs and sweeps of conversations: overdue replies, due endings, people who left."""

from __future__ import annotations

from django.conf import settings

from core.jobs import job, periodic, sweep
from sessions.services import (
    conversations,
    endings,
    privacy,
    recordings,
    room_events,
    rooms,
    turns,
    voices,
)


@job(turns.ANSWER_JOB)
def answer_overdue_turn(key: str) -> None:
    """Answer the turn of one conversation whose own request died."""
    turns.take_over_turn(public_id=key)


@sweep("sessions.overdue_turns", every_seconds=1)
def find_overdue_turns() -> None:
    """Nudge for every turn whose reply is overdue."""
    turns.nudge_overdue_turns()


@sweep("sessions.due_endings", every_seconds=1)
def end_due_sessions() -> None:
    """End what is due, after the clocks of those nobody attends have been stopped.

    In this order, so that the downtime of a server counts as nobody's talking time.
    """
    conversations.pause_absent_sessions()
    endings.expire_due_sessions()


@job(endings.DELETE_ROOM_JOB)
def delete_room(key: str) -> None:
    """Delete the LiveKit room of one ended conversation."""
    voices.delete_room(public_id=key)


@job(recordings.ERASE_JOB)
def erase_recording(key: str) -> None:
    """Delete one recording whose conversation was erased."""
    recordings.erase_recording(public_id=key)


@sweep("sessions.left_behind", every_seconds=30)
def find_left_behind() -> None:
    """Nudge for rooms that are still open and recordings that should be gone."""
    voices.nudge_open_rooms()
    recordings.nudge_due_erasures()


@periodic("43 3 * * *", name="sessions.purge_notices")
def purge_room_notices() -> None:
    """Forget old webhooks and the drafts of recordings nobody finished."""
    room_events.purge_notices()
    recordings.purge_drafts()


@periodic("17 * * * *", name="sessions.purge_claims")
def purge_room_claims() -> None:
    """Forget room names nobody used."""
    rooms.purge_claims()


@periodic("53 3 * * *", name="sessions.purge_chats")
def purge_old_chats() -> None:
    """Erase plain chats that are older than they are kept."""
    while privacy.purge_chats(days=settings.CHAT_RETENTION_DAYS):
        pass
