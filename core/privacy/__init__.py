"""One person's data across all apps: a copy of it, its erasure, and what stands in the way.

Owns the register and the order. What belongs to a person, each app says itself: it registers one
`Section` when Django starts. Knows no app and no row.
"""

from __future__ import annotations

from core.privacy.rows import export_rows
from core.privacy.sections import (
    Obstacle,
    ObstacleError,
    Person,
    Section,
    erase_everywhere,
    export_everything,
    find_obstacles,
    list_sections,
    register_section,
)

__all__ = [
    "Obstacle",
    "ObstacleError",
    "Person",
    "Section",
    "erase_everywhere",
    "export_everything",
    "export_rows",
    "find_obstacles",
    "list_sections",
    "register_section",
]
