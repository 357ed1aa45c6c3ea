"""The console's pages of webhooks: endpoints, what was sent to them, tests and replays.

For owners: an address is where a company's data goes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import CompanyRequest, require_role
from accounts.models import Role
from core.errors import NotFoundError, ParleyError
from webhooks.events import label_of
from webhooks.forms import EndpointForm
from webhooks.models import DeliveryState, EndpointState, WebhookDelivery, WebhookEndpoint
from webhooks.selectors.endpoints import (
    attempts_of,
    deliveries_of,
    delivery_of,
    endpoint_of,
    endpoints_with_figures,
)
from webhooks.services import endpoints

PAGE_ROWS = 50
P = ParamSpec("P")

#: What a page says instead of a code.
ERROR_WORDS = {
    "timed_out": "No answer in time",
    "not_connected": "No connection",
    "name_not_found": "The name was not found",
    "connection_lost": "The connection was lost",
    "certificate_not_trusted": "The certificate is not trusted",
    "tls_failed": "No secure connection",
    "answer_not_readable": "The answer was no HTTP",
    "address_not_public": "The name leads to a private network",
    "redirect_refused": "It redirects; redirects are not followed",
    "endpoint_paused": "Paused",
    "endpoint_stopped": "Stopped",
    "gone": "It answered 410 Gone",
}
DELIVERY_TONES = {
    DeliveryState.PENDING: "info",
    DeliveryState.DELIVERED: "good",
    DeliveryState.FAILED: "bad",
    DeliveryState.SKIPPED: "neutral",
}
ENDPOINT_TONES = {
    EndpointState.ACTIVE: "good",
    EndpointState.PAUSED: "neutral",
    EndpointState.STOPPED: "bad",
}


def for_owners(
    view: Callable[Concatenate[CompanyRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Open a page to owners; everybody else, and whatever is another company's, reads 404."""

    def found(request: CompanyRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NotFoundError as error:
            raise Http404(error.detail) from error

    return never_cache(wraps(view)(require_role(Role.OWNER)(found)))


def error_words(code: str) -> str:
    """Return what went wrong in words."""
    if code.startswith("status_"):
        return f"It answered {code.removeprefix('status_')}"
    return ERROR_WORDS.get(code, code.replace("_", " ").capitalize())


def _shown(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "row": endpoint,
        "tone": ENDPOINT_TONES[EndpointState(endpoint.state)],
        "events": [label_of(name) for name in endpoint.event_types],
        "reason": error_words(endpoint.stop_reason) if endpoint.stop_reason else "",
    }


def _shown_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "row": delivery,
        "label": label_of(delivery.event.type),
        "tone": DELIVERY_TONES[DeliveryState(delivery.state)],
        "error": error_words(delivery.last_error) if delivery.last_error else "",
    }


@for_owners
@require_http_methods(["GET", "POST"])
def webhook_list(request: CompanyRequest) -> HttpResponse:
    """List endpoints; a new one is shown with its secret on this answer and never again."""
    form = EndpointForm(request.POST or None)
    created = None
    if request.method == "POST" and form.is_valid():
        try:
            created = endpoints.create_endpoint(
                company=request.company, actor=request.user, **form.cleaned_data
            )
        except ParleyError as error:
            form.add_error(None, error.detail)
        else:
            form = EndpointForm()
    return render(
        request,
        "webhooks/list.html",
        {
            "form": form,
            "created": created,
            "endpoints": [_shown(row) for row in endpoints_with_figures(request.company)],
            "most": endpoints.ENDPOINTS_MAX,
        },
        status=400 if form.is_bound and created is None else 200,
    )


@for_owners
@require_safe
def webhook_detail(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Show one endpoint and what was sent to it."""
    return _show(request, endpoint_of(request.company, hook_id))


def _show(request: CompanyRequest, endpoint: WebhookEndpoint, secret: str = "") -> HttpResponse:
    state = request.GET.get("state", "")
    if state not in DeliveryState.values:
        state = ""
    found = deliveries_of(endpoint, state=state)
    missed = (DeliveryState.FAILED, DeliveryState.SKIPPED)
    address = reverse("console:webhook", args=[endpoint.public_id])
    return render(
        request,
        "webhooks/detail.html",
        {
            "crumbs": [("Webhooks", reverse("console:webhook_list")), (endpoint.url, "")],
            "endpoint": endpoint,
            "shown": _shown(endpoint),
            "secret": secret,
            "is_active": endpoint.state == EndpointState.ACTIVE,
            "missed": deliveries_of(endpoint).filter(state__in=missed).count(),
            "deliveries": [_shown_delivery(row) for row in found[:PAGE_ROWS]],
            "page_rows": PAGE_ROWS,
            "tabs": [
                ("All", address, not state),
                *(
                    (one.label, f"{address}?state={one.value}", state == one.value)
                    for one in DeliveryState
                ),
            ],
        },
    )


@for_owners
@require_http_methods(["GET", "POST"])
def webhook_edit(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Change address, events or description."""
    endpoint = endpoint_of(request.company, hook_id)
    form = EndpointForm(
        request.POST or None,
        initial={
            "url": endpoint.url,
            "event_types": endpoint.event_types,
            "description": endpoint.description,
        },
    )
    if request.method == "POST" and form.is_valid():
        endpoints.update_endpoint(endpoint=endpoint, actor=request.user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("console:webhook", endpoint.public_id)
    address = reverse("console:webhook", args=[endpoint.public_id])
    return render(
        request,
        "webhooks/edit.html",
        {
            "form": form,
            "endpoint": endpoint,
            "crumbs": [
                ("Webhooks", reverse("console:webhook_list")),
                (endpoint.url, address),
                ("Edit", ""),
            ],
        },
        status=400 if form.is_bound else 200,
    )


@for_owners
@require_POST
def webhook_rotate(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Make a new secret; this answer shows it, no other ever does."""
    created = endpoints.rotate_secret(
        endpoint=endpoint_of(request.company, hook_id), actor=request.user
    )
    return _show(request, created.row, created.secret)


@for_owners
@require_POST
def webhook_test(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Send a test event and open its delivery."""
    endpoint = endpoint_of(request.company, hook_id)
    try:
        delivery = endpoints.send_test(endpoint=endpoint, actor=request.user)
    except ParleyError as error:
        messages.error(request, error.detail)
        return redirect("console:webhook", endpoint.public_id)
    messages.success(request, "A test event is on its way. Reload to see what came of it.")
    return redirect("console:webhook_delivery", delivery.public_id)


@for_owners
@require_POST
def webhook_state(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Pause or resume."""
    endpoint = endpoint_of(request.company, hook_id)
    if request.POST.get("state") == EndpointState.PAUSED:
        endpoints.pause_endpoint(endpoint=endpoint, actor=request.user)
        messages.success(request, "Paused. What happens meanwhile is kept and can be sent later.")
    else:
        endpoints.resume_endpoint(endpoint=endpoint, actor=request.user)
        messages.success(request, "Resumed. Send what was missed, if you need it.")
    return redirect("console:webhook", endpoint.public_id)


@for_owners
@require_POST
def webhook_replay(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Send what failed or was not sent."""
    endpoint = endpoint_of(request.company, hook_id)
    try:
        count = endpoints.replay_undelivered(endpoint=endpoint, actor=request.user)
    except ParleyError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"{count} in line again.")
    return redirect("console:webhook", endpoint.public_id)


@for_owners
@require_POST
def webhook_delete(request: CompanyRequest, hook_id: str) -> HttpResponse:
    """Remove an endpoint."""
    endpoints.delete_endpoint(endpoint=endpoint_of(request.company, hook_id), actor=request.user)
    messages.success(request, "Removed. Nothing is sent there any more.")
    return redirect("console:webhook_list")


@for_owners
@require_safe
def delivery_detail(request: CompanyRequest, delivery_id: str) -> HttpResponse:
    """Show one delivery: body and attempts."""
    delivery = delivery_of(request.company, delivery_id)
    endpoint = delivery.endpoint
    return render(
        request,
        "webhooks/delivery.html",
        {
            "crumbs": [
                ("Webhooks", reverse("console:webhook_list")),
                (endpoint.url, reverse("console:webhook", args=[endpoint.public_id])),
                (label_of(delivery.event.type), ""),
            ],
            "delivery": delivery,
            "endpoint": endpoint,
            "is_active": endpoint.state == EndpointState.ACTIVE,
            "shown": _shown_delivery(delivery),
            "attempts": [
                (one, error_words(one.error) if one.error else "") for one in attempts_of(delivery)
            ],
        },
    )


@for_owners
@require_POST
def delivery_replay(request: CompanyRequest, delivery_id: str) -> HttpResponse:
    """Send a delivery once more."""
    delivery = delivery_of(request.company, delivery_id)
    try:
        endpoints.replay_delivery(delivery=delivery, actor=request.user)
    except ParleyError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "In line again, under the same id.")
    return redirect("console:webhook_delivery", delivery.public_id)
