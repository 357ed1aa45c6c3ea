"""One turn of a person, whatever type of message it came as. Knows no row and no vendor.

`messaging.turn_builder` makes it of an inbound item; router and agents read nothing else of what
came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TurnKind(StrEnum):
    """What the person did."""

    TEXT = "text"
    REPLY = "reply"
    """Pressed a button or chose a row: `Turn.reply_id` says which."""
    FORM = "form"
    """Filled a flow: `Turn.form`; empty when its JSON could not be read."""
    ORDER = "order"
    """Sent a ready cart: `Turn.items`. Its prices are the sender's word and never used."""
    LOCATION = "location"
    CONTACTS = "contacts"
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE_NOTE = "voice_note"
    DOCUMENT = "document"
    STICKER = "sticker"
    WELCOME = "welcome"
    """Opened the chat for the first time."""
    UNSUPPORTED = "unsupported"


MEDIA_KINDS = frozenset(
    {
        TurnKind.IMAGE,
        TurnKind.VIDEO,
        TurnKind.AUDIO,
        TurnKind.VOICE_NOTE,
        TurnKind.DOCUMENT,
        TurnKind.STICKER,
    }
)


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A line of a cart that was sent as a message."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where somebody says they are."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message means, cleaned of what nobody can see."""

    id: str
    """The inbound message's wamid; repeats of a message are the same turn."""
    kind: TurnKind
    text: str
    """What was written, said, or captioned; of a reply its title. Always plain text."""
    at: datetime
    reply_id: str = ""
    items: tuple[OrderItem, ...] = ()
    location: Location | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    media_id: str = ""
    mime_type: str = ""
    file_name: str = ""
    answers_to: str = ""
    """wamid of the message it replies to, where the person chose one."""
    product_sku: str = ""
    """The product the message asks about, from a catalogue's "message business"."""
    referral: str = ""
    """Headline of the advertisement the person came from."""
    profile_name: str = ""
    is_transcribed: bool = False
    """`text` was heard by a machine in a voice note."""
