from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    CURRENCIES,
    MAX_MINOR,
    UnknownCurrencyError,
    exponent,
    format_money,
    from_minor,
    round_half_up,
    to_minor,
)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("15.50", "USD", 1550),
        ("15.5", "USD", 1550),
        ("0", "USD", 0),
        ("-3.07", "EUR", -307),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        (Decimal("20"), "MXN", 2000),
        (Decimal("1E+2"), "USD", 10000),
        (Decimal("0E+999999"), "USD", 0),
        (Decimal("15.500000000000000000000000000000000"), "USD", 1550),
        ("92233720368547758.07", "USD", MAX_MINOR),
    ],
)
def test_an_amount_becomes_minor_units(amount, currency, minor):
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.005", "USD"),
        ("1.5", "JPY"),
        ("1.2345", "KWD"),
        ("", "USD"),
        (" 1", "USD"),
        ("1,5", "USD"),
        ("1e3", "USD"),
        ("+1", "USD"),
        ("NaN", "USD"),
        ("١٢", "USD"),
        ("1" * 21, "USD"),
        (Decimal("NaN"), "USD"),
        (Decimal("Infinity"), "USD"),
        (Decimal("1E+999999"), "USD"),
        (Decimal("1E-999999"), "USD"),
        (Decimal("1.0000000000000000000000000000000001"), "USD"),
        ("92233720368547758.08", "USD"),
    ],
)
def test_an_amount_that_does_not_fit_is_refused_and_never_rounded(amount, currency):
    with pytest.raises(ValueError, match=r"amount|decimals"):
        to_minor(amount, currency)


@pytest.mark.parametrize("currency", ["", "usd", "XXX", "US", "USDX"])
def test_an_unknown_currency_is_refused(currency):
    for use in (exponent, lambda code: to_minor("1", code), lambda code: from_minor(1, code)):
        with pytest.raises(UnknownCurrencyError):
            use(currency)


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("INR", 2)])
def test_the_exponent_is_the_one_of_iso_4217(currency, digits):
    assert exponent(currency) == digits


@given(
    minor=st.integers(min_value=-MAX_MINOR, max_value=MAX_MINOR),
    currency=st.sampled_from(sorted(CURRENCIES)),
)
def test_there_and_back_changes_nothing(minor, currency):
    assert to_minor(from_minor(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "language", "shown"),
    [
        (1550, "USD", "en", "$15.50"),
        (1550, "USD", "en-GB", "$15.50"),
        (1550, "USD", "es", "15,50\u00a0US$"),
        (1550, "USD", "es-MX", "15,50\u00a0US$"),
        (123456789, "EUR", "en", "€1,234,567.89"),
        (123456789, "EUR", "es", "1.234.567,89\u00a0€"),
        (-5, "USD", "en", "-$0.05"),
        (0, "USD", "en", "$0.00"),
        (500, "JPY", "en", "¥500"),
        (1234, "KWD", "en", "KWD\u00a01.234"),
        (2000, "PEN", "es", "20.00\u00a0PEN"),
        (999, "USD", "xx", "$9.99"),
    ],
)
def test_money_is_shown_as_people_of_the_language_write_it(minor, currency, language, shown):
    assert format_money(minor, currency, language) == shown


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("2.4999", 2), ("-0.5", -1), ("-2.5", -3), ("7", 7)],
)
def test_a_half_is_rounded_away_from_zero(amount, rounded):
    assert round_half_up(Decimal(amount)) == rounded
