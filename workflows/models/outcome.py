"""What came of a run: logged results, their history, the files that prove them. No I/O."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Market, SkillLevel
from core.fields import PublicIdField
from core.models import AppendOnlyModel
from workflows.models.catalogue import Workflow
from workflows.models.execution import Execution


class MetricType(models.TextChoices):
    """What is counted. Which units a metric has is in `workflows.units`."""

    REVENUE = "revenue", "Revenue"
    TIME_SAVED = "time_saved", "Time saved"
    CUSTOMERS = "customers", "Customers"
    CUSTOM = "custom", "Custom"


class ProofType(models.TextChoices):
    """What kind of file proves it."""

    NONE = "none", "No proof"
    IMAGE = "image", "Image"
    PDF = "pdf", "PDF"


class Outcome(models.Model):
    """One logged result. Corrected or voided, never deleted; every change leaves a line."""

    public_id = PublicIdField(prefix="outcome")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="outcomes"
    )
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="outcomes")
    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, related_name="+")
    """The run's, copied, so that statistics read this table alone."""
    market = models.ForeignKey(
        Market, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    skill_level = models.ForeignKey(
        SkillLevel, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    """The cohort at the moment of logging, copied from the run's person."""
    metric_type = models.CharField(max_length=16, choices=MetricType.choices)
    unit = models.CharField(max_length=40)
    """ISO 4217 code; ``hours`` or ``days``; ``customers``; a custom label in small letters. Values
    of two units are never added."""
    unit_label = models.CharField(max_length=40)
    """The unit as the person wrote it."""
    value_minor = models.BigIntegerField()
    """Whole minor units; how many decimals that is, `workflows.units` says."""
    proof_type = models.CharField(max_length=8, choices=ProofType.choices, default=ProofType.NONE)
    client_op_id = models.CharField(max_length=64, blank=True)
    """The sender's own id: the same request again makes no second outcome."""
    logged_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    is_counted = models.BooleanField(default=True)
    """Neither voided nor with a rejected proof: what statistics take."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["person", "-logged_at"]),
            # Ordered as the nightly aggregation reads, so that each level of its figures is a
            # prefix of the next, and all it reads.
            models.Index(
                fields=[
                    "is_counted",
                    "workflow",
                    "metric_type",
                    "unit",
                    "market",
                    "skill_level",
                    "value_minor",
                    "person",
                ],
                name="outcome_nightly",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(value_minor__gte=0), name="outcome_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(voided_at__isnull=True) | models.Q(is_counted=False),
                name="outcome_void_never_counts",
            ),
            models.UniqueConstraint(
                fields=["person", "client_op_id"],
                condition=~models.Q(client_op_id=""),
                name="outcome_once_a_client_op",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_void(self) -> bool:
        return self.voided_at is not None


class OutcomeChangeKind(models.TextChoices):
    """What happened to an outcome."""

    LOGGED = "logged", "Logged"
    CORRECTED = "corrected", "Corrected"
    VOIDED = "voided", "Voided"
    PROOF_ADDED = "proof_added", "Proof added"
    PROOF_ACCEPTED = "proof_accepted", "Proof accepted"
    PROOF_REJECTED = "proof_rejected", "Proof rejected"


class OutcomeChange(AppendOnlyModel):
    """A line of an outcome's history."""

    outcome = models.ForeignKey(Outcome, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=OutcomeChangeKind.choices)
    actor = models.CharField(max_length=64)
    """Public id of who did it."""
    before: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    after: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    """The members that changed, by field name."""
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.outcome_id} {self.kind}"


class ReviewState(models.TextChoices):
    """What a reviewer said of a proof."""

    PENDING = "pending", "Waiting for review"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


REVIEW_TRANSITIONS: dict[ReviewState, frozenset[ReviewState]] = {
    ReviewState.PENDING: frozenset({ReviewState.ACCEPTED, ReviewState.REJECTED}),
    # A mistaken judgement can be turned round; both stay in the history.
    ReviewState.ACCEPTED: frozenset({ReviewState.REJECTED}),
    ReviewState.REJECTED: frozenset({ReviewState.ACCEPTED}),
}


class ScanVerdict(models.TextChoices):
    """What the scanner said; a file found infected is never stored."""

    NOT_SCANNED = "not_scanned", "Not scanned"
    CLEAN = "clean", "Clean"


class ProofFile(models.Model):
    """The file behind an outcome. Its bytes lie in the private storage under a random key."""

    public_id = PublicIdField(prefix="proof")
    outcome = models.OneToOneField(Outcome, on_delete=models.CASCADE, related_name="proof")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    """Whose it is; copied from the outcome so that a download asks one table."""
    kind = models.CharField(max_length=8, choices=ProofType.choices)
    original_name = models.CharField(max_length=120)
    """What the file was called, cleaned; only ever shown."""
    content_type = models.CharField(max_length=40)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    """Of the stored bytes."""
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    storage_key = models.CharField(max_length=160, unique=True)
    scan_verdict = models.CharField(
        max_length=16, choices=ScanVerdict.choices, default=ScanVerdict.NOT_SCANNED
    )
    review_state = models.CharField(
        max_length=16, choices=ReviewState.choices, default=ReviewState.PENDING
    )
    review_reason = models.CharField(max_length=300, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    uploaded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["review_state", "uploaded_at"])]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(review_state=ReviewState.REJECTED)
                | ~models.Q(review_reason=""),
                name="proof_rejected_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
