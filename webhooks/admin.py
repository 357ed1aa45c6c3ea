"""The webhooks app in the admin: to look at, to resume what was stopped, to replay.

Bodies are a company's own affairs and stay out of the lists; secrets are nowhere.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from core.admin import ReadOnlyAdmin
from core.errors import ParleyError
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from webhooks.services.endpoints import replay_delivery, resume_endpoint


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Addresses of companies."""

    list_display = ("public_id", "company", "url", "state", "failing_since", "created_at")
    list_select_related = ("company",)
    list_filter = ("state",)
    search_fields = ("public_id", "company__name", "url")
    fields = (
        *("public_id", "company", "url", "description", "event_types", "state", "stop_reason"),
        *("rotated_at", "former_until", "failing_since", "failures_in_row", "not_before"),
        *("notice_due_at", "created_by", "created_at"),
    )
    actions = ("resume",)

    @admin.action(description="Resume", permissions=["view"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send to them again."""
        for endpoint in queryset:
            resume_endpoint(endpoint=endpoint, actor=cast(User, request.user))
        messages.success(request, f"Resumed: {len(queryset)}.")


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("public_id", "type", "subject", "company", "created_at")
    list_select_related = ("company",)
    list_filter = ("type",)
    search_fields = ("public_id", "subject")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was told to whom."""

    list_display = (
        *("public_id", "endpoint", "event", "state", "attempt_count", "last_status"),
        *("last_error", "next_attempt_at"),
    )
    list_select_related = ("endpoint", "event")
    list_filter = ("state",)
    search_fields = ("public_id", "event__public_id", "endpoint__public_id")
    actions = ("replay",)

    @admin.action(description="Send again", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Put them in line once more."""
        done = 0
        for delivery in queryset.select_related("endpoint__company"):
            try:
                replay_delivery(delivery=delivery, actor=cast(User, request.user))
            except ParleyError as error:
                messages.error(request, f"{delivery.public_id}: {error.detail}")
            else:
                done += 1
        messages.success(request, f"In line: {done}.")


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    """Each request and its answer."""

    list_display = ("delivery", "number", "at", "status", "error", "duration_ms")
    list_select_related = ("delivery",)
    list_filter = ("error",)
