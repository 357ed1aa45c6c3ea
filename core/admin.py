"""Core's rows in the admin, all of them to look at only, and the base others use for such rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from core.models import AuditEvent, IdempotencyRecord, LiveEvent, LiveStream, RateCounter

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    # Generic for the type checker only.
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Show rows, and let nobody add, change or delete one: ledgers, trails, stored answers."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes by hand."""
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "action", "object_ref", "company_ref")
    list_filter = ("action",)
    search_fields = ("actor", "object_ref", "company_ref")
    date_hierarchy = "at"


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Requests with an Idempotency-Key; the stored answer itself stays out of sight."""

    list_display = ("created_at", "tenant", "method", "path", "state", "status", "attempt")
    list_filter = ("state", "method")
    search_fields = ("tenant",)
    fields = ("created_at", "tenant", "method", "path", "state", "status", "attempt")


@admin.register(RateCounter)
class RateCounterAdmin(ReadOnlyAdmin):
    """Counters of limits, by scope; whom they count cannot be read back."""

    list_display = ("scope", "hits", "window_ends_at")
    list_filter = ("scope",)


@admin.register(LiveStream)
class LiveStreamAdmin(ReadOnlyAdmin):
    """Streams of live events."""

    list_display = ("name", "last_seq", "created_at")
    search_fields = ("name",)


@admin.register(LiveEvent)
class LiveEventAdmin(ReadOnlyAdmin):
    """Live events, without what they say: payloads hold what people said."""

    list_display = ("stream", "seq", "type", "created_at")
    list_select_related = ("stream",)
    list_filter = ("type",)
    fields = ("stream", "seq", "type", "created_at")
