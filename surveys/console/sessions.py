"""Pages of conversations: the list, and one of them live, replayed and explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST, require_safe

from accounts.access import CompanyRequest
from agents.interview.types import Briefing, FlagKind
from core import audit, clock
from core.errors import ConflictError
from sessions.links import socket_path, transcript_path, watch_path
from sessions.models import TranscriptSegment
from surveys.console.doors import for_owners, for_researchers, read_word, render_page
from surveys.console.paging import cut_page
from surveys.console.payouts import change_of, payout_timeline
from surveys.console.transcripts import show_doubles, show_flags, show_marks, show_turns
from surveys.console.words import END_WORDS
from surveys.models import EvaluationRecord, ResponseState, SurveyResponse
from surveys.selectors.console import (
    BANDS,
    SessionFilter,
    appeal_of,
    evaluations_of_response,
    is_erased,
    languages_of,
    sessions_of,
    survey_choices,
)
from surveys.selectors.responses import response_of_company, transcript_of
from surveys.services.duplicates import DuplicateSource, find_sources
from surveys.services.erasure import KEPT_NOTE, erase_response


@for_researchers
@require_safe
def session_list(request: CompanyRequest) -> HttpResponse:
    """List the company's conversations, newest first, a page at a time."""
    narrowed = read_filter(request.GET)
    page = cut_page(sessions_of(request.company, narrowed), request.GET)
    now = clock.now()
    return render_page(
        request,
        "session_list",
        {
            "page": page,
            "rows": [(row, row.voice_session.active_seconds(now)) for row in page.rows],
            "narrowed": narrowed,
            "is_narrowed": narrowed != SessionFilter(),
            "surveys": survey_choices(request.company),
            "states": ResponseState.choices,
            "bands": [(str(index), f"{low} to {high}") for index, (low, high) in enumerate(BANDS)],
            "band": "" if narrowed.band is None else str(narrowed.band),
            "flagged": {None: "", True: "yes", False: "no"}[narrowed.flagged],
            "languages": languages_of(request.company),
        },
    )


def read_filter(query: QueryDict) -> SessionFilter:
    """Return what narrows the list; what cannot be read narrows nothing."""
    state = query.get("state", "")
    band = query.get("band", "")
    return SessionFilter(
        survey_id=read_word(query, "survey", limit=64),
        state=state if state in ResponseState.values else "",
        band=int(band) if band in {str(index) for index in range(len(BANDS))} else None,
        flagged={"yes": True, "no": False}.get(query.get("flagged", "")),
        language=read_word(query, "language", limit=8),
        since=_read_day(query.get("since", "")),
        until=_read_day(query.get("until", "")),
    )


def _read_day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@for_researchers
@require_safe
def session_detail(request: CompanyRequest, session_id: str) -> HttpResponse:
    """Show one conversation with all that was made of it."""
    response = response_of_company(request.company, session_id)
    session = response.voice_session
    version = response.version
    return render_page(
        request,
        "session_detail",
        {
            **describe_answer(response),
            "crumbs": [
                ("Sessions", reverse("console:session_list")),
                (version.title, reverse("console:survey_detail", args=[response.survey.public_id])),
                ("Session", ""),
            ],
            "briefing": _briefing_of(response),
            "seconds": session.active_seconds(clock.now()),
            "is_live": not session.is_ended,
            "live_settings": {
                "socketPath": socket_path(session),
                "watchPath": watch_path(session),
            },
            "downloads": []
            if is_erased(response)
            else [
                ("Plain text", transcript_path(session, "txt")),
                ("Captions (WebVTT)", transcript_path(session, "vtt")),
            ],
            "kept_note": KEPT_NOTE,
            "pay_change": change_of(getattr(response, "payout", None)),
        },
    )


def describe_answer(response: SurveyResponse) -> dict[str, Any]:
    """Return what the pages of a session and of a review show of an answer."""
    records = evaluations_of_response(response)
    record = records[0] if records else None
    payout = getattr(response, "payout", None)
    appeal = appeal_of(response)
    session = response.voice_session
    segments = transcript_of(response)
    return {
        "response": response,
        "session": session,
        "survey": response.survey,
        "version": response.version,
        "record": record,
        "rescored": [one for one in records[1:] if not one.is_paying],
        "turns": show_turns(segments, record),
        "doubles": show_doubles(_sources_of(response, record, segments), segments),
        "questions": show_marks(record, response.version.questions),
        "flags": show_flags(record, payout.hold_reasons if payout else (), segments),
        "payout": payout,
        "appeal": appeal,
        "timeline": payout_timeline(response, payout, appeal),
        "end_words": END_WORDS.get(session.end_reason, ""),
        "is_erased": is_erased(response),
    }


def _sources_of(
    response: SurveyResponse,
    record: EvaluationRecord | None,
    segments: Sequence[TranscriptSegment],
) -> list[DuplicateSource]:
    """Return where the words stand that were flagged as another session's."""
    flagged = {
        turn_id
        for flag in (record.flags if record is not None else ())
        if flag["kind"] == FlagKind.DUPLICATE_ACROSS_SESSIONS
        for turn_id in flag.get("turn_ids", ())
    }
    if not flagged:
        return []
    return find_sources(
        response=response, segments=[one for one in segments if one.public_id in flagged]
    )


def _briefing_of(response: SurveyResponse) -> dict[str, Any] | None:
    stored = response.voice_session.briefing
    if not stored:
        return None
    briefing = Briefing.from_json(stored)
    return {
        "briefing": briefing,
        "questions": [
            (
                question.text,
                briefing.probe_hints.get(question.id, ""),
                question.id in briefing.skip,
            )
            for question in briefing.questions
        ],
    }


@for_owners
@require_POST
def session_erase(request: CompanyRequest, session_id: str) -> HttpResponse:
    """Erase what a respondent said, because they asked the company for it."""
    response = response_of_company(request.company, session_id)
    try:
        erase_response(response=response)
    except ConflictError as error:
        messages.error(request, error.detail)
    else:
        # The service writes the erasure down as the respondent's wish; this says who carried it.
        audit.record_event(
            actor=request.user,
            action="response.erasure_asked",
            object_ref=session_id,
            company=request.company,
        )
        messages.success(request, f"Erased. {KEPT_NOTE}")
    return redirect("console:session_detail", session_id)
