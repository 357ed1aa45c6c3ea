"""The formulas, against identities that hold whatever the numbers."""

from __future__ import annotations

import math
import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.workflow_ranking import measure
from workflows.ranking import (
    DEFAULT_STRENGTH,
    DEFAULT_TAU,
    Counts,
    Estimate,
    LogValues,
    Scatter,
    Strengths,
    beta_cumulative,
    beta_quantile,
    estimate_chance,
    fit_strength,
    fit_tau,
    quantile,
    summarise_logs,
    typical_value,
)

shapes = st.floats(0.3, 5000)


@given(a=st.integers(1, 40), b=st.integers(1, 40), x=st.floats(0.001, 0.999))
def test_the_beta_of_whole_numbers_is_a_sum_of_binomials(a: int, b: int, x: float) -> None:
    n = a + b - 1
    expected = sum(comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))

    assert beta_cumulative(x, a, b) == pytest.approx(expected, abs=1e-9)


@given(a=shapes, b=shapes, share=st.floats(0.02, 0.98))
def test_a_quantile_is_where_the_distribution_has_come_to_it(a: float, b: float, share: float):
    place = beta_quantile(share, a, b)

    assert 0 <= place <= 1
    below, above = beta_cumulative(place - 1e-6, a, b), beta_cumulative(place + 1e-6, a, b)
    assert below - 1e-6 <= share <= above + 1e-6


def test_a_cohort_without_results_has_the_chance_of_its_market_and_a_wider_range():
    strengths = Strengths(mean=0.5)
    market = Counts(80, 100)

    empty = estimate_chance(cohort=Counts(), market=market, overall=market, strengths=strengths)
    own = estimate_chance(cohort=Counts(16, 20), market=market, overall=market, strengths=strengths)

    assert empty.score == pytest.approx(own.score, abs=0.05)
    assert _width(own) < _width(empty)


def test_nothing_at_all_is_the_average_of_all_workflows():
    nothing = estimate_chance(
        cohort=Counts(), market=Counts(), overall=Counts(), strengths=Strengths(mean=0.37)
    )

    assert nothing.score == pytest.approx(0.37)


@given(
    own=st.integers(0, 30), of=st.integers(0, 30), near=st.integers(0, 50), far=st.integers(0, 50)
)
def test_one_more_success_never_lowers_the_chance(own: int, of: int, near: int, far: int):
    cohort = Counts(min(own, of), of)
    market = Counts(cohort.successes + near // 2, of + near)
    overall = Counts(market.successes + far // 3, market.decided + far)

    before = estimate_chance(cohort=cohort, market=market, overall=overall, strengths=Strengths())
    after = estimate_chance(
        cohort=Counts(cohort.successes + 1, cohort.decided + 1),
        market=Counts(market.successes + 1, market.decided + 1),
        overall=Counts(overall.successes + 1, overall.decided + 1),
        strengths=Strengths(),
    )

    assert after.score > before.score
    low, high = after.interval()
    assert 0 <= low < after.score < high <= 1


def test_few_results_of_ones_own_do_not_beat_many():
    strengths = Strengths(mean=0.4)
    lucky = estimate_chance(
        cohort=Counts(1, 1), market=Counts(1, 1), overall=Counts(1, 1), strengths=strengths
    )
    proven = estimate_chance(
        cohort=Counts(70, 100), market=Counts(70, 100), overall=Counts(70, 100), strengths=strengths
    )

    assert proven.score > lucky.score


def test_the_same_seed_draws_the_same_and_another_another():
    estimate = Estimate(3, 4)

    assert estimate.draw("ana2026-11-21") == estimate.draw("ana2026-11-21")
    assert estimate.draw("ana2026-11-21") != estimate.draw("ana2026-11-22")


@pytest.mark.parametrize(("spread", "low", "high"), [(5.0, 3, 8), (60.0, 30, 120)])
def test_a_fit_finds_the_strength_the_groups_were_made_with(spread: float, low: int, high: int):
    chance = random.Random(4)
    groups = []
    for _ in range(1500):
        share = chance.betavariate(0.4 * spread, 0.6 * spread)
        groups.append((sum(chance.random() < share for _ in range(25)), 25, 0.4))

    assert low < fit_strength(groups) < high


def test_in_a_world_with_a_known_truth_the_first_pick_loses_little_and_the_range_is_honest():
    """Four seeded worlds of 10,000 runs: the benchmark's own code, its figures held."""
    _, _, raw, wilson, _, ours, held = measure(10_000, 4)

    assert float(ours) <= 0.06 < float(wilson) < float(raw)
    assert 0.75 <= float(held) <= 0.92


def test_too_little_to_fit_keeps_the_default():
    assert fit_strength([(3, 10, 0.5), (2, 10, 0.5)]) == DEFAULT_STRENGTH
    assert fit_strength([]) == DEFAULT_STRENGTH


def test_quantiles_interpolate_as_the_database_does():
    assert [quantile([10, 20, 40], share) for share in (0, 0.25, 0.5, 0.9, 1)] == [
        10,
        15,
        20,
        36,
        40,
    ]
    assert quantile([7], 0.9) == 7


def test_a_slip_of_the_finger_moves_a_typical_value_little():
    honest = summarise_logs([1000] * 40)
    slipped = summarise_logs([*[1000] * 39, 100_000_000])

    assert slipped == honest == LogValues(40, pytest.approx(math.log(1000)), pytest.approx(0))


def test_a_value_of_nothing_counts_as_one_minor_unit():
    assert summarise_logs([0, 0]) == LogValues(2, 0.0, 0.0)


def test_a_typical_value_lies_between_its_own_and_its_parents():
    wide, own = LogValues(100, math.log(1000), 1), LogValues(5, math.log(4000), 1)

    assert typical_value([(wide, 0)]) == pytest.approx(1000)
    assert typical_value([(wide, 0), (None, 5), (own, 5)]) == pytest.approx(2000)
    assert typical_value([(None, 0), (None, 5)]) is None


def test_groups_of_one_kind_lean_fully_and_of_many_kinds_hardly():
    alike = Scatter(groups=10, parents=1, results=200, within=190, between=5, crowding=20)
    apart = Scatter(groups=10, parents=1, results=200, within=19, between=5000, crowding=20)

    assert fit_tau(alike) == 200
    assert fit_tau(apart) == 1
    assert fit_tau(Scatter(1, 1, 5, 3, 0, 5)) == DEFAULT_TAU


def _width(estimate: Estimate) -> float:
    low, high = estimate.interval()
    return high - low
