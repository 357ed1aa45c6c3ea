"""The executor: the page somebody works through a run on."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.models import User
from core.errors import NotFoundError
from workflows.api.shapes import shape_execution
from workflows.selectors.executions import execution_of


@require_safe
@login_required
@never_cache
@ensure_csrf_cookie
def show_executor(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show a run; what changes on it goes over the API."""
    try:
        execution = execution_of(cast(User, request.user), execution_id)
    except NotFoundError:
        raise Http404 from None
    shaped = shape_execution(execution)
    api = reverse("api_execution", args=[execution.public_id])
    return render(
        request,
        "workflows/executor.html",
        {
            "execution": execution,
            "workflow": execution.workflow,
            "version": execution.version,
            "steps": _with_progress(shaped),
            "current_step": shaped["current_step"],
            "total_steps": shaped["total_steps"],
            "elapsed_seconds": shaped["elapsed_seconds"],
            "has_newer_version": shaped["has_newer_version"],
            "executor_settings": {
                "execution": shaped,
                "apiUrl": api,
                "outcomeUrl": shaped["outcome_url"],
            },
        },
    )


def _with_progress(shaped: dict[str, object]) -> list[dict[str, object]]:
    done = cast(list[int], shaped["steps_done"])
    notes = cast(dict[str, str], shaped["step_notes"])
    return [
        {**step, "is_done": step["number"] in done, "note": notes.get(str(step["number"]), "")}
        for step in cast(list[dict[str, object]], shaped["steps"])
    ]
