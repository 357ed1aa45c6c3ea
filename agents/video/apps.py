"""The video app: a vertical of its own inside agents, with rows, API, pages and a socket."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class VideoConfig(AppConfig):
    """Name the app and register its system checks; its rows and pages need no other wiring."""

    name = "agents.video"
    label = "video"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        import_module("agents.video.checks")
        from agents.video.services.privacy import SECTION
        from core.privacy import register_section

        register_section(SECTION)
