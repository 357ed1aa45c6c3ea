"""What a business says about itself: place, hours, policies, questions and answers, templates.

Texts stand in Spanish and English side by side; an empty one falls back to the other. No I/O.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Company
from core.fields import PublicIdField


class BusinessProfile(models.Model):
    """Where a company's shop is and how it sells; one a company."""

    company = models.OneToOneField(
        Company, on_delete=models.CASCADE, related_name="business_profile"
    )
    name = models.CharField(max_length=120)
    about_es = models.TextField(blank=True)
    about_en = models.TextField(blank=True)
    address = models.CharField(max_length=300, blank=True)
    directions_es = models.TextField(blank=True)
    directions_en = models.TextField(blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    map_url = models.URLField(max_length=300, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    website = models.URLField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    """IANA name; opening hours are local times of it."""
    currency = models.CharField(max_length=3, default="USD")
    default_language = models.CharField(max_length=2, default="es")
    allows_pickup = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class OpeningHours(models.Model):
    """One span of a weekday in which the shop is open; several a day are allowed."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField()
    """0 is Monday."""
    opens_at = models.TimeField()
    closes_at = models.TimeField()

    class Meta:
        verbose_name_plural = "opening hours"
        ordering: ClassVar = ["weekday", "opens_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["company", "weekday", "opens_at"], name="opening_hours_once"
            ),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")),
                name="opening_hours_forward",
            ),
            models.CheckConstraint(
                condition=models.Q(weekday__lte=6), name="opening_hours_weekday"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens_at}-{self.closes_at}"


class SpecialDay(models.Model):
    """A date that differs from its weekday: closed, or with hours of its own."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="special_days")
    day = models.DateField()
    opens_at = models.TimeField(null=True, blank=True)
    """Null with ``closes_at``: closed all day."""
    closes_at = models.TimeField(null=True, blank=True)
    note_es = models.CharField(max_length=120, blank=True)
    note_en = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "day"], name="special_day_once"),
            models.CheckConstraint(
                condition=models.Q(opens_at__isnull=True, closes_at__isnull=True)
                | models.Q(closes_at__gt=models.F("opens_at")),
                name="special_day_forward",
            ),
        ]

    def __str__(self) -> str:
        return str(self.day)


class PolicyKind(models.TextChoices):
    RETURNS = "returns", "Returns and exchanges"
    SHIPPING = "shipping", "Delivery"
    PAYMENT = "payment", "Ways to pay"
    WARRANTY = "warranty", "Warranty"
    CANCELLATION = "cancellation", "Cancelling an order"
    PRIVACY = "privacy", "Privacy"


class Policy(models.Model):
    """A rule of the business in its own words."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="policies")
    kind = models.CharField(max_length=16, choices=PolicyKind.choices)
    text_es = models.TextField(blank=True)
    text_en = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "policies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "kind"], name="policy_once_a_kind"),
        ]

    def __str__(self) -> str:
        return self.kind


class FaqEntry(models.Model):
    """A question people ask, with the business's answer."""

    public_id = PublicIdField(prefix="faq")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="faq_entries")
    topic = models.CharField(max_length=16, default="general")
    """general, product, order or trouble: the last is what support tries before a ticket."""
    question_es = models.CharField(max_length=300, blank=True)
    question_en = models.CharField(max_length=300, blank=True)
    answer_es = models.TextField(blank=True)
    answer_en = models.TextField(blank=True)
    keywords = models.CharField(max_length=300, blank=True)
    """Further words people use for it, in any language."""
    is_active = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)
    helped_count = models.PositiveIntegerField(default=0)
    missed_count = models.PositiveIntegerField(default=0)
    """How often people said the answer did not help: what to rewrite first."""
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "FAQ entries"
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.public_id


class TemplateStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    PAUSED = "paused", "Paused"


TEMPLATE_TRANSITIONS: dict[TemplateStatus, frozenset[TemplateStatus]] = {
    TemplateStatus.DRAFT: frozenset({TemplateStatus.SUBMITTED}),
    TemplateStatus.SUBMITTED: frozenset(
        {
            TemplateStatus.APPROVED,
            TemplateStatus.REJECTED,
            TemplateStatus.DRAFT,
            # Meta's words come in any order: it was approved in between.
            TemplateStatus.PAUSED,
        }
    ),
    TemplateStatus.APPROVED: frozenset({TemplateStatus.PAUSED, TemplateStatus.REJECTED}),
    TemplateStatus.PAUSED: frozenset({TemplateStatus.APPROVED, TemplateStatus.REJECTED}),
    # Approved after all: an appeal, or a template that Meta gives back.
    TemplateStatus.REJECTED: frozenset(
        {
            TemplateStatus.DRAFT,
            TemplateStatus.SUBMITTED,
            TemplateStatus.APPROVED,
            TemplateStatus.PAUSED,
        }
    ),
}


class TemplateQuality(models.TextChoices):
    """How people take a template, by Meta's count of blocks and reports."""

    UNKNOWN = "", "Not known"
    GREEN = "green", "High"
    YELLOW = "yellow", "Medium"
    RED = "red", "Low"


class MessageTemplate(models.Model):
    """A text Meta approves before it may open a conversation outside the 24 h window."""

    public_id = PublicIdField(prefix="template")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="templates")
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=8)
    category = models.CharField(max_length=16, default="utility")
    """utility, marketing or authentication, as Meta names them."""
    body = models.TextField()
    """With ``{{1}}``, ``{{2}}`` … for what is filled in."""
    status = models.CharField(
        max_length=16, choices=TemplateStatus.choices, default=TemplateStatus.DRAFT
    )
    provider_reference = models.CharField(max_length=80, blank=True)
    rejection_reason = models.CharField(max_length=200, blank=True)
    quality = models.CharField(
        max_length=8, choices=TemplateQuality.choices, default=TemplateQuality.UNKNOWN, blank=True
    )
    status_told_at = models.PositiveBigIntegerField(default=0, editable=False)
    """Unix time of Meta's last word on the status: an older one that comes late changes nothing."""
    quality_told_at = models.PositiveBigIntegerField(default=0, editable=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name", "language"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["company", "name", "language"], name="template_once_a_language"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"
