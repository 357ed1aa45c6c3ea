"""Leases on rows: who works on a row until when, with a number that fences late workers off.

Owns the three columns and the conditional updates on them. Knows nothing of the work. A lease
is needed because a worker may die; the fence is needed because it may only have been slow.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q, QuerySet

from core import clock


class LeasedModel(models.Model):
    """Base of rows that workers claim."""

    lease_owner = models.CharField(max_length=80, blank=True, default="", editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    """Rises with every claim; a write that names an older one changes nothing."""

    class Meta:
        abstract = True


def unclaimed() -> Q:
    """Return the condition of rows nobody holds now, for recovery queries."""
    return Q(leased_until__isnull=True) | Q(leased_until__lte=clock.now())


def claim(queryset: QuerySet[Any], *, owner: str, seconds: float) -> int | None:
    """Take the one row the queryset names, unless somebody holds it.

    One conditional UPDATE, so of many that try at once one succeeds. Open no transaction around
    it and the work: the lease replaces it.

    Args:
        queryset: names one row, by primary key, and may carry further conditions such as a state.
        owner: unique for each claim attempt of a process, such as ``host:pid:thread``.
        seconds: how long the lease holds unless renewed.

    Returns:
        The fence to name in every write that follows, or None when the row is held or does not
        meet the conditions.

    Raises:
        ValueError: the queryset names several rows.
    """
    until = clock.now() + timedelta(seconds=seconds)
    row_ids = list(queryset.values_list("pk", flat=True)[:2])
    if not row_ids:
        return None
    if len(row_ids) > 1:
        raise ValueError("a lease is taken on one row; narrow the queryset")
    claimed = queryset.filter(unclaimed()).update(
        lease_owner=owner, leased_until=until, fence=F("fence") + 1
    )
    if not claimed:
        return None
    # Read by primary key: the claim itself may be what the caller's conditions exclude.
    held = queryset.model._default_manager.using(queryset.db).filter(
        pk=row_ids[0], lease_owner=owner, leased_until=until
    )
    fence: int | None = held.values_list("fence", flat=True).first()
    return fence


def renew(queryset: QuerySet[Any], *, fence: int, seconds: float) -> bool:
    """Extend a lease still held under this fence; False means somebody else took over."""
    until = clock.now() + timedelta(seconds=seconds)
    return queryset.filter(fence=fence, leased_until__isnull=False).update(leased_until=until) == 1


def release(queryset: QuerySet[Any], *, fence: int) -> bool:
    """Give a lease back; False means it was no longer ours. Look for new work afterwards."""
    return (
        queryset.filter(fence=fence, leased_until__isnull=False).update(
            lease_owner="", leased_until=None
        )
        == 1
    )
