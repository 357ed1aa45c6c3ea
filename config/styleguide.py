"""Sample values for the styleguide, the page that shows every component in every state.

Owns example words and figures only. Must not read a row: the page works without a database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms

from core.charts import (
    Bar,
    Point,
    build_bar_chart,
    build_funnel_chart,
    build_histogram,
    build_line_chart,
    build_sparkline,
)

ICON_NAMES = [
    "alert",
    "arrow-left",
    "arrow-right",
    "arrow-up-right",
    "bell",
    "book",
    "building",
    "chart",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle",
    "clock",
    "close",
    "code",
    "coin",
    "copy",
    "download",
    "eye",
    "file",
    "filter",
    "flag",
    "gear",
    "help",
    "home",
    "info",
    "key",
    "link",
    "list",
    "lock",
    "log-out",
    "mail",
    "menu",
    "message",
    "mic",
    "mic-off",
    "minus",
    "moon",
    "more",
    "pause",
    "pencil",
    "phone",
    "play",
    "plus",
    "refresh",
    "search",
    "send",
    "shield",
    "spark",
    "star",
    "stop",
    "sun",
    "system",
    "trash",
    "upload",
    "user",
    "users",
    "video",
    "wallet",
    "warning",
    "workflow",
]
LONG_NAME = (
    "Checkout, delivery and returns for customers who ordered twice within a month and "
    "then stopped, second edition"
)


class SampleForm(forms.Form):
    """One field of each kind; sent empty it shows what an error looks like."""

    title = forms.CharField(help_text="Visitors see it above the first question.")
    email = forms.EmailField(label="E-mail")
    highest_pay = forms.DecimalField(help_text="Set aside for each visitor who starts.")
    minutes = forms.IntegerField(min_value=1, max_value=60)
    currency = forms.ChoiceField(choices=[("USD", "US dollar"), ("EUR", "Euro")])
    objective = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    channel = forms.ChoiceField(
        choices=[("widget", "Widget on a website"), ("chat", "WhatsApp")],
        widget=forms.RadioSelect,
        help_text="Where the survey is offered.",
    )
    languages = forms.MultipleChoiceField(
        choices=[("en", "English"), ("es", "Español")], widget=forms.CheckboxSelectMultiple
    )
    consent = forms.BooleanField(label="Ask for consent first", help_text="Shown before Start.")
    is_live = forms.BooleanField(label="Take new answers", required=False)
    proof = forms.FileField(label="Proof", help_text="PNG, JPEG or PDF, at most 5 MB.")
    closes_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), required=False)


def styleguide_context() -> dict[str, Any]:
    """Return the context of the styleguide page."""
    noon = datetime(2026, 11, 20, 12, 4, tzinfo=UTC)
    return {
        "form": SampleForm(initial={"title": "Why did you leave?", "highest_pay": "20.00"}),
        "refused_form": SampleForm({"title": "", "email": "ana at example", "minutes": "900"}),
        "icon_names": ICON_NAMES,
        "long_name": LONG_NAME,
        "noon": noon,
        "crumbs": [("Surveys", "#"), (LONG_NAME, "#"), ("Session", "")],
        "tabs": [
            ("Overview", "#", True),
            ("Sessions", "#", False, 128),
            ("Findings", "#", False, 7),
            ("Settings", "#", False),
        ],
        "steps": [("Questions", "done"), ("Pay", "current"), ("Install", "todo")],
        "facts": [
            ("Session", "session_06d2k4vwz9q8m3xcr1t5y7n0ab"),
            ("Language", "English"),
            ("Answered", "4 of 5"),
            ("Payout", None),
        ],
        "statuses": ["completed", "pending", "live", "held", "rejected", "closed"],
        "events": [
            {"title": "Started", "at": noon, "icon": "play", "tone": "info"},
            {"title": "Scored 85", "at": noon, "icon": "check", "tone": "good"},
            {
                "title": "Held for review",
                "at": noon,
                "icon": "warning",
                "tone": "warn",
                "text": "Two answers repeat those of another session.",
            },
        ],
        "code": '<script src="https://example.com/widget.js"\n        data-survey="survey_…" '
        'data-key="pk_…" async></script>',
        **_sample_charts(),
    }


def _sample_charts() -> dict[str, Any]:
    return {
        "bars": build_bar_chart(
            title="Themes by number of sessions",
            note="The line shows the 95 % interval.",
            label_heading="Theme",
            value_heading="Sessions",
            bars=[
                Bar("Delivery date shown too late", 41, low=34, high=48, url="#"),
                Bar("Card form asked for a phone number", 23, low=17, high=30),
                Bar(LONG_NAME, 6, low=3, high=11),
            ],
        ),
        "no_bars": build_bar_chart(title="Themes of a survey without answers", bars=[]),
        "funnel": build_funnel_chart(
            title="From invitation to pay",
            steps=[("Shown", 1840), ("Consented", 420), ("Started", 388), ("Done", 301)],
        ),
        "line": build_line_chart(
            title="Completed sessions a day",
            points=[
                Point(f"{day} Nov", value)
                for day, value in enumerate([3, 8, 5, 13, 21, 18, 26, 24], start=13)
            ],
            label_heading="Day",
            value_heading="Sessions",
        ),
        "columns": build_histogram(
            title="Scores",
            bins=[(f"{low}–{low + 9}", count) for low, count in enumerate_scores()],
            label_heading="Score",
            value_heading="Sessions",
        ),
        "spark": build_sparkline(label="Sessions in eight days", values=[3, 8, 5, 13, 21, 18, 26]),
    }


def enumerate_scores() -> list[tuple[int, int]]:
    """Return the lower end of ten score ranges with an example count each."""
    return list(zip(range(0, 100, 10), [2, 1, 4, 6, 11, 19, 34, 41, 22, 5], strict=True))
