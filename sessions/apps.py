"""The sessions app. Its label is ``voice_sessions``: the plain label belongs to Django's own app.

Never run a management command with the label ``sessions`` for it: that still means login sessions.
"""

from __future__ import annotations

from django.apps import AppConfig


class VoiceSessionsConfig(AppConfig):
    """Name the app and say what it holds about people."""

    name = "sessions"
    label = "voice_sessions"
    verbose_name = "Conversations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what is about a person, once a process."""
        from core.privacy import register_section
        from sessions.services.privacy import SECTION

        register_section(SECTION)
