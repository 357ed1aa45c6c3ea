"""A company's numbers for the console."""

from __future__ import annotations

from django.db.models import Count

from accounts.models import Company
from messaging.models import BusinessNumber


def counted_numbers_of(company: Company) -> list[BusinessNumber]:
    """Return a company's numbers, oldest first, each with its ``conversation_count``."""
    return list(
        BusinessNumber.objects.filter(company=company)
        .annotate(conversation_count=Count("conversations"))
        .order_by("pk")
    )
