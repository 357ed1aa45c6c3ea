"""Ranking in a seeded simulation with a known truth, beside raw means and Wilson's lower bound.

60 workflows, 12 markets, 3 skill levels; chances of success on the logit scale with deviations of
0.8 between workflows, 0.35 between markets and 0.3 between cohorts; traffic after Zipf. Prints
regret@1 (chance lost by the first pick, mean over cohorts) and how often the 80 % interval holds
the truth. Strengths are fitted by the product's own code, as every night.

Run ``python -m benchmarks.workflow_ranking`` (``--quick`` for fewer worlds).
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from dataclasses import dataclass, field

from benchmarks import machine, tables
from workflows.ranking import (
    Counts,
    Estimate,
    Strengths,
    estimate_below,
    estimate_chance,
    estimate_overall,
    fit_strength,
)

WORKFLOWS, MARKETS, SKILLS = 60, 12, 3
DEVIATIONS = (0.8, 0.35, 0.3)
SIZES = (500, 2_000, 10_000, 50_000)
Z = 1.96
NONE = Counts()


@dataclass(slots=True)
class World:
    """Truth and what was seen of it."""

    truth: dict[tuple[int, int, int], float] = field(default_factory=dict)
    cohort: dict[tuple[int, int, int], Counts] = field(default_factory=dict)
    market: dict[tuple[int, int], Counts] = field(default_factory=dict)
    overall: dict[int, Counts] = field(default_factory=dict)


def make_world(seed: int, executions: int) -> World:
    """Draw a truth, then starts with their ends."""
    chance = random.Random(seed)
    world = World()
    for workflow in range(WORKFLOWS):
        base = chance.gauss(-0.3, DEVIATIONS[0])
        for market in range(MARKETS):
            near = base + chance.gauss(0, DEVIATIONS[1])
            for skill in range(SKILLS):
                logit = near + chance.gauss(0, DEVIATIONS[2])
                world.truth[workflow, market, skill] = 1 / (1 + math.exp(-logit))
    cells = list(world.truth)
    popularity = list(range(1, WORKFLOWS + 1))
    chance.shuffle(popularity)
    weights = [1 / popularity[w] / (1 + m) / (1 + s) for w, m, s in cells]
    for cell in chance.choices(cells, weights, k=executions):
        success = chance.random() < world.truth[cell]
        workflow, market, _ = cell
        world.cohort[cell] = _add(world.cohort.get(cell, NONE), success)
        key = (workflow, market)
        world.market[key] = _add(world.market.get(key, NONE), success)
        world.overall[workflow] = _add(world.overall.get(workflow, NONE), success)
    return world


def _add(counts: Counts, success: bool) -> Counts:
    return Counts(counts.successes + success, counts.decided + 1)


def fit(world: World) -> Strengths:
    """Fit the strengths as the nightly aggregation does, from counts in memory."""
    total = sum(c.decided for c in world.overall.values())
    mean = (sum(c.successes for c in world.overall.values()) + 1) / (total + 2)
    top = fit_strength([(c.successes, c.decided, mean) for c in world.overall.values()])
    strengths = Strengths(mean=mean, overall=top)
    parents: dict[tuple[int, int], Estimate] = {
        key: estimate_overall(world.overall[key[0]].without(counts), strengths)
        for key, counts in world.market.items()
    }
    middle = fit_strength(
        [(c.successes, c.decided, parents[key].score) for key, c in world.market.items()]
    )
    cohorts = [
        (
            counts.successes,
            counts.decided,
            estimate_below(parents[w, m], world.market[w, m].without(counts), middle).score,
        )
        for (w, m, _), counts in world.cohort.items()
    ]
    return Strengths(mean=mean, overall=top, market=middle, cohort=fit_strength(cohorts))


def raw_mean(counts: Counts) -> float:
    """Return the plain share; nothing seen is nothing claimed."""
    return counts.successes / counts.decided if counts.decided else 0.0


def wilson(counts: Counts) -> float:
    """Return the lower bound of Wilson's 95 % interval."""
    n = counts.decided
    if not n:
        return 0.0
    share = counts.successes / n
    middle = share + Z * Z / (2 * n)
    width = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return (middle - width) / (1 + Z * Z / n)


def regret(world: World, scores: dict[tuple[int, int, int], float]) -> float:
    """Return the chance of success lost by following the first pick, mean over cohorts."""
    lost = []
    for market in range(MARKETS):
        for skill in range(SKILLS):
            cells = [(workflow, market, skill) for workflow in range(WORKFLOWS)]
            best = max(world.truth[cell] for cell in cells)
            lost.append(best - world.truth[max(cells, key=scores.__getitem__)])
    return statistics.fmean(lost)


def measure(executions: int, worlds: int) -> list[tables.Cell]:
    """Return the line of one size."""
    raw, bound, ours, fixed, held = [], [], [], [], []
    for seed in range(worlds):
        world = make_world(seed * 1_000_003 + executions, executions)
        strengths = fit(world)
        shares = {cell: raw_mean(world.cohort.get(cell, NONE)) for cell in world.truth}
        bounds = {cell: wilson(world.cohort.get(cell, NONE)) for cell in world.truth}
        raw.append(regret(world, shares))
        bound.append(regret(world, bounds))
        estimates = {cell: _estimate(world, cell, strengths) for cell in world.truth}
        default = Strengths(mean=strengths.mean)
        plain = {cell: _estimate(world, cell, default).score for cell in world.truth}
        ours.append(regret(world, {cell: one.score for cell, one in estimates.items()}))
        fixed.append(regret(world, plain))
        inside = 0
        for cell, estimate in estimates.items():
            low, high = estimate.interval()
            inside += low <= world.truth[cell] <= high
        held.append(inside / len(estimates))
    cells = WORKFLOWS * MARKETS * SKILLS
    return [
        f"{executions:,}",
        executions / cells,
        *(f"{statistics.fmean(found):.3f}" for found in (raw, bound, fixed, ours, held)),
    ]


def _estimate(world: World, cell: tuple[int, int, int], strengths: Strengths) -> Estimate:
    workflow, market, _ = cell
    return estimate_chance(
        cohort=world.cohort.get(cell, NONE),
        market=world.market.get((workflow, market), NONE),
        overall=world.overall.get(workflow, NONE),
        strengths=strengths,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 worlds of 10,000 runs alone")
    parser.add_argument("--worlds", type=int, default=30)
    options = parser.parse_args()
    machine.print_machine()
    sizes, worlds = ((10_000,), 4) if options.quick else (SIZES, options.worlds)
    tables.print_table(
        f"Regret@1 and coverage of the 80 % interval, means of {worlds} worlds",
        [
            *("runs", "a cohort", "raw mean", "Wilson bound", "ours, m = 20", "ours, fitted"),
            "coverage",
        ],
        [measure(size, worlds) for size in sizes],
    )


if __name__ == "__main__":
    main()
