"""The outcome logger: the page somebody says on what came of a run. Works without JavaScript.

With a script the form goes to the API and the page stays; without one it comes here. Both call the
same services, and whatever is refused, what was typed is still there.
"""

from __future__ import annotations

import secrets
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.services.people import choose_language
from core import ratelimit
from core.errors import NotFoundError, ParleyError
from core.page_texts import keep_language
from core.text import clean_text
from surveys.selectors.feedback import feedback_offer
from workflows.api.outcomes import LOGS_AN_HOUR
from workflows.api.shapes import display_value
from workflows.models import Execution, ExecutionState, Outcome
from workflows.page_texts import language_for, texts_context
from workflows.selectors.executions import execution_of
from workflows.selectors.outcomes import outcome_of, outcomes_of_execution
from workflows.services import outcomes
from workflows.storage.inspection import ACCEPTED_ENDINGS, MAX_BYTES
from workflows.views.executor import catalogue_url, title_of
from workflows.views.outcome_form import UNIT_FIELDS, empty_form, form_context, read_form


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_outcome(request: HttpRequest, execution_id: str) -> HttpResponse:
    """Show the form with what was logged so far, and take it in."""
    person = cast(User, request.user)
    try:
        execution = execution_of(person, execution_id)
    except NotFoundError:
        raise Http404 from None
    if request.method != "POST":
        return _render(request, person, execution, _empty_form())
    form = {name: request.POST.get(name, "")[:200] for name in _empty_form()}
    try:
        if "language" in request.POST:  # the switch is in the form, so that it keeps what is typed
            choose_language(user=person, language=request.POST["language"])
            language = request.POST["language"]
            return _render(request, person, execution, form, language=language)
        outcome = _take_in(request, person, execution, form)
    except ParleyError as error:
        return _render(request, person, execution, form, error)
    return redirect(keep_language(request, f"{request.path}?logged={outcome.public_id}"))


def _take_in(
    request: HttpRequest, person: User, execution: Execution, form: dict[str, str]
) -> Outcome:
    ratelimit.hit(
        scope="outcome.log", key=person.public_id, limit=LOGS_AN_HOUR, window_seconds=3600
    )
    outcome, _ = outcomes.log_outcome(
        person=person,
        execution=execution,
        measure=read_form(form),
        upload=request.FILES.get("proof"),
        client_op_id=clean_text(form["client_op_id"], 64).text,
    )
    return outcome


def _empty_form() -> dict[str, str]:
    return {
        **empty_form(),
        # New for each page: the same form sent twice is one outcome.
        "client_op_id": secrets.token_hex(16),
    }


def _render(
    request: HttpRequest,
    person: User,
    execution: Execution,
    form: dict[str, str],
    error: ParleyError | None = None,
    *,
    language: str = "",
) -> HttpResponse:
    # What was just chosen goes before what the address says.
    texts = texts_context(language or language_for(request))
    words = texts["t"]
    guide = execution.version.guide(texts["language"])
    context = {
        **texts,
        "execution": execution,
        "guide": guide,
        **form_context(form, error),
        "lost_file": bool(request.FILES),
        "logged": [
            {
                "row": row,
                "display": display_value(row, texts["language"]),
                "proof": getattr(row, "proof", None),
            }
            for row in outcomes_of_execution(person, execution)
        ],
        "just_logged": _just_logged(request, person, texts["language"]),
        "offer": feedback_offer(execution.workflow.feedback_survey_id, person)
        if execution.state == ExecutionState.COMPLETED
        else None,
        "crumbs": [
            (words["workflows"], catalogue_url(request)),
            (
                title_of(guide, texts["language"]),
                keep_language(request, reverse("workflow_executor", args=[execution.public_id])),
            ),
            (words["log_result"], ""),
        ],
        "logger_settings": {
            "executionId": execution.public_id,
            "userId": person.public_id,
            "logUrl": reverse("api_outcome_log"),
            "query": keep_language(request, ""),
            "maxBytes": MAX_BYTES,
            "endings": ACCEPTED_ENDINGS,
            "unitFields": {str(metric): field for metric, field in UNIT_FIELDS.items()},
        },
    }
    status = error.status if error else 200
    with translation.override(texts["language"]):
        return render(request, "workflows/outcome_logger.html", context, status=status)


def _just_logged(request: HttpRequest, person: User, language: str) -> str:
    """Return the value a redirect from the form names, as its person reads it."""
    wanted = request.GET.get("logged", "")
    if not wanted:
        return ""
    try:
        return display_value(outcome_of(person, wanted[:64]), language)
    except NotFoundError:
        return ""
