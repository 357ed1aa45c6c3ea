"""Shapes of what comes in and goes out. Fields are listed, meaning is checked in the services."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Plan
from core.api.fields import StrictCharField, StrictIntegerField
from workflows.models import ExecutionState, MetricType, ProofType, ReviewState, ScanVerdict

MAX_CLIENT_OP_CHARS = 64
GUIDE_LANGUAGE = "What title and steps are in: your language, or en where that is missing."
CLIENT_OP_PATTERN = r"^[A-Za-z0-9_.:-]{1,64}$"


class NoteField(serializers.CharField):
    """A note as it was typed; its length and hidden characters are the services' matter."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text; numbers and booleans are refused."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


@extend_schema_field({"oneOf": [{"type": "number", "minimum": 0}, {"type": "string"}]})
class ValueField(serializers.Field[Any, Any, Any, Any]):
    """A JSON number, or text as a person writes one."""

    default_error_messages = {"invalid": "Give a number, or text such as 1250.50."}

    def to_internal_value(self, data: Any) -> Decimal | float | str:
        """Return it as it came; a boolean is no number."""
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            self.fail("invalid")
        if isinstance(data, str) and len(data) > 64:
            self.fail("invalid")
        return Decimal(data) if isinstance(data, int) else data

    def to_representation(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class StartRunInput(serializers.Serializer[Any]):
    """Which workflow to start."""

    workflow_name = StrictCharField(max_length=64)
    user_id = StrictCharField(
        max_length=64, required=False, help_text="Your own, if given; it is known anyway."
    )


class ProgressInput(serializers.Serializer[Any]):
    """A change of progress."""

    steps_completed = StrictIntegerField(
        required=False, min_value=0, help_text="The steps 1 to this are done. Only ever adds."
    )
    notes = NoteField(required=False, allow_blank=True, help_text="For the current step.")
    rev = StrictIntegerField(
        required=False,
        min_value=1,
        help_text="The revision you saw. With it the change is exact; without it, it only adds.",
    )
    steps_done = serializers.ListField(
        child=StrictIntegerField(),
        required=False,
        max_length=50,
        help_text="Numbers of all done steps; takes back what is not in it. Needs rev.",
    )
    step_notes = serializers.DictField(
        child=NoteField(allow_blank=True),
        required=False,
        help_text="Notes that changed, by step number.",
    )
    client_op_id = serializers.RegexField(
        CLIENT_OP_PATTERN,
        required=False,
        help_text="Your own id of this change: sent again, it changes nothing.",
    )

    def validate_step_notes(self, value: dict[str, str]) -> dict[int, str]:
        """Return the notes by number."""
        if len(value) > 50:
            raise serializers.ValidationError("At most 50 notes.")
        found: dict[int, str] = {}
        for name, text in value.items():
            if not (name.isascii() and name.isdecimal() and len(name) < 4):
                raise serializers.ValidationError("Keys are step numbers, such as '2'.")
            found[int(name)] = text
        if len(found) != len(value):
            raise serializers.ValidationError("A step stands twice.")
        return found


class AbandonInput(serializers.Serializer[Any]):
    """Why a run is given up."""

    reason = StrictCharField(max_length=300, required=False, allow_blank=True, default="")


class StepSerializer(serializers.Serializer[Any]):
    """A step of a workflow."""

    number = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    tips = serializers.CharField()
    estimated_time = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]  # the seed's own field name


class ExecutionStandingSerializer(serializers.Serializer[Any]):
    """Where a run stands."""

    execution_id = serializers.CharField()
    user_id = serializers.CharField()
    workflow_name = serializers.CharField()
    workflow_title = serializers.CharField()
    workflow_version = serializers.IntegerField()
    language = serializers.CharField(help_text=GUIDE_LANGUAGE)
    status = serializers.ChoiceField(choices=ExecutionState.choices)
    rev = serializers.IntegerField()
    steps_completed = serializers.IntegerField()
    steps_done = serializers.ListField(child=serializers.IntegerField())
    missing_steps = serializers.ListField(
        child=serializers.IntegerField(), help_text="Required steps that are not done."
    )
    current_step = serializers.IntegerField(help_text="The first open step.")
    total_steps = serializers.IntegerField()
    step = StepSerializer(help_text="The current step.")
    step_notes = serializers.DictField(child=serializers.CharField())
    elapsed_seconds = serializers.FloatField(help_text="Time worked, by the server's clock.")
    is_timing = serializers.BooleanField()
    last_device = serializers.CharField(allow_blank=True)
    last_active_at = serializers.CharField()
    started_at = serializers.CharField()
    ended_at = serializers.CharField(allow_null=True)
    server_time = serializers.CharField()


class ExecutionSerializer(ExecutionStandingSerializer):
    """A run with all its steps."""

    steps = StepSerializer(many=True)
    has_newer_version = serializers.BooleanField()
    executor_url = serializers.CharField()
    outcome_url = serializers.CharField()


class HeartbeatSerializer(ExecutionStandingSerializer):
    """A run after a sign of life."""

    left_out_seconds = serializers.IntegerField(
        help_text="Silence before this that the clock does not count."
    )


class OutcomeInput(serializers.Serializer[Any]):
    """A result to log."""

    execution_id = StrictCharField(max_length=64)
    user_id = StrictCharField(
        max_length=64, required=False, help_text="Your own, if given; it is known anyway."
    )
    metric_type = serializers.ChoiceField(choices=MetricType.choices)
    value = ValueField(help_text="A number, or text such as 1,250.50.")
    currency = StrictCharField(
        max_length=160,
        required=False,
        allow_blank=True,
        default="",
        help_text="Revenue: ISO 4217 code. Time saved: hours or days. Customers: customers. "
        "Custom: your own label.",
    )
    proof_type = serializers.ChoiceField(choices=ProofType.choices, required=False)
    client_op_id = serializers.RegexField(CLIENT_OP_PATTERN, required=False, default="")


class OutcomeFormInput(OutcomeInput):
    """The same as a form, with the file that proves it."""

    proof = serializers.FileField(
        required=False,
        allow_empty_file=True,
        help_text="JPEG, PNG, WebP, HEIC or PDF, at most 5 MiB.",
    )


class CorrectionInput(serializers.Serializer[Any]):
    """What to change of a logged result; what is left out stays."""

    metric_type = serializers.ChoiceField(choices=MetricType.choices, required=False)
    value = ValueField(required=False)
    currency = StrictCharField(max_length=160, required=False, allow_blank=True)
    proof_type = serializers.ChoiceField(choices=ProofType.choices, required=False)


class CorrectionFormInput(CorrectionInput):
    """The same as a form, with a file to add or to put in place of the present one."""

    proof = serializers.FileField(required=False, allow_empty_file=True)


class VoidInput(serializers.Serializer[Any]):
    """Why a result is taken back."""

    reason = StrictCharField(max_length=300, required=False, allow_blank=True, default="")


class ProofSerializer(serializers.Serializer[Any]):
    """A stored proof."""

    proof_id = serializers.CharField()
    name = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    scan = serializers.ChoiceField(choices=ScanVerdict.choices)
    review_state = serializers.ChoiceField(choices=ReviewState.choices)
    review_reason = serializers.CharField(allow_blank=True)
    url = serializers.CharField()


class OutcomeSerializer(serializers.Serializer[Any]):
    """A logged result."""

    outcome_id = serializers.CharField()
    execution_id = serializers.CharField()
    workflow_name = serializers.CharField()
    metric_type = serializers.ChoiceField(choices=MetricType.choices)
    value = serializers.FloatField()
    currency = serializers.CharField()
    display = serializers.CharField(help_text="The value as you read it, in your language.")
    proof_type = serializers.ChoiceField(choices=ProofType.choices)
    proof = ProofSerializer(allow_null=True)
    is_void = serializers.BooleanField()
    is_counted = serializers.BooleanField()
    logged_at = serializers.CharField()


class OutcomeChangeSerializer(serializers.Serializer[Any]):
    """A line of a result's history."""

    kind = serializers.CharField()
    at = serializers.CharField()
    before = serializers.DictField()
    after = serializers.DictField()


class OutcomeDetailSerializer(OutcomeSerializer):
    """A logged result with its history."""

    history = OutcomeChangeSerializer(many=True)


class WorkflowSerializer(serializers.Serializer[Any]):
    """An entry of the catalogue."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    language = serializers.CharField(help_text=GUIDE_LANGUAGE)
    tier = serializers.ChoiceField(choices=Plan.choices)
    total_steps = serializers.IntegerField()
    version = serializers.IntegerField()
    is_unlocked = serializers.BooleanField(help_text="Your plan includes it.")
    open_execution_id = serializers.CharField(
        allow_null=True, help_text="The run you have open, if any."
    )
    steps = StepSerializer(many=True)
