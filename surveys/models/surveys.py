"""What a company asks: the survey and its frozen versions."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField


class SurveyStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    CLOSED = "closed", "Closed"


SURVEY_TRANSITIONS: dict[SurveyStatus, frozenset[SurveyStatus]] = {
    SurveyStatus.DRAFT: frozenset({SurveyStatus.ACTIVE, SurveyStatus.CLOSED}),
    SurveyStatus.ACTIVE: frozenset({SurveyStatus.PAUSED, SurveyStatus.CLOSED}),
    SurveyStatus.PAUSED: frozenset({SurveyStatus.ACTIVE, SurveyStatus.CLOSED}),
    SurveyStatus.CLOSED: frozenset(),
}


class Survey(models.Model):
    """A paid survey: who may answer, what it may cost. The questions live in its versions."""

    public_id = PublicIdField(prefix="survey")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="surveys")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    status = models.CharField(
        max_length=16, choices=SurveyStatus.choices, default=SurveyStatus.ACTIVE
    )
    publishable_key = models.CharField(max_length=64, unique=True)
    """``pk_…``: names the survey to the widget. Not a secret: it only opens ``start``."""
    currency = models.CharField(max_length=3, default="USD")
    budget_minor = models.BigIntegerField()
    max_responses = models.PositiveIntegerField(default=100)
    allowed_origins = models.JSONField(default=list, blank=True)
    """Exact ``scheme://host[:port]``; empty means any."""
    targeting = models.JSONField(default=dict, blank=True)
    """Where and to whom the widget shows: url_contains, audience, percent, cooldown_days, device,
    attributes. Validated by ``surveys.services.surveys``."""
    accept_client_transcript = models.BooleanField(default=False)
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    """Null: the company's own setting."""
    current_version = models.ForeignKey(
        "SurveyVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["company", "-created_at"])]

    def __str__(self) -> str:
        return self.public_id


class SurveyVersion(models.Model):
    """The part of a survey an answer is judged and paid by. Never changed once written."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    objective = models.TextField(blank=True)
    questions = models.JSONField()
    """List of ``agents.interview.types.Question`` as JSON; ids are stable over versions."""
    languages = models.JSONField(default=list)
    payment_min_minor = models.BigIntegerField()
    payment_max_minor = models.BigIntegerField()
    max_minutes = models.PositiveIntegerField(default=10)
    consent_text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["survey", "number"], name="survey_version_once"),
            models.CheckConstraint(
                condition=models.Q(payment_min_minor__gte=0)
                & models.Q(payment_max_minor__gte=models.F("payment_min_minor")),
                name="survey_version_pay_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id} v{self.number}"
