"""Keeps a survey's insights up to date: asks for a refresh, makes it, once at a time.

Owns the report, themes and mentions of a survey. What a theme is, is decided by
`agents.interview.insights`; here quotes are checked once more against the words they came from.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from agents.interview.factory import get_insights_agent
from agents.interview.insights.builtin import BuiltinInsightsAgent
from agents.interview.types import AnswerSample, Insights, Question, Quote
from agents.interview.types import Theme as FoundTheme
from agents.llm.allowance import may_call_model
from core import clock, lease
from core.jobs import nudge
from sessions.models import SegmentRole, TranscriptSegment
from surveys.models import (
    InsightReport,
    ResponseState,
    Survey,
    SurveyResponse,
    Theme,
    ThemeMention,
)
from surveys.services.surveys import current_version

REFRESH_JOB = "surveys.refresh_insights"
LEASE_SECONDS = 120.0
DEADLINE_SECONDS = 60.0
SESSIONS_MAX = 2000
"""The latest answers that are read; older themes keep their place through their answers' share."""
PAUSE_STEP_SECONDS = 0.01
PAUSE_MAX_SECONDS = 60.0
RETRY_SECONDS = 60.0


def request_refresh(*, survey: Survey) -> None:
    """Ask for new insights: at once when none were made lately, else after a pause.

    The pause grows with the number of answers, so that a thousand completions in a minute make
    a few refreshes. Joins the caller's transaction; the row is what is due, the nudge a hint.
    """
    due_at = clock.now()
    reports = InsightReport.objects.filter(survey=survey)
    made = reports.values_list("pk", "updated_at", "sessions_used")[:1]
    known = list(made)
    if not known:
        _, is_new = InsightReport.objects.get_or_create(
            survey=survey, defaults={"refresh_due_at": due_at}
        )
        # Somebody else's first request was faster: its row is not older than this moment.
        known = [] if is_new else list(made)
    for pk, updated_at, sessions_used in known:
        if updated_at is not None:
            pause = min(PAUSE_MAX_SECONDS, sessions_used * PAUSE_STEP_SECONDS)
            due_at = max(due_at, updated_at + timedelta(seconds=pause))
        # A refresh that runs now may have read its answers before this one was there, so the
        # time is set anew: the refresh clears only the time it started from.
        InsightReport.objects.filter(pk=pk).update(refresh_due_at=due_at)
    nudge(REFRESH_JOB, survey.public_id)


def forget_answer(*, response: SurveyResponse) -> None:
    """Take an erased answer out of what is shown, at once; a refresh makes the rest anew.

    Its mentions go with their quotes. The report's sentences may quote anybody, so all of them
    go until the refresh that this asks for. Joins the caller's transaction.
    """
    ThemeMention.objects.filter(response=response).delete()
    InsightReport.objects.filter(survey=response.survey).update(key_insights=[])
    request_refresh(survey=response.survey)


def refresh_insights(*, survey: Survey) -> bool:
    """Make a survey's insights anew if that is due; tell whether this call did.

    The agent runs outside of any transaction under a lease; the result is written in one
    transaction guarded by the fence. Safe to run twice and at the same time.
    """
    claimed = _claim(survey)
    if claimed is None:
        return False
    fence, due_at = claimed
    answers, segments, responses = _read_answers(survey)
    version = current_version(survey)
    agent = get_insights_agent() if may_call_model(survey.company) else BuiltinInsightsAgent()
    try:
        found = agent.find_insights(
            [Question.from_json(item) for item in version.questions],
            answers,
            known=_known_themes(survey),
            language=(version.languages or ["en"])[0],
            deadline_seconds=DEADLINE_SECONDS,
        )
    except Exception:
        InsightReport.objects.filter(survey=survey, fence=fence).update(
            lease_owner="",
            leased_until=None,
            refresh_due_at=clock.now() + timedelta(seconds=RETRY_SECONDS),
        )
        raise
    with transaction.atomic():
        return _write(survey, fence, due_at, found, segments, responses)


def _claim(survey: Survey) -> tuple[int, datetime] | None:
    now = clock.now()
    fence = lease.claim(
        InsightReport.objects.filter(survey=survey, refresh_due_at__lte=now),
        owner=f"{os.getpid()}:{secrets.token_hex(4)}",
        seconds=LEASE_SECONDS,
    )
    if fence is None:
        return None
    row = InsightReport.objects.get(survey=survey)
    return fence, row.refresh_due_at or now


def _read_answers(
    survey: Survey,
) -> tuple[list[AnswerSample], dict[str, TranscriptSegment], dict[str, int]]:
    """Return what visitors said in completed, unflagged answers, and the rows behind the ids."""
    rows = list(
        SurveyResponse.objects.filter(
            survey=survey, state=ResponseState.COMPLETED, is_flagged=False
        )
        .order_by("-evaluated_at", "-pk")
        .values_list("pk", "voice_session_id", "voice_session__public_id")[:SESSIONS_MAX]
    )
    session_ids = {session_pk: public_id for _, session_pk, public_id in rows}
    said = TranscriptSegment.objects.filter(
        voice_session_id__in=list(session_ids), role=SegmentRole.USER, is_late=False
    ).order_by("voice_session_id", "position")
    answers: list[AnswerSample] = []
    segments: dict[str, TranscriptSegment] = {}
    for segment in said:
        segments[segment.public_id] = segment
        if segment.question_id:
            answers.append(
                AnswerSample(
                    session_id=session_ids[segment.voice_session_id],
                    turn_id=segment.public_id,
                    question_id=segment.question_id,
                    text=segment.text,
                )
            )
    return answers, segments, {public_id: pk for pk, _, public_id in rows}


def _known_themes(survey: Survey) -> list[FoundTheme]:
    themes = list(Theme.objects.filter(survey=survey).order_by("pk"))
    members: dict[int, list[str]] = {}
    pairs = ThemeMention.objects.filter(theme__survey=survey).values_list(
        "theme_id", "response__voice_session__public_id"
    )
    for theme_pk, session_id in pairs:
        members.setdefault(theme_pk, []).append(session_id)
    return [
        FoundTheme(
            id=theme.public_id,
            question_id=theme.question_id,
            label=theme.label,
            key=theme.key,
            session_ids=tuple(members.get(theme.pk, ())),
            share=theme.share,
            interval_low=theme.interval_low,
            interval_high=theme.interval_high,
            quotes=(),
        )
        for theme in themes
    ]


def _write(
    survey: Survey,
    fence: int,
    due_at: datetime,
    found: Insights,
    segments: Mapping[str, TranscriptSegment],
    responses: Mapping[str, int],
) -> bool:
    now = clock.now()
    # An answer erased while the agent was thinking must not come back with its words.
    alive = set(
        SurveyResponse.objects.select_for_update()
        .filter(pk__in=responses.values(), state=ResponseState.COMPLETED, is_flagged=False)
        .values_list("pk", flat=True)
    )
    members = {key: pk for key, pk in responses.items() if pk in alive}
    is_complete = len(members) == len(responses)
    report = InsightReport.objects.filter(survey=survey)
    written = report.filter(fence=fence).update(
        key_insights=list(found.key_insights) if is_complete else [],
        confidence=found.confidence,
        sessions_used=min(found.sessions_used, len(members)),
        source=found.source,
        version=F("version") + 1,
        updated_at=now,
        lease_owner="",
        leased_until=None,
    )
    if not written:
        return False
    if is_complete:
        # Only the request this refresh began from is settled; a later one stays due.
        report.filter(refresh_due_at=due_at).update(refresh_due_at=None)
    else:
        report.update(refresh_due_at=now)
    kept = [
        _write_theme(survey, theme, segments, members, now)
        for theme in found.themes
        if any(session_id in members for session_id in theme.session_ids)
    ]
    Theme.objects.filter(survey=survey).exclude(pk__in=kept).delete()
    return True


def _write_theme(
    survey: Survey,
    theme: FoundTheme,
    segments: Mapping[str, TranscriptSegment],
    members: Mapping[str, int],
    now: datetime,
) -> int:
    sessions = [session_id for session_id in theme.session_ids if session_id in members]
    row, _ = Theme.objects.update_or_create(
        survey=survey,
        public_id=theme.id,
        defaults={
            "question_id": theme.question_id,
            "label": theme.label[:200],
            "key": theme.key,
            "session_count": len(sessions),
            "share": theme.share,
            "interval_low": theme.interval_low,
            "interval_high": theme.interval_high,
            "updated_at": now,
        },
        create_defaults={
            "public_id": theme.id,
            "question_id": theme.question_id,
            "label": theme.label[:200],
            "key": theme.key,
            "session_count": len(sessions),
            "share": theme.share,
            "interval_low": theme.interval_low,
            "interval_high": theme.interval_high,
            "first_seen_at": now,
            "updated_at": now,
        },
    )
    quotes = _checked_quotes(theme.quotes, segments, members)
    ThemeMention.objects.filter(theme=row).delete()
    ThemeMention.objects.bulk_create(
        ThemeMention(
            theme=row,
            response_id=members[session_id],
            segment=segments[quotes[session_id].turn_id] if session_id in quotes else None,
            start=quotes[session_id].start if session_id in quotes else 0,
            end=quotes[session_id].end if session_id in quotes else 0,
        )
        for session_id in dict.fromkeys(sessions)
    )
    return row.pk


def _checked_quotes(
    quotes: Sequence[Quote],
    segments: Mapping[str, TranscriptSegment],
    members: Mapping[str, int],
) -> dict[str, Quote]:
    """Return session id to its quote, only where the words stand exactly there."""
    checked: dict[str, Quote] = {}
    for quote in quotes:
        segment = segments.get(quote.turn_id)
        if (
            segment is not None
            and quote.session_id in members
            and quote.session_id not in checked
            and 0 <= quote.start < quote.end
            and segment.text[quote.start : quote.end] == quote.text
        ):
            checked[quote.session_id] = quote
    return checked


def due_survey_ids(*, limit: int = 50) -> list[str]:
    """Return the public ids of surveys whose insights are due and that nobody is making."""
    now = clock.now()
    return list(
        InsightReport.objects.filter(lease.unclaimed(), refresh_due_at__lte=now)
        .order_by("refresh_due_at")
        .values_list("survey__public_id", flat=True)[:limit]
    )
