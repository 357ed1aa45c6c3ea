"""The surveys app in the admin.

Money and evaluations are to look at only; what an administrator may do is an action that calls
the same service as the console, so it leaves the same trail. Nothing anybody said is searchable
here, and transcripts stay with the conversations. The services are imported when an action runs:
Django imports this module in every process, and most of them need no agents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core import money
from core.admin import ReadOnlyAdmin
from core.errors import ParleyError
from surveys.models import (
    AnswerGram,
    Appeal,
    EvaluationRecord,
    FunnelCounter,
    InsightReport,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payout,
    ProviderAccount,
    ProviderEvent,
    Survey,
    SurveyResponse,
    SurveyStatus,
    SurveyVersion,
    Theme,
    ThemeMention,
    Wallet,
    Withdrawal,
)

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[LedgerEntry, LedgerTransaction]
else:
    # Generic for the type checker only.
    TabularInline = admin.TabularInline

REASON = "Decided in the administration."


def _each(
    request: HttpRequest, rows: QuerySet[Any], done: str, act: Callable[[Any], object]
) -> None:
    """Do something to each row; say how often it worked and why it did not."""
    count = 0
    for row in rows:
        try:
            act(row)
        except ParleyError as error:
            messages.error(request, f"{row}: {error.detail}")
        else:
            count += 1
    messages.info(request, f"{count} {done}.")


def _amount(minor: int, currency: str) -> str:
    return money.format_money(minor, currency)


class ActingAdmin(ReadOnlyAdmin):
    """Rows nobody edits by hand, with actions that go through the services."""

    actions: Any = []


@admin.register(Survey)
class SurveyAdmin(ActingAdmin):
    """Surveys."""

    list_display = ("public_id", "company", "title", "status", "max_responses", "created_at")
    list_filter = ("status", "company")
    search_fields = ("public_id", "current_version__title")
    list_select_related = ("company", "current_version")
    actions = ("pause", "open", "close", "refresh")

    @admin.display(description="title")
    def title(self, survey: Survey) -> str:
        """Show the present version's title."""
        return survey.current_version.title if survey.current_version else ""

    def _move(
        self, request: HttpRequest, rows: QuerySet[Survey], status: SurveyStatus, done: str
    ) -> None:
        from surveys.services import surveys

        actor: Any = request.user
        _each(
            request,
            rows,
            done,
            lambda row: surveys.change_status(survey=row, status=status, actor=actor),
        )

    @admin.action(description="Pause: no new sessions")
    def pause(self, request: HttpRequest, rows: QuerySet[Survey]) -> None:
        """Pause surveys."""
        self._move(request, rows, SurveyStatus.PAUSED, "paused")

    @admin.action(description="Open drafts and paused surveys")
    def open(self, request: HttpRequest, rows: QuerySet[Survey]) -> None:
        """Open surveys."""
        self._move(request, rows, SurveyStatus.ACTIVE, "opened")

    @admin.action(description="Close for good")
    def close(self, request: HttpRequest, rows: QuerySet[Survey]) -> None:
        """Close surveys."""
        self._move(request, rows, SurveyStatus.CLOSED, "closed")

    @admin.action(description="Refresh insights")
    def refresh(self, request: HttpRequest, rows: QuerySet[Survey]) -> None:
        """Ask for new insights."""
        from surveys.services import insights

        _each(request, rows, "asked for", lambda row: insights.request_refresh(survey=row))


@admin.register(SurveyVersion)
class SurveyVersionAdmin(ReadOnlyAdmin):
    """Frozen versions."""

    list_display = ("survey", "number", "title", "created_at")
    list_select_related = ("survey",)
    search_fields = ("survey__public_id", "title")


@admin.register(SurveyResponse)
class SurveyResponseAdmin(ActingAdmin):
    """Answers, without what was said."""

    list_display = (
        "voice_session",
        "survey",
        "state",
        "score",
        "is_flagged",
        "reservation_state",
        "created_at",
    )
    list_filter = ("state", "is_flagged", "reservation_state", "transcript_source")
    list_select_related = ("voice_session", "survey")
    search_fields = ("voice_session__public_id", "survey__public_id")
    exclude = ("attributes", "result", "receipt_digest", "respondent_key", "device_hash", "ip_hash")
    actions = ("rescore", "erase")

    @admin.action(description="Score again (changes no payout)")
    def rescore(self, request: HttpRequest, rows: QuerySet[SurveyResponse]) -> None:
        """Add an evaluation for comparison."""
        from surveys.services import evaluation

        _each(request, rows, "scored again", lambda row: evaluation.rescore_response(response=row))

    @admin.action(description="Erase what was said")
    def erase(self, request: HttpRequest, rows: QuerySet[SurveyResponse]) -> None:
        """Erase answers at their person's wish."""
        from surveys.services import erasure

        _each(request, rows, "erased", lambda row: erasure.erase_response(response=row))


@admin.register(EvaluationRecord)
class EvaluationRecordAdmin(ReadOnlyAdmin):
    """Evaluations; marks and raw answers quote people, so they stay out."""

    list_display = ("response", "score", "band", "is_paying", "source", "rubric_version")
    list_filter = ("is_paying", "source", "rubric_version")
    list_select_related = ("response",)
    exclude = ("marks", "raw", "flags", "notes")


@admin.register(Payout)
class PayoutAdmin(ActingAdmin):
    """Payouts."""

    list_display = ("public_id", "amount", "state", "provider", "hold_reasons", "created_at")
    list_filter = ("state", "provider")
    search_fields = ("public_id", "transaction_id", "provider_reference")
    actions = ("approve", "reject", "cancel", "retry")

    @admin.display(description="amount")
    def amount(self, payout: Payout) -> str:
        """Show the amount with its currency."""
        return _amount(payout.amount_minor, payout.currency)

    @admin.action(description="Approve held payouts")
    def approve(self, request: HttpRequest, rows: QuerySet[Payout]) -> None:
        """Pay what was held."""
        from surveys.services import review

        actor: Any = request.user
        _each(
            request,
            rows,
            "approved",
            lambda row: review.approve_held(payout=row, actor=actor, note=REASON),
        )

    @admin.action(description="Reject held payouts")
    def reject(self, request: HttpRequest, rows: QuerySet[Payout]) -> None:
        """Refuse what was held."""
        from surveys.services import review

        actor: Any = request.user
        _each(
            request,
            rows,
            "rejected",
            lambda row: review.reject_held(payout=row, actor=actor, reason=REASON),
        )

    @admin.action(description="Cancel before sending")
    def cancel(self, request: HttpRequest, rows: QuerySet[Payout]) -> None:
        """Call payouts off."""
        from surveys.services import review

        actor: Any = request.user
        _each(
            request,
            rows,
            "cancelled",
            lambda row: review.cancel(payout=row, actor=actor, reason=REASON),
        )

    @admin.action(description="Send failed payouts again")
    def retry(self, request: HttpRequest, rows: QuerySet[Payout]) -> None:
        """Send again what a provider refused."""
        from surveys.services import review

        actor: Any = request.user
        _each(
            request,
            rows,
            "sent again",
            lambda row: review.retry_failed(payout=row, actor=actor, note=REASON),
        )


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin):
    """Appeals; they are decided in the console, where the answer can be read."""

    list_display = ("public_id", "response", "created_at", "resolution", "resolved_at")
    list_filter = ("resolution",)
    list_select_related = ("response",)
    exclude = ("text",)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    """Balances."""

    list_display = ("key", "code", "company", "balance")
    list_filter = ("code", "currency")
    list_select_related = ("company",)
    search_fields = ("key",)

    @admin.display(description="balance")
    def balance(self, account: LedgerAccount) -> str:
        """Show the balance with its currency."""
        return _amount(account.balance_minor, account.currency)


class LedgerEntryInline(TabularInline):
    """The legs of a transaction."""

    model = LedgerEntry
    extra = 0
    can_delete = False
    fields = ("account", "amount_minor")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds by hand."""
        return False


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(ReadOnlyAdmin):
    """Why money moved."""

    list_display = ("created_at", "kind", "idempotency_key", "note")
    list_filter = ("kind",)
    search_fields = ("idempotency_key",)
    inlines = (LedgerEntryInline,)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Single legs."""

    list_display = ("transaction", "account", "amount_minor")
    list_select_related = ("transaction", "account")


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    """Wallets, by number only."""

    list_display = ("public_id", "created_at", "merged_into")
    search_fields = ("public_id",)
    exclude = ("signed_user_hash",)


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    """Credit on its way out."""

    list_display = ("public_id", "wallet", "amount", "provider", "state", "created_at")
    list_filter = ("state", "provider")
    list_select_related = ("wallet",)

    @admin.display(description="amount")
    def amount(self, withdrawal: Withdrawal) -> str:
        """Show the amount with its currency."""
        return _amount(withdrawal.amount_minor, withdrawal.currency)


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ReadOnlyAdmin):
    """Accounts at providers."""

    list_display = ("reference", "provider", "is_ready", "created_at")
    list_filter = ("provider", "is_ready")


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    """Webhooks that checked out."""

    list_display = ("received_at", "provider", "kind", "event_id", "handled_at")
    list_filter = ("provider", "kind")
    search_fields = ("event_id",)
    exclude = ("body",)


@admin.register(InsightReport)
class InsightReportAdmin(ReadOnlyAdmin):
    """Where insights stand; their sentences quote people, so they stay out."""

    list_display = ("survey", "version", "sessions_used", "confidence", "updated_at")
    list_select_related = ("survey",)
    exclude = ("key_insights",)


@admin.register(Theme)
class ThemeAdmin(ReadOnlyAdmin):
    """Themes."""

    list_display = ("public_id", "survey", "label", "session_count")
    list_select_related = ("survey",)


@admin.register(ThemeMention)
class ThemeMentionAdmin(ReadOnlyAdmin):
    """Which answers carry a theme."""

    list_display = ("theme", "response")
    list_select_related = ("theme", "response")


@admin.register(AnswerGram)
class AnswerGramAdmin(ReadOnlyAdmin):
    """Fingerprints of answers."""

    list_display = ("survey", "answer_ref", "gram_count")
    list_select_related = ("survey",)


@admin.register(FunnelCounter)
class FunnelCounterAdmin(ReadOnlyAdmin):
    """Steps of the funnel."""

    list_display = ("survey", "day", "step", "count")
    list_filter = ("step",)
    list_select_related = ("survey",)
