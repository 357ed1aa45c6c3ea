"""Serializer fields that take one JSON type and turn nothing into another.

DRF's own accept a number where text is due and "1" or true where a number is; a schema that says
"string" would then lie.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from core.text import clean_text


class StrictCharField(serializers.CharField):
    """Text, cleaned of hidden characters (`core.text`)."""

    def to_internal_value(self, data: Any) -> str:
        """Return the cleaned text; numbers and booleans are refused."""
        if not isinstance(data, str):
            self.fail("invalid")
        # The length validator must see what was sent, so cleaning cuts nothing here.
        return clean_text(data, len(data)).text

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Refuse text that is blank once cleaned."""
        value = super().run_validation(data)
        if value == "" and isinstance(data, str) and not self.allow_blank:
            self.fail("blank")
        return value


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer; text, fractions and booleans are refused."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON true or false, nothing else."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class AmountField(serializers.DecimalField):
    """An amount of money as a JSON number or decimal text, shown as a number.

    How many decimals fit depends on the currency, so `core.money.to_minor` has the last word.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 15)
        kwargs.setdefault("decimal_places", 3)
        kwargs.setdefault("min_value", Decimal(0))
        kwargs.setdefault("coerce_to_string", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the exact decimal."""
        if isinstance(data, bool) or not isinstance(data, int | float | str | Decimal):
            self.fail("invalid")
        return super().to_internal_value(data)
