"""The workflows app: what people are guided through, and what came of it."""

from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Name the app; its rows, pages and jobs need no wiring of their own."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"
