"""Units of results: which a metric has, how many decimals each, how a value is read and shown.

Values are whole minor units everywhere else. Knows no row and no request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from core import money
from core.errors import InvalidInputError
from core.text import clean_text

REVENUE: Final = "revenue"
TIME_SAVED: Final = "time_saved"
CUSTOMERS: Final = "customers"
CUSTOM: Final = "custom"

TIME_UNITS: Final = ("hours", "days")
CUSTOMER_UNIT: Final = "customers"
#: Offered first; every currency of `core.money` is taken.
COMMON_CURRENCIES: Final = ("USD", "INR", "EUR", "GBP", "JPY", "KWD")
MAX_LABEL_CHARS: Final = 40
#: Time and custom values: thousandths, so 0.25 hours and 1.125 of anything are exact.
FREE_DECIMALS: Final = 3
#: The largest value in whole units. Larger is a slip of the finger, and would drown every mean.
MAX_VALUE: Final = 1_000_000_000_000
NOT_A_NUMBER: Final = "Give the value as a number such as 1250.50."
# Nothing is rounded: a float sent as JSON has up to 17 digits, text up to 30.
_EXACT: Final = Context(prec=60)
_DECIMALS = r"(?:\.[0-9]{1,10})?"
_PLAIN = re.compile(rf"[0-9]{{1,20}}{_DECIMALS}")
# Thousands apart, or lakhs and crores as in 1,25,000.
_GROUPED = re.compile(
    rf"(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]{{1,2}}(?:,[0-9]{{2}})+,[0-9]{{3}}){_DECIMALS}"
)
_COMMA_DECIMALS = re.compile(r"(?:[0-9]{1,20}|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is measured in."""

    key: str
    """What values are grouped by."""
    label: str
    """How the person wrote it."""
    decimals: int
    """Digits behind the point of the smallest step."""


def read_unit(metric_type: str, text: str) -> Unit:
    """Return the unit a metric is given in.

    Args:
        metric_type: one of the four metrics.
        text: an ISO code, ``hours`` or ``days``, ``customers`` (or nothing), or a label.

    Raises:
        InvalidInputError: not a unit of this metric; says which are.
    """
    wanted = " ".join(clean_text(text, 4 * MAX_LABEL_CHARS).text.split())
    if metric_type == REVENUE:
        code = wanted.upper()
        if code not in money.CURRENCIES:
            raise _refused("currency", "Choose a currency by its ISO code, such as USD.")
        return Unit(code, code, money.exponent(code))
    if metric_type == TIME_SAVED:
        if wanted.lower() not in TIME_UNITS:
            raise _refused("currency", "Time saved is given in hours or days.")
        return Unit(wanted.lower(), wanted.lower(), FREE_DECIMALS)
    if metric_type == CUSTOMERS:
        if wanted.lower() not in ("", CUSTOMER_UNIT):
            raise _refused("currency", "Customers are counted in customers.")
        return Unit(CUSTOMER_UNIT, CUSTOMER_UNIT, 0)
    if metric_type == CUSTOM:
        if not wanted:
            raise _refused("currency", "Say what you counted, such as 'interviews'.")
        if len(wanted) > MAX_LABEL_CHARS or len(wanted.lower()) > MAX_LABEL_CHARS:
            raise _refused("currency", f"A label has at most {MAX_LABEL_CHARS} characters.")
        return Unit(wanted.lower(), wanted, FREE_DECIMALS)
    raise _refused("metric_type", "Choose revenue, time_saved, customers or custom.")


def decimals_of(metric_type: str, unit: str) -> int:
    """Return how many decimals the stored values of a unit have."""
    if metric_type == REVENUE:
        return money.exponent(unit)
    return 0 if metric_type == CUSTOMERS else FREE_DECIMALS


def read_value(value: Decimal | float | str, unit: Unit) -> int:
    """Return a value in minor units.

    Text may have commas between thousands (``1,250.50``, ``1,25,000``) or a comma for a decimal
    point where it can be nothing else (``12,50``). What could be either, ``1,250`` in a unit of
    three decimals, is refused: a guess would be wrong by a factor of 1000.

    Raises:
        InvalidInputError: no number, negative, too large, or finer than the unit.
    """
    amount = _read_text(value, unit) if isinstance(value, str) else _read_number(value)
    if amount < 0:
        raise _refused("value", "A value cannot be negative.")
    if amount > MAX_VALUE:
        raise _refused("value", f"A value is at most {MAX_VALUE:,}. Check the number.")
    minor = amount.scaleb(unit.decimals, _EXACT)
    if minor != minor.to_integral_value(context=_EXACT):
        raise _refused("value", _too_fine(unit))
    return int(minor)


def from_minor(value_minor: int, metric_type: str, unit: str) -> Decimal:
    """Return a stored value in whole units, exactly."""
    return Decimal(value_minor).scaleb(-decimals_of(metric_type, unit))


def format_value(
    value_minor: int, metric_type: str, unit: str, label: str = "", *, language: str = "en"
) -> str:
    """Return a value as a person reads it: ``$1,250.50``, ``3.5 hours``, ``4 customers``.

    The language decides how numbers and money are written; the words of units stay English.
    """
    if metric_type == REVENUE:
        return money.format_money(value_minor, unit, language)
    number = f"{from_minor(value_minor, metric_type, unit):,f}"
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    words = label or unit
    if number == "1" and words in (*TIME_UNITS, CUSTOMER_UNIT):
        words = words[:-1]
    return f"{write_number(number, language)} {words}"


def write_number(english: str, language: str) -> str:
    """Return a number such as ``1,250.5`` with the separators of a language."""
    if language.partition("-")[0] == "es":
        return english.translate(str.maketrans(",.", ".,"))
    return english


def _read_text(value: str, unit: Unit) -> Decimal:
    text = value.strip()
    if text.startswith(("-", "\N{MINUS SIGN}")):
        raise _refused("value", "A value cannot be negative.")
    if _GROUPED.fullmatch(text):
        if text.count(",") == 1 and "." not in text and unit.decimals >= FREE_DECIMALS:
            whole, point = text.replace(",", ""), text.replace(",", ".")
            raise _refused("value", f"Write {whole} or {point}: {text} could mean either.")
        text = text.replace(",", "")
    elif _COMMA_DECIMALS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    if not _PLAIN.fullmatch(text):
        raise _refused("value", NOT_A_NUMBER)
    return Decimal(text)


def _read_number(value: Decimal | float) -> Decimal:
    # Through text: the shortest decimal that means this float is what was sent.
    amount = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not amount.is_finite():
        raise _refused("value", NOT_A_NUMBER)
    return amount


def _too_fine(unit: Unit) -> str:
    if unit.decimals == 0:
        return f"{unit.label} has no decimals. Give a whole number."
    return f"{unit.label} has at most {unit.decimals} decimals."


def _refused(field: str, detail: str) -> InvalidInputError:
    return InvalidInputError(
        f"{field}_invalid",
        detail,
        extra={"errors": [{"pointer": f"/{field}", "code": f"{field}_invalid", "detail": detail}]},
    )
