"""Rows of core: counters of rate limits, stored answers, the audit trail, live events.

No I/O besides the guards that keep the audit trail append-only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from core.fields import PublicIdField
from core.live.models import LiveEvent, LiveStream

__all__ = ["AuditEvent", "IdempotencyRecord", "LiveEvent", "LiveStream", "RateCounter"]


class AppendOnlyError(RuntimeError):
    """Somebody tried to change or delete a row that must stay as it was written."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows that can be added and read, nothing else."""

    def update(self, **kwargs: Any) -> int:
        """Refuse."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        """Refuse."""
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")


class AppendOnlyModel(models.Model):
    """Base of ledgers and trails: `save` only inserts, `delete` always fails."""

    if not TYPE_CHECKING:
        # The stubs would take the rows of every subclass for rows of this class.
        objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row; an existing one is refused."""
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never changed")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted")


class RateCounter(models.Model):
    """How often something happened in the present window; one row a limited key."""

    key_digest = models.CharField(max_length=64, primary_key=True)
    scope = models.CharField(max_length=60)
    hits = models.BigIntegerField()
    window_ends_at = models.FloatField(db_index=True)
    """Unix seconds; a number, so that one statement can compare it on every database."""

    def __str__(self) -> str:
        return f"{self.scope} {self.hits}"


class IdempotencyState(models.TextChoices):
    """Where a request with an Idempotency-Key stands: in_flight → completed."""

    IN_FLIGHT = "in_flight", "In flight"
    COMPLETED = "completed", "Completed"


class IdempotencyRecord(models.Model):
    """The one answer to a request that may arrive several times."""

    tenant = models.CharField(max_length=120)
    """Who sent it; the same key of two tenants is two requests."""
    key_digest = models.CharField(max_length=64)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    body_sha256 = models.CharField(max_length=64)
    state = models.CharField(
        max_length=12, choices=IdempotencyState.choices, default=IdempotencyState.IN_FLIGHT
    )
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.TextField(blank=True, default="")
    """The answer as JSON text."""
    attempt = models.PositiveIntegerField(default=1)
    locked_until = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["tenant", "key_digest"], name="idempotency_key_once_a_tenant"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.state}"


class AuditEvent(AppendOnlyModel):
    """Who did what to which object. Never changed, never deleted by the product."""

    public_id = PublicIdField(prefix="audit")
    actor = models.CharField(max_length=120)
    """Public id of a person, key or token holder, or ``system``."""
    action = models.CharField(max_length=60)
    """Noun and verb, such as ``company_key.revoked``."""
    object_ref = models.CharField(max_length=120, blank=True)
    """Public id of what it was done to."""
    company_ref = models.CharField(max_length=60, blank=True, db_index=True)
    """Public id of the company; no foreign key, because core stands below accounts."""
    ip_hash = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.action} {self.object_ref}"
