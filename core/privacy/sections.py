"""What each app registers about people, and the walk over all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core import clock
from core.errors import ConflictError

FORMAT = "parley-person-1"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is about, by whatever is known; every app takes what it can use."""

    user_pk: int | None = None
    """A login."""
    user_id: str = ""
    """Its public id."""
    email: str = ""
    phone: str = field(default="", repr=False)
    """Digits with country code, as WhatsApp writes them."""
    wallet_id: str = ""
    """Of a respondent without a login: all answers that were paid into one wallet."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why somebody cannot be erased yet, and what to do."""

    code: str
    detail: str
    can_be_waived: bool = False
    """The person may say that they give up what stands in the way."""


class ObstacleError(ConflictError):
    """Somebody cannot be erased yet; nothing was."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.code, obstacle.detail)
        self.obstacle = obstacle


def _no_obstacles(person: Person) -> list[Obstacle]:
    return []


@dataclass(frozen=True, slots=True)
class Section:
    """One app's part of a person."""

    name: str
    export: Callable[[Person], dict[str, Any]]
    """Everything held about the person, as JSON."""
    erase: Callable[[Person], None]
    """Owns its transactions. Safe to run twice, and again after a crash in the middle of it."""
    models: frozenset[str]
    """Labels (``app.Model``) of the rows it hands out and erases."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Labels of rows that stay, with the reason a person is told."""
    find_obstacles: Callable[[Person], list[Obstacle]] = _no_obstacles


_sections: dict[str, Section] = {}


def register_section(section: Section) -> None:
    """Add an app's part, once a process; the same name again replaces it."""
    _sections[section.name] = section


def list_sections() -> list[Section]:
    """Return the parts in the order of the apps, lowest first."""
    return list(_sections.values())


def export_everything(person: Person) -> dict[str, Any]:
    """Return all that is held about a person, and what would stay if they were erased."""
    return {
        "format": FORMAT,
        "made_at": clock.rfc3339(clock.now()),
        "data": {section.name: section.export(person) for section in list_sections()},
        "kept_after_erasure": {
            label: reason for section in list_sections() for label, reason in section.kept.items()
        },
    }


def find_obstacles(person: Person) -> list[Obstacle]:
    """Return what stands in the way of erasing somebody."""
    return [found for section in list_sections() for found in section.find_obstacles(person)]


def erase_everywhere(person: Person) -> None:
    """Erase a person in every app: those above first, who still need what lies below.

    Not one transaction: files and streams are outside of it. Each part is safe to repeat, so
    whoever starts this keeps a row that says it is not finished, or runs it again.
    """
    for section in reversed(list_sections()):
        section.erase(person)
