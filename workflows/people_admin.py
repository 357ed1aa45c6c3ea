"""Plans, figures and the log of aggregations in the admin: to look at only."""

from __future__ import annotations

from django.contrib import admin

from core import money
from core.admin import ReadOnlyAdmin
from workflows.models import (
    AggregationRun,
    BillingEvent,
    PlanPurchase,
    ValueSpread,
    WorkflowPerformance,
    WorkflowSuccess,
)


@admin.register(AggregationRun)
class AggregationRunAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "state", "started_at", "seconds", "outcomes_read", "votes_counted")
    list_filter = ("state",)
    date_hierarchy = "started_at"


@admin.register(WorkflowSuccess)
class WorkflowSuccessAdmin(ReadOnlyAdmin):
    list_display = ("workflow", "market", "skill_level", "successes", "decided", "running")
    list_filter = ("workflow", "market", "skill_level")
    list_select_related = ("workflow", "market", "skill_level")


@admin.register(WorkflowPerformance)
class WorkflowPerformanceAdmin(ReadOnlyAdmin):
    list_display = ("workflow", "market", "skill_level", "metric_type", "unit", "count", "people")
    list_filter = ("metric_type", "workflow", "market", "skill_level")
    list_select_related = ("workflow", "market", "skill_level")


@admin.register(ValueSpread)
class ValueSpreadAdmin(ReadOnlyAdmin):
    list_display = ("metric_type", "unit", "tau_market", "tau_cohort")
    list_filter = ("metric_type",)


@admin.register(PlanPurchase)
class PlanPurchaseAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "person", "plan", "price", "provider", "state", "paid_at")
    list_filter = ("state", "plan", "provider")
    list_select_related = ("person",)
    search_fields = ("public_id", "person__public_id", "subscription_reference")

    @admin.display(description="a month")
    def price(self, row: PlanPurchase) -> str:
        """The price as a person reads it."""
        return money.format_money(row.amount_minor, row.currency)


@admin.register(BillingEvent)
class BillingEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "provider", "kind", "result", "received_at")
    list_filter = ("provider", "kind", "result")
