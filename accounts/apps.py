"""The accounts app: people, companies, keys."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Register how the API document describes our credentials, and what is about a person."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from django.contrib.admin.models import LogEntry
        from django.db.models.signals import post_save

        from accounts.api import schemes  # noqa: F401 - registers itself
        from accounts.listeners import follow_admin
        from accounts.services.privacy import SECTION
        from core.privacy import register_section

        register_section(SECTION)
        post_save.connect(follow_admin, sender=LogEntry, dispatch_uid="accounts.follow_admin")
