"""The JSON of surveys, answers and insights, field by field: what leaves the server and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from agents.interview.types import Briefing, Question
from core import clock
from sessions.links import socket_url
from sessions.livekit.tokens import is_configured, mint_room_token
from sessions.models import Transport
from sessions.transports import list_transports
from surveys.models import InsightReport, Payout, Survey, SurveyResponse, SurveyVersion, Theme
from surveys.selectors.money import available_minor
from surveys.selectors.responses import Totals
from surveys.services.results import decimal_amount
from surveys.services.starts import StartedResponse
from surveys.services.surveys import current_version


def question_shape(question: Question | Mapping[str, Any]) -> dict[str, Any]:
    """Return a question as visitors may see it."""
    if not isinstance(question, Question):
        question = Question.from_json(dict(question))
    return {
        "id": question.id,
        "text": question.text,
        "kind": question.kind.value,
        "required": question.required,
        "choices": list(question.choices),
    }


def manage_shape(survey: Survey) -> dict[str, Any]:
    """Return a survey as its company manages it."""
    version = current_version(survey)
    currency = survey.currency
    return {
        "survey_id": survey.public_id,
        "publishable_key": survey.publishable_key,
        "status": survey.status,
        "version": version.number,
        "title": version.title,
        "description": version.description,
        "objective": version.objective,
        "questions": [
            {**question_shape(item), "max_probes": item.get("max_probes", 2)}
            for item in version.questions
        ],
        "payment_min": decimal_amount(version.payment_min_minor, currency),
        "payment_max": decimal_amount(version.payment_max_minor, currency),
        "currency": currency,
        "languages": list(version.languages),
        "max_minutes": version.max_minutes,
        "max_responses": survey.max_responses,
        "budget": decimal_amount(survey.budget_minor, currency),
        "budget_available": decimal_amount(available_minor(survey), currency),
        "targeting": survey.targeting,
        "allowed_origins": list(survey.allowed_origins),
        "consent_text": version.consent_text,
        "accept_client_transcript": survey.accept_client_transcript,
        "retention_days": survey.retention_days,
        "created_at": clock.rfc3339(survey.created_at),
        "updated_at": clock.rfc3339(survey.updated_at),
        "closed_at": clock.rfc3339(survey.closed_at) if survey.closed_at else None,
        "hosted_url": f"{settings.SITE_URL}/s/{survey.public_id}",
    }


def list_shape(survey: Any) -> dict[str, Any]:
    """Return a survey as a list shows it; ``survey`` comes from `surveys_of` with its counts."""
    version = current_version(survey)
    return {
        "survey_id": survey.public_id,
        "title": version.title,
        "status": survey.status,
        "version": version.number,
        "question_count": len(version.questions),
        "started": survey.started_count,
        "completed": survey.completed_count,
        "max_responses": survey.max_responses,
        "payment_min": decimal_amount(version.payment_min_minor, survey.currency),
        "payment_max": decimal_amount(version.payment_max_minor, survey.currency),
        "currency": survey.currency,
        "created_at": clock.rfc3339(survey.created_at),
    }


def payment_shape(version: SurveyVersion, currency: str) -> dict[str, Any]:
    """Return the pay range."""
    return {
        "min": decimal_amount(version.payment_min_minor, currency),
        "max": decimal_amount(version.payment_max_minor, currency),
        "currency": currency,
    }


def widget_shape(survey: Survey) -> dict[str, Any]:
    """Return what the widget may show before anybody has agreed to anything."""
    version = current_version(survey)
    spoken = [
        known
        for known in version.languages
        if is_configured() or Transport.BROWSER_AUDIO in list_transports(known)
    ]
    return {
        "survey_id": survey.public_id,
        "status": survey.status,
        "company": survey.company.name,
        "title": version.title,
        "description": version.description,
        "question_count": len(version.questions),
        "languages": list(version.languages),
        "max_minutes": version.max_minutes,
        "payment": payment_shape(version, survey.currency),
        "consent_text": version.consent_text,
        "targeting": {
            name: value for name, value in survey.targeting.items() if name != "attributes"
        },
        "is_play_money": survey.company.is_demo,
        "voice_available": bool(spoken),
        "voice_languages": spoken,
        "cache_seconds": settings.WIDGET_CACHE_SECONDS,
    }


def start_shape(started: StartedResponse, *, own_origin: str) -> dict[str, Any]:
    """Return the answer of ``start``; ``own_origin`` is how the visitor reached this server.

    The room token holds the room and the grants, nothing of the briefing; ``context`` is the
    part of the briefing written for the visitor's eyes.
    """
    response = started.response
    session = response.voice_session
    room = None
    if is_configured():
        room = mint_room_token(room_name=session.room_name, identity=f"visitor-{session.public_id}")
    return {
        "session_id": session.public_id,
        "room_name": session.room_name,
        "livekit_token": room.jwt if room else None,
        "livekit_url": room.url if room else None,
        "context": started.briefing.visitor_context,
        "questions": [question_shape(question) for question in _asked(started.briefing)],
        "status": session.status,
        "session_token": started.session_token,
        "receipt_token": started.receipt_token,
        "device_key": started.device_key,
        "expires_at": clock.rfc3339(session.expires_at),
        "ws_url": socket_url(session, own_origin),
        "transports": [str(known) for known in list_transports(session.language)],
        "payment": payment_shape(response.version, response.survey.currency),
        "consent_text": response.version.consent_text,
        "language": session.language,
        "max_minutes": response.version.max_minutes,
        "resumed": started.is_resumed,
        "briefing_source": started.briefing.source,
    }


def _asked(briefing: Briefing) -> list[Question]:
    return [question for question in briefing.questions if question.id not in briefing.skip]


def insights_shape(
    survey: Survey, totals: Totals, report: InsightReport | None, themes: list[Theme]
) -> dict[str, Any]:
    """Return what a survey taught so far."""
    currency = survey.currency
    average = totals.average_payment_minor
    return {
        "survey_id": survey.public_id,
        "total_sessions": totals.completed,
        "average_score": None
        if totals.average_score is None
        else round(float(totals.average_score), 1),
        "average_payment": None if average is None else decimal_amount(round(average), currency),
        "currency": currency,
        "flagged_sessions": totals.flagged,
        "sessions_used": report.sessions_used if report else 0,
        "key_insights": list(report.key_insights) if report else [],
        "themes": [theme_shape(theme) for theme in themes],
        "confidence": report.confidence if report else "early",
        "source": report.source if report else "builtin",
        "updated_at": clock.rfc3339(report.updated_at) if report and report.updated_at else None,
        "is_refreshing": bool(report and report.refresh_due_at),
    }


def theme_shape(theme: Any) -> dict[str, Any]:
    """Return a theme with its quotes; ``theme`` comes from `themes_of`."""
    return {
        "theme_id": theme.public_id,
        "question_id": theme.question_id,
        "label": theme.label,
        "session_count": theme.session_count,
        "share": round(theme.share, 4),
        "interval": {"low": round(theme.interval_low, 4), "high": round(theme.interval_high, 4)},
        "first_seen_at": clock.rfc3339(theme.first_seen_at),
        "quotes": [
            {
                "text": mention.segment.text[mention.start : mention.end],
                "session_id": mention.response.voice_session.public_id,
                "turn_id": mention.segment.public_id,
                "start": mention.start,
                "end": mention.end,
            }
            for mention in theme.quoted_mentions
        ],
    }


def response_shape(response: SurveyResponse) -> dict[str, Any]:
    """Return an answer as the company's list shows it."""
    payout: Payout | None = getattr(response, "payout", None)
    session = response.voice_session
    return {
        "session_id": session.public_id,
        "state": response.state,
        "session_status": session.status,
        "end_reason": session.end_reason or None,
        "language": session.language,
        "version": response.version.number,
        "score": response.score,
        "flags": (response.result or {}).get("flags", []),
        "is_flagged": response.is_flagged,
        "transcript_source": response.transcript_source,
        "payment_state": payout.state if payout else None,
        "payment_amount": decimal_amount(
            payout.amount_minor if payout else 0, response.survey.currency
        ),
        "currency": response.survey.currency,
        "transaction_id": payout.transaction_id if payout else None,
        "started_at": clock.rfc3339(response.created_at),
        "done_at": clock.rfc3339(response.done_at) if response.done_at else None,
    }
