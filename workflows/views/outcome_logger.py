"""The outcome logger: the page somebody says on what came of a run. Works without JavaScript."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from core.errors import NotFoundError
from workflows.selectors.executions import execution_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_outcome(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the form."""
    try:
        execution = execution_of(cast(User, request.user), execution_id)
    except NotFoundError:
        raise Http404 from None
    return render(request, "workflows/outcome_logger.html", {"execution": execution})
