"""What an agent or an operator says, as frozen dataclasses free of any vendor's format.

Owns the kinds of messages, their limits and their JSON form in the outbox. The adapter in
`messaging.whatsapp` makes Meta's body of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

TEXT_MAX = 4096
BODY_MAX = 1024
BUTTONS_MAX = 3
BUTTON_TITLE_MAX = 20
REPLY_ID_MAX = 256
LIST_BUTTON_MAX = 20
LIST_ROWS_MAX = 10
LIST_SECTIONS_MAX = 10
ROW_TITLE_MAX = 24
ROW_TEXT_MAX = 72
ROW_ID_MAX = 200
HEADER_MAX = 60
FOOTER_MAX = 60
CAPTION_MAX = 1024


class ReplyKind(StrEnum):
    """What WhatsApp can show."""

    TEXT = "text"
    BUTTONS = "buttons"
    LIST = "list"
    LINK = "link"
    """A button that opens an address (``cta_url``)."""
    LOCATION_REQUEST = "location_request"
    LOCATION = "location"
    MEDIA = "media"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Button:
    """A quick reply; its id comes back as `Turn.reply_id`."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list; its id comes back as `Turn.reply_id`."""

    id: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title; the title is shown when there are several sections."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One message to the person."""

    kind: ReplyKind
    text: str = ""
    """Body; of a template what it reads like."""
    header: str = ""
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    list_button: str = ""
    sections: tuple[Section, ...] = ()
    url: str = ""
    url_title: str = ""
    media_kind: str = ""
    """image, video, audio, document or sticker."""
    media_key: str = ""
    """Key in the private storage; the adapter uploads it."""
    file_name: str = ""
    latitude: float | None = None
    longitude: float | None = None
    place_name: str = ""
    template_name: str = ""
    template_language: str = ""
    template_values: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the reply as JSON, empty fields left out."""
        # Not `asdict` of the whole: it copies deeply twenty fields of which two or three are set.
        return {
            name: _plain(value)
            for name in _FIELD_NAMES
            if (value := getattr(self, name)) not in ("", (), None, {})
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Reply:
        """Return the reply that `to_json` stored.

        Raises:
            ValueError: an unknown kind.
            TypeError: an unknown field.
        """
        read = dict(stored)
        read["kind"] = ReplyKind(read["kind"])
        read["buttons"] = tuple(Button(**one) for one in read.get("buttons", ()))
        read["sections"] = tuple(
            Section(one["title"], tuple(Row(**row) for row in one["rows"]))
            for one in read.get("sections", ())
        )
        read["template_values"] = tuple(read.get("template_values", ()))
        return cls(**read)

    @property
    def readable(self) -> str:
        """What an operator reads of it in one text."""
        choices = [button.title for button in self.buttons]
        choices += [row.title for section in self.sections for row in section.rows]
        parts = [self.header, self.text, *(f"[{title}]" for title in choices)]
        if self.url:
            parts.append(f"[{self.url_title or 'link'}] {self.url}")
        if self.media_kind:
            parts.append(f"({self.media_kind} {self.file_name})".replace(" )", ")"))
        if self.kind is ReplyKind.LOCATION:
            parts.append(f"({self.place_name or 'location'})")
        return "\n".join(part for part in parts if part)


_FIELD_NAMES = tuple(one.name for one in fields(Reply))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(one) for one in value)
    if isinstance(value, Button | Row | Section):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    return dict(value) if isinstance(value, Mapping) else value


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, an ellipsis where something is missing."""
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def say(text: str) -> Reply:
    """Return a plain message. What is longer than WhatsApp takes is cut."""
    return Reply(ReplyKind.TEXT, cut(text, TEXT_MAX))


def ask(text: str, *buttons: tuple[str, str]) -> Reply:
    """Return a message with up to three quick replies, given as (id, title).

    Raises:
        ValueError: none, more than three, or an id too long: a mistake in our own code.
    """
    if not 1 <= len(buttons) <= BUTTONS_MAX:
        raise ValueError("a message has one to three buttons")
    if any(len(key) > REPLY_ID_MAX for key, _ in buttons):
        raise ValueError(f"a button's id has at most {REPLY_ID_MAX} characters")
    return Reply(
        ReplyKind.BUTTONS,
        cut(text, BODY_MAX),
        buttons=tuple(Button(key, cut(title, BUTTON_TITLE_MAX)) for key, title in buttons),
    )


def offer(text: str, *, button: str, sections: tuple[Section, ...], footer: str = "") -> Reply:
    """Return a message with a list to choose from; rows beyond ten are left out.

    Raises:
        ValueError: no row, or an id too long: a mistake in our own code.
    """
    left = LIST_ROWS_MAX
    kept: list[Section] = []
    for section in sections[:LIST_SECTIONS_MAX]:
        rows = tuple(
            Row(row.id, cut(row.title, ROW_TITLE_MAX), cut(row.text, ROW_TEXT_MAX))
            for row in section.rows[:left]
        )
        if any(len(row.id) > ROW_ID_MAX for row in rows):
            raise ValueError(f"a row's id has at most {ROW_ID_MAX} characters")
        left -= len(rows)
        if rows:
            kept.append(Section(cut(section.title, ROW_TITLE_MAX), rows))
    if not kept:
        raise ValueError("a list has a row")
    return Reply(
        ReplyKind.LIST,
        cut(text, BODY_MAX),
        footer=cut(footer, FOOTER_MAX),
        list_button=cut(button, LIST_BUTTON_MAX),
        sections=tuple(kept),
    )


def link(text: str, *, url: str, title: str) -> Reply:
    """Return a message with a button that opens an address."""
    return Reply(
        ReplyKind.LINK, cut(text, BODY_MAX), url=url, url_title=cut(title, BUTTON_TITLE_MAX)
    )


def ask_location(text: str) -> Reply:
    """Return a message whose button shares where the person is."""
    return Reply(ReplyKind.LOCATION_REQUEST, cut(text, BODY_MAX))
