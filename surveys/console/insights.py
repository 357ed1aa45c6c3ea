"""Pages of findings: themes with the quotes behind them, and what closed questions came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CompanyRequest
from agents.interview.insights.distributions import read_distribution
from agents.interview.types import Question, QuestionKind
from agents.video.models import Origin
from agents.video.selectors import videos_made_of
from agents.video.services.runs import start_run
from core.charts import BarChart
from core.errors import ParleyError
from surveys.console.doors import for_researchers, render_page
from surveys.console.figures import draw_distribution, draw_scores, draw_themes, shorten
from surveys.console.surveys import survey_tabs
from surveys.console.words import CONFIDENCE_WORDS
from surveys.models import Survey, SurveyVersion, Theme, ThemeMention
from surveys.selectors.console import closed_answers, latest_findings, score_counts
from surveys.selectors.insights import QUOTES_A_THEME, report_of, themes_of
from surveys.selectors.responses import totals_of
from surveys.selectors.surveys import survey_of, surveys_of
from surveys.services.insights import request_refresh
from surveys.services.surveys import current_version
from surveys.services.videos import create_insights_video

VIDEOS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """Somebody's words and the address of the turn they stand in."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class ShownTheme:
    """A theme with its quotes."""

    public_id: str
    label: str
    session_count: int
    first_seen_at: datetime
    shown_quotes: tuple[ShownQuote, ...]


@dataclass(frozen=True, slots=True)
class QuestionFindings:
    """What one question brought."""

    text: str
    chart: BarChart
    themes: tuple[ShownTheme, ...]


@for_researchers
@require_safe
def insights(request: CompanyRequest) -> HttpResponse:
    """Show the findings of all surveys in short."""
    found = latest_findings(request.company, limit=50)
    return render_page(
        request,
        "insights",
        {
            "reports": [(report, CONFIDENCE_WORDS.get(report.confidence, "")) for report in found],
            "has_surveys": bool(found) or surveys_of(request.company).exists(),
        },
    )


@for_researchers
@require_safe
def survey_insights(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Show what one survey taught so far."""
    survey = survey_of(request.company, survey_id)
    version = current_version(survey)
    report = report_of(survey)
    totals = totals_of(survey)
    themes = list(themes_of(survey))
    return render_page(
        request,
        "survey_insights",
        {
            "crumbs": [("Surveys", reverse("console:survey_list")), (version.title, "")],
            "survey": survey,
            "version": version,
            "tabs": survey_tabs(survey, "survey_insights"),
            "report": report if report and report.sessions_used else None,
            "confidence_words": CONFIDENCE_WORDS.get(report.confidence, "") if report else "",
            "is_refreshing": bool(report and report.refresh_due_at),
            "totals": totals,
            "average_minor": None
            if totals.average_payment_minor is None
            else round(totals.average_payment_minor),
            "questions": group_themes(version, themes),
            "distributions": _distributions(survey, version),
            "scores": draw_scores(score_counts(survey)),
            "videos": videos_made_of(
                request.user, origin=Origin.SURVEY, origin_ref=survey.public_id
            )[:VIDEOS_SHOWN],
        },
    )


def group_themes(version: SurveyVersion, themes: list[Theme]) -> list[QuestionFindings]:
    """Return themes by question in the survey's order; those of removed questions come last."""
    texts: dict[str, str] = {item["id"]: item["text"] for item in version.questions}
    groups: dict[str, list[Theme]] = {question_id: [] for question_id in texts}
    for theme in themes:
        groups.setdefault(theme.question_id, []).append(theme)
    return [
        QuestionFindings(
            text=texts.get(question_id, "A question of an earlier version"),
            chart=draw_themes(
                found, shorten(texts.get(question_id, "A question of an earlier version"), 90)
            ),
            themes=tuple(_shown(theme) for theme in found),
        )
        for question_id, found in groups.items()
        if found
    ]


def _shown(theme: Any) -> ShownTheme:
    """Return a theme of `themes_of`, which loads its quotes, as the page shows it."""
    return ShownTheme(
        public_id=theme.public_id,
        label=theme.label,
        session_count=theme.session_count,
        first_seen_at=theme.first_seen_at,
        shown_quotes=tuple(
            ShownQuote(
                text=mention.segment.text[mention.start : mention.end],
                url=f"{reverse('console:session_detail', args=[_session_id(mention)])}"
                f"#turn-{mention.segment.public_id}",
            )
            for mention in theme.quoted_mentions[:QUOTES_A_THEME]
        ),
    )


def _session_id(mention: ThemeMention) -> str:
    return mention.response.voice_session.public_id


def _distributions(survey: Survey, version: SurveyVersion) -> list[BarChart]:
    questions: list[Question] = [Question.from_json(item) for item in version.questions]
    closed = [question for question in questions if question.kind is not QuestionKind.OPEN]
    answers = closed_answers(survey, [question.id for question in closed])
    found: list[Any] = [read_distribution(question, answers) for question in closed]
    return [draw_distribution(one) for one in found if one is not None]


@for_researchers
@require_POST
def insights_video(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Make a video of the findings, in one press; or draft its script alone, to change it first."""
    survey = survey_of(request.company, survey_id)
    try:
        video = create_insights_video(survey=survey, owner=request.user)
        if request.POST.get("do") == "make":
            start_run(owner=request.user, session_id=video.public_id)
            return redirect("studio_video", video.public_id)
    except ParleyError as error:
        messages.error(request, error.detail)
        return redirect("console:survey_insights", survey.public_id)
    messages.success(request, "A script of the findings is drafted. Change what you like.")
    return redirect("studio_script", video.public_id)


@for_researchers
@require_POST
def insights_refresh(request: CompanyRequest, survey_id: str) -> HttpResponse:
    """Ask for new insights; they are made in the background."""
    survey = survey_of(request.company, survey_id)
    request_refresh(survey=survey)
    messages.success(request, "The findings are being made anew. Reload in a few seconds.")
    return redirect("console:survey_insights", survey.public_id)
