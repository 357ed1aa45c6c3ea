"""The messaging app: conversations on WhatsApp."""

from __future__ import annotations

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Hang what messaging does on the conversations of surveys."""

    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the listeners, once a process."""
        from core.metrics import register_reader
        from core.privacy import register_section
        from messaging import metrics
        from messaging.listeners import follow_session_end
        from messaging.services.privacy import SECTION
        from sessions import hooks

        hooks.on_session_ended(follow_session_end)
        register_reader("messaging", metrics.read_gauges)
        register_section(SECTION)
