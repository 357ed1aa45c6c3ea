"""Catalogue, runs, results and proofs in the admin; the review queue of proofs is here.

Nobody edits rows by hand: what an administrator may do is an action that calls a service, so it
leaves the same trail. The one exception links a workflow to its feedback survey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import User
from core.admin import ReadOnlyAdmin
from core.errors import ParleyError
from workflows.api.shapes import display_value
from workflows.models import (
    ClientOperation,
    Execution,
    ExecutionSegment,
    Outcome,
    OutcomeChange,
    ProofFile,
    ReviewState,
    Workflow,
    WorkflowVersion,
)

if TYPE_CHECKING:
    WorkflowAdminBase = admin.ModelAdmin[Workflow]
else:
    # Generic for the type checker only.
    WorkflowAdminBase = admin.ModelAdmin


@admin.register(Workflow)
class WorkflowAdmin(WorkflowAdminBase):
    """The catalogue. It is changed in its file; here it is linked to a survey."""

    list_display = ("name", "title", "tier", "is_active", "feedback_survey", "updated_at")
    list_filter = ("tier", "is_active")
    list_select_related = ("current_version", "feedback_survey")
    search_fields = ("name", "current_version__title")
    fields = ("name", "tier", "is_active", "current_version", "feedback_survey")
    readonly_fields = ("name", "tier", "is_active", "current_version")
    raw_id_fields = ("feedback_survey",)

    @admin.display(description="title")
    def title(self, workflow: Workflow) -> str:
        """Show the present version's title."""
        return workflow.current_version.title if workflow.current_version else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Entries come from the file."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Entries are retired by taking them out of the file."""
        return False


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnlyAdmin):
    """Frozen versions."""

    list_display = ("workflow", "number", "title", "created_at")
    list_select_related = ("workflow",)
    search_fields = ("workflow__name", "title")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    """Runs, without what people noted."""

    list_display = ("public_id", "person", "workflow", "state", "started_at", "ended_at")
    list_filter = ("state", "workflow", "market", "skill_level")
    list_select_related = ("person", "workflow")
    search_fields = ("public_id", "person__email")
    date_hierarchy = "started_at"
    exclude = ("step_notes",)


@admin.register(ExecutionSegment)
class ExecutionSegmentAdmin(ReadOnlyAdmin):
    """Stretches of time."""

    list_display = ("execution", "started_at", "last_seen_at", "ended_at")
    list_select_related = ("execution",)
    search_fields = ("execution__public_id",)


@admin.register(ClientOperation)
class ClientOperationAdmin(ReadOnlyAdmin):
    """The trail of changes."""

    list_display = ("execution", "rev", "done_steps", "created_at")
    list_select_related = ("execution",)
    search_fields = ("execution__public_id",)


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    """Logged results."""

    list_display = ("public_id", "person", "workflow", "value", "proof_type", "is_counted")
    list_filter = ("metric_type", "is_counted", "proof_type", "workflow")
    list_select_related = ("person", "workflow")
    search_fields = ("public_id", "person__email", "execution__public_id")
    date_hierarchy = "logged_at"

    @admin.display(description="value")
    def value(self, outcome: Outcome) -> str:
        """Show the value as its person reads it."""
        return display_value(outcome, "en")


@admin.register(OutcomeChange)
class OutcomeChangeAdmin(ReadOnlyAdmin):
    """The history of results."""

    list_display = ("at", "outcome", "kind", "actor")
    list_filter = ("kind",)
    list_select_related = ("outcome",)
    search_fields = ("outcome__public_id", "actor")


class ReviewForm(ActionForm):
    """What the person is told, beside the choice of an action."""

    reason = forms.CharField(
        required=False, max_length=300, label="Reason (needed to reject, shown to the person)"
    )


@admin.register(ProofFile)
class ProofFileAdmin(ReadOnlyAdmin):
    """Proofs; those that wait for review stand first."""

    list_display = ("uploaded_at", "result", "person", "open_file", "scan_verdict", "review_state")
    list_filter = ("review_state", "kind", "scan_verdict")
    list_select_related = ("person", "outcome")
    search_fields = ("public_id", "person__email", "outcome__public_id")
    ordering = ("-review_state", "uploaded_at")
    actions = ("accept", "reject")
    action_form = ReviewForm

    @admin.display(description="result")
    def result(self, proof: ProofFile) -> str:
        """Show what the file is to prove."""
        return display_value(proof.outcome, "en")

    @admin.display(description="file")
    def open_file(self, proof: ProofFile) -> str:
        """Link to the file."""
        address = reverse("workflow_proof", args=[proof.public_id])
        return format_html('<a href="{}">{}</a>', address, proof.original_name)

    def _review(self, request: HttpRequest, rows: QuerySet[ProofFile], state: ReviewState) -> None:
        # Imported when an action runs: Django imports this module in every process.
        from workflows.services.proofs import review_proof

        done = 0
        for row in rows:
            try:
                review_proof(
                    proof=row,
                    state=state,
                    reviewer=cast(User, request.user),
                    reason=request.POST.get("reason", ""),
                )
            except ParleyError as error:
                messages.error(request, f"{row}: {error.detail}")
            else:
                done += 1
        messages.info(request, f"{done} {state.label.lower()}.")

    @admin.action(description="Accept as proof", permissions=["review"])
    def accept(self, request: HttpRequest, rows: QuerySet[ProofFile]) -> None:
        """Accept proofs."""
        self._review(request, rows, ReviewState.ACCEPTED)

    @admin.action(description="Reject with the reason given", permissions=["review"])
    def reject(self, request: HttpRequest, rows: QuerySet[ProofFile]) -> None:
        """Reject proofs; what they prove no longer counts."""
        self._review(request, rows, ReviewState.REJECTED)

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Tell whether the administrator may judge, who may not edit."""
        return request.user.has_perm("workflows.change_prooffile")
