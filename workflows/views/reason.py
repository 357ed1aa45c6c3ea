"""Every number behind the place of a workflow, on a page."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from accounts.models import Plan, User
from core.charts import Bar, BarChart, build_bar_chart
from workflows import reasons
from workflows.page_texts import Words, language_for, words_context
from workflows.plans import cheapest_with_tier
from workflows.selectors.executions import open_execution_of
from workflows.selectors.performance import COHORT, LEVELS, MARKET
from workflows.services.recommendations import Explanation, explain
from workflows.views.catalogue import find_workflow


@require_safe
@login_required
def show_reason(request: HttpRequest, name: str) -> HttpResponse:
    """Show the estimate, what it is built on, and the rules."""
    person = cast(User, request.user)
    workflow = find_workflow(person, name)
    found = explain(person=person, workflow=workflow)
    texts = words_context(language_for(request))
    words = texts["words"]
    context = {
        **texts,
        "workflow": workflow,
        "found": found,
        "recommendation": found.recommendation,
        "chart": _chance_chart(found, words),
        "levels": _level_rows(found, words),
        "values": _value_rows(found, words),
        "running": open_execution_of(person, workflow),
        "plan_label": cheapest_with_tier(Plan(workflow.tier)).label,
        "min_people": reasons.MIN_PEOPLE,
    }
    with translation.override(texts["language"]):
        return render(request, "workflows/recommendation_reason.html", context)


def _level_words(level: str, found: Explanation, words: Words) -> str:
    cohort = found.cohort
    if level == MARKET:
        market = reasons.say_cohort(cohort.market, "", words)
        return words.say("level_market", market=market) if market else _unsaid(level, words)
    if level == COHORT:
        own = reasons.say_cohort(cohort.market, cohort.skill_level, words)
        return words.say("level_cohort", cohort=own) if own else _unsaid(level, words)
    return words.say("level_overall")


def _unsaid(level: str, words: Words) -> str:
    return words.say(f"level_{level}_unsaid")


def _chance_chart(found: Explanation, words: Words) -> BarChart:
    return build_bar_chart(
        title=words.say("chance_chart"),
        note=words.say("chance_note"),
        label_heading=words.say("built_on"),
        value_heading=words.say("estimate"),
        note_heading=words.say("range_heading"),
        # Its places are filled by the chart.
        say_interval=words.say("range_from_to", low="{low}", high="{high}"),
        maximum=100,
        bars=[
            Bar(
                label=_level_words(level.level, found, words),
                value=reasons.percent(level.estimate.score),
                display=f"{reasons.percent(level.estimate.score)}\u00a0%",
                low=reasons.percent(level.low),
                high=reasons.percent(level.high),
            )
            for level in found.levels
        ],
    )


def _level_rows(found: Explanation, words: Words) -> list[dict[str, str]]:
    return [
        {
            "words": _level_words(level.level, found, words),
            "successes": words.say_number(level.successes),
            "decided": words.say_number(level.decided),
            "running": words.say_number(level.running),
            "strength": words.say_number(level.strength, 1),
            "alpha": words.say_number(level.estimate.alpha, 2),
            "beta": words.say_number(level.estimate.beta, 2),
        }
        for level in found.levels
    ]


def _value_rows(found: Explanation, words: Words) -> list[dict[str, Any]]:
    return [
        {
            "metric": words.say(f"metric_{metric}"),
            "whose": words.say(f"whose_{level}"),
            "count": words.say_number(one.count),
            "people": words.say_number(one.people),
            "middle": words.say_value(round(one.p50), metric, unit),
            "low": words.say_value(round(one.p10), metric, unit),
            "high": words.say_value(round(one.p90), metric, unit),
        }
        for (metric, unit), by_level in found.values.items()
        for level in reversed(LEVELS)
        if (one := by_level.get(level)) is not None
    ]
