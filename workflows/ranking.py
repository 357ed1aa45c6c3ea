"""The formulas behind recommendations: how likely a workflow works for somebody, and what for.

Pure numbers in, pure numbers out. Knows no row, no text and no person. A workflow's chance in a
cohort (market and skill level) is a Beta-binomial estimate that leans on the market's results and,
behind them, on everybody's: the less a cohort has of its own, the more it borrows. The method and
its measured figures are in ``docs/adr/0082-ranking-by-shrinkage.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist
from typing import Final, NamedTuple

DEFAULT_STRENGTH: Final = 20.0
"""Pseudo-starts a parent level weighs before there is enough to fit it."""
MIN_DECIDED_TO_FIT: Final = 50
MAX_FITTED_GROUPS: Final = 4000
"""Groups a fit looks at; more of them move the third digit and cost seconds."""
LOG_STRENGTH_RANGE: Final = (0.7, 5.3)
INTERVAL_MASS: Final = 0.8
WINSORISED_SHARE: Final = 0.05
_NORMAL: Final = NormalDist()
TAU_RANGE: Final = (1.0, 200.0)
DEFAULT_TAU: Final = 10.0


class Counts(NamedTuple):
    """Starts that have ended one way or the other.

    A tuple, as `Estimate` is: a page makes over a thousand of them, which take a third of the time.
    """

    successes: int = 0
    decided: int = 0

    def without(self, part: Counts) -> Counts:
        """Return the rest when a part is taken out, so that nobody counts twice."""
        return Counts(self.successes - part.successes, self.decided - part.decided)


@dataclass(frozen=True, slots=True)
class Strengths:
    """How much each level leans on the one above; fitted every night."""

    mean: float = 0.5
    """Share of successes over all workflows, (k + 1) / (n + 2)."""
    overall: float = DEFAULT_STRENGTH
    market: float = DEFAULT_STRENGTH
    cohort: float = DEFAULT_STRENGTH


class Estimate(NamedTuple):
    """A Beta distribution of the chance of success."""

    alpha: float
    beta: float

    @property
    def score(self) -> float:
        """Its mean: what workflows are ranked by."""
        return self.alpha / (self.alpha + self.beta)

    def interval(self, mass: float = INTERVAL_MASS) -> tuple[float, float]:
        """Return the range that holds the chance with this probability."""
        tail = (1.0 - mass) / 2.0
        return (
            beta_quantile(tail, self.alpha, self.beta),
            beta_quantile(1.0 - tail, self.alpha, self.beta),
        )

    def draw(self, seed: str) -> float:
        """Return one draw of the chance (Thompson sampling), the same for the same seed."""
        return Random(seed).betavariate(self.alpha, self.beta)  # noqa: S311 - guards no secret


def estimate_overall(overall: Counts, strengths: Strengths) -> Estimate:
    """Return the chance of a workflow from everybody's results."""
    return Estimate(
        overall.successes + strengths.mean * strengths.overall,
        overall.decided - overall.successes + (1.0 - strengths.mean) * strengths.overall,
    )


def estimate_below(parent: Estimate, own: Counts, strength: float) -> Estimate:
    """Return the chance one level down: the level's own results on top of its parent's estimate.

    The parent's own uncertainty travels along: its variance is added to that between siblings, so
    an unsure parent lends less.
    """
    share = parent.score
    spread = share * (1.0 - share)
    variance = spread / (parent.alpha + parent.beta + 1.0) + spread / (strength + 1.0)
    weight = max(1.0, spread / variance - 1.0)
    return Estimate(
        own.successes + share * weight, own.decided - own.successes + (1.0 - share) * weight
    )


def estimate_chance(
    *, cohort: Counts, market: Counts, overall: Counts, strengths: Strengths
) -> Estimate:
    """Return the chance that a workflow works for somebody of a cohort.

    Args:
        cohort: results of the cohort.
        market: results of its whole market, the cohort's included.
        overall: everybody's results, the market's included.
        strengths: of the last aggregation.
    """
    everybody = estimate_overall(overall.without(market), strengths)
    nearby = estimate_below(everybody, market.without(cohort), strengths.market)
    return estimate_below(nearby, cohort, strengths.cohort)


# --- fitting how much to lean ---------------------------------------------------------------


def fit_strength(groups: Sequence[tuple[int, int, float]]) -> float:
    """Return the strength under which the groups' results are most likely.

    Maximises the Beta-binomial marginal likelihood with a wide log-normal prior around 20.

    Args:
        groups: successes, decided starts, and the chance their parent gives them.
    """
    if sum(decided for _, decided, _ in groups) < MIN_DECIDED_TO_FIT:
        return DEFAULT_STRENGTH
    step = max(1, math.ceil(len(groups) / MAX_FITTED_GROUPS))
    kept = [group for group in groups[::step] if group[1]]
    lgamma = math.lgamma

    def misfit(log_strength: float) -> float:
        strength = math.exp(log_strength)
        whole = lgamma(strength)
        total = 0.0
        for successes, decided, share in kept:
            alpha = strength * share
            beta = strength - alpha
            total += (
                lgamma(successes + alpha)
                + lgamma(decided - successes + beta)
                - lgamma(decided + strength)
                + whole
                - lgamma(alpha)
                - lgamma(beta)
            )
        return (log_strength - math.log(DEFAULT_STRENGTH)) ** 2 / 2.0 - total

    return math.exp(_minimise(misfit, *LOG_STRENGTH_RANGE))


def _minimise(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one valley is lowest, to a hundredth (golden section)."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 0.01:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return (low + high) / 2.0


# --- values ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogValues:
    """Logarithms of the logged values of a group, the outermost twentieths pulled in."""

    count: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Taus:
    """How many results a parent level weighs, for one metric and unit; fitted every night."""

    market: float = DEFAULT_TAU
    cohort: float = DEFAULT_TAU


def quantile(ordered: Sequence[int], share: float) -> float:
    """Return a quantile of ascending values, interpolated as SQL's ``percentile_cont``."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = math.ceil(place)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def summarise_logs(ordered: Sequence[int]) -> LogValues:
    """Return mean and variance of the natural logarithms of ascending whole values.

    Winsorised: of n values the lowest and highest ``floor(n / 20)`` count as the next one inside,
    so that a slip of the finger moves little. A value of 0 counts as 1 minor unit.
    """
    count = len(ordered)
    pulled = count // 20
    inside = [math.log(value) if value > 1 else 0.0 for value in ordered[pulled : count - pulled]]
    low, high = inside[0], inside[-1]
    total = math.fsum(inside) + pulled * (low + high)
    mean = total / count
    if count < 2:
        return LogValues(count, mean, 0.0)
    squares = math.fsum((value - mean) ** 2 for value in inside)
    squares += pulled * ((low - mean) ** 2 + (high - mean) ** 2)
    return LogValues(count, mean, squares / (count - 1))


def typical_value(levels: Sequence[tuple[LogValues | None, float]]) -> float | None:
    """Return the typical value in minor units, from the widest level to the narrowest.

    Each level's mean is pulled to its parent's as if the parent were ``tau`` further results.

    Args:
        levels: log values and tau by level, overall first; None where a level has no results.
    """
    theta: float | None = None
    for logs, tau in levels:
        if logs is None or not logs.count:
            continue
        if theta is None:
            theta = logs.mean
        else:
            theta = (logs.count * logs.mean + tau * theta) / (logs.count + tau)
    return None if theta is None else math.exp(theta)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Sums over the groups of one level, from which its tau is fitted."""

    groups: int
    parents: int
    results: int
    within: float
    """Sum of (n - 1) times the variance of each group."""
    between: float
    """Sum of n times the squared distance of each group's mean to its parent's."""
    crowding: float
    """Sum over the parents of (sum of n squared) / (sum of n) of their groups."""


def fit_tau(scatter: Scatter) -> float:
    """Return how many results a parent weighs: variance within over variance between groups.

    The moment estimate of DerSimonian and Laird, kept between 1 and 200.
    """
    freedom = scatter.results - scatter.groups
    room = scatter.results - scatter.crowding
    if freedom < 1 or scatter.groups <= scatter.parents or room <= 0:
        return DEFAULT_TAU
    within = scatter.within / freedom
    between = (scatter.between - (scatter.groups - scatter.parents) * within) / room
    if between <= 0:
        return TAU_RANGE[1]
    return min(max(within / between, TAU_RANGE[0]), TAU_RANGE[1])


# --- the Beta distribution -------------------------------------------------------------------


def beta_quantile(probability: float, alpha: float, beta: float) -> float:
    """Return where a Beta distribution has passed a probability, to 1e-7.

    Newton's steps, kept inside a bracket that each evaluation narrows.
    """
    low, high = 0.0, 1.0
    mean = alpha / (alpha + beta)
    # Begins where a normal distribution of the same spread has it, which is mostly very near.
    spread = math.sqrt(mean * (1.0 - mean) / (alpha + beta + 1.0))
    place = mean + _NORMAL.inv_cdf(probability) * spread
    if not 0.0 < place < 1.0:
        place = mean
    log_whole = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    for _ in range(80):
        missing = beta_cumulative(place, alpha, beta) - probability
        if missing > 0:
            high = place
        else:
            low = place
        log_density = (
            log_whole + (alpha - 1.0) * math.log(place) + (beta - 1.0) * math.log1p(-place)
        )
        step = missing / math.exp(log_density) if log_density > -600 else math.inf
        following = place - step
        if not low < following < high:
            following = (low + high) / 2.0
        if abs(following - place) < 1e-7 or not 0.0 < following < 1.0:
            return min(max(following, 0.0), 1.0)
        place = following
    return place


def beta_cumulative(place: float, alpha: float, beta: float) -> float:
    """Return the regularised incomplete beta function (continued fraction, Lentz's method)."""
    if place <= 0.0:
        return 0.0
    if place >= 1.0:
        return 1.0
    log_front = (
        math.lgamma(alpha + beta)
        - math.lgamma(alpha)
        - math.lgamma(beta)
        + alpha * math.log(place)
        + beta * math.log1p(-place)
    )
    if place > (alpha + 1.0) / (alpha + beta + 2.0):
        return 1.0 - math.exp(log_front) * _fraction(1.0 - place, beta, alpha) / beta
    return math.exp(log_front) * _fraction(place, alpha, beta) / alpha


def _fraction(place: float, alpha: float, beta: float) -> float:
    # A denominator of exactly 0 is taken for a very small one. Written out: a page has thousands.
    tiny = 1e-300
    whole = alpha + beta
    upper = 1.0
    lower = 1.0 / ((1.0 - whole * place / (alpha + 1.0)) or tiny)
    result = lower
    for step in range(1, 500):
        twice = alpha + 2 * step
        even = step * (beta - step) * place / ((twice - 1.0) * twice)
        lower = 1.0 / ((1.0 + even * lower) or tiny)
        upper = (1.0 + even / upper) or tiny
        result *= lower * upper
        odd = -(alpha + step) * (whole + step) * place / (twice * (twice + 1.0))
        lower = 1.0 / ((1.0 + odd * lower) or tiny)
        upper = (1.0 + odd / upper) or tiny
        change = lower * upper
        result *= change
        if abs(change - 1.0) < 1e-10:
            break
    return result
