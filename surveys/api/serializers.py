"""Shapes of requests and answers, for reading input strictly and for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.interview.types import QuestionKind
from core.api.fields import AmountField, StrictBooleanField, StrictCharField, StrictIntegerField
from sessions.models import SessionStatus
from surveys.models import PayoutState, ResponseState, SurveyStatus
from surveys.services import definitions
from surveys.services.starts import (
    ATTRIBUTE_NAME_MAX,
    ATTRIBUTE_VALUE_MAX,
    ATTRIBUTES_MAX,
    DEVICE_KEY_MAX,
)


class QuestionInputSerializer(serializers.Serializer[Any]):
    """A question as a company sends it."""

    id = StrictCharField(required=False, help_text="Only when changing: the id it has.")
    text = StrictCharField(max_length=definitions.QUESTION_MAX)
    kind = serializers.ChoiceField(
        choices=[kind.value for kind in QuestionKind], required=False, default="open"
    )
    required: Any = StrictBooleanField(required=False, default=True)
    max_probes = StrictIntegerField(
        required=False, default=2, min_value=0, max_value=definitions.PROBES_MAX
    )
    choices = serializers.ListField(
        child=StrictCharField(max_length=definitions.CHOICE_MAX),
        required=False,
        max_length=definitions.CHOICES_MAX,
    )


class TargetingSerializer(serializers.Serializer[Any]):
    """Where and to whom the widget shows."""

    url_contains = serializers.ListField(child=StrictCharField(max_length=200), required=False)
    audience = serializers.ChoiceField(choices=["all", "new", "returning"], required=False)
    percent = StrictIntegerField(required=False, min_value=1, max_value=100)
    cooldown_days = StrictIntegerField(required=False, min_value=0, max_value=365)
    device = serializers.ChoiceField(choices=["all", "mobile", "desktop"], required=False)
    attributes = serializers.DictField(
        child=serializers.ListField(child=StrictCharField(max_length=200)), required=False
    )


class SurveyChangeSerializer(serializers.Serializer[Any]):
    """What may be changed; fields left out stay."""

    title = StrictCharField(max_length=definitions.TITLE_MAX, required=False)
    questions = QuestionInputSerializer(many=True, required=False)
    payment_min = AmountField(required=False)
    payment_max = AmountField(required=False)
    description = StrictCharField(max_length=definitions.TEXT_MAX, required=False, allow_blank=True)
    objective = StrictCharField(max_length=definitions.TEXT_MAX, required=False, allow_blank=True)
    languages = serializers.ListField(child=StrictCharField(max_length=8), required=False)
    max_minutes = StrictIntegerField(required=False, min_value=1, max_value=definitions.MINUTES_MAX)
    max_responses = StrictIntegerField(
        required=False, min_value=1, max_value=definitions.RESPONSES_MAX
    )
    budget = AmountField(required=False)
    targeting = TargetingSerializer(required=False)
    allowed_origins = serializers.ListField(child=StrictCharField(max_length=255), required=False)
    consent_text = StrictCharField(
        max_length=definitions.TEXT_MAX, required=False, allow_blank=True
    )
    accept_client_transcript = StrictBooleanField(required=False)
    retention_days = StrictIntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=definitions.RETENTION_MAX_DAYS,
    )


class SurveyCreateSerializer(SurveyChangeSerializer):
    """A new survey."""

    title = StrictCharField(max_length=definitions.TITLE_MAX)
    questions = QuestionInputSerializer(many=True)
    payment_min = AmountField()
    payment_max = AmountField()
    currency = StrictCharField(required=False, min_length=3, max_length=3)
    status = serializers.ChoiceField(choices=["active", "draft"], required=False)


class QuestionSerializer(serializers.Serializer[Any]):
    """A question as visitors see it."""

    id = serializers.CharField()
    text = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in QuestionKind])
    required: Any = serializers.BooleanField()
    choices = serializers.ListField(child=serializers.CharField())


class ManagedQuestionSerializer(QuestionSerializer):
    """A question as its company sees it."""

    max_probes = serializers.IntegerField()


class SurveySerializer(serializers.Serializer[Any]):
    """A survey as its company manages it."""

    survey_id = serializers.CharField()
    publishable_key = serializers.CharField()
    status = serializers.ChoiceField(choices=SurveyStatus.choices)
    version = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    objective = serializers.CharField(allow_blank=True)
    questions = ManagedQuestionSerializer(many=True)
    payment_min = serializers.FloatField()
    payment_max = serializers.FloatField()
    currency = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    max_minutes = serializers.IntegerField()
    max_responses = serializers.IntegerField()
    budget = serializers.FloatField()
    budget_available = serializers.FloatField(
        help_text="Funded and not promised to anybody. Below payment_max no session can start; "
        "add funds to the company, or close surveys that hold them."
    )
    targeting = TargetingSerializer()
    allowed_origins = serializers.ListField(child=serializers.CharField())
    consent_text = serializers.CharField()
    accept_client_transcript = serializers.BooleanField()
    retention_days = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    hosted_url = serializers.CharField()


class SurveyListSerializer(serializers.Serializer[Any]):
    """A survey in a list."""

    survey_id = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=SurveyStatus.choices)
    version = serializers.IntegerField()
    question_count = serializers.IntegerField()
    started = serializers.IntegerField()
    completed = serializers.IntegerField()
    max_responses = serializers.IntegerField()
    payment_min = serializers.FloatField()
    payment_max = serializers.FloatField()
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()


class PaymentRangeSerializer(serializers.Serializer[Any]):
    """The lowest and the highest pay."""

    min = serializers.FloatField()
    max = serializers.FloatField()
    currency = serializers.CharField()


class WidgetSerializer(serializers.Serializer[Any]):
    """What the widget may show."""

    survey_id = serializers.CharField()
    status = serializers.ChoiceField(choices=SurveyStatus.choices)
    company = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    question_count = serializers.IntegerField()
    languages = serializers.ListField(child=serializers.CharField())
    max_minutes = serializers.IntegerField()
    payment = PaymentRangeSerializer()
    consent_text = serializers.CharField()
    targeting = TargetingSerializer()
    is_play_money = serializers.BooleanField()
    voice_available = serializers.BooleanField()
    voice_languages = serializers.ListField(
        child=serializers.CharField(), help_text="Of the survey's, those that can also be spoken."
    )
    cache_seconds = serializers.IntegerField()


class SignedUserSerializer(serializers.Serializer[Any]):
    """A visitor the company's server vouches for."""

    user_id = StrictCharField(max_length=200)
    exp = StrictIntegerField(min_value=0, max_value=2**53 - 1, help_text="Unix seconds.")
    hmac = StrictCharField(max_length=128, help_text="Hex HMAC-SHA256 of survey_id|user_id|exp.")


class StartInputSerializer(serializers.Serializer[Any]):
    """What may come with a start; all of it optional."""

    publishable_key = StrictCharField(
        max_length=64, required=False, help_text="Or the header X-Publishable-Key."
    )
    consent = StrictBooleanField(
        required=False,
        default=False,
        help_text="The visitor agreed to consent_text. Required from web pages.",
    )
    user = SignedUserSerializer(required=False, allow_null=True)
    attributes = serializers.DictField(
        child=StrictCharField(max_length=ATTRIBUTE_VALUE_MAX, allow_blank=True),
        required=False,
        help_text=f"At most {ATTRIBUTES_MAX}, names of at most {ATTRIBUTE_NAME_MAX} characters.",
    )
    language = StrictCharField(max_length=35, required=False, allow_blank=True)
    device_key = StrictCharField(
        max_length=DEVICE_KEY_MAX,
        required=False,
        allow_blank=True,
        help_text="What an earlier start answered with on this device.",
    )
    account_token = StrictCharField(
        max_length=300,
        required=False,
        allow_blank=True,
        help_text="Of our own hosted page, for the person signed in there: their wallet is paid.",
    )
    receipt_token = StrictCharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="Of an earlier answer: the pay goes to the same wallet.",
    )
    session_token = StrictCharField(
        max_length=100,
        required=False,
        allow_blank=True,
        help_text="Of a session of this survey that is still open: it goes on.",
    )


class StartSerializer(serializers.Serializer[Any]):
    """A session that is ready."""

    session_id = serializers.CharField()
    room_name = serializers.CharField()
    livekit_token = serializers.CharField(allow_null=True)
    livekit_url = serializers.CharField(allow_null=True)
    context: Any = serializers.CharField(allow_blank=True)
    questions = QuestionSerializer(many=True)
    status = serializers.ChoiceField(choices=["ready", "active", "paused"])
    session_token = serializers.CharField()
    receipt_token = serializers.CharField(allow_null=True)
    device_key = serializers.CharField(allow_null=True)
    expires_at = serializers.DateTimeField()
    ws_url = serializers.CharField()
    transports = serializers.ListField(child=serializers.CharField())
    payment = PaymentRangeSerializer()
    consent_text = serializers.CharField()
    language = serializers.CharField()
    max_minutes = serializers.IntegerField()
    resumed = serializers.BooleanField()
    briefing_source = serializers.CharField()


class FunnelInputSerializer(serializers.Serializer[Any]):
    """A step the widget saw."""

    step = serializers.ChoiceField(choices=["shown", "consented"])
    publishable_key = StrictCharField(max_length=64, required=False)


class ClaimedLineSerializer(serializers.Serializer[Any]):
    """One line of a transcript somebody sends."""

    role = serializers.ChoiceField(choices=["agent", "user"])
    text = StrictCharField(max_length=4000, allow_blank=True)
    t = serializers.FloatField(required=False, min_value=0, max_value=86_400)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "maxLength": 200_000},
            {
                "type": "array",
                "maxItems": 400,
                "items": {"$ref": "#/components/schemas/ClaimedLineRequest"},
            },
        ],
        "nullable": True,
    }
)
class TranscriptField(serializers.JSONField):
    """A transcript as text or as a list; read by `surveys.services.claims`."""


class CompleteInputSerializer(serializers.Serializer[Any]):
    """What may come with Done."""

    transcript = TranscriptField(
        required=False,
        help_text="Lines 'Agent: …' and 'User: …', or a list of {role, text, t?}. Used only when "
        "the server heard nothing itself.",
    )


class QuestionMarksSerializer(serializers.Serializer[Any]):
    """The marks of one question, 0 to 4 a dimension."""

    question_id = serializers.CharField()
    question = serializers.CharField(allow_blank=True)
    marks = serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=4))
    note = serializers.CharField(allow_blank=True)


class AppealSerializer(serializers.Serializer[Any]):
    """Where the one appeal stands."""

    filed_at = serializers.DateTimeField()
    resolution = serializers.CharField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class ResultSerializer(serializers.Serializer[Any]):
    """What became of an answer."""

    session_id = serializers.CharField()
    status = serializers.ChoiceField(choices=ResponseState.choices)
    score = serializers.IntegerField(allow_null=True, min_value=0, max_value=100)
    payment_amount = serializers.FloatField()
    payment_status = serializers.ChoiceField(
        choices=["success", "pending", "held", "failed", "none"]
    )
    transaction_id = serializers.CharField(allow_null=True)
    evaluation_notes = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    currency = serializers.CharField()
    band = serializers.IntegerField(allow_null=True)
    questions = QuestionMarksSerializer(many=True)
    flags = serializers.ListField(child=serializers.CharField())
    evaluation_source = serializers.CharField(allow_null=True)
    transcript_source = serializers.CharField()
    completed_at = serializers.DateTimeField(allow_null=True)
    appeal = AppealSerializer(allow_null=True)


class AppealInputSerializer(serializers.Serializer[Any]):
    """Why the visitor objects."""

    text = StrictCharField(max_length=2000, required=False, allow_blank=True, default="")


class ErasedSerializer(serializers.Serializer[Any]):
    """What erasing did."""

    session_id = serializers.CharField()
    erased = serializers.BooleanField()
    kept = serializers.CharField()


class QuoteSerializer(serializers.Serializer[Any]):
    """Exact words of one turn."""

    text = serializers.CharField()
    session_id = serializers.CharField()
    turn_id = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class IntervalSerializer(serializers.Serializer[Any]):
    """95 % Wilson interval of a share."""

    low = serializers.FloatField()
    high = serializers.FloatField()


class ThemeSerializer(serializers.Serializer[Any]):
    """What several people said about one question."""

    theme_id = serializers.CharField()
    question_id = serializers.CharField()
    label: Any = serializers.CharField()
    session_count = serializers.IntegerField()
    share = serializers.FloatField()
    interval = IntervalSerializer()
    first_seen_at = serializers.DateTimeField()
    quotes = QuoteSerializer(many=True)


class InsightsSerializer(serializers.Serializer[Any]):
    """What a survey taught so far."""

    survey_id = serializers.CharField()
    total_sessions = serializers.IntegerField()
    average_score = serializers.FloatField(allow_null=True)
    average_payment = serializers.FloatField(
        allow_null=True,
        help_text=(
            "What was promised or paid, over all completed sessions. An answer without pay counts "
            "as 0, and so does a payout that is held (until it is approved), rejected, cancelled, "
            "failed or reversed. Null before the first completed session."
        ),
    )
    currency = serializers.CharField()
    flagged_sessions = serializers.IntegerField()
    sessions_used = serializers.IntegerField()
    key_insights = serializers.ListField(child=serializers.CharField())
    themes = ThemeSerializer(many=True)
    confidence = serializers.ChoiceField(choices=["early", "growing", "solid"])
    source: Any = serializers.CharField()
    updated_at = serializers.DateTimeField(allow_null=True)
    is_refreshing = serializers.BooleanField()


class ResponseSerializer(serializers.Serializer[Any]):
    """An answer in the company's list."""

    session_id = serializers.CharField()
    state = serializers.ChoiceField(choices=ResponseState.choices)
    session_status = serializers.ChoiceField(choices=SessionStatus.choices)
    end_reason = serializers.CharField(allow_null=True)
    language = serializers.CharField()
    version = serializers.IntegerField()
    score = serializers.IntegerField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    is_flagged = serializers.BooleanField()
    transcript_source = serializers.CharField()
    payment_state = serializers.ChoiceField(choices=PayoutState.choices, allow_null=True)
    payment_amount = serializers.FloatField()
    currency = serializers.CharField()
    transaction_id = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
