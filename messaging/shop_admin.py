"""Shop, orders, support and survey runs in the admin.

What money or goods hang on is to look at only; it changes through services, which leave a trail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from messaging.models import (
    BusinessProfile,
    Cart,
    CartLine,
    Category,
    DeliveryPlace,
    FaqEntry,
    HandOff,
    MessageTemplate,
    NumberSeries,
    OpeningHours,
    Order,
    OrderEvent,
    OrderLine,
    OrderPayment,
    PaymentEvent,
    Policy,
    Product,
    ReturnRequest,
    SpecialDay,
    StockMovement,
    SurveyKeyword,
    SurveyRun,
    SurveyStep,
    Ticket,
    TicketEntry,
)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    # Generic for the type checker only.
    ModelAdmin = admin.ModelAdmin


@admin.register(BusinessProfile)
class BusinessProfileAdmin(ModelAdmin):
    """Shops."""

    list_display = ("name", "company", "time_zone", "currency")
    list_select_related = ("company",)
    search_fields = ("name", "company__name")


@admin.register(OpeningHours)
class OpeningHoursAdmin(ModelAdmin):
    """Weekly hours."""

    list_display = ("company", "weekday", "opens_at", "closes_at")
    list_select_related = ("company",)


@admin.register(SpecialDay)
class SpecialDayAdmin(ModelAdmin):
    """Dates with hours of their own."""

    list_display = ("company", "day", "opens_at", "closes_at", "note_en")
    list_select_related = ("company",)


@admin.register(Policy)
class PolicyAdmin(ModelAdmin):
    """Policies."""

    list_display = ("company", "kind", "updated_at")
    list_select_related = ("company",)


@admin.register(FaqEntry)
class FaqEntryAdmin(ModelAdmin):
    """Questions with their answers; the worst ones first."""

    list_display = ("question_en", "company", "topic", "helped_count", "missed_count", "is_active")
    list_filter = ("topic", "is_active")
    list_select_related = ("company",)
    ordering = ("-missed_count",)
    search_fields = ("question_es", "question_en")
    readonly_fields = ("helped_count", "missed_count")


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ModelAdmin):
    """Message templates; their state is Meta's."""

    list_display = ("name", "language", "category", "status", "company")
    list_filter = ("status", "category")
    list_select_related = ("company",)
    readonly_fields = ("status", "provider_reference", "submitted_at")


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    """Shelves of catalogues."""

    list_display = ("name_en", "company", "position")
    list_select_related = ("company",)


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    """Products; stock changes by counting, through the console."""

    list_display = ("sku", "name_en", "company", "price_minor", "currency", "stock", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("company",)
    search_fields = ("sku", "name_en", "name_es")
    readonly_fields = ("stock",)


@admin.register(DeliveryPlace)
class DeliveryPlaceAdmin(ModelAdmin):
    """Places shops deliver to."""

    list_display = ("name", "company", "fee_minor", "free_from_minor", "is_active")
    list_select_related = ("company",)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    """Every change of stock."""

    list_display = ("product", "delta", "reason", "order_ref", "at")
    list_filter = ("reason",)
    list_select_related = ("product",)


@admin.register(Cart, CartLine, OrderLine, OrderEvent, NumberSeries)
class PartsAdmin(ReadOnlyAdmin):
    """Parts of carts and orders, and the numbers they got."""


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders; addresses are not searchable here."""

    list_display = ("number", "company", "state", "total_minor", "currency", "is_refund_due")
    list_filter = ("state", "is_refund_due")
    list_select_related = ("company",)
    search_fields = ("number", "public_id")


@admin.register(OrderPayment)
class OrderPaymentAdmin(ReadOnlyAdmin):
    """Payments of orders."""

    list_display = ("public_id", "order", "provider", "state", "amount_minor", "currency")
    list_filter = ("provider", "state")
    list_select_related = ("order",)
    search_fields = ("public_id", "reference", "order__number")


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    """Providers' notices, and what came of them."""

    list_display = ("event_id", "provider", "kind", "outcome", "received_at")
    list_filter = ("outcome",)


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Tickets; what people wrote is not searchable here."""

    list_display = ("number", "company", "kind", "state", "priority", "satisfaction")
    list_filter = ("kind", "state", "priority")
    list_select_related = ("company",)
    search_fields = ("number", "public_id")


@admin.register(TicketEntry, ReturnRequest, SurveyStep)
class SupportPartsAdmin(ReadOnlyAdmin):
    """Parts of tickets and survey runs."""


@admin.register(HandOff)
class HandOffAdmin(ReadOnlyAdmin):
    """Conversations that waited for a person."""

    list_display = ("public_id", "company", "reason", "state", "priority", "created_at")
    list_filter = ("state", "reason")
    list_select_related = ("company",)


@admin.register(SurveyKeyword)
class SurveyKeywordAdmin(ModelAdmin):
    """Words that open surveys."""

    list_display = ("code", "company", "survey", "is_active")
    list_select_related = ("company", "survey")


@admin.register(SurveyRun)
class SurveyRunAdmin(ReadOnlyAdmin):
    """Surveys answered on WhatsApp."""

    list_display = ("public_id", "company", "survey", "state", "language", "created_at")
    list_filter = ("state",)
    list_select_related = ("company", "survey")
