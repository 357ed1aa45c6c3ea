"""The table of event types. An app adds its own when it starts; nothing else names them.

Owns the register and the type every endpoint gets on request, the test. Knows no app's rows: what
an event says is put together by whoever publishes it, and described here by an example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")

TEST_EVENT = "webhook.test"


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of thing a company can be told."""

    name: str
    """Noun and past verb: ``session.completed``."""
    label: str
    summary: str
    """When it is sent, in one sentence."""
    example: Mapping[str, Any]
    """The ``data`` of one such event, as the documentation shows it."""
    is_chosen: bool = True
    """Companies choose it; the test goes wherever it is asked for."""


class UnknownEventTypeError(LookupError):
    """Nobody registered a type of this name."""


_types: dict[str, EventType] = {}


def register_event_type(event_type: EventType) -> None:
    """Add a type to the table; the same name again replaces it.

    Raises:
        ValueError: the name is not two words with a dot between them.
    """
    if not _NAME.fullmatch(event_type.name):
        raise ValueError(f"not a usable name of an event type: {event_type.name!r}")
    _types[event_type.name] = event_type


def find_event_type(name: str) -> EventType:
    """Return the type of this name.

    Raises:
        UnknownEventTypeError: there is none.
    """
    try:
        return _types[name]
    except KeyError:
        raise UnknownEventTypeError(name) from None


def list_event_types() -> list[EventType]:
    """Return every type a company can choose, by name."""
    return [_types[name] for name in sorted(_types) if _types[name].is_chosen]


def label_of(name: str) -> str:
    """Return what a page calls a type; its name when the app that sent it is gone."""
    found = _types.get(name)
    return found.label if found else name


register_event_type(
    EventType(
        name=TEST_EVENT,
        label="Test",
        summary="Sent when somebody presses Send a test event.",
        example={"message": "This is a test. Nothing happened."},
        is_chosen=False,
    )
)
