"""The accounts app: people, companies, keys."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Register how the API document describes our credentials."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from accounts.api import schemes  # noqa: F401 - registers itself
