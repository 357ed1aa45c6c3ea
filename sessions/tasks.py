"""Jobs and sweeps of conversations: overdue replies, due endings, people who left."""

from __future__ import annotations

from core.jobs import job, periodic, sweep
from sessions.services import conversations, endings, rooms, turns


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


@periodic("17 * * * *", name="sessions.purge_claims")
def purge_room_claims() -> None:
    """Forget room names nobody used."""
    rooms.purge_claims()
