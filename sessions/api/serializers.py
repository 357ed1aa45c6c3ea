"""What the routes of conversations take and answer, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import StrictCharField
from sessions import limits
from sessions.models import (
    ALLOWED_TRANSITIONS,
    EndReason,
    LatencyKind,
    PauseCause,
    SegmentRole,
    SegmentSource,
    SessionKind,
    SessionMode,
    SessionStatus,
    Transport,
    UsagePart,
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuse fields the route does not know, rather than let a typing mistake pass unseen."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked fields."""
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))[:10]
            if unknown:
                raise serializers.ValidationError(
                    {str(name)[:80]: ["This field is not known here."] for name in unknown}
                )
        return super().to_internal_value(data)


class StrictNumberField(serializers.FloatField):
    """A JSON number; text and booleans are refused."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class RawTextField(serializers.CharField):
    """Text as it came: the service cleans it, and needs to know what it cleaned away."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the text; numbers and booleans are refused."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(data)


class CreateSessionInput(StrictSerializer):
    """Body of ``POST /session``."""

    room = StrictCharField(required=False, max_length=100)
    identity = StrictCharField(required=False, max_length=40)
    name = StrictCharField(required=False, max_length=80)
    system_prompt = StrictCharField(
        required=False, allow_blank=True, max_length=limits.SYSTEM_PROMPT_LENGTH
    )
    mode = serializers.ChoiceField(choices=SessionMode.choices, required=False)
    transport = StrictCharField(
        required=False, max_length=16, help_text="auto, or one of what transports answers."
    )
    language = serializers.RegexField(
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?$", required=False, max_length=limits.LANGUAGE_LENGTH
    )


class VoiceInput(StrictSerializer):
    """Body of ``POST /session/{id}/voice``."""

    transport = StrictCharField(
        required=False,
        max_length=16,
        help_text="auto for voice by the best way there is, one of transports, or typing.",
    )


class VoiceSerializer(serializers.Serializer[Any]):
    """How a conversation is carried now."""

    mode = serializers.ChoiceField(choices=SessionMode.choices)
    transport = serializers.ChoiceField(choices=Transport.choices)
    transports = serializers.ListField(child=serializers.CharField())
    voice = serializers.CharField(
        allow_blank=True, help_text="Whose voice is heard, in words for people."
    )
    room_name = serializers.CharField()
    livekit_url = serializers.CharField(allow_null=True)
    livekit_token = serializers.CharField(
        allow_null=True, help_text="For the participant, when the transport is a room."
    )


class RecordingSerializer(serializers.Serializer[Any]):
    """A sound file of a conversation."""

    recording_id = serializers.CharField()
    url = serializers.CharField()
    started_at = serializers.DateTimeField()
    duration_seconds = serializers.FloatField()
    byte_count = serializers.IntegerField()


class UsageSerializer(serializers.Serializer[Any]):
    """What a conversation used of one model."""

    part = serializers.ChoiceField(choices=UsagePart.choices)
    provider = serializers.CharField()
    model = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    character_count = serializers.IntegerField()
    audio_seconds = serializers.FloatField()
    cost_usd = serializers.CharField(
        allow_null=True, help_text="Dollars as text with six decimals; null without a known price."
    )


class LatencySerializer(serializers.Serializer[Any]):
    """One kind of wait in a conversation."""

    kind = serializers.ChoiceField(choices=LatencyKind.choices)
    count = serializers.IntegerField()
    p50_ms = serializers.IntegerField()
    p95_ms = serializers.IntegerField()


class VoiceReportSerializer(serializers.Serializer[Any]):
    """Answer of ``GET /session/{id}/voice``."""

    session_id = serializers.CharField()
    mode = serializers.ChoiceField(choices=SessionMode.choices)
    transport = serializers.ChoiceField(choices=Transport.choices)
    recordings = RecordingSerializer(many=True)
    usage = UsageSerializer(many=True)
    cost_usd = serializers.CharField(
        allow_null=True, help_text="Dollars as text with six decimals; null without a known price."
    )
    latencies = LatencySerializer(many=True)


class AgentSerializer(serializers.Serializer[Any]):
    """Who will answer."""

    engine = serializers.CharField(help_text="builtin, or the name of the language model.")
    description = serializers.CharField()
    follows_system_prompt = serializers.BooleanField()


class CreatedSessionSerializer(serializers.Serializer[Any]):
    """Answer of ``POST /session``."""

    session_id = serializers.CharField()
    session_token = serializers.CharField(help_text="Shown once. Opens this conversation alone.")
    status = serializers.ChoiceField(choices=SessionStatus.choices)
    mode = serializers.ChoiceField(choices=SessionMode.choices)
    transport = serializers.ChoiceField(choices=Transport.choices)
    transports = serializers.ListField(child=serializers.CharField())
    language = serializers.CharField()
    room_name = serializers.CharField()
    livekit_url = serializers.CharField(allow_null=True)
    livekit_token = serializers.CharField(
        allow_null=True, help_text="For the participant, when the transport is a room."
    )
    voice = serializers.CharField(
        allow_blank=True, help_text="Whose voice is heard, in words for people."
    )
    ws_url = serializers.CharField()
    expires_at = serializers.DateTimeField()
    max_seconds = serializers.IntegerField()
    agent = AgentSerializer()


class TurnInput(StrictSerializer):
    """Body of ``POST /session/{id}/turns``."""

    client_id = RawTextField(
        help_text="Chosen by the client, a new one for each turn; the same one twice is one turn."
    )
    text = RawTextField(help_text="What the person wrote.")
    typing_seconds = StrictNumberField(
        required=False, allow_null=True, min_value=0, help_text="How long they wrote, if measured."
    )


class SegmentSerializer(serializers.Serializer[Any]):
    """A final segment."""

    segment_id = serializers.CharField()
    role = serializers.ChoiceField(choices=SegmentRole.choices)
    text = serializers.CharField()
    final = serializers.BooleanField()
    position = serializers.IntegerField(help_text="1, 2, 3 … in the conversation.")
    at_seconds = serializers.FloatField(help_text="Active seconds when it was said.")
    latency_ms = serializers.IntegerField(allow_null=True)
    interrupted = serializers.BooleanField()
    client_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class TranscriptEntrySerializer(SegmentSerializer):
    """A segment of a transcript."""

    started_seconds = serializers.FloatField()
    recorded_as = serializers.ChoiceField(choices=SegmentSource.choices)
    recording_id = serializers.CharField(allow_null=True)
    recording_seconds = serializers.FloatField(
        allow_null=True, help_text="Where the words begin in the recording."
    )
    question_id = serializers.CharField(allow_null=True)
    is_late = serializers.BooleanField(help_text="Came after the end: kept, never scored.")


class ProgressSerializer(serializers.Serializer[Any]):
    """How far an interview is."""

    answered = serializers.IntegerField(help_text="Questions behind the person, skipped included.")
    total = serializers.IntegerField()
    current = serializers.CharField(allow_null=True, help_text="Id of the open question.")
    current_number = serializers.IntegerField(allow_null=True)
    current_text = serializers.CharField(allow_null=True)
    closed = serializers.BooleanField(help_text="The interview is over; Done is what is left.")


_TRANSITIONS = "; ".join(
    f"{state.value} to {' or '.join(sorted(after)) or 'nothing'}"
    for state, after in ALLOWED_TRANSITIONS.items()
)


class StatusSerializer(serializers.Serializer[Any]):
    """Where a conversation stands."""

    status = serializers.ChoiceField(
        choices=SessionStatus.choices, help_text=f"Steps there are: {_TRANSITIONS}."
    )
    end_reason = serializers.ChoiceField(choices=EndReason.choices, allow_null=True)
    pause_cause = serializers.ChoiceField(choices=PauseCause.choices, allow_null=True)
    is_finished = serializers.BooleanField()
    seconds_left = serializers.FloatField()


class TurnAnswerSerializer(StatusSerializer):
    """Answer of ``POST /session/{id}/turns``."""

    segments = SegmentSerializer(many=True)
    progress = ProgressSerializer(allow_null=True)
    reply_pending = serializers.BooleanField(
        help_text="The reply is not there yet; it comes as an event."
    )


class SnapshotSerializer(StatusSerializer):
    """Everything a client that joins needs."""

    seq = serializers.IntegerField(help_text="Number of the last event this includes.")
    session_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=SessionKind.choices)
    mode = serializers.ChoiceField(choices=SessionMode.choices)
    transport = serializers.ChoiceField(choices=Transport.choices)
    language = serializers.CharField()
    agent_state = serializers.ChoiceField(
        choices=["initializing", "listening", "thinking", "speaking"]
    )
    progress = ProgressSerializer(allow_null=True)
    segments = SegmentSerializer(many=True)


class EventsQuery(serializers.Serializer[Any]):
    """Query of ``GET /session/{id}/events``."""

    after = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=2**53 - 1,
        help_text="Number of the last event the client has.",
    )  # fmt: skip
    wait = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=limits.POLL_SECONDS_MAX,
        help_text="Seconds to wait for an event when there is none yet.",
    )  # fmt: skip


class EventSerializer(serializers.Serializer[Any]):
    """One durable event; its further fields depend on the type, see the AsyncAPI document."""

    seq = serializers.IntegerField()
    type = serializers.ChoiceField(choices=["transcript", "progress", "session"])
    ts = serializers.DateTimeField()


class EventsAnswerSerializer(StatusSerializer):
    """Answer of ``GET /session/{id}/events``."""

    events = EventSerializer(many=True)
    last_seq = serializers.IntegerField(help_text="Send it as after next time.")
    has_more = serializers.BooleanField()
    agent_state = serializers.CharField()


class WatchQuery(EventsQuery):
    """Query of ``GET /transcripts/{id}/events``."""

    after = serializers.IntegerField(
        required=False, default=None, min_value=0, max_value=2**53 - 1,
        help_text="Number of the last event the client has; left out, the snapshot is sent.",
    )  # fmt: skip


class WatchAnswerSerializer(EventsAnswerSerializer):
    """Answer of ``GET /transcripts/{id}/events``."""

    snapshot = serializers.DictField(
        allow_null=True,
        help_text="As the socket's first message; only without after.",
    )


class StoppedSerializer(serializers.Serializer[Any]):
    """Answer of ``DELETE /session/{id}``."""

    stopped = serializers.BooleanField()


class TranscriptSerializer(serializers.Serializer[Any]):
    """Answer of ``GET /transcripts/{id}``."""

    session_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=SessionKind.choices)
    status = serializers.ChoiceField(choices=SessionStatus.choices)
    end_reason = serializers.ChoiceField(choices=EndReason.choices, allow_null=True)
    mode = serializers.ChoiceField(choices=SessionMode.choices)
    language = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    active_seconds = serializers.FloatField()
    segments = TranscriptEntrySerializer(many=True)


class RoomTokenQuery(serializers.Serializer[Any]):
    """Query of ``GET /token``."""

    room = serializers.CharField(required=False, max_length=120)
    identity = serializers.CharField(required=False, max_length=40)
    name = serializers.CharField(required=False, max_length=80)


class RoomTokenSerializer(serializers.Serializer[Any]):
    """Answer of ``GET /token``."""

    token = serializers.CharField(help_text="LiveKit JWT for one room, valid for ten minutes.")
