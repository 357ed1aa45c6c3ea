"""What clients may send: a closed set of messages, each with its fields.

Owns the decoding of untrusted text and the shapes, which also give the published schema. Knows
no socket. What it refuses it refuses with a reason for a developer, never with the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from core.strict_json import JSONRefusedError, decode_json

MAX_FRAME_BYTES: Final = 65_536
MAX_DEPTH: Final = 8


class InvalidMessageError(ValueError):
    """A client's message is not one of the published ones."""


class Field(Protocol):
    """One field of a message."""

    @property
    def required(self) -> bool:
        """Whether the message is refused without it."""

    def check(self, value: object) -> bool:
        """Tell whether the value is allowed."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""


@dataclass(frozen=True)
class Text:
    """Text without NUL and without half surrogate pairs (those never pass the decoder)."""

    max_length: int
    """Characters, not bytes."""
    min_length: int = 0
    required: bool = True

    def check(self, value: object) -> bool:
        """Tell whether the value is text of an allowed length."""
        return isinstance(value, str) and self.min_length <= len(value) <= self.max_length

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "string", "minLength": self.min_length, "maxLength": self.max_length}


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]
    required: bool = True

    def check(self, value: object) -> bool:
        """Tell whether the value is one of the words."""
        return isinstance(value, str) and value in self.options

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True)
class Integer:
    """A whole number within bounds."""

    minimum: int = 0
    maximum: int = 2**53 - 1
    """The largest whole number JavaScript counts exactly."""
    required: bool = True

    def check(self, value: object) -> bool:
        """Tell whether the value is an allowed whole number; true and false are none."""
        return type(value) is int and self.minimum <= value <= self.maximum

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    required: bool = True

    def check(self, value: object) -> bool:
        """Tell whether the value is true or false."""
        return isinstance(value, bool)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class MessageShape:
    """The fields of one type of client message."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    watchers_may_send: bool = False
    """Whether a grant of scope `watch` may send it; watchers see and never speak."""
    description: str = ""

    def check(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the message's fields without its type.

        Raises:
            InvalidMessageError: a field is missing, unknown or out of bounds.
        """
        given = {name: value for name, value in message.items() if name != "type"}
        if not given.keys() <= self.fields.keys():
            raise InvalidMessageError("unknown field")
        for name, rule in self.fields.items():
            if name not in given:
                if rule.required:
                    raise InvalidMessageError(f"field {name} is missing")
            elif not rule.check(given[name]):
                raise InvalidMessageError(f"field {name} is not allowed as it is")
        return given

    def schema(self, message_type: str) -> dict[str, Any]:
        """Return the JSON Schema of the whole message, for AsyncAPI."""
        required = [name for name, rule in self.fields.items() if rule.required]
        return {
            "type": "object",
            "properties": {
                "type": {"const": message_type},
                **{name: rule.schema() for name, rule in self.fields.items()},
            },
            "required": ["type", *required],
            "additionalProperties": False,
        }


def decode_message(text: str) -> dict[str, Any]:
    """Return the JSON object in a text frame, decoded as strictly as request bodies are.

    Raises:
        InvalidMessageError: not a JSON object, or one deeper than 8 levels.
    """
    try:
        message = decode_json(text, max_depth=MAX_DEPTH)
    except JSONRefusedError as error:
        raise InvalidMessageError(error.code) from None
    if not isinstance(message, dict):
        raise InvalidMessageError("json_no_object")
    return message
