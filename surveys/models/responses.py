"""One visitor's answer to one survey, from start to evaluation."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.lease import LeasedModel
from sessions.models import VoiceSession
from surveys.models.surveys import Survey, SurveyVersion
from surveys.models.wallets import Wallet


class ResponseState(models.TextChoices):
    """``open`` until the conversation ends, then evaluated once."""

    OPEN = "open", "Open"
    EVALUATING = "evaluating", "Being evaluated"
    COMPLETED = "completed", "Completed"
    ENDED_UNPAID = "ended_unpaid", "Ended without Done"
    ERASED = "erased", "Erased"


RESPONSE_TRANSITIONS: dict[ResponseState, frozenset[ResponseState]] = {
    ResponseState.OPEN: frozenset(
        {ResponseState.EVALUATING, ResponseState.ENDED_UNPAID, ResponseState.ERASED}
    ),
    ResponseState.EVALUATING: frozenset(
        {ResponseState.COMPLETED, ResponseState.ENDED_UNPAID, ResponseState.ERASED}
    ),
    ResponseState.COMPLETED: frozenset({ResponseState.ERASED}),
    ResponseState.ENDED_UNPAID: frozenset({ResponseState.ERASED}),
    ResponseState.ERASED: frozenset(),
}


class ReservationState(models.TextChoices):
    """Where the highest possible pay of this response stands."""

    NONE = "none", "None"
    HELD = "held", "Held"
    LAPSED = "lapsed", "Lapsed"
    RELEASED = "released", "Released"
    USED = "used", "Used"


class SurveyResponse(LeasedModel):
    """What hangs on a survey conversation: consent, reservation, outcome."""

    voice_session = models.OneToOneField(
        VoiceSession, on_delete=models.PROTECT, related_name="survey_response"
    )
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="responses")
    version = models.ForeignKey(SurveyVersion, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=16, choices=ResponseState.choices, default=ResponseState.OPEN
    )
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="responses")
    receipt_digest = models.CharField(max_length=64, unique=True)
    receipt_expires_at = models.DateTimeField()

    respondent_key = models.CharField(max_length=64)
    """Keyed hash of signed user, else wallet, else device: one paid response each."""
    holds_respondent_slot = models.BooleanField(default=True)
    """True while this response may still be, or was, the paid one of its respondent."""
    device_hash = models.CharField(max_length=64, blank=True)
    ip_hash = models.CharField(max_length=64, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    is_returning = models.BooleanField(default=False)
    consented_at = models.DateTimeField(null=True, blank=True)

    reserved_minor = models.BigIntegerField(default=0)
    reservation_state = models.CharField(
        max_length=16, choices=ReservationState.choices, default=ReservationState.NONE
    )
    reservation_expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    done_at = models.DateTimeField(null=True, blank=True)
    evaluated_at = models.DateTimeField(null=True, blank=True, db_index=True)
    transcript_source = models.CharField(max_length=16, default="server")
    """server, visitor_claim or company_claim: whose words were scored."""
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    is_flagged = models.BooleanField(default=False)
    result = models.JSONField(null=True, blank=True)
    """The answer of ``complete``, stored once; payment fields are filled in when it is read."""

    evaluation_due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    """Set with the state ``evaluating``: what the recovery sweep looks for."""
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["survey", "-created_at"]),
            models.Index(fields=["survey", "state"]),
            models.Index(fields=["survey", "device_hash"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["survey", "respondent_key"],
                condition=models.Q(holds_respondent_slot=True),
                name="response_one_slot_a_respondent",
            ),
            models.CheckConstraint(
                condition=models.Q(score__isnull=True) | models.Q(score__lte=100),
                name="response_score_to_100",
            ),
        ]

    def __str__(self) -> str:
        return f"response of {self.voice_session_id}"


class EvaluationRecord(models.Model):
    """One evaluation as it was made. A re-score adds a row and changes no payout."""

    response = models.ForeignKey(
        SurveyResponse, on_delete=models.CASCADE, related_name="evaluations"
    )
    is_paying = models.BooleanField(default=False)
    """The one evaluation the payout was computed from."""
    score = models.PositiveSmallIntegerField()
    band = models.PositiveSmallIntegerField()
    marks = models.JSONField()
    flags = models.JSONField(default=list)
    notes = models.TextField(blank=True)
    rubric_version = models.CharField(max_length=40)
    source = models.CharField(max_length=80)
    """``builtin`` or the model's name."""
    raw = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["response"],
                condition=models.Q(is_paying=True),
                name="evaluation_one_paying",
            ),
        ]

    def __str__(self) -> str:
        return f"evaluation of {self.response_id}"


class AnswerGram(models.Model):
    """Bottom-k keyed hashes of an answer's character 5-grams, for duplicates across sessions.

    An erased response keeps these rows with ``response`` null: a keyed hash, no words.
    """

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="+")
    response = models.ForeignKey(
        SurveyResponse, on_delete=models.SET_NULL, null=True, related_name="grams"
    )
    answer_ref = models.CharField(max_length=64)
    """Groups the grams of one answer; a keyed hash of the segment id."""
    gram = models.BigIntegerField()
    gram_count = models.PositiveIntegerField()
    """Distinct grams of the whole answer."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["survey", "gram"])]

    def __str__(self) -> str:
        return self.answer_ref


class FunnelCounter(models.Model):
    """How many reached a step of a survey on a day. Counted by an atomic upsert."""

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="funnel")
    day = models.DateField()
    step = models.CharField(max_length=80)
    """shown, consented, started, question:<id>, done, paid"""
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["survey", "day", "step"], name="funnel_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.day}"
