"""Background jobs of accounts: erasures that were asked for, and what is old enough to go."""

from __future__ import annotations

from accounts.services import leaving, retention
from accounts.services.leaving import ERASE_JOB
from core.jobs import job, nudge, periodic, sweep


@job(ERASE_JOB)
def erase_person(key: str) -> None:
    """Carry out the erasure request with this public id, if that is due."""
    leaving.carry_out(request_id=key)


@sweep("accounts.due_erasures", every_seconds=30)
def find_due_erasures() -> None:
    """Nudge erasures that nobody is carrying out."""
    for request_id in leaving.due_request_ids():
        nudge(ERASE_JOB, request_id)


@periodic("11 4 * * *", name="accounts.purge_old_rows")
def purge_old_rows() -> None:
    """Delete ended login sessions, old failed logins and old invitations, each night."""
    retention.purge_old_rows()
