"""Gives orders and tickets the short numbers people quote. Owns `NumberSeries`."""

from __future__ import annotations

from django.db.models import F

from messaging.models import NumberSeries

ORDER_SERIES = "P"
TICKET_SERIES = "T"


def next_number(*, company_id: int, series: str) -> str:
    """Return the next number of a series, such as ``P-1001``.

    Joins the caller's transaction: the row stays locked until it ends, so numbers of a company
    are given one after the other, and one that was rolled back is given again.
    """
    rows = NumberSeries.objects.filter(company_id=company_id, series=series)
    if not rows.update(last=F("last") + 1):
        NumberSeries.objects.get_or_create(company_id=company_id, series=series)
        rows.update(last=F("last") + 1)
    return f"{series}-{rows.values_list('last', flat=True).get()}"
