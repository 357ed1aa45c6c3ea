"""Surveys answered on WhatsApp: the words that open one, and where a contact stands. No I/O.

A run outlives the dialogue. What the person writes becomes a step, committed with the turn; a job
carries the steps one after the other to the survey, outside any transaction.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from core.lease import LeasedModel
from surveys.models import Survey, SurveyResponse


class SurveyKeyword(models.Model):
    """A word that opens a survey when somebody writes it, or follows a link that writes it."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="survey_keywords")
    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="keywords")
    code = models.CharField(max_length=24)
    """Folded: capital letters and digits only."""
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "code"], name="survey_keyword_once"),
        ]

    def __str__(self) -> str:
        return self.code


class SurveyRunState(models.TextChoices):
    OFFERED = "offered", "Consent asked"
    STARTING = "starting", "Starting"
    TALKING = "talking", "Talking"
    SCORING = "scoring", "Being scored"
    DONE = "done", "Done"
    DECLINED = "declined", "Declined"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Could not go on"


SURVEY_RUN_TRANSITIONS: dict[SurveyRunState, frozenset[SurveyRunState]] = {
    SurveyRunState.OFFERED: frozenset(
        {SurveyRunState.STARTING, SurveyRunState.DECLINED, SurveyRunState.STOPPED}
    ),
    SurveyRunState.STARTING: frozenset(
        {SurveyRunState.TALKING, SurveyRunState.FAILED, SurveyRunState.STOPPED}
    ),
    SurveyRunState.TALKING: frozenset(
        {
            SurveyRunState.SCORING,
            SurveyRunState.DONE,
            SurveyRunState.STOPPED,
            SurveyRunState.FAILED,
        }
    ),
    SurveyRunState.SCORING: frozenset({SurveyRunState.DONE, SurveyRunState.FAILED}),
    SurveyRunState.DONE: frozenset(),
    SurveyRunState.DECLINED: frozenset(),
    SurveyRunState.STOPPED: frozenset(),
    SurveyRunState.FAILED: frozenset(),
}
LIVE_RUN_STATES = frozenset(
    {
        SurveyRunState.OFFERED,
        SurveyRunState.STARTING,
        SurveyRunState.TALKING,
        SurveyRunState.SCORING,
    }
)


class SurveyRun(LeasedModel):
    """One contact's way through one survey."""

    public_id = PublicIdField(prefix="run")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="survey_runs")
    contact = models.ForeignKey(
        "messaging.Contact", on_delete=models.CASCADE, related_name="survey_runs"
    )
    conversation = models.ForeignKey(
        "messaging.Conversation", on_delete=models.CASCADE, related_name="survey_runs"
    )
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="whatsapp_runs")
    response = models.ForeignKey(
        SurveyResponse, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    language = models.CharField(max_length=8, default="es")
    state = models.CharField(
        max_length=12, choices=SurveyRunState.choices, default=SurveyRunState.OFFERED
    )
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Set while a step waits: what the sweep looks for."""
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=models.Q(state__in=sorted(LIVE_RUN_STATES)),
                name="survey_run_one_live_a_contact",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class SurveyStep(models.Model):
    """Something the person did in a run that the survey must still hear, or has heard."""

    run = models.ForeignKey(SurveyRun, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=64)
    """Of the turn that caused it; also the ``client_id`` of what is said, so twice is once."""
    kind = models.CharField(max_length=8)
    """start, say, done or stop."""
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "key", "kind"], name="survey_step_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.run_id}"
