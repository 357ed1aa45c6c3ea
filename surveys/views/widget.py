"""Where the widget comes from and where it can be seen: its scripts, the hosted page of a survey,
and an example of a page that carries it.

Owns headers and templates. What the widget does is in ``static/widget/``; what it calls, in
`surveys.api.respondents`.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Company
from surveys.models import Survey, SurveyStatus
from surveys.selectors.surveys import open_survey_for, public_survey
from surveys.services.identity import account_token
from surveys.services.starts import choose_language
from surveys.services.surveys import current_version
from surveys.views.widget_bundle import SHELL, WidgetFile, load_bundle

DEMO_COMPANY_SLUG = "demo"
YEAR_SECONDS = 31_536_000
EXAMPLE_COLOURS = (("pine", "Pine"), ("indigo", "Indigo"), ("plum", "Plum"), ("sun", "Sun"))


@require_safe
def show_shell(request: HttpRequest) -> HttpResponse:
    """``/widget.js``: the one script a page includes."""
    return _send(
        request,
        load_bundle().files[SHELL],
        cache_control=f"public, max-age={settings.WIDGET_CACHE_SECONDS}",
    )


@require_safe
def show_module(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """``/widget/{version}/{name}``: what the shell loads when it is needed.

    While servers are being replaced an older shell may ask a newer server: it gets what there is,
    and nobody keeps that.
    """
    bundle = load_bundle()
    file = bundle.files.get(name)
    if file is None or name == SHELL:
        raise Http404
    is_current = version == bundle.version
    return _send(
        request,
        file,
        cache_control=f"public, max-age={YEAR_SECONDS}, immutable" if is_current else "no-store",
    )


def _send(request: HttpRequest, file: WidgetFile, *, cache_control: str) -> HttpResponse:
    response: HttpResponse
    if request.headers.get("If-None-Match", "") == file.etag:
        response = HttpResponseNotModified()
    else:
        takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
        response = HttpResponse(
            file.compressed if takes_gzip else file.body,
            content_type="text/javascript; charset=utf-8",
        )
        if takes_gzip:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = file.etag
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = cache_control
    # Modules are fetched with CORS, and pages may demand the second header of all they load.
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
@never_cache
def show_hosted(request: HttpRequest, survey_id: str) -> HttpResponse:
    """``/s/{survey_id}``: a survey on a page of its own.

    Whoever is signed in has their pay and their answer on ``/me/`` without doing anything for it.
    """
    survey = public_survey(survey_id)
    if survey is None or survey.status == SurveyStatus.DRAFT:
        raise Http404
    version = current_version(survey)
    return render(
        request,
        "surveys/hosted.html",
        {
            "survey": survey,
            "version": version,
            "account_token": account_token(survey=survey, user=request.user)
            if request.user.is_authenticated
            else "",
            "language": choose_language(version, request.headers.get("Accept-Language", "")),
        },
    )


@require_safe
def show_example_host(request: HttpRequest) -> HttpResponse:
    """``/demo/host/``: a shop's page with the widget on it; ``?survey=`` chooses which survey."""
    survey = _example_survey(request)
    snippet = ""
    if survey is not None:
        address = request.build_absolute_uri(reverse("widget_shell"))
        snippet = (
            f'<script src="{address}"\n        data-survey="{survey.public_id}"\n'
            f'        data-key="{survey.publishable_key}" async></script>'
        )
    return render(
        request,
        "surveys/widget_demo.html",
        {"survey": survey, "snippet": snippet, "colours": EXAMPLE_COLOURS},
    )


def _example_survey(request: HttpRequest) -> Survey | None:
    wanted = request.GET.get("survey", "")
    if wanted:
        found = public_survey(wanted)
        return found if found and found.status != SurveyStatus.DRAFT else None
    company = Company.objects.filter(is_demo=True, slug=DEMO_COMPANY_SLUG).first()
    if company is None:
        return None
    return open_survey_for(company, get_language() or "en")
