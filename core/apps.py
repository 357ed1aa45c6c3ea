"""The core app."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Register the system checks when Django starts."""

    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        import_module("core.checks")
        from core.privacy import register_section
        from core.privacy.own import SECTION

        register_section(SECTION)
