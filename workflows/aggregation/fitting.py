"""Fits how much each level leans on the one above, from the counts just written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django.db import connection

from workflows.models import ValueSpread, WorkflowPerformance, WorkflowSuccess
from workflows.ranking import (
    Counts,
    Estimate,
    Scatter,
    Strengths,
    estimate_below,
    estimate_overall,
    fit_strength,
    fit_tau,
)

PERFORMANCE = WorkflowPerformance._meta.db_table


def fit_strengths() -> Strengths:
    """Return the strengths that make the counted successes most likely.

    From the top down: a level's parents are estimated with what was fitted above it, each without
    the child's own starts.
    """
    overall: dict[int, Counts] = {}
    markets: dict[tuple[int, int], Counts] = {}
    cohorts: list[tuple[tuple[int, int], Counts]] = []
    # The order makes the sample of a fit the same on every database.
    rows = WorkflowSuccess.objects.order_by("workflow", "market", "skill_level").values_list(
        "workflow_id", "market_id", "skill_level_id", "successes", "decided"
    )
    cells = cast(Iterator[tuple[int, int | None, int | None, int, int]], rows.iterator())
    for workflow, market, skill, of_cell, decided_of_cell in cells:
        counts = Counts(of_cell, decided_of_cell)
        if market is None:
            overall[workflow] = counts
        elif skill is None:
            markets[workflow, market] = counts
        else:
            cohorts.append(((workflow, market), counts))
    successes = sum(counts.successes for counts in overall.values())
    decided = sum(counts.decided for counts in overall.values())
    mean = (successes + 1) / (decided + 2)
    fitted = Strengths(
        mean=mean,
        overall=fit_strength([(c.successes, c.decided, mean) for c in overall.values()]),
    )
    tops: dict[tuple[int, int], Estimate] = {
        key: estimate_overall(overall[key[0]].without(counts), fitted)
        for key, counts in markets.items()
    }
    fitted = Strengths(
        mean=mean,
        overall=fitted.overall,
        market=fit_strength(
            [(c.successes, c.decided, tops[key].score) for key, c in markets.items()]
        ),
    )
    return Strengths(
        mean=mean,
        overall=fitted.overall,
        market=fitted.market,
        cohort=fit_strength(
            [
                (
                    counts.successes,
                    counts.decided,
                    estimate_below(tops[key], markets[key].without(counts), fitted.market).score,
                )
                for key, counts in cohorts
            ]
        ),
    )


def write_spreads(run_id: int) -> int:
    """Fit and store, for each metric and unit, how many results a parent level weighs.

    Returns:
        Rows written.
    """
    markets = _scatter("child.market_id IS NOT NULL AND child.skill_level_id IS NULL", "")
    cohorts = _scatter("child.skill_level_id IS NOT NULL", "= child.market_id")
    rows = [
        ValueSpread(
            metric_type=metric,
            unit=unit,
            tau_market=fit_tau(scatter),
            tau_cohort=fit_tau(cohorts[metric, unit])
            if (metric, unit) in cohorts
            else fit_tau(Scatter(0, 0, 0, 0.0, 0.0, 0.0)),
            run_id=run_id,
        )
        for (metric, unit), scatter in markets.items()
    ]
    ValueSpread.objects.all().delete()
    ValueSpread.objects.bulk_create(rows, batch_size=500)
    return len(rows)


def _scatter(children: str, parent_market: str) -> dict[tuple[str, str], Scatter]:
    """Return the sums over one level's groups, by metric and unit."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT metric_type, unit, sum(siblings), count(*), sum(results), sum(within_sum),
                sum(between_sum), sum(squares * 1.0 / results)
            FROM (
                SELECT child.metric_type, child.unit, count(*) AS siblings,
                    sum(child.count) AS results,
                    sum((child.count - 1) * child.log_variance) AS within_sum,
                    sum(child.count * (child.log_mean - parent.log_mean)
                        * (child.log_mean - parent.log_mean)) AS between_sum,
                    sum(child.count * 1.0 * child.count) AS squares
                FROM {PERFORMANCE} AS child
                JOIN {PERFORMANCE} AS parent ON parent.workflow_id = child.workflow_id
                    AND parent.metric_type = child.metric_type AND parent.unit = child.unit
                    AND parent.skill_level_id IS NULL
                    AND parent.market_id {parent_market or "IS NULL"}
                WHERE {children}
                GROUP BY child.workflow_id, child.metric_type, child.unit, parent.market_id
            ) AS families
            GROUP BY metric_type, unit
            """
        )
        return {
            (metric, unit): Scatter(
                groups=int(groups),
                parents=int(parents),
                results=int(results),
                within=float(within),
                between=float(between),
                crowding=float(crowding),
            )
            for metric, unit, groups, parents, results, within, between, crowding in cursor
        }
