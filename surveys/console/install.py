"""The install page: what to put on a website, what its policy must allow, who may show it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import CompanyRequest
from core.errors import ConflictError, InvalidInputError
from surveys.console.doors import for_researchers, is_owner, read_word, render_page
from surveys.models import Survey, SurveyStatus
from surveys.selectors.console import sightings_of, survey_choices
from surveys.selectors.surveys import survey_of
from surveys.services.identity import identity_secret
from surveys.services.surveys import update_survey


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to check, and how it stands."""

    is_fine: bool
    title: str
    text: str


@for_researchers
@require_http_methods(["GET", "HEAD", "POST"])
def install(request: CompanyRequest) -> HttpResponse:
    """Show how to install a survey; take the list of websites that may show it."""
    choices = survey_choices(request.company)
    wanted = read_word(request.POST, "survey") or read_word(request.GET, "survey")
    if not wanted and choices:
        wanted = choices[0][0]
    if not wanted:
        return render_page(request, "install", {"survey": None, "choices": choices})
    survey = survey_of(request.company, wanted)
    if request.method == "POST":
        typed = request.POST.get("allowed_origins", "")
        origins = [line.strip() for line in typed.splitlines() if line.strip()]
        try:
            update_survey(survey=survey, fields={"allowed_origins": origins}, actor=request.user)
        except (ConflictError, InvalidInputError) as error:
            problems = [
                f"Line {_line_of(problem['pointer'])}: {problem['detail']}"
                for problem in error.extra.get("errors", ())
            ]
            return _show(request, survey, choices, typed, problems or [error.detail])
        messages.success(request, "Saved. Widgets follow within a few minutes.")
        return redirect(f"{reverse('console:install')}?survey={survey.public_id}")
    return _show(request, survey, choices, "\n".join(survey.allowed_origins), [])


def _line_of(pointer: str) -> int:
    last = pointer.rsplit("/", 1)[-1]
    return int(last) + 1 if last.isdecimal() else 1


def _show(
    request: CompanyRequest,
    survey: Survey,
    choices: list[tuple[str, str]],
    typed: str,
    problems: list[str],
) -> HttpResponse:
    own = settings.SITE_URL.rstrip("/")
    return render_page(
        request,
        "install",
        {
            "survey": survey,
            "version": survey.current_version,
            "choices": choices,
            "snippet": snippet_of(survey, own),
            "policy": policy_lines(own, settings.LIVEKIT_URL),
            "hosted_url": f"{own}{reverse('survey_hosted', args=[survey.public_id])}",
            "typed_origins": typed,
            "problems": problems,
            "hints": _hints(request, survey),
            # Whoever holds it can vouch for users, so it is the owner's to hand out.
            "identity_secret": identity_secret(request.company) if is_owner(request) else "",
            "sign_python": SIGN_PYTHON,
            "sign_node": SIGN_NODE,
            "use_identity": USE_IDENTITY,
        },
        status=422 if problems else 200,
    )


def snippet_of(survey: Survey, own_origin: str) -> str:
    """Return the line that shows a survey on a website."""
    return (
        f'<script src="{own_origin}/widget.js"\n'
        f'        data-survey="{survey.public_id}"\n'
        f'        data-key="{survey.publishable_key}"\n'
        "        async></script>"
    )


def policy_lines(own_origin: str, livekit_url: str) -> str:
    """Return what a website's Content-Security-Policy must allow, one directive a line.

    Args:
        own_origin: of this server.
        livekit_url: of the voice server, or nothing without one.
    """
    parts = urlsplit(own_origin)
    socket = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"
    connect = [own_origin, socket]
    if livekit_url:
        host = urlsplit(livekit_url).netloc
        connect += [f"wss://{host}", f"https://{host}"]
    return f"script-src {own_origin};\nconnect-src {' '.join(connect)};"


def _hints(request: CompanyRequest, survey: Survey) -> list[Hint]:
    seen = sightings_of(request.company).get(survey.pk)
    is_open = survey.status == SurveyStatus.ACTIVE
    hints = [
        Hint(
            is_open,
            "The survey is open"
            if is_open
            else f"The survey is {survey.get_status_display().lower()}",
            "Visitors can start." if is_open else "The widget stays hidden until you open it.",
        ),
        Hint(
            seen is not None,
            "The widget has reported from a page"
            if seen is not None
            else "No page has shown the widget yet",
            f"Shown {seen.shown:,} times, the last time on {seen.last_day:%-d %B %Y}."
            if seen is not None
            else "Open your page in another tab, then reload this one. Nothing? Look at the "
            "browser's console: a blocked script names the header line that is missing.",
        ),
    ]
    if survey.targeting.get("percent", 100) < 100 or survey.targeting.get("url_contains"):
        hints.append(
            Hint(
                True,
                "Not every visitor sees it",
                "Its rules narrow it to some pages or to a share of visitors; test with those "
                "in mind.",
            )
        )
    return hints


SIGN_PYTHON = """\
import hashlib, hmac, time

def sign_user(survey_id, user_id, secret):
    exp = int(time.time()) + 3600  # at most 24 hours ahead
    message = f"{survey_id}|{user_id}|{exp}"
    signature = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return {"user_id": user_id, "exp": exp, "hmac": signature}
"""
SIGN_NODE = """\
import { createHmac } from "node:crypto";

export function signUser(surveyId, userId, secret) {
  const exp = Math.floor(Date.now() / 1000) + 3600; // at most 24 hours ahead
  const hmac = createHmac("sha256", secret).update(`${surveyId}|${userId}|${exp}`).digest("hex");
  return { user_id: userId, exp, hmac };
}
"""
USE_IDENTITY = """\
// In the page, with what your server signed for the person who is logged in:
Parley.identify(signedUser);
"""
