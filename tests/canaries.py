"""Looks for words that must not be anywhere: in every table and in every stored file."""

from __future__ import annotations

from pathlib import Path

from django.apps import apps
from django.conf import settings

SKIPPED_FOLDERS = {"log", "static"}


def tables_with(*words: str) -> list[str]:
    """Return ``app.Model.field`` of every stored value that holds one of the words."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values():
            for field, value in row.items():
                if value is not None and any(word in str(value) for word in words):
                    found.add(f"{model._meta.label}.{field}")
    return sorted(found)


def files_with(*words: str) -> list[str]:
    """Return every stored file that holds one of the words, but for the database itself."""
    found = []
    for path in sorted(Path(settings.DATA_DIR).rglob("*")):
        inside = path.relative_to(settings.DATA_DIR)
        if not path.is_file() or inside.parts[0] in SKIPPED_FOLDERS or ".sqlite3" in path.name:
            continue
        content = path.read_bytes()
        if any(word.encode() in content for word in words):
            found.append(str(inside))
    return found
