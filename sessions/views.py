"""The pages of conversations: chat, history, replay."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from accounts.selectors import list_memberships
from core import clock
from core.page_texts import LANGUAGES
from core.templatetags.parley import duration
from sessions import selectors, voice_figures
from sessions.forms import HistoryForm
from sessions.limits import SYSTEM_PROMPT_LENGTH
from sessions.links import recording_path, transcript_path
from sessions.models import EndReason, SegmentRole, TranscriptSegment, VoiceSession, VoiceUsage
from sessions.page_texts import (
    HistoryTexts,
    history_texts,
    language_for,
    say_from_server,
    texts_context,
)
from sessions.practice import practice_introduction
from sessions.services.chats import describe_agent
from sessions.transports import describe_engine, list_transports

PAGE_SIZE = 25


@require_safe
@ensure_csrf_cookie
@vary_on_headers("Accept-Language")
def show_chat(request: HttpRequest) -> HttpResponse:
    """Show the chat page; the conversation itself is made by script, over the API."""
    agent = describe_agent()
    may_start = request.user.is_authenticated or settings.CHAT_PUBLIC
    may_instruct = (
        request.user.is_authenticated
        and agent.follows_system_prompt
        and list_memberships(request.user).exists()
    )
    spoken = [code for code in LANGUAGES if len(list_transports(code)) > 1]
    language = language_for(request)
    back_here = urlencode({"next": request.get_full_path()}, safe="/")
    return render(
        request,
        "sessions/chat.html",
        {
            **texts_context(language),
            "agent_description": say_from_server(agent.description, language),
            "may_start": may_start,
            "login_url": f"{reverse('account_login')}?{back_here}",
            "may_instruct": may_instruct,
            "voice_languages": spoken,
            "voice_notes": _voice_notes(spoken, language),
            "introduction": ""
            if agent.follows_system_prompt
            else practice_introduction(language, has_prompt=False),
            "chat_settings": {
                "createUrl": reverse("session_create"),
                "maxTurnChars": settings.SURVEY_MAX_TURN_CHARS,
                "maxPromptChars": SYSTEM_PROMPT_LENGTH,
                "voiceLanguages": spoken,
                "voiceUrls": {
                    "worklet": static("js/voice/pcm-worklet.js"),
                    "room": static("js/voice/room.js"),
                    "client": room_client_url(),
                },
            },
        },
    )


@require_safe
@login_required
@vary_on_headers("Accept-Language")
def show_history(request: HttpRequest) -> HttpResponse:
    """Show the person's own conversations, newest first, a page at a time."""
    user = cast(User, request.user)
    texts = history_texts(language_for(request))
    form = HistoryForm(request.GET, languages=list(selectors.list_languages(user)), texts=texts)
    page = _cut_page(selectors.list_history(user, form.narrowed()), request.GET.get("before", ""))
    narrowed = {name: value for name, value in request.GET.items() if name in form.fields and value}
    asked = {"lang": texts.language} if request.GET.get("lang") else {}
    kept = {**asked, **narrowed}
    now = clock.now()
    return render(
        request,
        "sessions/history.html",
        {
            **texts.context(),
            "form": form,
            "asked_language": asked.get("lang", ""),
            "query": urlencode(asked),
            "all_url": reverse("history") + (f"?{urlencode(asked)}" if asked else ""),
            "switch_query": urlencode(narrowed),
            "is_narrowed": bool(narrowed),
            "narrowed_by": form.describe(),
            "rows": [_history_row(row, now, texts) for row in page.rows],
            "next_url": f"?{urlencode({**kept, 'before': page.next_cursor})}"
            if page.next_cursor
            else "",
            "first_url": f"?{urlencode(kept)}" if request.GET.get("before") else "",
        },
    )


@require_safe
@login_required
@vary_on_headers("Accept-Language")
def show_replay(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show one conversation of the person, or of their company, turn by turn."""
    try:
        row = selectors.find_for_reader(cast(User, request.user), session_id)
    except selectors.SessionNotFoundError:
        raise Http404 from None
    if row.end_reason == EndReason.ERASED:
        raise Http404
    segments = selectors.list_segments(row)
    spoken = [segment for segment in segments if segment.role == SegmentRole.USER]
    waits = [segment.latency_ms for segment in segments if segment.latency_ms is not None]
    now = clock.now()
    is_own = row.owner_id == cast(User, request.user).pk
    usage = voice_figures.list_usage(row)
    texts = history_texts(language_for(request))
    words = texts.words
    query = f"?lang={texts.language}" if request.GET.get("lang") else ""
    return render(
        request,
        "sessions/replay.html",
        {
            **texts.context(),
            "row": row,
            "status_name": texts.name("status", row.status),
            "segments": [_replayed(segment, words) for segment in segments],
            "crumbs": [(words["head"], reverse("history") + query), (words["conversation"], "")],
            "seconds": row.active_seconds(now),
            "turn_count": len(spoken),
            "median_latency_ms": sorted(waits)[len(waits) // 2] if waits else None,
            "waits": [
                (texts.name("wait", wait.kind), wait)
                for wait in voice_figures.summarise_latencies(row)
            ],
            "usage": [_usage_line(used, texts) for used in usage],
            "cost": texts.say_cost(voice_figures.sum_cost_micros(usage)),
            "cost_note": words["voice_cost_note"].format(
                source=texts.say_source(settings.VOICE_PRICES_SOURCE)
            ),
            "recordings": [
                {
                    "url": recording_path(recording),
                    "recording_id": recording.public_id,
                    "started_at": recording.started_at,
                    "duration_seconds": recording.duration_seconds,
                    "label": words["recording_of"].format(
                        length=duration(recording.duration_seconds)
                    ),
                }
                for recording in voice_figures.list_recordings(row)
            ],
            "places": {
                segment.public_id: {
                    "recording": segment.recording.public_id,
                    "seconds": segment.recording_seconds,
                }
                for segment in segments
                if segment.recording is not None
            },
            "is_own": is_own,
            "visitor_label": words["who_you"] if is_own else words["who_visitor"],
            "facts": [
                (words["field_kind"], texts.name("kind", row.kind)),
                (words["by"], texts.name("transport", row.transport)),
                (words["field_language"], row.language),
                (
                    words["ended_because"],
                    texts.name("end", row.end_reason) if row.end_reason else words["still_open"],
                ),
            ],
            "downloads": [
                (words["save_text"], transcript_path(row, "txt")),
                (words["save_subtitles"], transcript_path(row, "vtt")),
                (words["save_json"], transcript_path(row)),
                (words["save_figures"], reverse("session_voice", args=[row.public_id])),
            ],
        },
    )


def _usage_line(used: VoiceUsage, texts: HistoryTexts) -> tuple[str, str]:
    words = texts.words
    tokens = used.input_tokens + used.output_tokens
    amounts = (
        (used.audio_seconds, words["used_sound"].format(seconds=f"{used.audio_seconds:.1f}")),
        (used.character_count, words["used_characters"].format(count=used.character_count)),
        (tokens, words["used_tokens"].format(count=tokens)),
    )
    said = ", ".join(said for amount, said in amounts if amount)
    return texts.name("part", used.part), f"{used.model}: {said or words['used_nothing']}"


def _replayed(segment: TranscriptSegment, words: Mapping[str, str]) -> dict[str, object]:
    notes = []
    if segment.is_late:
        notes.append(words["note_late"])
    if segment.interrupted:
        notes.append(words["note_interrupted"])
    if segment.latency_ms is not None:
        notes.append(words["note_after"].format(milliseconds=segment.latency_ms))
    return {
        "role": segment.role,
        "text": segment.text,
        "created_at": segment.created_at,
        "public_id": segment.public_id,
        "note": ", ".join(notes),
    }


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[VoiceSession]
    next_cursor: str


def _history_row(row: VoiceSession, now: datetime, texts: HistoryTexts) -> dict[str, object]:
    return {
        "session_id": row.public_id,
        "url": reverse("history_replay", args=[row.public_id]),
        "kind": texts.name("kind", row.kind),
        "status": row.status,
        "status_name": texts.name("status", row.status),
        "transport": texts.name("transport", row.transport),
        "has_recording": row.has_recording,  # type: ignore[attr-defined]  # as turn_count
        "cost": "" if row.cost_micros is None else texts.say_cost(row.cost_micros),  # type: ignore[attr-defined]  # as turn_count
        "latency_ms": row.latency_ms,  # type: ignore[attr-defined]  # as turn_count
        "created_at": row.created_at,
        "language": row.language,
        "turn_count": row.turn_count,  # type: ignore[attr-defined]  # annotated by list_history
        "seconds": row.active_seconds(now),
        "text_url": transcript_path(row, "txt"),
    }


def _cut_page(found: QuerySet[VoiceSession], cursor: str) -> _Page:
    """Return the page after a cursor; one that was not ours shows the first page."""
    place = _read_cursor(cursor)
    if place is not None:
        moment, pk = place
        found = found.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=pk))
    rows = list(found[: PAGE_SIZE + 1])
    if len(rows) <= PAGE_SIZE:
        return _Page(rows, "")
    rows = rows[:PAGE_SIZE]
    return _Page(rows, _write_cursor(rows[-1]))


def _write_cursor(row: VoiceSession) -> str:
    return urlsafe_b64encode(f"{row.created_at.isoformat()} {row.pk}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, int] | None:
    try:
        text = urlsafe_b64decode(cursor.encode()).decode()
        moment_text, _, pk_text = text.partition(" ")
        moment = parse_datetime(moment_text)
        if moment is None or moment.tzinfo is None or not 0 < len(pk_text) < 19:
            return None
        return moment, int(pk_text)
    except (ValueError, Base64Error):
        return None


def room_client_url() -> str:
    """Return where livekit-client lies; empty where it was not installed at set-up."""
    try:
        return static("vendor/livekit-client/livekit-client.umd.js")
    except ValueError:
        # What production's storage raises for a file `collectstatic` has not seen.
        return ""


def _voice_notes(spoken: list[str], language: str) -> list[str]:
    if not spoken:
        return []
    texts = texts_context(language)["t"]
    typed = [texts[f"language_{code}"] for code in LANGUAGES if code not in spoken]
    notes = [say_from_server(describe_engine(spoken[0]), language)]
    return notes + [texts["typed_only"].format(language=name) for name in typed]
