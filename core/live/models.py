"""Rows of live events: a stream with its last number, and the numbered events.

Knows nothing of sockets or of what the events mean.
"""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

MAX_STREAM_NAME_LENGTH = 90
MAX_TYPE_LENGTH = 40


class LiveStream(models.Model):
    """A sequence of events, such as those of one voice session."""

    name = models.CharField(max_length=MAX_STREAM_NAME_LENGTH, unique=True)
    last_seq = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "live stream"

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class LiveEvent(models.Model):
    """One durable event; events of a stream are numbered 1, 2, 3 … without gaps."""

    stream = models.ForeignKey(LiveStream, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=MAX_TYPE_LENGTH)
    payload = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "live event"
        ordering = ("stream", "seq")
        constraints = (
            models.UniqueConstraint(fields=("stream", "seq"), name="live_event_number_is_unique"),
        )

    def __str__(self) -> str:
        """Return stream id, number and type, without the payload."""
        return f"{self.stream_id}#{self.seq} {self.type}"
