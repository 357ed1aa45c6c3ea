"""Shapes of profiles, recommendations and figures. Fields are listed; services decide."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Plan
from core.api.fields import StrictCharField
from workflows.models import MetricType
from workflows.selectors.performance import LEVELS

EVIDENCE = ("solid", "some", "few", "none")


class ProfileInput(serializers.Serializer[Any]):
    """Who somebody is."""

    market = StrictCharField(max_length=50, help_text="Such as freelancer or student.")
    skill_level = StrictCharField(max_length=50, help_text="beginner, intermediate or advanced.")
    user_id = StrictCharField(
        max_length=64, required=False, help_text="Your own, if given; it is known anyway."
    )


class ProfileSerializer(serializers.Serializer[Any]):
    """Who somebody is, for matching."""

    user_id = serializers.CharField()
    market = serializers.CharField(allow_null=True)
    skill_level = serializers.CharField(allow_null=True)
    plan = serializers.ChoiceField(choices=Plan.choices)


class TypicalSerializer(serializers.Serializer[Any]):
    """What a workflow typically brought; values in whole units, never of fewer than 5 people."""

    metric_type = serializers.ChoiceField(choices=MetricType.choices)
    currency = serializers.CharField(help_text="The unit: an ISO code, hours, customers, a label.")
    typical = serializers.DecimalField(max_digits=30, decimal_places=3)
    p25 = serializers.DecimalField(max_digits=30, decimal_places=3)
    p75 = serializers.DecimalField(max_digits=30, decimal_places=3)
    expected = serializers.DecimalField(
        max_digits=30, decimal_places=3, help_text="Chance times typical value."
    )
    results = serializers.IntegerField()
    people = serializers.IntegerField()
    level = serializers.ChoiceField(choices=LEVELS)
    text = serializers.CharField()


class CountsSerializer(serializers.Serializer[Any]):
    """Starts at one level, the narrower levels included."""

    successes = serializers.IntegerField()
    decided = serializers.IntegerField()
    running = serializers.IntegerField()


class ChanceSerializer(serializers.Serializer[Any]):
    """The estimated chance of a logged result."""

    score = serializers.FloatField()
    low = serializers.FloatField(help_text="Lower end of the range that holds it 4 times in 5.")
    high = serializers.FloatField()
    alpha = serializers.FloatField()
    beta = serializers.FloatField()
    evidence = serializers.ChoiceField(choices=EVIDENCE)
    cohort = CountsSerializer()
    market = CountsSerializer()
    overall = CountsSerializer()


class RecommendationSerializer(serializers.Serializer[Any]):
    """A workflow to try next."""

    rank = serializers.IntegerField()
    workflow_name = serializers.CharField()
    title = serializers.CharField()
    tier = serializers.ChoiceField(choices=Plan.choices)
    is_unlocked = serializers.BooleanField()
    is_exploration = serializers.BooleanField()
    reason = serializers.CharField()
    chance = ChanceSerializer()
    typical = TypicalSerializer(many=True)
    explanation_url = serializers.CharField()


class LockedSerializer(serializers.Serializer[Any]):
    """A workflow that ranks higher and comes with a higher plan."""

    workflow_name = serializers.CharField()
    title = serializers.CharField()
    required_plan = serializers.ChoiceField(choices=Plan.choices)


class RecommendationsSerializer(serializers.Serializer[Any]):
    """What a person is shown, and what it rests on."""

    market = serializers.CharField(allow_null=True)
    skill_level = serializers.CharField(allow_null=True)
    plan = serializers.ChoiceField(choices=Plan.choices)
    counted_at = serializers.CharField(allow_null=True)
    recommendations = RecommendationSerializer(many=True)
    locked_above = LockedSerializer(many=True)


class ValuesSerializer(serializers.Serializer[Any]):
    """Logged values of one metric and unit at one level, in whole units."""

    level = serializers.ChoiceField(choices=LEVELS)
    metric_type = serializers.ChoiceField(choices=MetricType.choices)
    currency = serializers.CharField()
    count = serializers.IntegerField()
    people = serializers.IntegerField()
    avg_value = serializers.FloatField()
    p10 = serializers.FloatField()
    p50 = serializers.FloatField()
    p90 = serializers.FloatField()


class LiveSerializer(serializers.Serializer[Any]):
    """Runs of the cohort as they stand now, each counted once."""

    starts = serializers.IntegerField()
    with_result = serializers.IntegerField()
    people = serializers.IntegerField()


class PerformanceSerializer(serializers.Serializer[Any]):
    """Figures of a workflow for a person's cohort."""

    workflow_name = serializers.CharField()
    title = serializers.CharField()
    reason = serializers.CharField()
    counted_at = serializers.CharField(allow_null=True)
    success_rate = serializers.FloatField(
        allow_null=True,
        help_text="The cohort's plain share; null below 8 decided starts. See chance for those.",
    )
    chance = ChanceSerializer()
    strengths = serializers.DictField(child=serializers.FloatField())
    typical = TypicalSerializer(many=True)
    values = ValuesSerializer(many=True)
    live = LiveSerializer(allow_null=True)
