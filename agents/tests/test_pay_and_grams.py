"""What a score earns, and when two answers are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.interview.evaluation.pay import pay_minor, score_to_band
from agents.interview.grams import bottom_k, containment, is_near_duplicate

SAID = "On Friday the courier left two cold pizzas at the wrong gate and rang nobody about it"


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, 0), (1, 0), (24, 0), (25, 500), (54, 500), (55, 650), (85, 1550), (100, 2000)],
)
def test_golden_table(score, expected):
    assert pay_minor(score, 500, 2000, True) == expected
    assert pay_minor(score, 500, 2000, False) == 0


@given(st.integers(25, 99), st.integers(0, 10_000), st.integers(0, 10_000))
def test_pay_stays_in_range_and_never_falls_with_the_score(score, low, span):
    now, better = (pay_minor(mark, low, low + span, True) for mark in (score, score + 1))
    assert low <= now <= better <= low + span
    assert score - 5 < score_to_band(score) <= score


@pytest.mark.parametrize(
    ("score", "low", "high"), [(-1, 1, 2), (101, 1, 2), (50, 3, 2), (50, -1, 2)]
)
def test_impossible_pay_is_refused(score, low, high):
    with pytest.raises(ValueError, match=r"score|range"):
        pay_minor(score, low, high, True)


def test_copies_are_found_and_others_are_not():
    padded = f"Well you know {SAID}, that is how it went, more or less, last month"
    assert containment(SAID, SAID) == 1.0
    assert is_near_duplicate(SAID, padded)
    assert not is_near_duplicate(
        SAID, "My mother measures the flour twice because her scale broke in the move last June"
    )


def test_sketches_are_keyed_and_bounded():
    assert len(bottom_k(SAID, b"key", 8)) == 8
    assert bottom_k(SAID, b"key", 8) == bottom_k(SAID.upper(), b"key", 8)
    assert bottom_k(SAID, b"key", 8) != bottom_k(SAID, b"other", 8)
