import re

import pytest
from django.http import HttpRequest
from django.test import Client

from accounts.models import Role
from accounts.tests.factories import add_member, make_company
from config.home import (
    build_pay_curve,
    existing_path,
    home_context,
    list_capabilities,
)
from surveys.models import Survey, SurveyStatus, SurveyVersion
from surveys.tests.builders import make_survey


def test_home_page_works_on_an_empty_database(client: Client, db):
    answer = client.get("/")

    assert answer.status_code == 200
    html = answer.content.decode()
    assert "No demo survey here yet" in html
    assert "Answer the demo survey" not in html


def test_home_page_asks_little_of_the_database(client: Client, db, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        client.get("/")


def test_home_page_has_no_dead_link(client: Client, db):
    html = client.get("/").content.decode()

    targets = set(re.findall(r'<a [^>]*href="([^"#]*)"', html))
    assert "" not in targets
    for target in sorted(targets):
        assert client.get(target).status_code in (200, 302), target


@pytest.fixture
def demo_survey(ana):
    company = make_company("Demo", owner=ana, is_demo=True, slug="demo")
    survey = Survey.objects.create(company=company, publishable_key="pk_home", budget_minor=1000)
    version = SurveyVersion.objects.create(
        survey=survey,
        number=1,
        title="Checkout",
        questions=[],
        payment_min_minor=500,
        payment_max_minor=2000,
        consent_text="Consent",
        languages=["en-GB"],
    )
    survey.current_version = version
    survey.save()
    return survey


def test_only_an_open_survey_of_the_demo_company_is_offered(demo_survey):
    assert home_context(HttpRequest())["survey_url"] == f"/s/{demo_survey.public_id}"

    Survey.objects.filter(pk=demo_survey.pk).update(status=SurveyStatus.PAUSED)
    assert home_context(HttpRequest())["survey_url"] == ""


def test_the_page_offers_a_survey_in_its_own_language(demo_survey, client):
    """The demo's newest is in Spanish; the page is in English."""
    newest = make_survey(demo_survey.company, languages=["es"])
    assert newest.created_at > demo_survey.created_at

    assert f'href="/s/{demo_survey.public_id}"' in client.get("/").content.decode()
    assert f'data-survey="{demo_survey.public_id}"' in client.get("/demo/host/").content.decode()


def test_the_owners_address_is_shown_in_a_demo_and_nowhere_else(client, settings, demo_survey):
    settings.DEMO = False
    assert home_context(HttpRequest())["demo_login"] is None
    assert "ana@acme.test" not in client.get("/").content.decode()

    settings.DEMO = True
    assert home_context(HttpRequest())["demo_login"] == "ana@acme.test"


def test_a_path_is_linked_only_while_something_answers_there():
    assert existing_path("/health") == "/health"
    assert existing_path("/no/such/page") == ""


def test_a_part_that_does_not_exist_is_named_as_coming(client: Client, db):
    coming = [part for part in list_capabilities("") if not part.url]

    html = client.get("/").content.decode()

    assert html.count('class="thread__part thread__part--coming"') == len(coming)
    assert html.count("Coming") == len(coming)


def test_pay_curve_is_what_the_paying_function_says():
    rows = {row.label: row.display for row in build_pay_curve().rows}

    assert rows["0"] == "$0.00"
    assert rows["25"] == "$5.00"
    assert rows["50"] == "$5.00"
    assert rows["55"] == "$6.50"
    assert rows["85"] == "$15.50"
    assert rows["100"] == "$20.00"


def test_a_visitor_is_offered_to_log_in_and_no_console(client: Client, db):
    html = client.get("/").content.decode()

    assert ">Log in<" in html
    assert "Account menu" not in html


def test_an_owner_sees_her_company_and_the_console(browser_of, ana, acme):
    html = browser_of(ana).get("/").content.decode()

    assert "Account menu of Ana Ruiz" in html
    assert '<span class="brand__company">Acme</span>' in html
    assert '<a class="topnav__link" href="/console/"' in html
    assert ">Log in<" not in html


def test_an_operator_sees_no_console_in_the_navigation(browser_of, vera, acme):
    add_member(acme, vera, Role.OPERATOR)

    html = browser_of(vera).get("/").content.decode()

    assert '<span class="brand__company">Acme</span>' in html
    assert '<a class="topnav__link" href="/console/"' not in html


@pytest.mark.parametrize("path", ["/", "/styleguide/"])
def test_pages_only_show_themselves_when_asked(client: Client, db, path):
    assert client.post(path).status_code == 405


def test_styleguide_is_for_development_alone(client: Client, db, settings):
    assert client.get("/styleguide/").status_code == 404

    settings.DEBUG = True
    answer = client.get("/styleguide/")

    assert answer.status_code == 200
    assert "chart__plot" in answer.content.decode()
