"""Views of the process itself: health, metrics, documents. Knows no app."""

from __future__ import annotations

import hmac
import ipaddress
from datetime import timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core import clock, health
from core.errors_http import problem_response
from core.metrics import render_metrics
from core.ratelimit import client_ip

SECURITY_TXT_DAYS = 180


@never_cache
@require_safe
def show_health(request: HttpRequest) -> JsonResponse:
    """Answer ``{"status": "ok"}`` and the checks; 503 when one that is needed fails."""
    found = health.run_checks()
    return JsonResponse(found, status=200 if found["status"] == "ok" else 503)


@never_cache
@require_safe
def show_live(request: HttpRequest) -> JsonResponse:
    """Answer that the process runs, asking nothing else; a failure means: restart it."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def show_ready(request: HttpRequest) -> JsonResponse:
    """Answer whether to send traffic here, without the details."""
    status = str(health.run_checks()["status"])
    return JsonResponse({"status": status}, status=200 if status == "ok" else 503)


@never_cache
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Answer the Prometheus exposition to the bearer of METRICS_TOKEN.

    Without a token configured, a demo or development server answers its own machine, and
    production nobody.
    """
    if settings.METRICS_TOKEN:
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(offered.encode(), settings.METRICS_TOKEN.encode()):
            return problem_response(
                status=401,
                code="not_authenticated",
                detail="Send METRICS_TOKEN as a bearer token.",
                instance=request.path,
                headers={"WWW-Authenticate": "Bearer"},
            )
    elif settings.PRODUCTION or not _is_local(request):
        return problem_response(
            status=403,
            code="metrics_closed",
            detail="Set METRICS_TOKEN on the server and send it as a bearer token.",
            instance=request.path,
        )
    body, content_type = render_metrics()
    return HttpResponse(body, content_type=content_type)


def _is_local(request: HttpRequest) -> bool:
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(client_ip(request)).is_loopback
    except ValueError:
        return False


@require_safe
def show_asyncapi(request: HttpRequest) -> HttpResponse:
    """Answer the description of the sockets."""
    try:
        text = settings.ASYNCAPI_FILE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Http404 from None
    return HttpResponse(text, content_type="application/yaml; charset=utf-8")


@require_safe
def show_favicon(request: HttpRequest) -> HttpResponse:
    """Send browsers that ask for the icon without reading the page to where it is."""
    return redirect(static("img/favicon.svg"))


@require_safe
def show_security_txt(request: HttpRequest) -> HttpResponse:
    """Answer RFC 9116's file: where to report a weakness."""
    contact: str = settings.SECURITY_CONTACT
    if not contact:
        raise Http404
    if "@" in contact and ":" not in contact:
        contact = f"mailto:{contact}"
    expires = clock.rfc3339(clock.now() + timedelta(days=SECURITY_TXT_DAYS))
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires}",
        "Preferred-Languages: en, es",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
