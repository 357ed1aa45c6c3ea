"""The webhooks app: companies' endpoints, the events told to them, the deliveries."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Register what the app publishes itself, its figures and its system checks."""

    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from core.metrics import register_reader
        from core.privacy import register_section
        from webhooks import metrics
        from webhooks.services.privacy import SECTION

        import_module("webhooks.checks")
        register_reader("webhooks", metrics.read_gauges)
        register_section(SECTION)
