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
        from webhooks import metrics

        import_module("webhooks.checks")
        register_reader("webhooks", metrics.read_gauges)
