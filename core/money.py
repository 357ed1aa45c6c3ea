"""Money as whole minor units and an ISO 4217 code; decimals only where a person or a seed's
field reads them. Knows no account and no rate: amounts of two currencies never meet here.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217, list one: how many decimals a currency's minor unit has.
_WHOLE = frozenset(
    {
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
        *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
    }
)
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_HUNDREDTHS = frozenset(
    {
        *("AED", "ARS", "AUD", "BDT", "BGN", "BOB", "BRL", "CAD", "CHF", "CNY", "COP", "CRC"),
        *("CZK", "DKK", "DOP", "EGP", "EUR", "GBP", "GEL", "GHS", "GTQ", "HKD", "HNL", "HUF"),
        *("IDR", "ILS", "INR", "KES", "KZT", "LKR", "MAD", "MXN", "MYR", "NGN", "NIO", "NOK"),
        *("NPR", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "SAR", "SEK", "SGD"),
        *("THB", "TRY", "TWD", "TZS", "UAH", "USD", "UYU", "ZAR"),
    }
)
_EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_WHOLE, 0),
    **dict.fromkeys(_HUNDREDTHS, 2),
    **dict.fromkeys(_THOUSANDTHS, 3),
}
CURRENCIES = frozenset(_EXPONENTS)

_SYMBOLS = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "MXN": "MX$",
    "NZD": "NZ$",
    "PHP": "₱",
    "TWD": "NT$",
    "USD": "$",
    "VND": "₫",
}
# A bare "$" means another currency in most countries that speak Spanish.
_SPANISH_SYMBOLS = {**_SYMBOLS, "USD": "US$"}
# Spanish speakers at home in these currencies write a point before the decimals (CLDR's es-MX,
# es-GT, es-HN, es-NI, es-DO, es-PE); "$" alone is not clear beside dollars, so the code follows.
_POINTED_IN_SPANISH = {"DOP": "", "GTQ": "", "HNL": "", "MXN": "$", "NIO": "", "PEN": ""}
# Signed 64 bit, what a BigIntegerField holds.
MAX_MINOR = 2**63 - 1
# A power of ten that takes any figure out of that range.
_BEYOND_RANGE = 19
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,10})?")
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class UnknownCurrencyError(ValueError):
    """The code is not one of the currencies this product handles."""


def exponent(currency: str) -> int:
    """Return how many decimals the currency has.

    Raises:
        UnknownCurrencyError: the code is unknown, or not in capital letters.
    """
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrencyError(f"unknown currency {currency!r}") from None


def to_minor(amount: Decimal | str, currency: str) -> int:
    """Return the amount in minor units: ``to_minor("15.50", "USD") == 1550``.

    Nothing is rounded: an amount with more decimals than the currency has is refused.

    Raises:
        UnknownCurrencyError: the currency is unknown.
        ValueError: no plain decimal number, too many decimals, or out of range.
    """
    digits = exponent(currency)
    if isinstance(amount, str):
        if not _PLAIN_DECIMAL.fullmatch(amount):
            raise ValueError("an amount is a plain decimal number such as 15.50")
        amount = Decimal(amount)
    if not amount.is_finite():
        raise ValueError("an amount is a finite number")
    minor = _scale(amount, digits)
    if minor is None:
        raise ValueError(f"{currency} has {digits} decimals, the amount has more")
    if abs(minor) > MAX_MINOR:
        raise ValueError("the amount is out of range")
    return minor


def _scale(amount: Decimal, digits: int) -> int | None:
    """Return amount times 10 to the digits when that is whole, in exact integers.

    Arithmetic on decimals would round at 28 digits without a word.
    """
    sign, figures, power = amount.as_tuple()
    number = int("".join(map(str, figures)))
    shift = int(power) + digits
    if number == 0:
        return 0
    if shift >= 0:
        scaled: int = number * 10 ** min(shift, _BEYOND_RANGE)
    elif -shift >= len(figures):
        return None
    else:
        scaled, rest = divmod(number, 10**-shift)
        if rest:
            return None
    return -scaled if sign else scaled


def from_minor(minor: int, currency: str) -> Decimal:
    """Return the decimal amount with all decimals of the currency: ``Decimal("15.50")``.

    Raises:
        UnknownCurrencyError: the currency is unknown.
    """
    return Decimal(minor).scaleb(-exponent(currency))


def round_half_up(amount: Decimal) -> int:
    """Return the nearest whole number; a half goes away from zero, as people expect of money."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_money(minor: int, currency: str, language: str = "en") -> str:
    """Return the amount as a person reads it: ``$15.50``, ``15,50 US$``, ``$350.00 MXN``.

    Args:
        minor: whole minor units, negative for a debt.
        currency: ISO 4217 code.
        language: language tag; its first part decides separators and the symbol's place.

    Raises:
        UnknownCurrencyError: the currency is unknown.
    """
    digits = exponent(currency)
    number = f"{from_minor(abs(minor), currency):,.{digits}f}"
    sign = "-" if minor < 0 else ""
    if language.lower().partition("-")[0] == "es":
        if currency in _POINTED_IN_SPANISH:
            return f"{sign}{_POINTED_IN_SPANISH[currency]}{number}{NO_BREAK_SPACE}{currency}"
        number = number.translate(str.maketrans(",.", ".,"))
        return f"{sign}{number}{NO_BREAK_SPACE}{_SPANISH_SYMBOLS.get(currency, currency)}"
    symbol = _SYMBOLS.get(currency)
    if symbol is None:
        return f"{sign}{currency}{NO_BREAK_SPACE}{number}"
    return f"{sign}{symbol}{number}"
