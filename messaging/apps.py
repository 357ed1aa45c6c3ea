"""The messaging app: conversations on WhatsApp."""

from __future__ import annotations

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Name the app; its rows, pages and jobs need no wiring of their own."""

    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"
