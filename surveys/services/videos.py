"""A survey's findings as the script of a video.

Owns what of the findings is handed down to `agents.video`, which knows no survey; and that an
answer that is erased also leaves the videos it was quoted in.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import User
from agents.interview.insights.distributions import read_distribution
from agents.interview.types import Question, QuestionKind
from agents.llm.allowance import may_call_model
from agents.video import drafting
from agents.video.models import Origin, VideoSession
from agents.video.services.scripts import create_video_session, forget_words
from core.errors import ConflictError
from surveys.models import Survey, SurveyVersion, Theme
from surveys.selectors.console import closed_answers
from surveys.selectors.insights import QUOTES_A_THEME, report_of, themes_of
from surveys.services.surveys import current_version

MAX_THEMES = 8


class NoFindingsError(ConflictError):
    """There is nothing to make a video of."""

    def __init__(self) -> None:
        super().__init__(
            "no_findings",
            "There are no findings yet. They come with the first completed answer.",
        )


def create_insights_video(*, survey: Survey, owner: User) -> VideoSession:
    """Draft a video of a survey's findings; its owner edits it before anything is rendered.

    May wait for a language model: call it outside of a transaction. Not idempotent.

    Args:
        survey: of the company the person works in; the caller has checked that.
        owner: whose video it becomes.

    Raises:
        NoFindingsError: the survey has taught nothing yet.
        RateLimitedError: too many videos in an hour.
        UnprocessableError: the person has as many videos as one may have.
    """
    findings = read_findings(survey)
    draft = drafting.draft_script(findings, may_call_model=lambda: may_call_model(survey.company))
    return create_video_session(
        owner=owner,
        company=survey.company,
        title=draft.title,
        scenes=[scene.to_json() for scene in draft.scenes],
        language=draft.language,
        origin=Origin.SURVEY,
        origin_ref=survey.public_id,
    )


def read_findings(survey: Survey) -> drafting.Findings:
    """Return what a survey taught, as a script is drafted from it.

    Raises:
        NoFindingsError: nothing yet.
    """
    report = report_of(survey)
    if report is None or not report.sessions_used:
        raise NoFindingsError
    version = current_version(survey)
    return drafting.Findings(
        title=version.title,
        people=report.sessions_used,
        language=(version.languages or ["en"])[0],
        themes=tuple(_theme(theme) for theme in themes_of(survey)[:MAX_THEMES]),
        distributions=tuple(_distributions(survey, version)),
        key_points=tuple(report.key_insights),
    )


def forget_quotes(*, survey: Survey, said: Iterable[str]) -> int:
    """Take what an erased answer said out of the videos made of its survey.

    Joins the caller's transaction. Videos that quoted it are withdrawn with their files.

    Returns:
        How many videos were changed.
    """
    return forget_words(origin=Origin.SURVEY, origin_ref=survey.public_id, said=list(said))


def _theme(theme: Theme) -> drafting.Theme:
    mentions = getattr(theme, "quoted_mentions", [])[:QUOTES_A_THEME]
    quotes = (mention.segment.text[mention.start : mention.end] for mention in mentions)
    return drafting.Theme(
        label=theme.label,
        people=theme.session_count,
        share=theme.share,
        quotes=tuple(quote.strip() for quote in quotes if quote.strip()),
    )


def _distributions(survey: Survey, version: SurveyVersion) -> Iterable[drafting.Distribution]:
    questions: list[Question] = [Question.from_json(item) for item in version.questions]
    closed = [question for question in questions if question.kind is not QuestionKind.OPEN]
    answers = closed_answers(survey, [question.id for question in closed])
    for question in closed:
        found = read_distribution(question, answers)
        if found is not None:
            yield drafting.Distribution(question.text, found.counts)
