"""One conversation and what was said in it. Knows no survey: that app hangs its rows on these."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from core.lease import LeasedModel


class SessionKind(models.TextChoices):
    """What a conversation is for."""

    CHAT = "chat", "Plain chat"
    SURVEY = "survey", "Survey"


class SessionMode(models.TextChoices):
    """How the person takes part."""

    TEXT = "text", "Typing"
    VOICE = "voice", "Voice"


class Transport(models.TextChoices):
    """What carries the conversation."""

    TYPING = "typing", "Typing"
    BROWSER_AUDIO = "browser_audio", "Browser audio"
    LIVEKIT = "livekit", "LiveKit room"
    WHATSAPP = "whatsapp", "WhatsApp"


class SessionStatus(models.TextChoices):
    """Where a conversation stands. ``ended`` is final; ``end_reason`` says how it came."""

    READY = "ready", "Ready"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ENDED = "ended", "Ended"


ALLOWED_TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    SessionStatus.READY: frozenset({SessionStatus.ACTIVE, SessionStatus.ENDED}),
    SessionStatus.ACTIVE: frozenset({SessionStatus.PAUSED, SessionStatus.ENDED}),
    SessionStatus.PAUSED: frozenset({SessionStatus.ACTIVE, SessionStatus.ENDED}),
    SessionStatus.ENDED: frozenset(),
}


class EndReason(models.TextChoices):
    """Why a conversation ended. Done and the time limit count as finished; the rest do not."""

    DONE = "done", "The person pressed Done"
    TIME_LIMIT = "time_limit", "The time limit was reached"
    STOPPED = "stopped", "It was stopped"
    EXPIRED = "expired", "Nobody came back in time"
    ERASED = "erased", "The person asked for erasure"
    FAILED = "failed", "Something broke"


FINISHED_REASONS = frozenset({EndReason.DONE, EndReason.TIME_LIMIT})


class PauseCause(models.TextChoices):
    """Why the clock stands still. Coming back ends an absence, not a pause somebody asked for."""

    PERSON = "person", "The person paused"
    ABSENCE = "absence", "Nobody was there"


class VoiceSession(LeasedModel):
    """One conversation between a person and an agent, by voice or by typing.

    The lease is held by the one process in which its live agent runs.
    """

    public_id = PublicIdField(prefix="session")
    kind = models.CharField(max_length=16, choices=SessionKind.choices)
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, null=True, blank=True, related_name="voice_sessions"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="voice_sessions",
    )
    """The signed-in person who started it; null for visitors."""

    status = models.CharField(
        max_length=16, choices=SessionStatus.choices, default=SessionStatus.READY
    )
    end_reason = models.CharField(max_length=16, choices=EndReason.choices, blank=True)
    mode = models.CharField(max_length=8, choices=SessionMode.choices, default=SessionMode.TEXT)
    transport = models.CharField(max_length=16, choices=Transport.choices, default=Transport.TYPING)
    language = models.CharField(max_length=8, default="en")
    room_name = models.CharField(max_length=120, unique=True)
    allowed_origins = models.JSONField(default=list, blank=True)
    """Origins besides our own that may open its routes and sockets; empty means any."""

    token_digest = models.CharField(max_length=64, unique=True)
    """SHA-256 of the participant's token."""
    token_expires_at = models.DateTimeField()

    system_prompt = models.TextField(blank=True)
    """For plain chats only. Private: no answer, token or event carries it."""
    briefing = models.JSONField(null=True, blank=True)
    """``agents.interview.types.Briefing`` as JSON. Private, but for its ``visitor_context``."""
    interview_state = models.JSONField(null=True, blank=True)
    """``InterviewState`` as JSON, written together with the reply it belongs to."""
    turn_version = models.PositiveIntegerField(default=0)
    """Raised by each committed segment; a reply computed from an older version changes no row."""
    reply_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Set while a visitor turn waits for its reply: when the recovery sweep takes over."""
    reply_attempts = models.PositiveSmallIntegerField(default=0)
    """How often the sweep has taken over the reply that is due; 0 when none is."""

    max_seconds = models.PositiveIntegerField(default=600)
    """Hard limit on active time; pauses do not count."""
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    """When the person joined and the clock began."""
    last_activity_at = models.DateTimeField(null=True, blank=True)
    """The participant's last sign of life; a conversation nobody attends is paused from here."""
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_cause = models.CharField(max_length=8, choices=PauseCause.choices, blank=True)
    paused_seconds = models.FloatField(default=0)
    """Of the pauses that are over."""
    time_limit_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """While active: when ``max_seconds`` of active time will have passed."""
    ended_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    """When a session nobody ended is ended as expired."""

    agent_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Since when a live agent is wanted in the room and none has come."""
    room_is_open = models.BooleanField(default=False)
    """A LiveKit room may exist for it, to be deleted once the conversation has ended."""
    stop_requested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["company", "-created_at"]),
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["status", "expires_at"]),
            models.Index(fields=["status", "last_activity_at"]),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(
                    models.Q(status=SessionStatus.ENDED, ended_at__isnull=False)
                    & ~models.Q(end_reason="")
                )
                | (~models.Q(status=SessionStatus.ENDED) & models.Q(ended_at__isnull=True)),
                name="voice_session_ended_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(status=SessionStatus.PAUSED, paused_at__isnull=False)
                | (~models.Q(status=SessionStatus.PAUSED) & models.Q(paused_at__isnull=True)),
                name="voice_session_paused_says_when",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def stream_name(self) -> str:
        """The live event stream of this conversation."""
        return f"voice_session.{self.public_id}"

    @property
    def is_ended(self) -> bool:
        return self.status == SessionStatus.ENDED

    @property
    def is_finished(self) -> bool:
        """True when it ended in a way that counts as finished (see `FINISHED_REASONS`)."""
        return self.end_reason in FINISHED_REASONS

    def active_seconds(self, now: datetime) -> float:
        """Return how long the conversation has been active at `now`, pauses left out."""
        if self.started_at is None:
            return 0.0
        until = self.ended_at or self.paused_at or now
        return max(0.0, (until - self.started_at).total_seconds() - self.paused_seconds)

    def seconds_left(self, now: datetime) -> float:
        """Return how much of ``max_seconds`` is left at `now`; 0 once it is ended."""
        if self.is_ended:
            return 0.0
        return max(0.0, self.max_seconds - self.active_seconds(now))

    def may_become(self, status: SessionStatus) -> bool:
        """Tell whether the state machine has this step."""
        return status in ALLOWED_TRANSITIONS[SessionStatus(self.status)]


class SegmentRole(models.TextChoices):
    AGENT = "agent", "Agent"
    USER = "user", "Visitor"


class SegmentSource(models.TextChoices):
    """Where words came from; only the first two are the server's own record."""

    TYPED = "typed", "Typed"
    SPOKEN = "spoken", "Spoken"
    AGENT = "agent", "Agent"
    VISITOR_CLAIM = "visitor_claim", "Sent by the visitor at Done"
    COMPANY_CLAIM = "company_claim", "Sent by the company's server at Done"


class TranscriptSegment(models.Model):
    """One final utterance. Interim words are never stored."""

    public_id = PublicIdField(prefix="seg")
    voice_session = models.ForeignKey(
        VoiceSession, on_delete=models.CASCADE, related_name="segments"
    )
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=8, choices=SegmentRole.choices)
    source = models.CharField(max_length=16, choices=SegmentSource.choices)
    text = models.TextField()
    question_id = models.CharField(max_length=64, blank=True)
    """The survey question that was open when it was said."""
    client_id = models.CharField(max_length=64, blank=True)
    """Chosen by the client: the same one twice is one segment. Empty for what no client sent."""
    at_seconds = models.FloatField(default=0)
    """Active seconds since ``started_at``, by the server's clock."""
    typing_seconds = models.FloatField(null=True, blank=True)
    """How long the person spoke or typed, where the transport knows it."""
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    """Agent segments: from the end of the visitor's turn to the first word of the reply."""
    interrupted = models.BooleanField(default=False)
    """Agent segments: cut short by the visitor; ``text`` is what was heard of it."""
    recording = models.ForeignKey(
        "SessionRecording",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="segments",
    )
    recording_seconds = models.FloatField(null=True, blank=True)
    """Where the words begin in ``recording``."""
    is_late = models.BooleanField(default=False)
    """Arrived after the end: kept, never scored."""
    had_hidden_text = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["voice_session", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["voice_session", "position"], name="segment_position_once"
            ),
            models.UniqueConstraint(
                fields=["voice_session", "client_id"],
                condition=~models.Q(client_id=""),
                name="segment_client_id_once",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class RoomClaim(models.Model):
    """A room name a signed-in person took before the conversation that uses it was made."""

    room_name = models.CharField(max_length=120, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="room_claims"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.room_name


class SessionRecording(models.Model):
    """A sound file of a conversation, written after the file is complete: no row, no recording.

    Each life of the live agent makes one of its own, named by its fence, so that a late process
    never writes over what a later one recorded.
    """

    public_id = PublicIdField(prefix="rec")
    voice_session = models.ForeignKey(
        VoiceSession, on_delete=models.CASCADE, related_name="recordings"
    )
    fence = models.PositiveBigIntegerField()
    storage_key = models.CharField(max_length=200, unique=True)
    """Name in the default file storage. Private: it is served through a route that asks who."""
    started_at = models.DateTimeField()
    duration_seconds = models.FloatField()
    byte_count = models.PositiveBigIntegerField()
    erase_requested_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Set with the erasure of the conversation; a job deletes the file, then the row."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["voice_session", "fence"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["voice_session", "fence"], name="recording_once_an_agent"
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class UsagePart(models.TextChoices):
    """Which part of a voice was used."""

    STT = "stt", "Speech to text"
    LLM = "llm", "Language model"
    TTS = "tts", "Text to speech"


class VoiceUsage(models.Model):
    """What one life of the live agent used of one model. Totals: a later figure replaces it."""

    voice_session = models.ForeignKey(
        VoiceSession, on_delete=models.CASCADE, related_name="voice_usage"
    )
    fence = models.PositiveBigIntegerField()
    part = models.CharField(max_length=8, choices=UsagePart.choices)
    provider = models.CharField(max_length=120)
    model = models.CharField(max_length=120)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    character_count = models.PositiveBigIntegerField(default=0)
    audio_seconds = models.FloatField(default=0)
    cost_micros = models.PositiveBigIntegerField(null=True, blank=True)
    """Millionths of a US dollar; null when the price of the model is not known."""
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "voice usage"
        ordering: ClassVar = ["voice_session", "fence", "part"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["voice_session", "fence", "part", "provider", "model"],
                name="voice_usage_once_a_model",
            )
        ]

    def __str__(self) -> str:
        return f"{self.part} {self.model}"


class LatencyKind(models.TextChoices):
    """What was waited for, in the order of a spoken turn."""

    TRANSCRIPTION = "transcription", "End of speech to its final words"
    REPLY = "reply", "Final words to the text of the reply"
    VOICE = "voice", "Text of the reply to its first sound"
    FIRST_AUDIO = "first_audio", "End of speech to first sound"
    SILENCE = "silence", "Visitor begins to speak to agent silent"


class VoiceLatency(models.Model):
    """One wait of a spoken conversation, measured by the server."""

    voice_session = models.ForeignKey(
        VoiceSession, on_delete=models.CASCADE, related_name="voice_latencies"
    )
    segment = models.ForeignKey(
        TranscriptSegment,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="voice_latencies",
    )
    kind = models.CharField(max_length=16, choices=LatencyKind.choices)
    milliseconds = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "voice latencies"
        indexes: ClassVar = [models.Index(fields=["voice_session", "kind"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.milliseconds} ms"


class RoomEvent(models.Model):
    """A webhook of the LiveKit server, kept so that the same one twice is one."""

    event_id = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=40)
    room_name = models.CharField(max_length=120, blank=True)
    voice_session = models.ForeignKey(
        VoiceSession,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="room_events",
    )
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
