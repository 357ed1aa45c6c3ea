"""Background jobs of messaging: ids in, one service call, safe to run twice."""

from __future__ import annotations

from core.jobs import job, nudge, periodic, sweep
from messaging import shop_tasks
from messaging.models import InboundMedia
from messaging.services import (
    intake,
    media,
    privacy,
    pruning,
    sending,
    simulation,
    status_events,
)
from messaging.services.hand_offs import SEEN_JOB
from messaging.services.intake import DRAIN_JOB, MEDIA_JOB
from messaging.services.outbox import SEND_JOB
from messaging.services.status_events import STATUS_JOB
from messaging.whatsapp.simulator import DELIVER_JOB

#: Jobs are found by this module; naming the other one registers its jobs as well.
__all__ = ["shop_tasks"]


@job(DRAIN_JOB)
def drain_inbox(key: str) -> None:
    """Handle what waits in the inbox of the conversation with this public id."""
    from messaging.registry import get_controller

    get_controller().drain(key)


@sweep("messaging.due_inboxes", every_seconds=1)
def find_due_inboxes() -> None:
    """Nudge conversations nobody drains: a lost job, a killed worker, a turn that failed."""
    for key in intake.due_conversation_ids():
        nudge(DRAIN_JOB, key)


@job(SEND_JOB)
def send_due(key: str) -> None:
    """Send what is due in the conversation with this public id."""
    sending.send_due(conversation_id=key)


@job(SEEN_JOB)
def mark_seen(key: str) -> None:
    """Give what was written in the conversation with this public id its blue ticks."""
    sending.mark_seen(conversation_id=key)


@sweep("messaging.due_sends", every_seconds=1)
def find_due_sends() -> None:
    """Nudge conversations with messages whose time has come."""
    sending.settle_ambiguous()
    for key in sending.due_conversation_ids():
        nudge(SEND_JOB, key)


@job(STATUS_JOB)
def apply_statuses(key: str) -> None:
    """Bring messages up to date with the statuses that came; one nudge stands for a batch."""
    status_events.apply_statuses()


@sweep("messaging.due_statuses", every_seconds=1)
def find_due_statuses() -> None:
    """Nudge when statuses wait: a lost job, or a message whose id was not known yet."""
    if status_events.has_unapplied():
        nudge(STATUS_JOB)


@job(MEDIA_JOB)
def download_media(key: str) -> None:
    """Fetch the file of the inbound message with this key."""
    found = (
        InboundMedia.objects.select_related("message__number", "message__conversation")
        .filter(message__pk=int(key))
        .first()
    )
    if found is not None:
        media.download_media(media=found)


@sweep("messaging.due_media", every_seconds=30)
def find_due_media() -> None:
    """Nudge files that are still wanted."""
    for key in media.due_media_keys():
        nudge(MEDIA_JOB, key)


@job(DELIVER_JOB)
def deliver_simulated(key: str) -> None:
    """Hand over the simulator's webhooks whose time has come."""
    simulation.deliver_due()


@sweep("messaging.due_simulated", every_seconds=1)
def find_due_simulated() -> None:
    """Hand over what no nudge announced; nothing to do with the real back end."""
    simulation.deliver_due()


@periodic("5 4 * * *", name="messaging.prune")
def prune_orchestration() -> None:
    """Delete old webhook bodies and turn records, each night."""
    pruning.prune_orchestration()


@periodic("21 4 * * *", name="messaging.purge_silent_contacts")
def purge_silent_contacts() -> None:
    """Erase contacts nobody has heard of for longer than their company keeps words."""
    while privacy.purge_silent_contacts():
        pass
