"""Background jobs of surveys: ids in, one service call, safe to run twice.

Payout and wallet jobs live in `surveys.money_tasks`.
"""

from __future__ import annotations

from core.jobs import job, nudge, periodic, sweep
from surveys import money_tasks
from surveys.models import Survey, SurveyResponse
from surveys.services import erasure, evaluation, insights
from surveys.services.completion import EVALUATE_JOB
from surveys.services.insights import REFRESH_JOB

#: Jobs are found by this module; naming the other one registers its jobs as well.
__all__ = ["money_tasks"]


@job(EVALUATE_JOB)
def evaluate_response(key: str) -> None:
    """Score the answer of the session with this public id, if that is due."""
    response = (
        SurveyResponse.objects.select_related("survey__company", "version", "voice_session")
        .filter(voice_session__public_id=key)
        .first()
    )
    if response is not None:
        evaluation.evaluate_due(response=response)


@sweep("surveys.due_evaluations", every_seconds=1)
def find_due_evaluations() -> None:
    """Nudge the scoring of answers nobody is scoring: a killed call, a lost job."""
    for session_id in evaluation.due_session_ids():
        nudge(EVALUATE_JOB, session_id)


@job(REFRESH_JOB)
def refresh_insights(key: str) -> None:
    """Make the insights of the survey with this public id anew, if that is due."""
    survey = (
        Survey.objects.select_related("company", "current_version").filter(public_id=key).first()
    )
    if survey is not None:
        insights.refresh_insights(survey=survey)


@sweep("surveys.due_insights", every_seconds=1)
def find_due_insights() -> None:
    """Nudge the refresh of insights that are due."""
    for survey_id in insights.due_survey_ids():
        nudge(REFRESH_JOB, survey_id)


@periodic("17 3 * * *", name="surveys.purge_expired")
def purge_expired_answers() -> None:
    """Erase answers whose retention period is over, each night."""
    while erasure.purge_expired():
        pass
