"""The workflows app: what people are guided through, and what came of it."""

from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Keep the catalogue in step with its file."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the listener, once a process."""
        from django.db.models.signals import post_migrate

        from core.privacy import register_section
        from workflows.listeners import follow_migration
        from workflows.services.privacy import SECTION

        register_section(SECTION)
        post_migrate.connect(
            follow_migration, sender=self, dispatch_uid="workflows.follow_migration"
        )
