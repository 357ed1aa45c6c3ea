"""The studio: videos to watch, the script editor, and the page of one video with its lights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api.permissions import COMPANY_SESSION_KEY
from accounts.models import User
from accounts.selectors import current_membership
from agents.video import links, script_form, selectors, storage
from agents.video.models import (
    AgentName,
    AgentStatus,
    Origin,
    RunState,
    SceneKind,
    VideoRun,
    VideoSession,
)
from agents.video.script_rules import MAX_SCENES, estimate_seconds
from agents.video.selectors import StoredStatus
from agents.video.services import runs, scripts
from core import clock
from core.errors import ParleyError

PAGE_SIZE: Final = 25
AGENT_WORK: Final = {
    AgentName.ORCHESTRATOR: "Runs the others and has the last word",
    AgentName.AGENT2: "Draws a slide for every scene",
    AgentName.AGENT4: "Speaks the narration, sentence by sentence",
    AgentName.AGENT5: "Puts slides, voice and captions together",
}
WAITING: Final = "waiting"
STATUS_WORDS: Final = {WAITING: "Waiting", **dict(AgentStatus.choices)}
_CUE: Final = re.compile(r"((?:\d+:)?\d\d:\d\d\.\d{3}) --> [^\n]*\n([^\n]+)")


@dataclass(frozen=True, slots=True)
class Light:
    """One agent as the page shows it."""

    agent: str
    name: str
    work: str
    status: str
    word: str
    seq: int
    progress: float | None
    file_count: int | None
    cost: str
    reason: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing an agent said."""

    seq: int
    at: Any
    agent: str
    status: str
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Where a scene begins."""

    seconds: float
    label: str


@login_required
@require_safe
def studio_home(request: HttpRequest) -> HttpResponse:
    """List the person's videos and those of their companies' surveys, newest first."""
    person = _person(request)
    found = selectors.with_latest_run(selectors.visible_videos(person))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "video/home.html",
        {
            "rows": [_row(row, person) for row in page.object_list],
            "total": page.paginator.count,
            "previous_url": f"?page={page.previous_page_number()}" if page.has_previous() else "",
            "next_url": f"?page={page.next_page_number()}" if page.has_next() else "",
        },
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create_video(request: HttpRequest) -> HttpResponse:
    """Write a new script."""
    form = (
        script_form.form_of_post(request.POST)
        if request.method == "POST"
        else script_form.starter_form()
    )
    if _wants_saving(request):
        checked = form.check()
        if checked is not None:
            try:
                row = scripts.create_video_session(
                    owner=_person(request),
                    company=_company(request),
                    title=checked.title,
                    scenes=checked.scenes,
                    language=checked.language,
                    voice=checked.voice,
                    origin=Origin.STUDIO,
                )
            except ParleyError as error:
                form.refuse(error.detail)
            else:
                return _after_saving(request, row)
    return _show_editor(request, form, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_script(request: HttpRequest, video_id: str) -> HttpResponse:
    """Change a script."""
    row = _find(request, video_id)
    form = (
        script_form.form_of_post(request.POST)
        if request.method == "POST"
        else script_form.form_of_script(row)
    )
    if _wants_saving(request):
        checked = form.check()
        if checked is not None:
            try:
                row = scripts.update_script(
                    owner=_person(request),
                    session_id=video_id,
                    title=checked.title,
                    scenes=checked.scenes,
                    language=checked.language,
                    voice=checked.voice,
                    expected_revision=int(form.revision) if form.revision.isdecimal() else None,
                )
            except ParleyError as error:
                form.refuse(error.detail)
            else:
                return _after_saving(request, row)
    return _show_editor(request, form, row)


@login_required
@require_safe
def show_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Show one video: its lights, how far it is, what it costs, and the player once it is there."""
    row = _find_visible(request, video_id)
    run = selectors.latest_run(row)
    shown = selectors.latest_finished_run(row)
    latest = dict(_by_agent(selectors.latest_messages(row.pk)))
    log = selectors.log_of(row, run) if run else []
    origin = f"{request.scheme}://{request.get_host()}"
    settings_of_page = {
        "socketPath": links.socket_path(row),
        "statusUrl": reverse("video_status", args=[row.public_id]),
        "videoUrlSource": reverse("video_session", args=[row.public_id]),
        "run": run.public_id if run else None,
        "isOpen": bool(run and run.is_open),
        "seq": log[-1].seq if log else 0,
        "words": STATUS_WORDS,
    }
    response = render(
        request,
        "video/show.html",
        {
            "row": row,
            "run": run,
            "is_own": row.owner_id == request.user.pk,
            "crumbs": [("Studio", reverse("studio_home")), (row.title, "")],
            "is_stalled": bool(run and run.is_stalled(clock.now())),
            "lights": [_light(agent, latest.get(agent)) for agent in AgentName],
            "overall": _light(AgentName.ORCHESTRATOR, latest.get(AgentName.ORCHESTRATOR)),
            "log": _log_lines(log),
            "cost_lines": _cost_lines(run),
            "total_cost": _dollars(sum(selectors.costs_of(run).values()) if run else 0),
            "ahead": selectors.runs_ahead_of(run) if run and run.state == RunState.QUEUED else 0,
            "player": _player(row, shown, origin),
            "estimate": estimate_seconds(row.scenes),
            "page_settings": settings_of_page,
        },
    )
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def start_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Ask for a run, from the page."""
    row = _find(request, video_id)
    _start(request, row)
    return redirect("studio_video", row.public_id)


@login_required
@require_POST
def cancel_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Cancel the open run, from the page."""
    row = _find(request, video_id)
    run = selectors.latest_run(row)
    if run is not None:
        try:
            runs.request_cancel(owner=_person(request), run_id=run.public_id)
        except ParleyError as error:
            messages.info(request, error.detail)
    return redirect("studio_video", row.public_id)


@login_required
@require_POST
def delete_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Delete a video with everything that belongs to it."""
    row = _find(request, video_id)
    try:
        scripts.erase_video(owner=_person(request), session_id=row.public_id)
    except ParleyError as error:
        messages.error(request, error.detail)
        return redirect("studio_video", row.public_id)
    messages.success(request, "The video is deleted.")
    return redirect("studio_home")


@login_required
@require_safe
def show_captions(request: HttpRequest, video_id: str) -> HttpResponse:
    """Answer the captions, from our own origin as players demand of tracks."""
    return _show_track(request, video_id, "captions_key")


@login_required
@require_safe
def show_chapters(request: HttpRequest, video_id: str) -> HttpResponse:
    """Answer the chapters."""
    return _show_track(request, video_id, "chapters_key")


def _show_track(request: HttpRequest, video_id: str, field: str) -> HttpResponse:
    run = selectors.latest_finished_run(_find_visible(request, video_id))
    key = getattr(run, field) if run is not None else ""
    if not key:
        raise Http404
    try:
        text = storage.read_text(key)
    except FileNotFoundError:
        raise Http404 from None
    response = HttpResponse(text, content_type="text/vtt; charset=utf-8")
    response["Cache-Control"] = "private, no-cache"
    return response


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _company(request: HttpRequest) -> Any:
    membership = current_membership(_person(request), request.session.get(COMPANY_SESSION_KEY))
    return membership.company if membership else None


def _find(request: HttpRequest, video_id: str) -> VideoSession:
    try:
        return selectors.find_video(_person(request), video_id)
    except selectors.VideoNotFoundError:
        raise Http404 from None


def _find_visible(request: HttpRequest, video_id: str) -> VideoSession:
    try:
        return selectors.find_visible_video(_person(request), video_id)
    except selectors.VideoNotFoundError:
        raise Http404 from None


def _wants_saving(request: HttpRequest) -> bool:
    return request.method == "POST" and request.POST.get("do") in ("save", "save_start")


def _after_saving(request: HttpRequest, row: VideoSession) -> HttpResponse:
    if request.POST.get("do") == "save_start":
        _start(request, row)
    else:
        messages.success(request, "The script is saved.")
    return redirect("studio_video", row.public_id)


def _start(request: HttpRequest, row: VideoSession) -> None:
    try:
        runs.start_run(owner=_person(request), session_id=row.public_id)
    except ParleyError as error:
        messages.error(request, error.detail)


def _show_editor(
    request: HttpRequest, form: script_form.ScriptForm, row: VideoSession | None
) -> HttpResponse:
    crumbs = [("Studio", reverse("studio_home"))]
    if row is not None:
        crumbs += [(row.title, reverse("studio_video", args=[row.public_id])), ("Script", "")]
    else:
        crumbs.append(("New video", ""))
    return render(
        request,
        "video/script.html",
        {
            "form": form,
            "row": row,
            "crumbs": crumbs,
            "kinds": SceneKind.choices,
            "is_full": len(form.scenes) >= MAX_SCENES,
            "max_scenes": MAX_SCENES,
        },
        status=422 if form.has_errors else 200,
    )


def _row(row: Any, person: User) -> dict[str, Any]:
    made_by = row.owner.display_name if row.owner else "somebody who left"
    return {
        "made_by": "" if row.owner_id == person.pk else made_by,
        "title": row.title,
        "url": reverse("studio_video", args=[row.public_id]),
        "scene_count": len(row.scenes),
        "state": row.run_state or "draft",
        "made_at": row.run_created_at or row.created_at,
        "seconds": row.run_seconds or estimate_seconds(row.scenes),
        "is_estimate": row.run_seconds is None,
        "origin": row.get_origin_display(),
    }


def _by_agent(found: list[tuple[int, dict[str, Any]]]) -> list[tuple[str, StoredStatus]]:
    return [(message["agentnumber"], StoredStatus(seq, message)) for seq, message in found]


def _light(agent: AgentName, latest: StoredStatus | None) -> Light:
    message = latest.message if latest else {}
    status = message.get("status", WAITING)
    return Light(
        agent=agent.value,
        name=agent.label,
        work=AGENT_WORK[agent],
        status=status,
        word=STATUS_WORDS[status],
        seq=latest.seq if latest else 0,
        progress=message.get("progress"),
        file_count=message.get("fileCount"),
        cost=_dollars(message["cost"]) if message.get("cost") else "",
        reason=message.get("reason", ""),
    )


def _log_lines(found: list[StoredStatus]) -> list[LogLine]:
    """Return what changed; that one more percent is done is what the bars are for."""
    lines: list[LogLine] = []
    before: dict[str, tuple[str, str]] = {}
    for stored in found:
        message = stored.message
        agent, status = message["agentnumber"], message["status"]
        text = message.get("reason") or str(message.get("info", {}).get("step", ""))
        if before.get(agent) == (status, text):
            continue
        before[agent] = (status, text)
        lines.append(
            LogLine(
                seq=stored.seq,
                at=datetime.fromtimestamp(message["timestamp"], UTC),
                agent=agent,
                status=status,
                word=STATUS_WORDS[status],
                text=text,
            )
        )
    return lines


def _cost_lines(run: VideoRun | None) -> list[str]:
    """Return the ledger of a run in words."""
    return [
        f"{line.agent}: {line.quantity.normalize():f} {line.unit} by {line.provider}, "
        f"{_dollars(line.amount_usd)}"
        for line in (selectors.cost_lines_of(run) if run else [])
    ]


def _dollars(amount: float | Decimal) -> str:
    """Return an amount with cents, or with fractions of them where it is less than a dollar."""
    return f"${amount:.4f}" if 0 < amount < 1 else f"${amount:.2f}"


def _player(row: VideoSession, run: VideoRun | None, origin: str) -> dict[str, Any] | None:
    if run is None or not run.video_key:
        return None
    return {
        "url": links.video_link(row, run, origin=origin),
        "download_url": links.video_link(row, run, origin=origin, download=True),
        "run": run,
        "is_outdated": run.revision != row.revision,
        "has_chapters": bool(run.chapters_key),
        "chapters": _chapters(run),
    }


def _chapters(run: VideoRun) -> list[Chapter]:
    if not run.chapters_key:
        return []
    try:
        text = storage.read_text(run.chapters_key)
    except FileNotFoundError:
        return []
    return [Chapter(_seconds(at), label.strip()) for at, label in _CUE.findall(text)]


def _seconds(stamp: str) -> float:
    """Return the seconds of a WebVTT time."""
    seconds = 0.0
    for part in stamp.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
