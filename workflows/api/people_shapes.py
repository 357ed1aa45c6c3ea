"""Profiles, recommendations and figures as the API gives them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.urls import reverse

from accounts.models import Plan, User
from core import clock
from workflows import reasons, units
from workflows.models import Workflow
from workflows.page_texts import Words
from workflows.plans import cheapest_with_tier
from workflows.selectors.performance import COHORT, LEVELS, Cohort, LastRun, Values
from workflows.services.recommendations import (
    Explanation,
    Recommendation,
    Recommendations,
    Typical,
)


def shape_profile(person: User, cohort: Cohort, plan: Plan) -> dict[str, Any]:
    """Return who somebody is, for matching."""
    return {
        "user_id": person.public_id,
        "market": cohort.market_slug or None,
        "skill_level": cohort.skill_level_slug or None,
        "plan": str(plan),
    }


def shape_recommendations(found: Recommendations, words: Words) -> dict[str, Any]:
    """Return what a person is shown."""
    return {
        "market": found.cohort.market_slug or None,
        "skill_level": found.cohort.skill_level_slug or None,
        "plan": str(found.plan),
        "counted_at": _counted_at(found.run),
        "recommendations": [shape_recommendation(one, words) for one in found.items],
        "locked_above": [
            {
                "workflow_name": row.name,
                "title": title_of(row, words),
                "required_plan": str(cheapest_with_tier(Plan(row.tier))),
            }
            for row in found.locked_above
        ],
    }


def shape_recommendation(one: Recommendation, words: Words) -> dict[str, Any]:
    """Return one place of the ranking."""
    return {
        "rank": one.rank,
        "workflow_name": one.workflow.name,
        "title": title_of(one.workflow, words),
        "tier": one.workflow.tier,
        "is_unlocked": one.is_unlocked,
        "is_exploration": one.is_exploration,
        "reason": one.say_reason(words),
        "chance": _chance(one),
        "typical": [_typical(row, words) for row in one.typical],
        "explanation_url": reverse("workflow_reason", args=[one.workflow.name]),
    }


def shape_performance(
    found: Explanation, live: dict[str, int] | None, words: Words
) -> dict[str, Any]:
    """Return the figures of a workflow."""
    one = found.recommendation
    own = one.successes.at(COHORT)
    return {
        "workflow_name": one.workflow.name,
        "title": title_of(one.workflow, words),
        "reason": one.say_reason(words),
        "counted_at": _counted_at(found.run),
        # A bare percentage of a handful would claim what nobody knows.
        "success_rate": own.successes / own.decided if own.decided >= reasons.SOME else None,
        "chance": _chance(one),
        "strengths": asdict(found.strengths),
        "typical": [_typical(row, words) for row in one.typical],
        "values": [
            _values(level, by_level[level])
            for by_level in found.values.values()
            for level in LEVELS
            if level in by_level
        ],
        "live": live,
    }


def title_of(workflow: Workflow, words: Words) -> str:
    """Return a workflow's present title."""
    version = workflow.current_version
    return version.guide(words.language).title if version else workflow.name


def _counted_at(run: LastRun | None) -> str | None:
    return clock.rfc3339(run.counted_at) if run else None


def _chance(one: Recommendation) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        "score": round(one.score, 4),
        "low": round(one.low, 4),
        "high": round(one.high, 4),
        "alpha": round(one.estimate.alpha, 4),
        "beta": round(one.estimate.beta, 4),
        "evidence": one.evidence,
    }
    for level in LEVELS:
        counts = one.successes.at(level)
        shaped[level] = {
            "successes": counts.successes,
            "decided": counts.decided,
            "running": one.successes.running.get(level, 0),
        }
    return shaped


def _typical(row: Typical, words: Words) -> dict[str, Any]:
    def whole(minor: int) -> Decimal:
        return units.from_minor(minor, row.metric_type, row.unit)

    return {
        "metric_type": row.metric_type,
        "currency": row.unit,
        "typical": whole(row.typical_minor),
        "p25": whole(row.p25_minor),
        "p75": whole(row.p75_minor),
        "expected": whole(row.expected_minor),
        "results": row.results,
        "people": row.people,
        "level": row.level,
        "text": row.say_value(words),
    }


def _values(level: str, row: Values) -> dict[str, Any]:
    scale = 10 ** units.decimals_of(row.metric_type, row.unit)
    return {
        "level": level,
        "metric_type": row.metric_type,
        "currency": row.unit,
        "count": row.count,
        "people": row.people,
        "avg_value": row.avg_value / scale,
        "p10": row.p10 / scale,
        "p50": row.p50 / scale,
        "p90": row.p90 / scale,
    }
