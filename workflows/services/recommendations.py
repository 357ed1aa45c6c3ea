"""Which workflow to try next, and why. Reads the nightly figures; writes nothing.

All workflows are scored, intervals and values are worked out for those shown. The order is by the
estimated chance, of equal ones by the number of the cohort's own starts, then by the catalogue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from accounts.models import Plan, User
from core import clock
from workflows import reasons
from workflows.models import Workflow
from workflows.page_texts import Words
from workflows.plans import PLANS, cheapest_with_tier
from workflows.ranking import (
    Counts,
    Estimate,
    Strengths,
    Taus,
    estimate_below,
    estimate_chance,
    estimate_overall,
    typical_value,
)
from workflows.selectors import performance
from workflows.selectors.performance import (
    COHORT,
    LEVELS,
    MARKET,
    OVERALL,
    Cohort,
    LastRun,
    Spread,
    Successes,
    Values,
)

NEW_BELOW = 5
"""Decided starts of a cohort under which a workflow may take the exploration place."""
PLACES_FOR_EXPLORATION = 5
COHORTS_REMEMBERED = 64
"""Cohorts whose estimates a process keeps; there are some thirty, more where markets are added."""
MOST_NAMED = 3
"""Workflows named beside those that are recommended."""


@dataclass(frozen=True, slots=True)
class Typical:
    """What a workflow brought, for one metric and unit; values in minor units."""

    metric_type: str
    unit: str
    typical_minor: int
    p25_minor: int
    p75_minor: int
    results: int
    people: int
    level: str
    """The narrowest level with enough people to show."""
    expected_minor: int
    """Chance of a result times typical value: what a start brings, in this unit alone."""

    def say_value(self, words: Words) -> str:
        """Return it as a sentence."""
        return reasons.say_typical(
            metric=self.metric_type,
            typical=self._show(self.typical_minor, words),
            low=self._show(self.p25_minor, words),
            high=self._show(self.p75_minor, words),
            results=self.results,
            people=self.people,
            level=self.level,
            words=words,
        )

    def _show(self, value_minor: int, words: Words) -> str:
        return words.say_value(value_minor, self.metric_type, self.unit)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A workflow for somebody, with all that stands behind its place."""

    workflow: Workflow
    rank: int
    estimate: Estimate
    low: float
    high: float
    successes: Successes
    evidence: str
    grounds: reasons.Grounds
    typical: tuple[Typical, ...]
    is_unlocked: bool
    required_plan: str
    is_exploration: bool = False
    is_again: bool = False
    """The person finished it already; there is nothing they did not."""

    @property
    def score(self) -> float:
        return self.estimate.score

    def say_reason(self, words: Words) -> str:
        """Return what its place rests on."""
        said = reasons.say_reason(self.grounds, words)
        return f"{reasons.say_exploration(words)} {said}" if self.is_exploration else said


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What a person is shown."""

    cohort: Cohort
    plan: Plan
    items: tuple[Recommendation, ...]
    locked_above: tuple[Workflow, ...]
    """Workflows that rank higher and come with a higher plan; named, without figures. Where
    nothing is left to show, the best of them."""
    run: LastRun | None
    finished: tuple[Workflow, ...] = ()
    """Where nothing is left to show: what the plan has and the person finished, best first."""

    @property
    def best(self) -> Recommendation | None:
        return self.items[0] if self.items else None

    def say_counted(self, words: Words) -> str:
        """Return when the figures are from."""
        return reasons.say_counted(self.run.counted_at if self.run else None, words)


_Estimates = dict[int, tuple[Estimate, Successes]]


@dataclass(frozen=True, slots=True)
class _Scored:
    workflow_id: int
    tier: Plan
    place: int
    estimate: Estimate
    successes: Successes

    @property
    def own(self) -> int:
        return self.successes.at(COHORT).decided


def recommend(*, person: User, now: datetime | None = None) -> Recommendations:
    """Return what to try next, best first, as many as the person's plan shows.

    What they completed already is left out while there is anything else.
    """
    plan, cohort = performance.standing_of(person)
    terms = PLANS[plan]
    run = performance.last_run_for(person)
    ranked = _rank(person, cohort, run)
    finished = performance.finished_workflow_ids(person)
    fresh = [one for one in ranked if one.workflow_id not in finished] or ranked
    unlocked = [one for one in fresh if one.tier in terms.tiers]
    shown = unlocked[: terms.recommendations]
    exploration = None
    if terms.has_exploration and len(unlocked) > PLACES_FOR_EXPLORATION:
        day = (now or clock.now()).date()
        exploration = _explore(unlocked[PLACES_FOR_EXPLORATION - 1 :], f"{person.public_id}{day}")
        if exploration is not None:
            others = [one for one in shown if one is not exploration]
            keep = PLACES_FOR_EXPLORATION - 1
            shown = [*others[:keep], exploration, *others[keep : terms.recommendations - 1]]
    # With nothing to show, all that a larger plan has ranks above it.
    best = ranked.index(shown[0]) if shown else len(ranked)
    above = [
        one
        for one in ranked[:best]
        if one.tier not in terms.tiers and one.workflow_id not in finished
    ][:MOST_NAMED]
    again = [] if shown else [one for one in ranked if one.tier in terms.tiers][:MOST_NAMED]
    wanted = [one.workflow_id for one in (*shown, *above, *again)]
    rows = performance.workflows_by_id(person, wanted)
    typical = _typical_values(cohort, {one.workflow_id: one.estimate for one in shown})
    return Recommendations(
        cohort=cohort,
        plan=plan,
        items=tuple(
            _present(
                one,
                rows[one.workflow_id],
                rank=number,
                cohort=cohort,
                plan=plan,
                typical=typical.get(one.workflow_id, ()),
                is_exploration=one is exploration,
                is_again=one.workflow_id in finished,
            )
            for number, one in enumerate(shown, 1)
        ),
        locked_above=tuple(rows[one.workflow_id] for one in above),
        run=run,
        finished=tuple(rows[one.workflow_id] for one in again),
    )


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """One line of an explanation: a level's own starts and the estimate with them."""

    level: str
    successes: int
    decided: int
    running: int
    strength: float
    estimate: Estimate
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A recommendation with every number it is made of."""

    recommendation: Recommendation
    cohort: Cohort
    run: LastRun | None
    strengths: Strengths
    levels: tuple[LevelFigures, ...]
    """From everybody to the cohort."""
    values: dict[tuple[str, str], dict[str, Values]]
    """Values by (metric, unit) and level; those of fewer than five people left out."""

    def say_counted(self, words: Words) -> str:
        """Return when the figures are from."""
        return reasons.say_counted(self.run.counted_at if self.run else None, words)


def explain(*, person: User, workflow: Workflow) -> Explanation:
    """Return how the chance of one workflow for a person comes about."""
    plan, cohort = performance.standing_of(person)
    run = performance.last_run_for(person)
    strengths = run.strengths if run else Strengths()
    found = performance.successes_for(cohort, [workflow.pk]).get(workflow.pk, Successes())
    scored = _Scored(workflow.pk, Plan(workflow.tier), 0, *_estimate(found, strengths))
    typical = _typical_values(cohort, {workflow.pk: scored.estimate})
    values = performance.values_for(cohort, [workflow.pk]).get(workflow.pk, {})
    return Explanation(
        recommendation=_present(
            scored,
            workflow,
            rank=0,
            cohort=cohort,
            plan=plan,
            typical=typical.get(workflow.pk, ()),
            is_exploration=False,
        ),
        cohort=cohort,
        run=run,
        strengths=strengths,
        levels=_levels(found, strengths),
        values={
            key: kept
            for key, by_level in values.items()
            if (
                kept := {
                    level: one
                    for level, one in by_level.items()
                    if one.people >= reasons.MIN_PEOPLE
                }
            )
        },
    )


def _rank(person: User, cohort: Cohort, run: LastRun | None) -> list[_Scored]:
    strengths = run.strengths if run else Strengths()
    known = (
        _estimates_of_run(run.public_id, cohort, strengths)
        if run
        else _estimate_all(cohort, strengths)
    )
    scored = [
        _Scored(pk, Plan(tier), place, *(known.get(pk) or _estimate(Successes(), strengths)))
        for place, (pk, tier) in enumerate(performance.ranked_workflow_ids(person))
    ]
    scored.sort(key=lambda one: (-one.estimate.score, -one.own, one.place))
    return scored


@lru_cache(maxsize=COHORTS_REMEMBERED)
def _estimates_of_run(run_id: str, cohort: Cohort, strengths: Strengths) -> _Estimates:
    """Return the estimates of a cohort, worked out once: the figures of a run do not change."""
    return _estimate_all(cohort, strengths)


def _estimate_all(cohort: Cohort, strengths: Strengths) -> _Estimates:
    return {
        pk: _estimate(successes, strengths)
        for pk, successes in performance.successes_for(cohort).items()
    }


def _estimate(successes: Successes, strengths: Strengths) -> tuple[Estimate, Successes]:
    estimate = estimate_chance(
        cohort=successes.at(COHORT),
        market=successes.at(MARKET),
        overall=successes.at(OVERALL),
        strengths=strengths,
    )
    return estimate, successes


def _explore(candidates: list[_Scored], seed: str) -> _Scored | None:
    """Return the little-tried workflow with the best draw of its chance today, if there is one."""
    new = [one for one in candidates if one.own < NEW_BELOW]
    return max(new, key=lambda one: one.estimate.draw(f"{seed}{one.workflow_id}"), default=None)


def _present(
    scored: _Scored,
    workflow: Workflow,
    *,
    rank: int,
    cohort: Cohort,
    plan: Plan,
    typical: tuple[Typical, ...],
    is_exploration: bool,
    is_again: bool = False,
) -> Recommendation:
    low, high = scored.estimate.interval()
    is_unlocked = scored.tier in PLANS[plan].tiers
    return Recommendation(
        workflow=workflow,
        rank=rank,
        estimate=scored.estimate,
        low=low,
        high=high,
        successes=scored.successes,
        evidence=reasons.evidence_word(scored.own),
        grounds=reasons.Grounds(
            market_label=cohort.market,
            skill_label=cohort.skill_level,
            cohort=scored.successes.at(COHORT),
            market=scored.successes.at(MARKET),
            overall=scored.successes.at(OVERALL),
            score=scored.estimate.score,
            low=low,
            high=high,
        ),
        typical=typical,
        is_unlocked=is_unlocked,
        required_plan="" if is_unlocked else str(cheapest_with_tier(scored.tier)),
        is_exploration=is_exploration,
        is_again=is_again,
    )


def _levels(found: Successes, strengths: Strengths) -> tuple[LevelFigures, ...]:
    overall, market, own = found.at(OVERALL), found.at(MARKET), found.at(COHORT)
    elsewhere = overall.without(market)
    nearby = market.without(own)
    top = estimate_overall(elsewhere, strengths)
    middle = estimate_below(top, nearby, strengths.market)
    bottom = estimate_below(middle, own, strengths.cohort)
    running = found.running
    return (
        _figures(
            OVERALL,
            elsewhere,
            running.get(OVERALL, 0) - running.get(MARKET, 0),
            strengths.overall,
            top,
        ),
        _figures(
            MARKET,
            nearby,
            running.get(MARKET, 0) - running.get(COHORT, 0),
            strengths.market,
            middle,
        ),
        _figures(
            COHORT,
            own,
            running.get(COHORT, 0),
            strengths.cohort,
            bottom,
        ),
    )


def _figures(
    level: str,
    counts: Counts,
    running: int,
    strength: float,
    estimate: Estimate,
) -> LevelFigures:
    low, high = estimate.interval()
    return LevelFigures(
        level=level,
        successes=counts.successes,
        decided=counts.decided,
        running=running,
        strength=strength,
        estimate=estimate,
        low=low,
        high=high,
    )


def _typical_values(
    cohort: Cohort, estimates: dict[int, Estimate]
) -> dict[int, tuple[Typical, ...]]:
    values = performance.spreads_for(cohort, estimates.keys(), min_people=reasons.MIN_PEOPLE)
    taus = performance.taus_for({key for by_key in values.values() for key in by_key})
    found: dict[int, tuple[Typical, ...]] = {}
    for workflow_id, by_key in values.items():
        rows = [
            _typical(by_level, taus.get(key, Taus()), estimates[workflow_id].score)
            for key, by_level in by_key.items()
        ]
        kept = [row for row in rows if row is not None]
        kept.sort(key=lambda row: (-row.people, row.metric_type, row.unit))
        found[workflow_id] = tuple(kept)
    return found


def _typical(by_level: dict[str, Spread], taus: Taus, chance: float) -> Typical | None:
    level = next(level for level in reversed(LEVELS) if level in by_level)
    narrow = by_level[level]
    weights = {OVERALL: 0.0, MARKET: taus.market, COHORT: taus.cohort}
    typical = typical_value(
        [(one.logs if (one := by_level.get(name)) else None, weights[name]) for name in LEVELS]
    )
    if typical is None or not math.isfinite(typical):
        return None
    return Typical(
        metric_type=narrow.metric_type,
        unit=narrow.unit,
        typical_minor=round(typical),
        p25_minor=round(narrow.p25),
        p75_minor=round(narrow.p75),
        results=narrow.results,
        people=narrow.people,
        level=level,
        expected_minor=round(typical * chance),
    )
