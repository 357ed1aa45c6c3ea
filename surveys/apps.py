"""The surveys app: paid surveys from question to payout to insight."""

from __future__ import annotations

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    """Hang the survey's own steps on conversations and on cross-origin requests."""

    name = "surveys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the listeners, once a process."""
        from corsheaders.signals import check_request_enabled

        from core.metrics import register_reader
        from core.panels import ME, register_panel
        from core.privacy import register_section
        from sessions import hooks
        from surveys import listeners, metrics, panels
        from surveys.cors import allow_widget_origin
        from surveys.event_types import PAYOUT_CHANGED, SESSION_COMPLETED, SESSION_ERASED
        from surveys.services.privacy import SECTION
        from webhooks.events import register_event_type

        hooks.on_session_ended(listeners.follow_end)
        hooks.on_participation(listeners.follow_participation)
        register_reader("surveys", metrics.read_gauges)
        register_event_type(SESSION_COMPLETED)
        register_event_type(SESSION_ERASED)
        register_event_type(PAYOUT_CHANGED)
        register_panel(ME, "surveys.wallet", panels.build_wallet_panel, order=10)
        register_panel(ME, "surveys.answers", panels.build_answers_panel, order=20)
        register_section(SECTION)
        check_request_enabled.connect(
            allow_widget_origin, dispatch_uid="surveys.allow_widget_origin"
        )
