"""One logged result on a page of its own: correct it, take it back, see its history.

Plain forms: it works without JavaScript, and whatever is refused, what was typed is still there.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from core import ratelimit
from core.errors import InvalidInputError, NotFoundError, ParleyError
from core.page_texts import keep_language
from workflows import units
from workflows.api.outcomes import LOGS_AN_HOUR
from workflows.api.shapes import display_value
from workflows.models import Outcome, OutcomeChange, OutcomeChangeKind
from workflows.page_texts import Words, language_for, words_context
from workflows.selectors.outcomes import changes_of, count_own_changes, outcome_of
from workflows.services import outcomes
from workflows.views.outcome_form import UNIT_FIELDS, empty_form, form_context, read_form

ICONS = {
    OutcomeChangeKind.LOGGED: ("check", "info"),
    OutcomeChangeKind.CORRECTED: ("pencil", "info"),
    OutcomeChangeKind.VOIDED: ("close", "warn"),
    OutcomeChangeKind.PROOF_ADDED: ("file", "info"),
    OutcomeChangeKind.PROOF_ACCEPTED: ("check", "good"),
    OutcomeChangeKind.PROOF_REJECTED: ("alert", "bad"),
}


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_result(request: HttpRequest, outcome_id: str) -> HttpResponse:
    """Show a result with its history, and take a correction in."""
    outcome = _own_outcome(request, outcome_id)
    if request.method != "POST":
        return _render(request, outcome, _form_of(outcome))
    form = {name: request.POST.get(name, "")[:200] for name in empty_form()}
    try:
        _limit(request)
        outcomes.correct_outcome(
            outcome=outcome,
            measure=read_form(form),
            upload=request.FILES.get("proof"),
            seen=_seen(request),
        )
    except ParleyError as error:
        return _render(request, outcome, form, error)
    messages.success(request, Words(language_for(request)).say("saved_said"))
    return redirect(_address_of(request, outcome))


@require_POST
@login_required
def void_result(request: HttpRequest, outcome_id: str) -> HttpResponse:
    """Take a result back; its history keeps why."""
    outcome = _own_outcome(request, outcome_id)
    reason = request.POST.get("reason", "")[:1000]
    words = Words(language_for(request))
    try:
        _limit(request)
        if not reason.strip():
            raise _refused_reason(words.say("why_missing"))
        if len(reason.strip()) > outcomes.MAX_VOID_REASON_CHARS:
            raise _refused_reason(words.say("why_long", count=outcomes.MAX_VOID_REASON_CHARS))
        outcomes.void_outcome(outcome=outcome, reason=reason, seen=_seen(request))
    except ParleyError as error:
        return _render(request, outcome, _form_of(outcome), error, reason=reason)
    messages.success(request, words.say("taken_back_said"))
    return redirect(_address_of(request, outcome))


def _address_of(request: HttpRequest, outcome: Outcome) -> str:
    return keep_language(request, reverse("workflow_result", args=[outcome.public_id]))


def _own_outcome(request: HttpRequest, outcome_id: str) -> Outcome:
    try:
        return outcome_of(cast(User, request.user), outcome_id)
    except NotFoundError:
        raise Http404 from None


def _limit(request: HttpRequest) -> None:
    person = cast(User, request.user)
    ratelimit.hit(
        scope="outcome.log", key=person.public_id, limit=LOGS_AN_HOUR, window_seconds=3600
    )


def _seen(request: HttpRequest) -> int:
    """Return the number of changes the page had shown; one that says none is stale."""
    text = request.POST.get("seen", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1


def _refused_reason(detail: str) -> InvalidInputError:
    return InvalidInputError(
        "reason_invalid",
        detail,
        extra={"errors": [{"pointer": "/reason", "code": "reason_invalid", "detail": detail}]},
    )


def _form_of(outcome: Outcome) -> dict[str, str]:
    """Return a result as its form shows it."""
    value = units.from_minor(outcome.value_minor, outcome.metric_type, outcome.unit)
    text = f"{value:f}"
    if "." in text and outcome.metric_type != "revenue":
        text = text.rstrip("0").rstrip(".")
    form = {**empty_form(), "metric_type": outcome.metric_type, "value": text}
    field = UNIT_FIELDS.get(cast(Any, outcome.metric_type))
    if field:
        form[field] = outcome.unit_label
    return form


def _render(
    request: HttpRequest,
    outcome: Outcome,
    form: dict[str, str],
    error: ParleyError | None = None,
    *,
    reason: str = "",
) -> HttpResponse:
    person = cast(User, request.user)
    # As it stands now: the refusal may be that it changed.
    outcome = outcome_of(person, outcome.public_id)
    texts = words_context(language_for(request))
    words = texts["words"]
    context = {
        **form_context(form, error),
        **texts,
        "outcome": outcome,
        "own_url": reverse("workflow_result", args=[outcome.public_id]),
        "display": display_value(outcome, words.language),
        "proof": getattr(outcome, "proof", None),
        "guide": outcome.execution.version.guide(texts["language"]),
        "reason": reason,
        # After a refusal too the next try stands on what is shown now.
        "seen": count_own_changes(outcome),
        "lost_file": bool(error and request.FILES),
        "reason_chars": outcomes.MAX_VOID_REASON_CHARS,
        "history": [_line(change, words) for change in changes_of(person, outcome)],
        "crumbs": [
            (words.say("runs_and_results"), keep_language(request, reverse("workflow_me"))),
            (display_value(outcome, words.language), ""),
        ],
    }
    status = error.status if error else 200
    with translation.override(texts["language"]):
        return render(request, "workflows/result.html", context, status=status)


def _line(change: OutcomeChange, words: Words) -> dict[str, Any]:
    kind = OutcomeChangeKind(change.kind)
    icon, tone = ICONS[kind]
    text = str(change.after.get("reason", ""))
    if kind == OutcomeChangeKind.LOGGED:
        text = _said(change.after, words)
    elif kind == OutcomeChangeKind.CORRECTED:
        before, after = _said(change.before, words), _said(change.after, words)
        text = words.say("became", before=before, after=after)
    title = words.say(f"change_{kind.value}")
    return {"title": title, "at": change.at, "text": text, "icon": icon, "tone": tone}


def _said(measure: dict[str, Any], words: Words) -> str:
    return words.say_value(
        measure["value_minor"], measure["metric_type"], measure["unit"], measure["unit_label"]
    )
