"""What a number and a contact have said to each other, and where the dialogue stands. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from core.fields import PublicIdField
from core.lease import LeasedModel
from messaging.models.contacts import Contact
from messaging.models.numbers import BusinessNumber


class ConversationMode(models.TextChoices):
    AGENT = "agent", "The agents answer"
    WAITING = "waiting", "Waiting for a person"
    OPERATOR = "operator", "A person answers"


MODE_TRANSITIONS: dict[ConversationMode, frozenset[ConversationMode]] = {
    ConversationMode.AGENT: frozenset({ConversationMode.WAITING, ConversationMode.OPERATOR}),
    ConversationMode.WAITING: frozenset({ConversationMode.OPERATOR, ConversationMode.AGENT}),
    ConversationMode.OPERATOR: frozenset({ConversationMode.AGENT, ConversationMode.WAITING}),
}


class Conversation(LeasedModel):
    """One thread. Its lease is the lock under which its inbox is drained; the fence guards commits.

    ``state`` is the truth of the dialogue, of the version beside it; Redis only repeats it.
    """

    public_id = PublicIdField(prefix="conversation")
    number = models.ForeignKey(
        BusinessNumber, on_delete=models.PROTECT, related_name="conversations"
    )
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="conversations")
    version = models.PositiveBigIntegerField(default=0)
    state = models.JSONField(null=True, blank=True)
    """`messaging.state.contract`; None before the first turn and after 24 silent hours."""
    lane = models.CharField(max_length=16, blank=True)
    mode = models.CharField(
        max_length=16, choices=ConversationMode.choices, default=ConversationMode.AGENT
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    """Opens the 24 hours in which anything may be written to the person."""
    last_activity_at = models.DateTimeField(null=True, blank=True)
    inbox_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Something waits in the inbox since then; None when it is drained."""
    inbox_attempts = models.PositiveIntegerField(default=0, editable=False)
    unread_count = models.PositiveIntegerField(default=0)
    """Inbound messages no operator has seen."""
    pair_slot_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Theoretical arrival time of the next send to this person (GCRA)."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number", "contact"], name="conversation_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["inbox_due_at"], name="conversation_inbox_due"),
            models.Index(fields=["number", "-last_activity_at"], name="conversation_recent"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def stream_name(self) -> str:
        """The live stream an operator's page follows."""
        return f"conversation.{self.public_id}"


class TurnRecord(models.Model):
    """What one turn came to: the audit trail of routing, and the figures of operators' pages."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    turn_id = models.CharField(max_length=128)
    version = models.PositiveBigIntegerField(null=True, blank=True)
    """The state version it made; None when it failed or changed no state."""
    lane = models.CharField(max_length=16, blank=True)
    intent = models.CharField(max_length=48, blank=True)
    confidence = models.FloatField(default=0)
    source = models.CharField(max_length=8, blank=True)
    """state, rules or llm."""
    reasons = models.JSONField(default=list, blank=True)
    reply_count = models.PositiveIntegerField(default=0)
    is_success = models.BooleanField(default=True)
    error_code = models.CharField(max_length=64, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    corrected_lane = models.CharField(max_length=16, blank=True)
    """What an operator says it should have been."""
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "turn_id"],
                condition=models.Q(is_success=True),
                name="turn_succeeds_once",
            ),
        ]

    def __str__(self) -> str:
        return self.turn_id


class ConversationNote(models.Model):
    """A remark of an operator; the contact never sees it."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField(max_length=4000)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"note {self.pk}"
