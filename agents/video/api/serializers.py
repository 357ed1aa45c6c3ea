"""What the routes of videos take and answer, field by field, with their limits."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from agents.video import script_rules as rules
from agents.video.models import Origin, RunState, SceneKind
from agents.video.status import AGENTS, MAX_ERROR_LENGTH, MAX_REASON_LENGTH, STATUSES
from core.api.fields import StrictCharField, StrictIntegerField


class ChartValueSerializer(serializers.Serializer[Any]):
    """One bar of a chart."""

    label = serializers.CharField(  # type: ignore[assignment]  # a field of this name is meant
        max_length=rules.LABEL_LENGTH
    )
    value = serializers.FloatField(min_value=0, max_value=rules.LARGEST_VALUE)


class SceneSerializer(serializers.Serializer[Any]):
    """One slide and what the voice says over it. A chart needs values, a list items, a quote and
    a figure text."""

    kind = serializers.ChoiceField(choices=SceneKind.choices)
    heading = serializers.CharField(max_length=rules.HEADING_LENGTH)
    text = serializers.CharField(
        max_length=rules.TEXT_LENGTH,
        required=False,
        help_text="Subtitle, quoted words, or the figure shown large.",
    )
    items = serializers.ListField(
        child=serializers.CharField(max_length=rules.ITEM_LENGTH),
        max_length=rules.MAX_ITEMS,
        required=False,
        help_text="Points of a list; elsewhere small print, such as who said a quote.",
    )
    values = serializers.ListField(
        child=ChartValueSerializer(), max_length=rules.MAX_VALUES, required=False
    )
    narration = serializers.CharField(max_length=rules.NARRATION_LENGTH)


class StrictBody(serializers.Serializer[Any]):
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


class CreateVideoInput(StrictBody):
    """Body of ``POST /api/video-sessions``. The service checks what is in a scene."""

    title = StrictCharField(max_length=rules.TITLE_LENGTH)
    scenes = serializers.ListField(
        child=serializers.JSONField(), min_length=1, max_length=rules.MAX_SCENES
    )
    language = serializers.RegexField(rules.LANGUAGE_PATTERN, default="en")
    voice = serializers.RegexField(rules.VOICE_PATTERN, required=False, allow_blank=True)


class UpdateVideoInput(StrictBody):
    """Body of ``PATCH /api/video-sessions/{id}``; what is left out stays."""

    title = StrictCharField(max_length=rules.TITLE_LENGTH, required=False)
    scenes = serializers.ListField(
        child=serializers.JSONField(), min_length=1, max_length=rules.MAX_SCENES, required=False
    )
    language = serializers.RegexField(rules.LANGUAGE_PATTERN, required=False)
    voice = serializers.RegexField(rules.VOICE_PATTERN, required=False, allow_blank=True)
    revision = StrictIntegerField(
        min_value=1, required=False, help_text="Refuse with 409 when the script is another by now."
    )


class CreateVideoBody(CreateVideoInput):
    """``POST /api/video-sessions`` as it is published."""

    scenes = serializers.ListField(
        child=SceneSerializer(), min_length=1, max_length=rules.MAX_SCENES
    )


class UpdateVideoBody(UpdateVideoInput):
    """``PATCH /api/video-sessions/{id}`` as it is published."""

    scenes = serializers.ListField(
        child=SceneSerializer(), min_length=1, max_length=rules.MAX_SCENES, required=False
    )


class VideoRunSerializer(serializers.Serializer[Any]):
    """A run."""

    runId = serializers.CharField()  # noqa: N815 - the seed's spelling
    sessionId = serializers.CharField()  # noqa: N815 - the seed's spelling
    state = serializers.ChoiceField(choices=RunState.choices)
    tries = serializers.IntegerField(help_text="Attempts; a crash of the worker costs one.")
    revision = serializers.IntegerField(help_text="Of the script it renders.")
    is_stalled = serializers.BooleanField(help_text="Open, and nobody works on it.")
    cancel_requested = serializers.BooleanField()
    error = serializers.CharField(allow_null=True, max_length=MAX_ERROR_LENGTH)
    reason = serializers.CharField(allow_null=True, max_length=MAX_REASON_LENGTH)
    videoUrl = serializers.CharField(allow_null=True)  # noqa: N815 - the seed's spelling
    withdrawn = serializers.BooleanField(
        help_text="Taken back, because somebody quoted in it had their words erased."
    )
    captionsUrl = serializers.CharField(allow_null=True)  # noqa: N815 - as videoUrl
    chaptersUrl = serializers.CharField(allow_null=True)  # noqa: N815 - as videoUrl
    duration_seconds = serializers.FloatField(allow_null=True)
    size_bytes = serializers.IntegerField(allow_null=True)
    costs = serializers.DictField(child=serializers.FloatField(), help_text="US dollars by agent.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class VideoSessionSerializer(serializers.Serializer[Any]):
    """A script."""

    sessionId = serializers.CharField()  # noqa: N815 - the seed's spelling
    title = serializers.CharField()
    scenes = serializers.ListField(child=SceneSerializer())
    language = serializers.CharField()
    voice = serializers.CharField(allow_blank=True)
    revision = serializers.IntegerField()
    origin = serializers.ChoiceField(choices=Origin.choices)
    made_by = serializers.CharField(allow_null=True, help_text="Name of its one owner.")
    estimated_seconds = serializers.FloatField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class VideoSessionDetailSerializer(VideoSessionSerializer):
    """A script with its newest run."""

    run = VideoRunSerializer(allow_null=True)


class StartProcessInput(StrictBody):
    """Body of ``POST /api/startprocess``, spelled as the seed does."""

    sessionId = StrictCharField(max_length=64)  # noqa: N815 - the seed's spelling
    userId = StrictCharField(  # noqa: N815 - the seed's spelling
        max_length=64, help_text="Must be the caller."
    )
    test = StrictCharField(max_length=40, default="Full Test")


class ProcessStartedSerializer(serializers.Serializer[Any]):
    """Answer of ``POST /api/startprocess``."""

    status = serializers.CharField(help_text="Always started.")
    sessionID = serializers.CharField()  # noqa: N815 - the seed's spelling
    runId = serializers.CharField()  # noqa: N815 - the seed's spelling


class StatusQuery(StrictBody):
    """Query of ``GET /api/video-sessions/{id}/status``."""

    after = serializers.IntegerField(min_value=0, required=False)


class StatusMessageSerializer(serializers.Serializer[Any]):
    """One status message, as the socket sends it; see the AsyncAPI document for its conditions."""

    agentnumber = serializers.ChoiceField(choices=AGENTS)
    userID = serializers.CharField()  # noqa: N815 - the seed's spelling
    sessionID = serializers.CharField()  # noqa: N815 - the seed's spelling
    status = serializers.ChoiceField(choices=STATUSES)
    timestamp = serializers.IntegerField(help_text="Unix seconds.")
    error = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)
    videoUrl = serializers.CharField(required=False)  # noqa: N815 - the seed's spelling
    progress = serializers.FloatField(required=False, min_value=0, max_value=100)
    fileCount = serializers.IntegerField(required=False)  # noqa: N815 - the seed's spelling
    cost = serializers.FloatField(required=False, help_text="US dollars.")
    seq = serializers.IntegerField()
    run = serializers.CharField()
    info = serializers.DictField(required=False)


class StatusListSerializer(serializers.Serializer[Any]):
    """Answer of ``GET /api/video-sessions/{id}/status``."""

    latest = serializers.ListField(
        child=StatusMessageSerializer(), help_text="The latest word of each agent."
    )
    events = serializers.ListField(
        child=StatusMessageSerializer(), help_text="What came after the number, in order."
    )
    has_more = serializers.BooleanField()
    run = VideoRunSerializer(allow_null=True)
