"""What people are recommended, and that the words never say more than is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from accounts.tests.factories import make_user
from core import clock
from workflows import reasons
from workflows.models import Execution, Workflow
from workflows.page_texts import ENGLISH
from workflows.ranking import Counts
from workflows.services.aggregation import aggregate_performance
from workflows.services.executions import abandon_execution, complete_execution, start_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.services.recommendations import explain, recommend
from workflows.tests.builders import set_profile

pytestmark = pytest.mark.django_db

RESUME, BOT, PROMPTS = "resume_generator", "whatsapp_bot", "prompt_selling"


def live(
    name: str,
    workflow: str,
    *,
    value: int | str | None = 10,
    market: str = "freelancer",
    skill_level: str = "beginner",
) -> User:
    """Let somebody run a workflow; without a value they give it up."""
    person = make_user(f"{name}@world.test")
    set_profile(person, market=market, skill_level=skill_level, plan="scale")
    execution = start_execution(person=person, workflow=Workflow.objects.get(name=workflow))
    if value is None:
        abandon_execution(execution=execution)
        return person
    save_progress(execution=execution, change=Change(steps_completed=execution.total_steps))
    complete_execution(execution=execution)
    log_outcome(
        person=person,
        execution=execution,
        measure=read_measure(metric_type="revenue", value=str(value), currency="EUR"),
    )
    return person


def newcomer(plan: str = "scale", market: str = "freelancer", skill: str = "beginner") -> User:
    person = make_user(f"new-{plan}-{market}-{skill}@world.test")
    set_profile(person, market=market, skill_level=skill, plan=plan)
    return person


def names(person: User) -> list[str]:
    return [one.workflow.name for one in recommend(person=person).items]


def test_before_anything_is_known_the_catalogues_order_stands_and_says_so():
    found = recommend(person=newcomer())

    assert [one.workflow.name for one in found.items] == [RESUME, BOT, PROMPTS]
    assert found.items[0].say_reason(ENGLISH) == (
        "There are no results of users like you (freelancer, beginner) yet. "
        "Nobody has finished it yet, so the order is that of the catalogue."
    )
    assert found.say_counted(ENGLISH).startswith("Nothing was counted yet")


def test_what_worked_for_people_like_you_comes_first_and_what_was_given_up_last():
    for number in range(6):
        live(f"a{number}", PROMPTS)
        live(f"b{number}", RESUME, value=None)
    aggregate_performance()

    assert names(newcomer()) == [PROMPTS, BOT, RESUME]


def test_the_next_person_has_learned_from_the_one_before():
    before = recommend(person=newcomer("starter")).items[0]
    live("first", RESUME)
    aggregate_performance()

    after = recommend(person=newcomer("pro")).items[0]

    assert before.successes.at("cohort") == Counts()
    assert after.successes.at("cohort") == Counts(1, 1)
    assert after.score > before.score
    assert after.say_reason(ENGLISH).startswith(
        "Users like you (freelancer, beginner): 1 of 1 start reached a logged result."
    )


def test_a_cohort_with_nobody_in_it_leans_on_the_others():
    for number in range(4):
        live(f"n{number}", BOT, market="freelancer", skill_level="advanced")
        live(f"f{number}", BOT, market="agency", skill_level="beginner")
    aggregate_performance()

    first = recommend(person=newcomer()).items[0]

    assert first.workflow.name == BOT
    assert first.evidence == "none"
    assert first.successes.at("cohort").decided == 0
    assert (
        "We use 4 starts of others in the market “freelancer” and 4 starts elsewhere"
        in first.say_reason(ENGLISH)
    )


@pytest.mark.parametrize("people", [4, 5])
def test_no_value_is_shown_below_five_people(people: int):
    for number in range(people):
        live(f"p{number}", PROMPTS, value=100 + number)
    aggregate_performance()

    found = explain(person=newcomer(), workflow=Workflow.objects.get(name=PROMPTS))

    shown = people >= 5
    assert bool(found.recommendation.typical) is shown
    assert bool(found.values) is shown
    if shown:
        typical = found.recommendation.typical[0]
        assert (typical.people, typical.results, typical.unit) == (5, 5, "EUR")
        assert typical.say_value(ENGLISH).startswith("Typical revenue: €10")


def test_a_thin_cohort_borrows_the_value_of_its_market_and_says_whose_it_is():
    for number in range(3):
        live(f"own{number}", PROMPTS, value=50)
        live(f"near{number}", PROMPTS, value=50, skill_level="advanced")
    aggregate_performance()

    typical = recommend(person=newcomer()).items[0].typical[0]

    assert (typical.level, typical.people) == ("market", 6)
    assert typical.say_value(ENGLISH).endswith("6 results of 6 people, in your market).")


def test_values_of_two_currencies_are_never_one():
    for number in range(5):
        person = live(f"two{number}", PROMPTS, value=100)
        execution = Execution.objects.get(person=person)
        measure = read_measure(metric_type="revenue", value="9000", currency="JPY")
        log_outcome(person=person, execution=execution, measure=measure)
    aggregate_performance()

    typical = recommend(person=newcomer()).items[0].typical

    assert [(one.unit, one.typical_minor) for one in typical] == [("EUR", 10000), ("JPY", 9000)]


def test_starter_sees_one_match_and_the_names_of_what_ranks_higher():
    for number in range(6):
        live(f"up{number}", PROMPTS)
        live(f"down{number}", RESUME, value=None)
    aggregate_performance()

    found = recommend(person=newcomer("starter"))

    assert [one.workflow.name for one in found.items] == [RESUME]
    assert [one.name for one in found.locked_above] == [PROMPTS, BOT]


def test_what_was_completed_is_not_recommended_again_while_there_is_more():
    person = live("done", RESUME)

    assert names(person) == [BOT, PROMPTS]


def test_one_place_of_five_explores_what_is_new_and_changes_by_the_day():
    for number in range(12):
        first = Workflow.objects.get(name=RESUME)
        Workflow.objects.create(
            name=f"extra_{number}",
            tier="starter",
            position=10 + number,
            current_version=first.current_version,
        )
    for number in range(5):
        live(f"v{number}", RESUME)
    aggregate_performance()
    person = newcomer("pro")

    seen = set()
    for day in range(8):
        found = recommend(
            person=person, now=datetime(2026, 11, 21 + day, tzinfo=clock.now().tzinfo)
        )
        assert len(found.items) == 5
        assert [one.is_exploration for one in found.items] == [False] * 4 + [True]
        assert found.items[4].say_reason(ENGLISH).startswith("New: few results yet.")
        assert len({one.workflow.pk for one in found.items}) == 5
        seen.add(found.items[4].workflow.name)
    assert len(seen) > 2


def test_a_person_who_said_nothing_is_served_by_everybodys_results():
    live("someone", BOT)
    aggregate_performance()
    person = make_user("quiet@world.test")

    found = recommend(person=person)

    assert found.items[0].say_reason(ENGLISH).startswith("You have not said who you are")
    assert found.items[0].workflow.name == RESUME


@pytest.mark.parametrize("own", [0, 1, 7, 8, 29, 30, 200])
@pytest.mark.parametrize("others", [0, 3, 500])
def test_every_percentage_stands_with_its_range(own: int, others: int):
    said = reasons.say_reason(
        reasons.Grounds(
            market_label="Student",
            skill_label="Beginner",
            cohort=Counts(own // 2, own),
            market=Counts(own // 2 + others // 3, own + others),
            overall=Counts(own // 2 + others // 2, own + 2 * others),
            score=0.58,
            low=0.47,
            high=0.69,
        )
    )

    ranges = re.findall(r"58\u00a0% \(likely 47–69\u00a0%\)", said)
    assert said.count("%") == 2 * len(ranges)
    assert len(ranges) == (1 if own + others else 0)


def test_no_share_claims_certainty():
    assert [reasons.percent(share) for share in (0.0, 0.001, 0.5, 0.9999, 1.0)] == [
        1,
        1,
        50,
        99,
        99,
    ]


# --- over HTTP ------------------------------------------------------------------------------


def test_the_api_gives_reason_and_numbers(api_of: Callable[..., Any]):
    live("seen", RESUME)
    aggregate_performance()
    client = api_of(newcomer("starter"))

    listed = client.get("/api/recommendations").json()
    performance = client.get(f"/api/workflows/{RESUME}/performance").json()

    (only,) = listed["recommendations"]
    assert (only["workflow_name"], only["rank"], only["is_unlocked"]) == (RESUME, 1, True)
    assert only["chance"]["cohort"] == {"successes": 1, "decided": 1, "running": 0}
    assert 0 < only["chance"]["low"] < only["chance"]["score"] < only["chance"]["high"] < 1
    assert only["explanation_url"] == f"/workflows/{RESUME}/why"
    assert performance["reason"] == only["reason"]
    assert performance["success_rate"] is None
    assert performance["live"] is None


def test_live_figures_come_with_pro_and_count_this_minute(api_of: Callable[..., Any]):
    live("now", RESUME)
    address = f"/api/workflows/{RESUME}/performance?live=true"

    refused = api_of(newcomer("starter")).get(address)
    allowed = api_of(newcomer("pro")).get(address)

    assert (refused.status_code, refused.json()["code"]) == (403, "plan_required")
    assert refused.json()["required_plan"] == "pro"
    assert allowed.json()["live"] == {"starts": 1, "with_result": 1, "people": 1}


def test_an_unknown_workflow_is_not_found_and_a_stranger_is_nobody(
    api: Any, api_of: Callable[..., Any]
):
    assert api_of(newcomer()).get("/api/workflows/nothing/performance").status_code == 404
    for address in ("/api/recommendations", f"/api/workflows/{RESUME}/performance", "/api/profile"):
        assert api.get(address).status_code in (401, 403)


def test_pages_of_the_catalogue_cost_the_same_for_many_as_for_few(
    browser_of: Callable[..., Client], django_assert_max_num_queries: Any
):
    for number in range(6):
        live(f"q{number}", PROMPTS)
    aggregate_performance()
    person = newcomer("scale")
    browser = browser_of(person)
    for number in range(30):
        first = Workflow.objects.get(name=RESUME)
        Workflow.objects.create(
            name=f"more_{number}",
            tier="starter",
            position=10 + number,
            current_version=first.current_version,
        )

    with django_assert_max_num_queries(16):
        page = browser.get("/workflows/").content.decode()
    assert "Users like you (freelancer, beginner): 6 of 6 starts" in page

    with django_assert_max_num_queries(14):
        page = browser.get(f"/workflows/{PROMPTS}/why").content.decode()
    assert "Typical revenue: €10" in page


def test_the_command_makes_the_next_recommendation(browser_of: Callable[..., Client]):
    live("early", RESUME)
    call_command("aggregate_performance")

    page = browser_of(newcomer("starter")).get("/workflows/").content.decode()

    assert "1 of 1 start reached a logged result" in page


def test_time_between_start_and_now_is_no_success():
    person = live("late", RESUME)
    ended = clock.now() - timedelta(days=60)
    Execution.objects.filter(person=person).update(ended_at=ended)
    aggregate_performance()

    first = recommend(person=newcomer("starter")).items[0]

    assert first.successes.at("cohort") == Counts(0, 1)
