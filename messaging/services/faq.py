"""Counts which answers help people. Owns the two counters of `FaqEntry`."""

from __future__ import annotations

from django.db.models import F

from messaging.models import FaqEntry


def count_faq(*, company_id: int, public_id: str, has_helped: bool) -> None:
    """Count one vote for or against an answer; an unknown entry is nobody's.

    One statement, joins the caller's transaction.
    """
    counter = "helped_count" if has_helped else "missed_count"
    FaqEntry.objects.filter(company_id=company_id, public_id=public_id).update(
        **{counter: F(counter) + 1}
    )
