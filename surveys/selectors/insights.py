"""Reads of what a survey taught."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from agents.interview.types import EarlierInsight
from surveys.models import InsightReport, Survey, Theme, ThemeMention

QUOTES_A_THEME = 5
EARLIER_THEMES = 12


def report_of(survey: Survey) -> InsightReport | None:
    """Return the present insights of a survey, or None before its first answer."""
    return InsightReport.objects.filter(survey=survey).first()


def themes_of(survey: Survey) -> QuerySet[Theme]:
    """Return a survey's themes, the most frequent first, each with its quotes.

    Quotes are in ``theme.quoted_mentions``: those mentions that carry words, with response,
    session and segment loaded.
    """
    quoted = (
        ThemeMention.objects.filter(end__gt=0, segment__isnull=False)
        .select_related("segment", "response__voice_session")
        .order_by("pk")
    )
    return (
        Theme.objects.filter(survey=survey)
        .prefetch_related(Prefetch("mentions", queryset=quoted, to_attr="quoted_mentions"))
        .order_by("-session_count", "pk")
    )


def earlier_insights(survey: Survey) -> tuple[EarlierInsight, ...]:
    """Return the themes the targeting agent is told of: labels and counts, no quotes."""
    rows = (
        Theme.objects.filter(survey=survey)
        .order_by("-session_count", "pk")
        .values_list("question_id", "label", "session_count")[:EARLIER_THEMES]
    )
    return tuple(EarlierInsight(*row) for row in rows)
