"""The sessions app. Its label is ``voice_sessions``: the plain label belongs to Django's own app.

Never run a management command with the label ``sessions`` for it: that still means login sessions.
"""

from django.apps import AppConfig


class VoiceSessionsConfig(AppConfig):
    name = "sessions"
    label = "voice_sessions"
    verbose_name = "Conversations"
    default_auto_field = "django.db.models.BigAutoField"
