"""What stands first in the catalogue: for a newcomer, between two runs, in a repeat, and after."""

from __future__ import annotations

import re

import pytest

from accounts.models import Profile
from workflows.page_texts import Words
from workflows.services.executions import pause_execution
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import make_execution, set_profile
from workflows.tests.test_page_texts import Spoken
from workflows.tests.test_pages_in_spanish import finish

pytestmark = pytest.mark.django_db

ENGLISH = Words("en")


@pytest.fixture
def show(browser_of, vera):
    """Return a function that reads the catalogue: its context, and what <main> says in order."""
    set_profile(vera, market="creator", skill_level="beginner", plan="scale")

    def read(language="en"):
        Profile.objects.filter(user=vera).update(language=language)
        answer = browser_of(vera).get("/workflows/")
        reader = Spoken()
        page = re.sub(r"<use [^>]*/>", "", answer.content.decode())
        reader.feed(page.replace('lang="en"', ""))
        return answer.context, " ".join(" ".join(reader.said).split())

    return read


def do_steps(person, steps, workflow="resume_generator"):
    execution = make_execution(person, workflow)
    if steps:
        save_progress(execution=execution, change=Change(steps_completed=steps))
    return execution


def order_of(said, *parts):
    places = [said.index(part) for part in parts]
    return places == sorted(places)


def test_a_newcomer_is_asked_two_questions_and_recommended_where_to_begin(show, vera):
    Profile.objects.filter(user=vera).update(market=None, skill_level=None)

    context, said = show()

    assert context["going"] == []
    assert order_of(said, ENGLISH.say("two_questions_title"), "To start with", "All workflows")
    assert "Go on" not in said
    assert ENGLISH.say("all_done_title") not in said


@pytest.mark.parametrize(
    ("language", "first", "then"),
    [
        (
            "en",
            "Go on with AI Resume Generator : step 3 of 5",
            "Go on with WhatsApp Business Bot : every step is done",
        ),
        (
            "es",
            "Sigue con Currículum con IA : paso 3 de 5",
            "Sigue con Bot de WhatsApp para tu negocio : todos los pasos hechos",
        ),
    ],
)
def test_who_is_in_two_runs_goes_on_with_the_last_one_first(show, vera, language, first, then):
    pause_execution(execution=do_steps(vera, 4, "whatsapp_bot"))
    newest = do_steps(vera, 2)

    context, said = show(language)

    assert [run.workflow.name for run in context["going"]] == ["resume_generator", "whatsapp_bot"]
    lead = Words(language).say("catalogue_lead")
    everything = Words(language).say("all_workflows")
    assert order_of(said, lead, first, then, everything)
    when = f"{Words(language).say('last_worked_on')} {newest.last_active_at.day} "
    assert said.index(first) < said.index(when) < said.index(then)
    assert said.count(Words(language).say("state_paused") + " ·") == 1
    # What is open is not recommended beside it; what is not, is.
    assert [pick.workflow.name for pick in context["picks"]] == ["prompt_selling"]


def test_more_open_runs_than_fit_stand_on_the_own_page(show, vera, monkeypatch):
    monkeypatch.setattr("workflows.views.catalogue.MOST_OPEN_RUNS", 1)
    do_steps(vera, 1, "whatsapp_bot")
    do_steps(vera, 1)

    context, said = show()

    assert [run.workflow.name for run in context["going"]] == ["resume_generator"]
    assert ENGLISH.say("all_runs") in said


def test_during_a_repeat_nobody_is_told_that_everything_is_finished(show, vera):
    Profile.objects.filter(user=vera).update(plan="starter")
    finish(vera, "resume_generator")
    _, said = show()
    assert ENGLISH.say("all_done_title") in said
    do_steps(vera, 2)

    _, said = show()

    assert ENGLISH.say("all_done_title") not in said
    assert ENGLISH.say("all_done_again") not in said
    assert "Go on with AI Resume Generator : step 3 of 5" in said


def test_a_run_of_what_was_taken_out_is_still_gone_on_with(show, vera):
    run = do_steps(vera, 1)
    run.workflow.is_active = False
    run.workflow.save()

    context, said = show()

    assert [one.pk for one in context["going"]] == [run.pk]
    assert "step 2 of 5" in said
    assert "resume_generator" not in [one.workflow.name for one in context["entries"]]
