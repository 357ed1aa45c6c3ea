"""What a survey taught: themes with the quotes behind them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.fields import PublicIdField
from core.lease import LeasedModel
from sessions.models import TranscriptSegment
from surveys.models.responses import SurveyResponse
from surveys.models.surveys import Survey


class InsightReport(LeasedModel):
    """The present state of a survey's insights, one row each; ``refresh_due_at`` asks for more."""

    survey = models.OneToOneField(Survey, on_delete=models.CASCADE, related_name="insight_report")
    key_insights = models.JSONField(default=list)
    confidence = models.CharField(max_length=16, default="early")
    sessions_used = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=80, default="builtin")
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(null=True, blank=True)
    refresh_due_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"insights of {self.survey_id}"


class Theme(models.Model):
    """Something several sessions brought up about one question. The id survives refreshes."""

    public_id = PublicIdField(prefix="theme")
    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="themes")
    question_id = models.CharField(max_length=64)
    label = models.CharField(max_length=200)
    key = models.TextField()
    """What the method recognises the theme by."""
    session_count = models.PositiveIntegerField()
    share = models.FloatField()
    interval_low = models.FloatField()
    interval_high = models.FloatField()
    first_seen_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["survey", "question_id"])]

    def __str__(self) -> str:
        return self.public_id


class ThemeMention(models.Model):
    """A session that carries a theme; with ``end`` above 0 also its quote."""

    theme = models.ForeignKey(Theme, on_delete=models.CASCADE, related_name="mentions")
    response = models.ForeignKey(
        SurveyResponse, on_delete=models.CASCADE, related_name="theme_mentions"
    )
    segment = models.ForeignKey(
        TranscriptSegment, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    start = models.PositiveIntegerField(default=0)
    end = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["theme", "response"], name="theme_mention_once"),
        ]

    def __str__(self) -> str:
        return f"{self.theme_id} in {self.response_id}"
