"""The console's charts: rows and counts in, finished charts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from agents.interview.evaluation.pay import pay_minor
from agents.interview.insights.distributions import Distribution
from core.charts import (
    Bar,
    BarChart,
    FunnelChart,
    Plot,
    Point,
    build_bar_chart,
    build_funnel_chart,
    build_histogram,
    build_line_chart,
)
from core.money import format_money
from surveys.models import Theme
from surveys.selectors.console import BANDS
from surveys.services.funnel import question_step

SHORT_QUESTION = 48


def shorten(text: str, limit: int = SHORT_QUESTION) -> str:
    """Return the text, cut at a word with an ellipsis when it is long."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rsplit(' ', 1)[0]}…"


def draw_funnel(counts: Mapping[str, int], questions: Sequence[Mapping[str, Any]]) -> FunnelChart:
    """Return the funnel from shown to paid, with one step a question."""
    steps = [
        ("Shown", counts.get("shown", 0)),
        ("Agreed", counts.get("consented", 0)),
        ("Started", counts.get("started", 0)),
    ]
    steps += [
        (f"{number}. {shorten(question['text'])}", counts.get(question_step(question["id"]), 0))
        for number, question in enumerate(questions, start=1)
    ]
    steps += [("Done", counts.get("done", 0)), ("Paid", counts.get("paid", 0))]
    return build_funnel_chart(
        title="From seeing the survey to being paid",
        steps=steps,
        note="Questions count visitors who answered them, in the present version of the survey.",
    )


def draw_scores(scores: Mapping[int, int]) -> Plot:
    """Return how many answers reached which range of scores."""
    bins = [
        (f"{low}–{high}", sum(count for score, count in scores.items() if low <= score <= high))
        for low, high in BANDS
    ]
    return build_histogram(
        title="Scores of completed answers",
        bins=bins,
        label_heading="Score",
        value_heading="Answers",
        note="Below 25 an answer earns nothing; from 50 on pay rises with the score.",
    )


def draw_days(days: Sequence[tuple[date, int]]) -> Plot:
    """Return completed answers by day."""
    return build_line_chart(
        title="Completed answers a day",
        points=[Point(label=f"{day:%-d %b}", value=count) for day, count in days],
        label_heading="Day",
        value_heading="Answers",
    )


def draw_themes(themes: Sequence[Theme], title: str) -> BarChart:
    """Return the share of sessions that brought up each theme, with its interval."""
    return build_bar_chart(
        title=title,
        bars=[
            Bar(
                label=theme.label,
                value=round(100 * theme.share, 1),
                display=f"{round(100 * theme.share)} %",
                note=f"{theme.session_count} sessions" if theme.session_count != 1 else "1 session",
                url=f"#{theme.public_id}",
                low=float(round(100 * theme.interval_low)),
                high=float(round(100 * theme.interval_high)),
            )
            for theme in themes
        ],
        label_heading="Theme",
        value_heading="Share",
        note="Of the sessions that answered this question; the range is the 95 % Wilson interval.",
        maximum=100.0,
    )


def draw_distribution(found: Distribution) -> BarChart:
    """Return the counts of a closed question."""
    mean = "" if found.mean is None else f" Mean {found.mean:.1f} of {found.high}."
    return build_bar_chart(
        title=shorten(found.question.text, 90),
        bars=[
            Bar(label=label.capitalize() if label in ("yes", "no") else label, value=float(count))
            for label, count in found.counts
        ],
        label_heading="Answer",
        value_heading="Sessions",
        note=f"{found.answered} {'answer' if found.answered == 1 else 'answers'} read.{mean}",
    )


def draw_pay_curve(minimum: int, maximum: int, currency: str) -> Plot:
    """Return what each score earns, from 0 to 100 in steps of five.

    Args:
        minimum: lowest pay in minor units.
        maximum: highest pay, at least the lowest.
    """
    points = [
        Point(
            label=str(score),
            value=float(pay_minor(score, minimum, maximum, True)),
            display=format_money(pay_minor(score, minimum, maximum, True), currency),
            position=float(score),
        )
        for score in range(0, 101, 5)
    ]
    return build_line_chart(
        title="Pay by score",
        points=points,
        label_heading="Score",
        value_heading="Pay",
        format_value=lambda value: format_money(round(value), currency),
        is_stepped=True,
        show_dots=False,
        axis=("0", "25", "50", "75", "100"),
    )


def pay_curve_path(minimum: int, maximum: int) -> str:
    """Return the pay curve as an SVG path in a box of 100 by 100, its top at the highest pay.

    The builder's script draws the same path again while somebody types.
    """
    if maximum <= 0:
        return "M0 100H100"
    heights = [
        100 - round(100 * pay_minor(score, minimum, maximum, True) / maximum)
        for score in range(0, 101, 5)
    ]
    steps = "".join(f"H{5 * number}V{height}" for number, height in enumerate(heights) if number)
    return f"M0 {heights[0]}{steps}"
