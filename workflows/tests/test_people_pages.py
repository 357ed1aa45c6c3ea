"""Onboarding, the profile API, starting from the catalogue, and a person's own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Market, Profile, User
from workflows.models import Execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.tests.builders import make_execution, set_profile

pytestmark = pytest.mark.django_db


def cohort(person: User) -> tuple[str, str]:
    row = Profile.objects.select_related("market", "skill_level").get(user=person)
    market, skill = row.market, row.skill_level
    return (market.slug if market else "", skill.slug if skill else "")


def test_a_newcomer_is_asked_two_questions_and_taken_to_the_catalogue(
    vera: User, browser_of: Callable[..., Client]
):
    browser = browser_of(vera)

    page = browser.get("/onboarding/").content.decode()
    answer = browser.post("/onboarding/", {"market": "student", "skill_level": "beginner"})

    for label in Market.objects.values_list("label", flat=True):
        assert label in page
    assert (answer.status_code, answer["Location"]) == (302, "/workflows/")
    assert cohort(vera) == ("student", "beginner")
    assert "For you: student, beginner" in browser.get("/workflows/").content.decode()


@pytest.mark.parametrize(
    "sent", [{}, {"market": "student"}, {"market": "banker", "skill_level": "beginner"}]
)
def test_answers_that_cannot_be_used_are_asked_again(
    vera: User, browser_of: Callable[..., Client], sent: dict[str, str]
):
    answer = browser_of(vera).post("/onboarding/", sent)

    assert answer.status_code == 400
    assert cohort(vera) == ("", "")


def test_a_market_an_administrator_adds_can_be_chosen(vera: User, api_of: Callable[..., Any]):
    Market.objects.create(slug="musician", label="Musician")

    answer = api_of(vera).post(
        "/api/profile", {"market": "musician", "skill_level": "advanced"}, format="json"
    )

    assert answer.status_code == 200
    assert answer.json() == {
        "user_id": vera.public_id,
        "market": "musician",
        "skill_level": "advanced",
        "plan": "starter",
    }
    assert cohort(vera) == ("musician", "advanced")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"market": "banker"}, 400, "profile_invalid"),
        ({"skill_level": "godlike"}, 400, "profile_invalid"),
        ({"user_id": "user_somebody"}, 403, "not_your_user_id"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused(
    vera: User, api_of: Callable[..., Any], change: dict[str, str], status: int, code: str
):
    sent = {"market": "student", "skill_level": "beginner", **change}

    answer = api_of(vera).post("/api/profile", sent, format="json")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert cohort(vera) == ("", "")


def test_a_later_profile_rewrites_no_history(vera: User, api_of: Callable[..., Any]):
    set_profile(vera, market="student", skill_level="beginner")
    execution = make_execution(vera)

    api_of(vera).post(
        "/api/profile", {"market": "agency", "skill_level": "advanced"}, format="json"
    )

    row = Execution.objects.select_related("market", "skill_level").get(pk=execution.pk)
    assert (str(row.market), str(row.skill_level)) == ("Student", "Beginner")


def test_starting_from_the_catalogue_opens_the_run_and_goes_on_with_an_open_one(
    vera: User, browser_of: Callable[..., Client]
):
    browser = browser_of(vera)

    first = browser.post("/workflows/resume_generator/start")
    second = browser.post("/workflows/resume_generator/start")

    execution = Execution.objects.get()
    assert first["Location"] == second["Location"] == f"/executor/{execution.public_id}"
    assert "Go on" in browser.get("/workflows/").content.decode()


def test_what_a_plan_does_not_include_leads_to_the_plans(
    vera: User, browser_of: Callable[..., Client]
):
    answer = browser_of(vera).post("/workflows/prompt_selling/start", follow=True)

    assert answer.redirect_chain[-1][0] == "/upgrade/"
    assert "comes with the Scale plan ($29.00 a month)" in answer.content.decode()
    assert Execution.objects.count() == 0


def test_a_persons_own_page_shows_theirs_alone_at_a_fixed_cost(
    vera: User,
    carla: User,
    browser_of: Callable[..., Client],
    django_assert_max_num_queries: Any,
):
    for number in range(8):
        execution = make_execution(vera)
        measure = read_measure(metric_type="revenue", value=str(100 + number), currency="USD")
        log_outcome(person=vera, execution=execution, measure=measure)
    stranger = make_execution(carla)
    other = read_measure(metric_type="revenue", value="77777", currency="USD")
    log_outcome(person=carla, execution=stranger, measure=other)

    browser = browser_of(vera)
    with django_assert_max_num_queries(12):
        page = browser.get("/me/").content.decode()

    assert page.count("Log a result") == 8
    assert "$828.00" in page
    assert "77,777" not in page


def test_a_result_of_a_running_run_widens_no_funnel_and_draws_no_chart_alone(
    vera: User, browser_of: Callable[..., Client]
):
    measure = read_measure(metric_type="revenue", value="5", currency="USD")
    log_outcome(person=vera, execution=make_execution(vera), measure=measure)

    answer = browser_of(vera).get("/me/")

    assert [step.display for step in answer.context["funnel"].steps] == ["1", "0", "0"]
    assert answer.context["charts"] == []
    assert "$5.00" in answer.content.decode()


def test_an_empty_page_says_what_to_do(vera: User, browser_of: Callable[..., Client]):
    page = browser_of(vera).get("/me/").content.decode()

    assert "No runs yet" in page


@pytest.mark.parametrize("path", ["/onboarding/", "/workflows/", "/me/", "/upgrade/"])
def test_a_stranger_is_sent_to_sign_in(client: Client, path: str):
    answer = client.get(path)

    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={path}")
