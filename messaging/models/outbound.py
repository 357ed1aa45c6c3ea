"""What is to be sent and what became of it: the outbox. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from core.fields import PublicIdField
from core.lease import LeasedModel
from messaging.models.conversations import Conversation


class OutboundState(models.TextChoices):
    QUEUED = "queued", "To be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Nobody knows whether it arrived"
    HELD = "held", "Waits until the person writes again"
    CANCELLED = "cancelled", "Cancelled"


OUTBOUND_TRANSITIONS: dict[OutboundState, frozenset[OutboundState]] = {
    OutboundState.QUEUED: frozenset(
        {OutboundState.SENDING, OutboundState.HELD, OutboundState.FAILED, OutboundState.CANCELLED}
    ),
    OutboundState.SENDING: frozenset(
        {
            OutboundState.QUEUED,
            OutboundState.SENT,
            OutboundState.DELIVERED,
            OutboundState.READ,
            OutboundState.FAILED,
            OutboundState.UNKNOWN,
            OutboundState.HELD,
        }
    ),
    # WhatsApp may say only afterwards that the person has to write first.
    OutboundState.SENT: frozenset(
        {
            OutboundState.DELIVERED,
            OutboundState.READ,
            OutboundState.FAILED,
            OutboundState.HELD,
            OutboundState.QUEUED,
        }
    ),
    OutboundState.DELIVERED: frozenset({OutboundState.READ, OutboundState.FAILED}),
    OutboundState.READ: frozenset(),
    OutboundState.FAILED: frozenset(),
    # A late status tells after all; a person may decide to send it again.
    OutboundState.UNKNOWN: frozenset(
        {
            OutboundState.SENT,
            OutboundState.DELIVERED,
            OutboundState.READ,
            OutboundState.FAILED,
            OutboundState.HELD,
            OutboundState.QUEUED,
        }
    ),
    OutboundState.HELD: frozenset({OutboundState.QUEUED, OutboundState.CANCELLED}),
    OutboundState.CANCELLED: frozenset(),
}


class Author(models.TextChoices):
    AGENT = "agent", "Agent"
    OPERATOR = "operator", "Operator"
    SYSTEM = "system", "System"


class OutboundMessage(LeasedModel):
    """One message of ours. Written with the turn it answers, so a turn never answers twice."""

    public_id = PublicIdField(prefix="out")
    """Travels as ``biz_opaque_callback_data``: statuses name it even when we never got the id."""
    conversation = models.ForeignKey(
        Conversation, on_delete=models.PROTECT, related_name="outbound"
    )
    turn_id = models.CharField(max_length=128)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16)
    payload = models.JSONField()
    """`messaging.replies.Reply` as JSON; the adapter makes a vendor's body of it."""
    text = models.TextField(blank=True)
    """What a person reads of it, for the inbox and its search."""
    author = models.CharField(max_length=8, choices=Author.choices, default=Author.AGENT)
    author_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reply_to = models.CharField(max_length=255, blank=True)
    """wamid of the message that is answered: marked as read with the first reply."""
    state = models.CharField(
        max_length=16, choices=OutboundState.choices, default=OutboundState.QUEUED
    )
    wamid = models.CharField(
        max_length=255, null=True, blank=True, unique=True
    )  # unknown is not empty: the key is unique
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=32, blank=True)
    error_class = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "turn_id", "position"], name="outbound_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "next_attempt_at"], name="outbound_due"),
            models.Index(fields=["conversation", "id"], name="outbound_order"),
        ]

    def __str__(self) -> str:
        return self.public_id
