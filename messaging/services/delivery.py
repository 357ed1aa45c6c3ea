"""What became of a message of ours, as statuses tell: sent, delivered, read, failed.

Owns the states after sending. Statuses come in any order, repeatedly, and sometimes before the
send call has answered; a state only ever moves forward, and a failure is final. One failure is
none: where the 24 hours are over, the message waits for the person to write, as it does when the
send call itself says so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from core import clock
from core.jobs import nudge
from core.live import publish_ephemeral
from messaging.models import BusinessNumber, MessageStatus, OutboundMessage, OutboundState
from messaging.services.outbox import SEND_JOB
from messaging.whatsapp.base import ErrorClass

WINDOW_CODE = "131047"
RANK = {"sent": 1, "delivered": 2, "read": 3, "played": 3, "failed": 4}
_STATE_RANK = {
    OutboundState.QUEUED: 0,
    OutboundState.SENDING: 0,
    OutboundState.UNKNOWN: 0,
    OutboundState.SENT: 1,
    OutboundState.DELIVERED: 2,
    OutboundState.READ: 3,
    OutboundState.FAILED: 4,
}
_TARGET = {
    "sent": OutboundState.SENT,
    "delivered": OutboundState.DELIVERED,
    "read": OutboundState.READ,
    "played": OutboundState.READ,
    "failed": OutboundState.FAILED,
}
_MOMENT = {
    OutboundState.SENT: "sent_at",
    OutboundState.DELIVERED: "delivered_at",
    OutboundState.READ: "read_at",
    OutboundState.FAILED: "failed_at",
}


def apply_status(*, number: BusinessNumber, wamid: str, opaque: str = "") -> bool:
    """Bring the message that statuses speak of up to date with all of them.

    Args:
        number: which sent it.
        wamid: Meta's id.
        opaque: our own id, which Meta repeats; finds a message whose id we never learned.

    Returns:
        Whether there is such a message.

    Joins the caller's transaction. Safe in any order and again.
    """
    message = _find(number, wamid, opaque)
    if message is None:
        return False
    events = list(
        MessageStatus.objects.filter(number=number, wamid=wamid).order_by("at_seconds", "pk")
    )
    is_held_before = any(_is_window_refusal(one) and one.outbound_id for one in events)
    MessageStatus.objects.filter(pk__in=[one.pk for one in events], outbound=None).update(
        outbound=message
    )
    _wake_following(message)
    known = [one for one in events if one.status in RANK]
    if not known or is_held_before:
        # What is told again of a try that was refused says nothing of the next one.
        return True
    best = max(known, key=lambda one: RANK[one.status])
    target = _TARGET[best.status]
    if target == OutboundState.FAILED and message.wamid not in (None, wamid):
        return True
    # Sent a second time it has a second id: then the first one's statuses do not rename it.
    fields: dict[str, Any] = {"wamid": message.wamid or wamid}
    for event in known:
        moment = _MOMENT[_TARGET[event.status]]
        if getattr(message, moment) is None:
            fields.setdefault(moment, datetime.fromtimestamp(event.at_seconds, UTC))
    if message.sent_at is None and "sent_at" not in fields and target != OutboundState.FAILED:
        fields["sent_at"] = datetime.fromtimestamp(known[0].at_seconds, UTC)
    current = _STATE_RANK.get(OutboundState(message.state))
    if current is None or RANK[best.status] <= current:
        OutboundMessage.objects.filter(pk=message.pk).update(**fields)
        return True
    if _is_window_refusal(best):
        _hold(message)
        return True
    fields["state"] = target
    fields["next_attempt_at"] = None
    if target == OutboundState.FAILED:
        fields["error_code"] = _error_code(best.payload)
        fields["error_class"] = "status"
    OutboundMessage.objects.filter(pk=message.pk, state=message.state).update(**fields)
    _tell(message, target)
    return True


def _wake_following(message: OutboundMessage) -> None:
    """Have what waited for this message to be on its way looked at."""
    if OutboundMessage.objects.filter(
        conversation_id=message.conversation_id, state=OutboundState.QUEUED
    ).exists():
        nudge(SEND_JOB, message.conversation.public_id)


def _hold(message: OutboundMessage) -> None:
    """Let a message wait for the person to write; one that was overtaken by that goes out again."""
    last = message.conversation.last_inbound_at
    is_open_again = last is not None and message.sent_at is not None and last > message.sent_at
    state = OutboundState.QUEUED if is_open_again else OutboundState.HELD
    OutboundMessage.objects.filter(pk=message.pk, state=message.state).update(
        state=state,
        wamid=None,
        sent_at=None,
        next_attempt_at=clock.now() if is_open_again else None,
        error_code=WINDOW_CODE,
        error_class=str(ErrorClass.WINDOW),
        lease_owner="",
        leased_until=None,
    )
    _tell(message, state)
    nudge(SEND_JOB, message.conversation.public_id)


def _tell(message: OutboundMessage, state: OutboundState) -> None:
    publish_ephemeral(
        stream=message.conversation.stream_name,
        type="status",
        payload={"message": message.public_id, "state": state},
    )


def _is_window_refusal(event: MessageStatus) -> bool:
    return event.status == "failed" and _error_code(event.payload) == WINDOW_CODE


def _find(number: BusinessNumber, wamid: str, opaque: str) -> OutboundMessage | None:
    matching = Q(wamid=wamid)
    if opaque:
        matching |= Q(public_id=opaque[:64])
    found = (
        OutboundMessage.objects.select_for_update(of=("self",))
        .select_related("conversation")
        .filter(matching, conversation__number=number)
        .order_by("pk")
    )
    # The id decides; our own mark stands in for it until it is known.
    rows = list(found[:2])
    return next((row for row in rows if row.wamid == wamid), rows[0] if rows else None)


def _error_code(payload: dict[str, Any]) -> str:
    errors = payload.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("code", ""))[:32] if isinstance(first, dict) else ""
