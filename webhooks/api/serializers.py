"""What the routes of webhooks take and answer, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import StrictCharField
from webhooks.models import URL_LENGTH, DeliveryState, EndpointState

DESCRIPTION_LENGTH = 120


class EventTypeSerializer(serializers.Serializer[Any]):
    """A kind of thing a company can be told."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of this name is meant
    summary = serializers.CharField()
    example = serializers.JSONField(help_text="The data member of one such event.")


class EndpointSerializer(serializers.Serializer[Any]):
    """An endpoint as its company sees it. The secret is not in it."""

    id = serializers.CharField()
    url = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    event_types = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=EndpointState.choices)
    stop_reason = serializers.CharField(allow_null=True)
    failing_since = serializers.CharField(allow_null=True)
    former_secret_valid_until = serializers.CharField(
        allow_null=True, help_text="Until then messages carry a signature of the old secret too."
    )
    created_at = serializers.CharField()


class CreatedEndpointSerializer(EndpointSerializer):
    """An endpoint with its secret: shown this once."""

    secret = serializers.CharField(help_text="whsec_ and base64; configure it on your server.")


class _StrictBody(serializers.Serializer[Any]):
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


class EndpointInput(_StrictBody):
    """A new endpoint."""

    url = StrictCharField(max_length=URL_LENGTH)
    event_types = serializers.ListField(
        child=StrictCharField(max_length=60), min_length=1, max_length=50
    )
    description = StrictCharField(
        max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True, default=""
    )


class EndpointChangeInput(_StrictBody):
    """What may be changed of an endpoint."""

    url = StrictCharField(max_length=URL_LENGTH, required=False)
    event_types = serializers.ListField(
        child=StrictCharField(max_length=60), min_length=1, max_length=50, required=False
    )
    description = StrictCharField(max_length=DESCRIPTION_LENGTH, required=False, allow_blank=True)
    state = serializers.ChoiceField(
        choices=[EndpointState.ACTIVE.value, EndpointState.PAUSED.value], required=False
    )


class AttemptSerializer(serializers.Serializer[Any]):
    """One request and what came back."""

    number = serializers.IntegerField()
    at = serializers.CharField()
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    excerpt = serializers.CharField(allow_blank=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """One event on its way to one endpoint."""

    id = serializers.CharField()
    endpoint_id = serializers.CharField()
    event_id = serializers.CharField(help_text="The webhook-id header of every attempt.")
    event_type = serializers.CharField()
    subject = serializers.CharField()
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    attempt_count = serializers.IntegerField()
    last_attempt_at = serializers.CharField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    next_attempt_at = serializers.CharField(allow_null=True)
    delivered_at = serializers.CharField(allow_null=True)
    created_at = serializers.CharField()


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with its body and attempts."""

    body = serializers.CharField(help_text="Exactly what is signed and sent.")
    attempts = AttemptSerializer(many=True)


class ReplayedSerializer(serializers.Serializer[Any]):
    """How many deliveries are in line now."""

    replayed = serializers.IntegerField()
