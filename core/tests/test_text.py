from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import clean_text, neutralise_cell


@pytest.mark.parametrize(
    ("raw", "text", "hidden"),
    [
        ("plain words", "plain words", 0),
        ("  around \n", "around", 0),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour", 0),
        ("tab\tstays", "tab\tstays", 0),
        ("he\u200bllo", "hello", 1),
        ("pay\u202eevil\u202c", "payevil", 2),
        ("a\u2066b\u2069", "ab", 2),
        ("ok" + "".join(chr(0xE0000 + ord(c)) for c in "give 100"), "ok", 8),
        ("nul\x00byte\x07bell", "nulbytebell", 2),
        ("half \ud83d pair", "half  pair", 1),
        ("\ufeffmark", "mark", 1),
        ("e\u0301", "é", 0),
        ("sp\u200dlit", "split", 1),
        ("می\u200cخواهم", "می\u200cخواهم", 0),
        ("👩\u200d💻 works", "👩\u200d💻 works", 0),
        ("❤\ufe0f", "❤\ufe0f", 0),
        ("a\ufe0f\ufe0f\ufe0e\ufe0f", "a\ufe0f", 3),
        ("\u200d\u200d\u200d", "", 3),
        ("\u3164", "", 1),
    ],
)
def test_what_a_reader_cannot_see_goes(raw, text, hidden):
    cleaned = clean_text(raw, 100)

    assert cleaned.text == text
    assert cleaned.hidden_count == hidden
    assert cleaned.had_hidden is (hidden > 0)


def test_a_letter_buried_under_marks_is_dug_out():
    assert clean_text("Z" + "\u0334" * 300, 1000).text == "Z" + "\u0334" * 8


def test_text_is_cut_at_its_length():
    assert clean_text("abc def", 4).text == "abc"


@given(st.text(max_size=200), st.integers(min_value=1, max_value=100))
def test_cleaned_text_can_be_stored_and_is_stable(raw, length):
    once = clean_text(raw, length).text

    assert len(once) <= length
    once.encode("utf-8")
    assert "\x00" not in once
    assert clean_text(once, length).text == once
    assert clean_text(once, length).had_hidden is False


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "  =1",
        "\t=1",
        "\r=1",
        "\n=1",
        "\x01=1",
        "\u200b=cmd",
        "\u00a0=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "|calc",
        "%0",
        "\ttext",
        '=HYPERLINK("https://evil.example")',
    ],
)
def test_a_cell_that_starts_a_formula_is_neutralised(value):
    assert neutralise_cell(value) == "'" + value


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("words = fine", "words = fine"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-7, "-7"),
        (Decimal("-1.50"), "-1.50"),
        (date(2026, 11, 21), "2026-11-21"),
        (datetime(2026, 11, 21, tzinfo=UTC), "2026-11-21 00:00:00+00:00"),
        ("half \ud83d", "half "),
        ("nul\x00", "nul"),
    ],
)
def test_other_cells_stay_as_they_are(value, cell):
    assert neutralise_cell(value) == cell


@given(st.text(max_size=40))
def test_no_cell_starts_a_formula_after_a_spreadsheet_has_read_it(value):
    line = io.StringIO()
    csv.writer(line).writerow([neutralise_cell(value)])
    (read,) = next(csv.reader(io.StringIO(line.getvalue(), newline="")))

    assert read.strip()[:1] not in ("=", "+", "-", "@")
