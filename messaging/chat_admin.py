"""Numbers, people and their conversations in the admin.

Numbers are switched off and given their throughput here, and may be set up; everything else changes
through services and is to look at only. What people wrote is shown on its own page and is not
searchable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from core.admin import ReadOnlyAdmin
from messaging.models import (
    BusinessNumber,
    Contact,
    Conversation,
    ConversationNote,
    FormerIdentity,
    InboundMedia,
    InboundMessage,
    MessageStatus,
    OutboundMessage,
    RawWebhook,
    SimulatedFaults,
    SimulatedMessage,
    SimulatedPhone,
    SimulatedWebhook,
    TurnRecord,
)
from messaging.services import sending

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    # Generic for the type checker only.
    ModelAdmin = admin.ModelAdmin


@admin.register(BusinessNumber)
class BusinessNumberAdmin(ModelAdmin):
    """Numbers customers write to; a stopped one sends nothing until it is resumed."""

    list_display = ("display_number", "label", "company", "is_active", "stopped_at", "stop_code")
    list_filter = ("is_active", "stop_code")
    list_select_related = ("company",)
    search_fields = ("display_number", "label", "phone_number_id", "public_id")
    readonly_fields = ("public_id", "stopped_at", "stop_code", "send_slot_at", "created_at")
    actions = ("resume",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Conversations hang on it: switch it off instead."""
        return False

    @admin.action(description="Resume sending")
    def resume(self, request: HttpRequest, queryset: QuerySet[BusinessNumber]) -> None:
        """Let stopped numbers send again."""
        stopped = queryset.exclude(stopped_at=None)
        for number in stopped:
            assert isinstance(request.user, User)  # noqa: S101  # the admin lets nobody else in
            sending.resume_number(number=number, actor=request.user)
        messages.success(request, "They send again. What waited goes out now.")


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """People, by their three identities."""

    list_display = ("public_id", "company", "name", "language", "opted_out_at", "merged_into")
    list_select_related = ("company", "merged_into")
    search_fields = ("public_id", "phone", "bsuid")


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Conversations; the state of the dialogue stands on each one's page."""

    list_display = ("public_id", "number", "mode", "lane", "version", "last_activity_at")
    list_filter = ("mode", "lane")
    list_select_related = ("number",)
    search_fields = ("public_id",)


@admin.register(TurnRecord)
class TurnRecordAdmin(ReadOnlyAdmin):
    """What each turn came to."""

    list_display = (
        *("created_at", "conversation", "lane", "intent", "source", "confidence"),
        *("is_success", "corrected_lane", "milliseconds"),
    )
    list_filter = ("lane", "source", "is_success")
    list_select_related = ("conversation",)
    search_fields = ("turn_id", "conversation__public_id")


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    """Messages of people."""

    list_display = ("wamid", "number", "type", "state", "attempts", "sent_at")
    list_filter = ("state", "type")
    list_select_related = ("number",)
    search_fields = ("wamid", "conversation__public_id")


@admin.register(OutboundMessage)
class OutboundMessageAdmin(ReadOnlyAdmin):
    """Messages of ours, with what became of them."""

    list_display = ("public_id", "conversation", "kind", "author", "state", "error_code", "sent_at")
    list_filter = ("state", "error_class", "author")
    list_select_related = ("conversation",)
    search_fields = ("public_id", "wamid", "conversation__public_id")


@admin.register(RawWebhook)
class RawWebhookAdmin(ReadOnlyAdmin):
    """Signed bodies as they came."""

    list_display = ("received_at", "digest", "item_count", "unknown_count")
    search_fields = ("digest",)


@admin.register(MessageStatus)
class MessageStatusAdmin(ReadOnlyAdmin):
    """Statuses of our messages, also of those we do not know yet."""

    list_display = ("received_at", "wamid", "status", "number", "applied_at")
    list_filter = ("status",)
    list_select_related = ("number",)
    search_fields = ("wamid",)


@admin.register(ConversationNote, FormerIdentity, InboundMedia)
class ConversationPartsAdmin(ReadOnlyAdmin):
    """Notes of operators, earlier identities of people, and their files."""


@admin.register(SimulatedPhone, SimulatedMessage, SimulatedWebhook, SimulatedFaults)
class SimulatorAdmin(ReadOnlyAdmin):
    """Rows of the simulator."""
