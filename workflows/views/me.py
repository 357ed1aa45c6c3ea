"""A person's own page: what they run, what came of it, drawn and listed."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from accounts.models import User
from core.charts import FunnelChart, Plot, Point, build_funnel_chart, build_line_chart
from core.panels import ME, build_panels
from workflows import reasons, units
from workflows.api.shapes import display_value
from workflows.models import MetricType
from workflows.page_texts import language_for, words_context
from workflows.plans import PLANS
from workflows.selectors.history import (
    count_runs,
    counted_values,
    latest_executions,
    latest_outcomes,
)
from workflows.selectors.performance import cohort_of
from workflows.services.entitlements import plan_of

MOST_CHARTS = 4
MOST_POINTS = 60


@require_safe
@login_required
def show_me(request: HttpRequest) -> HttpResponse:
    """Show history, results and charts."""
    person = cast(User, request.user)
    plan = plan_of(person)
    limit = PLANS[plan].history_rows
    counts = count_runs(person)
    texts = words_context(language_for(request))
    cohort = cohort_of(person)
    with translation.override(texts["language"]):
        return render(
            request,
            "workflows/me.html",
            {
                **texts,
                "cohort": reasons.say_cohort(cohort.market, cohort.skill_level, texts["words"]),
                "plan": plan,
                "limit": limit,
                "counts": counts,
                "funnel": _funnel(counts),
                "charts": _growth(counted_values(person)),
                "executions": latest_executions(person, limit),
                "panels": build_panels(ME, person),
                "outcomes": [
                    (row, display_value(row, texts["language"]))
                    for row in latest_outcomes(person, limit)
                ],
            },
        )


def _funnel(counts: dict[str, int]) -> FunnelChart:
    return build_funnel_chart(
        title="Your runs",
        counted="Runs",
        steps=[
            ("Started", counts["started"]),
            ("Completed", counts["completed"]),
            # A running one may have a result too; a funnel never widens.
            ("Completed, with a logged result", counts["completed_with_result"]),
        ],
    )


def _growth(values: list[tuple[str, str, str, int, datetime]]) -> list[Plot]:
    """Return how the sum of each metric and unit grew; the most logged first.

    A single result is no growth: it stands in the list alone.
    """
    series: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
    labels: dict[tuple[str, str], str] = {}
    for metric, unit, label, value, at in values:
        series[metric, unit].append((at, value))
        labels[metric, unit] = label
    grown = [key for key in series if len(series[key]) > 1]
    chosen = sorted(grown, key=lambda key: (-len(series[key]), key))[:MOST_CHARTS]
    return [
        _plot(metric, unit, labels[metric, unit], series[metric, unit]) for metric, unit in chosen
    ]


def _plot(metric: str, unit: str, label: str, found: list[tuple[datetime, int]]) -> Plot:
    scale = 10 ** units.decimals_of(metric, unit)
    points, total = [], 0
    for at, value in found:
        total += value
        points.append(
            Point(
                label=f"{at:%d %b %Y}",
                value=total / scale,
                display=units.format_value(total, metric, unit, label),
                position=at.timestamp(),
            )
        )
    step = -(-len(points) // MOST_POINTS)
    # Every n-th point counted from the last one, which is the sum.
    kept = points[(len(points) - 1) % step :: step]
    name = MetricType(metric).label
    return build_line_chart(
        title=f"{name} so far, in {label}",
        points=kept,
        label_heading="Logged",
        value_heading="Sum",
        is_stepped=True,
        show_dots=len(kept) <= 12,
    )
