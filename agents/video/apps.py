"""The video app: a vertical of its own inside agents, with rows, API, pages and a socket."""

from __future__ import annotations

from django.apps import AppConfig


class VideoConfig(AppConfig):
    """Name the app; its rows, pages and jobs need no wiring of their own."""

    name = "agents.video"
    label = "video"
    default_auto_field = "django.db.models.BigAutoField"
