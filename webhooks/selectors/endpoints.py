"""Reads of endpoints and deliveries, each for the one company that owns them."""

from __future__ import annotations

from django.db.models import Count, Max, Q, QuerySet

from accounts.models import Company
from core.errors import NotFoundError
from core.ids import is_id
from webhooks.models import (
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)


def endpoints_of(company: Company) -> QuerySet[WebhookEndpoint]:
    """Return a company's endpoints, newest first."""
    return (
        WebhookEndpoint.objects.filter(company=company)
        .select_related("company")
        .order_by("-created_at", "-pk")
    )


def endpoints_with_figures(company: Company) -> QuerySet[WebhookEndpoint]:
    """Return a company's endpoints, annotated with what waits, what failed and the last success."""
    return endpoints_of(company).annotate(
        waiting_count=Count("deliveries", filter=Q(deliveries__state=DeliveryState.PENDING)),
        missed_count=Count(
            "deliveries",
            filter=Q(deliveries__state__in=(DeliveryState.FAILED, DeliveryState.SKIPPED)),
        ),
        last_delivered_at=Max("deliveries__delivered_at"),
    )


def endpoint_of(company: Company, endpoint_id: str) -> WebhookEndpoint:
    """Return one endpoint of a company.

    Raises:
        NotFoundError: there is none of this id, or it is another company's.
    """
    found = None
    if is_id(endpoint_id, "hook"):
        found = endpoints_of(company).filter(public_id=endpoint_id).first()
    if found is None:
        raise NotFoundError(
            "webhook_not_found", "There is no such endpoint of your company. Check the id."
        )
    return found


def deliveries_of(endpoint: WebhookEndpoint, *, state: str = "") -> QuerySet[WebhookDelivery]:
    """Return an endpoint's deliveries with their events, newest first.

    Args:
        endpoint: from `endpoint_of`, so it is the company's own.
        state: only those in this state; empty for all.
    """
    found = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event", "endpoint")
    if state:
        found = found.filter(state=state)
    return found.order_by("-created_at", "-pk")


def delivery_of(company: Company, delivery_id: str) -> WebhookDelivery:
    """Return one delivery of a company's endpoint.

    Raises:
        NotFoundError: there is none of this id, or it is another company's.
    """
    found = None
    if is_id(delivery_id, "delivery"):
        found = (
            WebhookDelivery.objects.filter(endpoint__company=company, public_id=delivery_id)
            .select_related("event", "endpoint__company")
            .first()
        )
    if found is None:
        raise NotFoundError(
            "webhook_delivery_not_found", "There is no such delivery of your company."
        )
    return found


def attempts_of(delivery: WebhookDelivery) -> list[WebhookAttempt]:
    """Return a delivery's attempts, newest first, at most a hundred."""
    return list(WebhookAttempt.objects.filter(delivery=delivery).order_by("-number")[:100])


def stopped_endpoints(company: Company) -> list[WebhookEndpoint]:
    """Return the endpoints that were stopped after failures."""
    return list(endpoints_of(company).filter(state=EndpointState.STOPPED))
