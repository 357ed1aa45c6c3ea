"""Background jobs of webhooks: one service call each, safe to run twice."""

from __future__ import annotations

from core.jobs import WEBHOOK_LANE, job, nudge, nudge_many, periodic, sweep
from webhooks.services import delivering, endpoints, notices
from webhooks.services.delivering import NOTICE_JOB
from webhooks.services.publishing import DELIVER_JOB


@job(DELIVER_JOB, lane=WEBHOOK_LANE)
def deliver(key: str) -> None:
    """Send what is due at the endpoint with this public id."""
    delivering.deliver_to(endpoint_id=key)


@sweep("webhooks.due_deliveries", every_seconds=1, lane=WEBHOOK_LANE)
def find_due_deliveries() -> None:
    """Nudge the senders of what is due: a retry, a lost job, a killed worker."""
    nudge_many(DELIVER_JOB, delivering.due_endpoint_ids())


@job(NOTICE_JOB)
def tell_owners(key: str) -> None:
    """Mail owners of stopped endpoints; the key is not used."""
    notices.tell_owners()


@sweep("webhooks.due_notices", every_seconds=30)
def find_due_notices() -> None:
    """Nudge the mails that are due."""
    if notices.has_due():
        nudge(NOTICE_JOB)


@periodic("43 3 * * *", name="webhooks.purge_events")
def purge_old_events() -> None:
    """Delete events and deliveries whose retention is over, each night."""
    while endpoints.purge_events():
        pass
