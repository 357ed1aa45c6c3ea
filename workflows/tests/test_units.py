from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.money import CURRENCIES
from workflows import units


@pytest.mark.parametrize(
    ("metric", "text", "value", "minor", "shown"),
    [
        ("revenue", "USD", "1,250.50", 125_050, "$1,250.50"),
        ("revenue", "usd", "1,250", 125_000, "$1,250.00"),
        ("revenue", "USD", 0.1, 10, "$0.10"),
        ("revenue", "USD", 1250, 125_000, "$1,250.00"),
        ("revenue", "JPY", "1,250", 1250, "¥1,250"),
        ("revenue", "KWD", "1.250", 1250, "KWD\N{NO-BREAK SPACE}1.250"),
        ("revenue", "INR", "1,25,000.50", 12_500_050, "₹125,000.50"),
        ("revenue", "EUR", "12,5", 1250, "€12.50"),
        ("revenue", "EUR", "1.250,50", 125_050, "€1,250.50"),
        ("time_saved", "Hours", "0.25", 250, "0.25 hours"),
        ("time_saved", "days", "1", 1000, "1 day"),
        ("customers", "", "4", 4, "4 customers"),
        ("customers", "customers", 1, 1, "1 customer"),
        ("custom", "  Leads   Won ", "2.5", 2500, "2.5 Leads Won"),
        ("revenue", "USD", 0, 0, "$0.00"),
    ],
)
def test_a_value_is_read_to_the_last_minor_unit(metric, text, value, minor, shown):
    unit = units.read_unit(metric, text)

    assert units.read_value(value, unit) == minor
    assert units.format_value(minor, metric, unit.key, unit.label) == shown


@pytest.mark.parametrize(
    ("metric", "text", "value", "code", "part"),
    [
        ("revenue", "USD", "-5", "value_invalid", "negative"),
        ("revenue", "USD", -5, "value_invalid", "negative"),
        ("revenue", "USD", "\N{MINUS SIGN}5", "value_invalid", "negative"),
        ("revenue", "USD", "1e9", "value_invalid", "number such as"),
        ("revenue", "USD", 1e30, "value_invalid", "at most"),
        ("revenue", "USD", "9" * 20, "value_invalid", "at most"),
        ("revenue", "USD", "9" * 60, "value_invalid", "number such as"),
        ("revenue", "USD", "1.005", "value_invalid", "at most 2 decimals"),
        ("revenue", "JPY", "12.5", "value_invalid", "JPY has no decimals"),
        ("revenue", "KWD", "1.2345", "value_invalid", "at most 3 decimals"),
        ("revenue", "KWD", "1,250", "value_invalid", "1250 or 1.250"),
        ("time_saved", "hours", "1,250", "value_invalid", "could mean either"),
        ("revenue", "USD", "12,3456", "value_invalid", "number such as"),
        ("revenue", "USD", "", "value_invalid", "number such as"),
        ("revenue", "USD", "٣", "value_invalid", "number such as"),
        ("revenue", "USD", float("nan"), "value_invalid", "number such as"),
        ("customers", "", "2.5", "value_invalid", "no decimals"),
        ("revenue", "DOLLARS", "1", "currency_invalid", "ISO code"),
        ("revenue", "", "1", "currency_invalid", "ISO code"),
        ("time_saved", "weeks", "1", "currency_invalid", "hours or days"),
        ("customers", "USD", "1", "currency_invalid", "customers"),
        ("custom", "  ", "1", "currency_invalid", "Say what you counted"),
        ("custom", "x" * 41, "1", "currency_invalid", "at most 40"),
        ("karma", "", "1", "metric_type_invalid", "Choose"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_what_to_do(metric, text, value, code, part):
    with pytest.raises(InvalidInputError) as refused:
        units.read_value(value, units.read_unit(metric, text))

    assert refused.value.code == code
    assert part in refused.value.detail
    assert refused.value.extra["errors"][0]["pointer"] == f"/{code.removesuffix('_invalid')}"


@given(
    st.sampled_from(sorted(CURRENCIES)),
    st.integers(min_value=0, max_value=10**12),
)
def test_what_is_written_down_reads_back_the_same(currency, minor):
    unit = units.read_unit("revenue", currency)
    text = str(units.from_minor(minor, "revenue", currency))

    assert units.read_value(text, unit) == minor
    assert units.read_value(Decimal(text), unit) == minor
