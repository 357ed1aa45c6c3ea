"""What Meta sent us: whole bodies, and one row an item, once for ever. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from messaging.models.contacts import Contact
from messaging.models.conversations import Conversation
from messaging.models.numbers import BusinessNumber
from messaging.models.outbound import OutboundMessage


class RawWebhook(models.Model):
    """A signed body as it came. A repeated body is the same row."""

    digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the body."""
    body = models.TextField()
    item_count = models.PositiveIntegerField(default=0)
    unknown_count = models.PositiveIntegerField(default=0)
    """Items of a kind, or for a number, that nobody here knows; kept in the body."""
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.digest[:12]


class InboundState(models.TextChoices):
    WAITING = "waiting", "Waiting in the inbox"
    DONE = "done", "Answered"
    SILENT = "silent", "Kept without an answer"
    FAILED = "failed", "Could not be handled"


INBOUND_TRANSITIONS: dict[InboundState, frozenset[InboundState]] = {
    InboundState.WAITING: frozenset({InboundState.DONE, InboundState.SILENT, InboundState.FAILED}),
    InboundState.DONE: frozenset(),
    InboundState.SILENT: frozenset(),
    InboundState.FAILED: frozenset({InboundState.WAITING}),
}


class InboundMessage(models.Model):
    """One message of a person. It waits here until the holder of its conversation takes it."""

    number = models.ForeignKey(BusinessNumber, on_delete=models.PROTECT, related_name="inbound")
    wamid = models.CharField(max_length=255)
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="inbound")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="inbound")
    type = models.CharField(max_length=32)
    payload = models.JSONField()
    """The item as it came, from untrusted hands."""
    profile_name = models.CharField(max_length=120, blank=True)
    sent_at = models.DateTimeField()
    """By the sender's phone, to the second."""
    state = models.CharField(
        max_length=8, choices=InboundState.choices, default=InboundState.WAITING
    )
    attempts = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number", "wamid"], name="inbound_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["conversation", "state", "sent_at", "id"], name="inbound_inbox"),
        ]

    def __str__(self) -> str:
        return self.wamid


class MessageStatus(models.Model):
    """One status event of a message of ours; it may come before we know the message's id."""

    number = models.ForeignKey(BusinessNumber, on_delete=models.PROTECT, related_name="+")
    wamid = models.CharField(max_length=255)
    status = models.CharField(max_length=16)
    at_seconds = models.BigIntegerField()
    """Unix time in the event."""
    outbound = models.ForeignKey(
        OutboundMessage, on_delete=models.SET_NULL, null=True, blank=True, related_name="statuses"
    )
    payload = models.JSONField()
    received_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    """Its message was looked for; one that turns up later looks for its statuses itself."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["number", "wamid", "status", "at_seconds"], name="status_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["wamid"], name="status_wamid"),
            models.Index(
                fields=["id"], condition=models.Q(applied_at=None), name="status_unapplied"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.wamid}"


class MediaState(models.TextChoices):
    WANTED = "wanted", "To be downloaded"
    STORED = "stored", "Stored"
    REFUSED = "refused", "Not kept"
    GONE = "gone", "No longer there"


class InboundMedia(models.Model):
    """A picture, voice note or file of an inbound message, downloaded while its link lives."""

    message = models.OneToOneField(InboundMessage, on_delete=models.CASCADE, related_name="media")
    media_id = models.CharField(max_length=128)
    mime_type = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=MediaState.choices, default=MediaState.WANTED)
    file_key = models.CharField(max_length=200, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    error_code = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.media_id
