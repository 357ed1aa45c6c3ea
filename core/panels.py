"""Parts of a page that apps beside or below the page's own contribute to it.

Owns the register. A page names a place and asks for its panels; an app registers what it has to
show there when it starts. So two apps meet on one page and neither imports the other. Knows no
app and no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ME = "me"
"""A person's own page; its subject is the signed-in person."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One card, ready to be drawn."""

    template: str
    """Included with ``panel`` as its only variable."""
    context: Mapping[str, Any]


Builder = Callable[[Any], Panel | None]
_builders: dict[str, dict[str, tuple[int, Builder]]] = {}


def register_panel(place: str, name: str, builder: Builder, *, order: int = 100) -> None:
    """Have a builder asked whenever the place is drawn; a name registered again is replaced.

    Args:
        place: which page, such as `ME`.
        name: unique in the place, ``app.what``.
        builder: takes the page's subject, returns None when there is nothing to show. It reads
            only what belongs to that subject, in a fixed number of queries.
        order: smaller comes first; equal ones by name.
    """
    _builders.setdefault(place, {})[name] = (order, builder)


def build_panels(place: str, subject: Any) -> list[Panel]:
    """Return the panels of a place for a subject, in order."""
    ordered = sorted(_builders.get(place, {}).items(), key=lambda entry: (entry[1][0], entry[0]))
    built = [builder(subject) for _, (_, builder) in ordered]
    return [panel for panel in built if panel is not None]
