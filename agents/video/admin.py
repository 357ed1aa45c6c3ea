"""Videos in the admin: scripts and runs to look at, with the two deeds an administrator needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from agents.video.models import AgentCost, RunAgent, VideoRun, VideoSession
from agents.video.services import runs
from core.admin import ReadOnlyAdmin
from core.audit import record_event

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[RunAgent, VideoRun]
else:
    # Generic for the type checker only.
    TabularInline = admin.TabularInline


@admin.register(VideoSession)
class VideoSessionAdmin(ReadOnlyAdmin):
    """Scripts, without their words: they may hold what respondents said."""

    list_display = ("public_id", "owner", "company", "origin", "language", "created_at")
    list_filter = ("origin", "language")
    list_select_related = ("owner", "company")
    search_fields = ("public_id", "owner__email")
    fields = (
        "public_id",
        "owner",
        "company",
        "origin",
        "origin_ref",
        "language",
        "voice",
        "revision",
        "last_attempt",
        "created_at",
        "updated_at",
        "erased_at",
        "files_erased_at",
    )


class RunAgentInline(TabularInline):
    """Where each agent stands."""

    model = RunAgent
    fields = ("agent", "status", "attempt", "seq", "updated_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds by hand."""
        return False


@admin.register(VideoRun)
class VideoRunAdmin(ReadOnlyAdmin):
    """Runs. One that stands can be ended here."""

    list_display = ("public_id", "video_session", "state", "tries", "heartbeat_at", "created_at")
    list_filter = ("state",)
    list_select_related = ("video_session",)
    search_fields = ("public_id", "video_session__public_id")
    inlines = (RunAgentInline,)
    actions = ("end_runs",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Only those who may do everything end somebody else's work."""
        user: Any = request.user
        return bool(user.is_superuser)

    @admin.action(description="End the selected runs that are open", permissions=["end"])
    def end_runs(self, request: HttpRequest, queryset: QuerySet[VideoRun]) -> None:
        """End open runs as failed; a worker that still has one stops."""
        user: Any = request.user
        ended = 0
        for run in queryset:
            if runs.give_up_run(
                run_id=run.public_id,
                error="ended_by_administrator",
                reason="An administrator ended this run. Start it again if you still need it.",
            ):
                record_event(actor=user, action="video_run.ended", object_ref=run)
                ended += 1
        messages.info(request, f"{ended} ended.")


@admin.register(RunAgent)
class RunAgentAdmin(ReadOnlyAdmin):
    """The latest word of each agent, without what it says."""

    list_display = ("run", "agent", "status", "attempt", "updated_at")
    list_filter = ("agent", "status")
    list_select_related = ("run",)
    fields = ("run", "agent", "status", "attempt", "seq", "updated_at")


@admin.register(AgentCost)
class AgentCostAdmin(ReadOnlyAdmin):
    """The cost ledger."""

    list_display = ("created_at", "run", "agent", "provider", "unit", "quantity", "amount_usd")
    list_filter = ("agent", "provider")
    list_select_related = ("run",)
    search_fields = ("run__public_id", "reference")
