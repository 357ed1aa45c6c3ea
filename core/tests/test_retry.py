from __future__ import annotations

import random

import pytest

from core.retry import backoff_seconds


class Highest:
    def uniform(self, a, b, /):
        return b


class Lowest:
    def uniform(self, a, b, /):
        return a


def test_waits_double_up_to_the_cap():
    waits = [backoff_seconds(n, 0.5, 6, Highest()) for n in range(1, 7)]

    assert waits == [0.5, 1.0, 2.0, 4.0, 6.0, 6.0]


def test_half_of_a_wait_is_random():
    assert backoff_seconds(3, 1, 60, Lowest()) == 2.0
    assert backoff_seconds(3, 1, 60, Highest()) == 4.0
    assert len({backoff_seconds(3, 1, 60, random.Random(n)) for n in range(20)}) == 20


def test_the_ten_thousandth_attempt_waits_no_longer_than_the_cap():
    assert backoff_seconds(10_000, 1, 300, Highest()) == 300


@pytest.mark.parametrize(("attempt", "base", "cap"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 1, 1)])
def test_senseless_arguments_are_refused(attempt, base, cap):
    with pytest.raises(ValueError, match="attempt"):
        backoff_seconds(attempt, base, cap)
