"""An owner links a survey of theirs to a workflow; who may not, and what is refused."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from surveys.models import SurveyStatus
from surveys.tests.builders import make_survey
from workflows.models import Workflow
from workflows.services.executions import complete_execution
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import STARTER, make_execution, starter_workflow

pytestmark = pytest.mark.django_db
PAGE = "/workflows/interviews/"


def give_right(person):
    """As an administrator does: by a group."""
    group, _ = Group.objects.get_or_create(name="Catalogue")
    group.permissions.set(Permission.objects.filter(codename="change_workflow"))
    person.groups.add(group)


@pytest.fixture
def owner(ana, acme, browser_of):
    give_right(ana)
    return browser_of(ana)


def link(browser, survey, workflow=STARTER):
    return browser.post(PAGE, {"workflow": workflow, "survey": survey and survey.public_id})


def test_an_owner_links_a_survey_and_whoever_finishes_is_invited(owner, acme, vera, browser_of):
    survey = make_survey(acme)

    answer = link(owner, survey)

    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    page = owner.get(PAGE).content.decode()
    assert f'href="/console/surveys/{survey.public_id}/"' in page
    assert "Take away" in page
    execution = make_execution(vera)
    save_progress(execution=execution, change=Change(steps_completed=5))
    complete_execution(execution=execution)
    offered = browser_of(vera).get(f"/executor/{execution.public_id}").content.decode()
    assert f'href="/s/{survey.public_id}" data-offer' in offered

    assert link(owner, "").status_code == 302

    assert starter_workflow().feedback_survey is None
    assert "data-offer" not in browser_of(vera).get(f"/executor/{execution.public_id}").text


def test_an_owner_without_the_right_reads_and_changes_nothing(ana, acme, browser_of):
    survey = make_survey(acme)
    browser = browser_of(ana)

    page = browser.get(PAGE).content.decode()
    refused = link(browser, survey)

    assert "You can look, not change" in page
    assert 'name="survey"' not in page
    assert refused.status_code == 403
    assert "An administrator of this installation gives it." in refused.content.decode()
    assert starter_workflow().feedback_survey is None


def test_members_and_visitors_do_not_find_the_page(owner, beto, vera, browser_of, client):
    give_right(beto)

    assert browser_of(beto).get(PAGE).status_code == 404
    assert browser_of(vera).get(PAGE)["Location"] == "/account/company/new/"
    assert client.get(PAGE)["Location"] == f"/account/login/?next={PAGE}"
    home = browser_of(beto).get("/console/").content.decode()
    assert PAGE not in home
    assert PAGE in owner.get("/console/").content.decode()


def test_another_companys_link_is_neither_shown_nor_taken(owner, acme, globex, carla, browser_of):
    theirs = make_survey(globex, title="Secret plans of Globex")
    Workflow.objects.filter(name=STARTER).update(feedback_survey=theirs)
    mine = make_survey(acme)

    page = owner.get(PAGE).content.decode()

    assert "Another company's interview follows this workflow." in page
    assert "Secret plans" not in page
    for survey in (mine, ""):
        refused = link(owner, survey)
        assert refused.status_code == 409
        assert starter_workflow().feedback_survey == theirs
    # A survey of another company is none at all.
    assert link(owner, theirs, "whatsapp_bot").status_code == 404


@pytest.mark.parametrize("status", [SurveyStatus.DRAFT, SurveyStatus.CLOSED])
def test_what_takes_no_answers_is_refused_and_not_offered(owner, acme, status):
    survey = make_survey(acme)
    survey.status = status
    survey.save()

    assert survey.public_id not in owner.get(PAGE).content.decode()
    refused = link(owner, survey)

    assert refused.status_code == 409
    assert "Open this survey first" in refused.content.decode()
    assert starter_workflow().feedback_survey is None


def test_a_workflow_that_is_not_there_is_none(owner, acme):
    survey = make_survey(acme)
    Workflow.objects.filter(name="whatsapp_bot").update(is_active=False)

    assert link(owner, survey, "whatsapp_bot").status_code == 404
    assert link(owner, survey, "nothing").status_code == 404


def test_the_page_costs_a_fixed_number_of_queries(owner, acme, django_assert_max_num_queries):
    for _ in range(4):
        link(owner, make_survey(acme))

    with django_assert_max_num_queries(12):
        owner.get(PAGE)
