"""The one table of plans: what each costs and allows. Knows no row and no person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from accounts.models import Plan

CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan costs a month and what it allows."""

    price_minor: int
    """A month's price in minor units of `CURRENCY`."""
    tiers: frozenset[Plan]
    """Tiers of workflows that may be started."""
    recommendations: int
    """How many ranked workflows are shown: one is the best match, more are the ranking."""
    has_exploration: bool
    """One place of the ranking goes to a workflow with few results yet."""
    has_live_figures: bool
    """Success is counted up to this minute, not up to last night."""
    history_rows: int
    """Runs and results listed on a person's own page."""


PLANS: Final[dict[Plan, Terms]] = {
    Plan.STARTER: Terms(
        price_minor=0,
        tiers=frozenset({Plan.STARTER}),
        recommendations=1,
        has_exploration=False,
        has_live_figures=False,
        history_rows=20,
    ),
    Plan.PRO: Terms(
        price_minor=900,
        tiers=frozenset({Plan.STARTER, Plan.PRO}),
        recommendations=5,
        has_exploration=True,
        has_live_figures=True,
        history_rows=200,
    ),
    Plan.SCALE: Terms(
        price_minor=2900,
        tiers=frozenset({Plan.STARTER, Plan.PRO, Plan.SCALE}),
        recommendations=10,
        has_exploration=True,
        has_live_figures=True,
        history_rows=1000,
    ),
}
ORDER: Final = tuple(PLANS)


def is_upgrade(old: Plan, new: Plan) -> bool:
    """Tell whether a plan stands above another."""
    return ORDER.index(new) > ORDER.index(old)


def cheapest_with_tier(tier: Plan) -> Plan:
    """Return the lowest plan that may start workflows of a tier."""
    return next(plan for plan, terms in PLANS.items() if tier in terms.tiers)


def cheapest_with_live_figures() -> Plan:
    """Return the lowest plan with live figures."""
    return next(plan for plan, terms in PLANS.items() if terms.has_live_figures)
