"""The executor: the page somebody works through a run on."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.services.people import choose_language
from core.errors import NotFoundError, ParleyError
from core.page_texts import keep_language
from surveys.selectors.feedback import feedback_offer
from workflows.api.shapes import shape_execution
from workflows.models import Execution, Guide
from workflows.page_texts import language_for, say_from_server, texts_context
from workflows.selectors.executions import execution_of
from workflows.selectors.outcomes import outcomes_of_execution
from workflows.services.videos import create_run_video


@require_safe
@login_required
@never_cache
@ensure_csrf_cookie
def show_executor(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show a run; what changes on it goes over the API."""
    person = cast(User, request.user)
    try:
        execution = execution_of(person, execution_id)
    except NotFoundError:
        raise Http404 from None
    texts = texts_context(language_for(request))
    language = texts["language"]
    shaped = shape_execution(execution, language)
    guide = execution.version.guide(language)
    is_over = not execution.is_open
    context = {
        **texts,
        "execution": execution,
        "guide": guide,
        "steps": _with_progress(shaped),
        "current_step": shaped["current_step"],
        "total_steps": shaped["total_steps"],
        "clock_text": clock_text(shaped["elapsed_seconds"]),
        "has_newer_version": shaped["has_newer_version"] and _is_revised(execution, language),
        "is_over": is_over,
        "outcomes_count": outcomes_of_execution(person, execution).count() if is_over else 0,
        "offer": feedback_offer(execution.workflow.feedback_survey_id, person),
        "crumbs": [
            (texts["t"]["workflows"], catalogue_url(request)),
            (title_of(guide, language), ""),
        ],
        "executor_settings": {
            "execution": shaped,
            "apiUrl": reverse("api_execution", args=[execution.public_id]),
            "outcomeUrl": keep_language(request, shaped["outcome_url"]),
        },
    }
    with translation.override(language):
        return render(request, "workflows/executor.html", context)


@require_POST
@login_required
def switch_language(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Keep another language in the person's profile and show the run in it."""
    person = cast(User, request.user)
    try:
        execution_of(person, execution_id)
        choose_language(user=person, language=request.POST.get("language", ""))
    except NotFoundError:
        raise Http404 from None
    except ParleyError as error:
        messages.error(request, say_from_server(error.detail, language_for(request)))
    return redirect("workflow_executor", execution_id)


@require_POST
@login_required
def make_video(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Draft a video of a finished run and open its script."""
    person = cast(User, request.user)
    try:
        execution = execution_of(person, execution_id)
        video = create_run_video(execution=execution, owner=person)
    except NotFoundError:
        raise Http404 from None
    except ParleyError as error:
        messages.error(request, say_from_server(error.detail, language_for(request)))
        return redirect("workflow_executor", execution_id)
    return redirect("studio_script", video.public_id)


def clock_text(seconds: float) -> str:
    """Return seconds as ``HH:MM:SS``; the hours go on past 99."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def catalogue_url(request: HttpRequest) -> str:
    """Return where the catalogue is."""
    try:
        return keep_language(request, reverse("workflow_list"))
    except NoReverseMatch:
        return ""


def title_of(guide: Guide, language: str) -> str:
    """Return a guide's title for a line in `language`; it says when it is in another one."""
    if guide.language == language:
        return guide.title
    return format_html('<span lang="{}">{}</span>', guide.language, guide.title)


def _is_revised(execution: Execution, language: str) -> bool:
    """Tell whether the newest version says something else to this reader."""
    newest = execution.workflow.current_version
    return newest is not None and newest.guide(language) != execution.version.guide(language)


def _with_progress(shaped: dict[str, Any]) -> list[dict[str, Any]]:
    done, notes = shaped["steps_done"], shaped["step_notes"]
    return [
        {**step, "is_done": step["number"] in done, "note": notes.get(str(step["number"]), "")}
        for step in shaped["steps"]
    ]
