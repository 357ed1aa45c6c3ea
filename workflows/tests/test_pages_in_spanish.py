"""The catalogue, onboarding, result and own page in Spanish, and the switch that chooses it."""

from __future__ import annotations

import pytest

from accounts.models import Profile
from workflows.models import Outcome, Workflow
from workflows.page_texts import Words
from workflows.services.executions import complete_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import make_execution, set_profile
from workflows.tests.test_page_texts import SPANISH, english_in, visible

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(browser_of, vera):
    set_profile(vera, market="creator", skill_level="beginner")
    Profile.objects.filter(user=vera).update(language="es")
    return browser_of(vera)


def log_hours(person, execution):
    measure = read_measure(metric_type="time_saved", value="3.5", currency="hours")
    return log_outcome(person=person, execution=execution, measure=measure)[0]


def page_of(browser, path):
    # As it was sent: `visible` makes one space of all there are.
    return browser.get(path).content.decode()


def said_on(browser, path, status=200, **sent):
    answer = browser.post(path, sent) if sent else browser.get(path)
    assert answer.status_code == status
    said = visible(answer.content.decode())
    assert english_in(said) == [], path
    return said


def test_the_catalogue_says_nothing_in_english(vera, browser):
    said = said_on(browser, "/workflows/")

    assert "Para ti: creación de contenidos, principiante" in said
    assert "Todavía no hay resultados de personas como tú (creación de contenidos" in said
    assert "Pro, 9,00\u00a0US$ al mes" in page_of(browser, "/workflows/")
    make_execution(vera)
    said = said_on(browser, "/workflows/")
    assert "Sigue con Currículum con IA : paso 1 de 5" in said
    assert "0 de 5 hechos" in said


def test_onboarding_asks_and_refuses_in_spanish(browser):
    said = said_on(browser, "/onboarding/", market="banker", status=400)

    assert "¿Qué te describe mejor?" in said
    assert "Creación de contenidos" in said
    assert SPANISH["who_market_missing"] in said
    assert SPANISH["who_skill_missing"] in said


def test_a_result_is_refused_corrected_and_taken_back_in_spanish(vera, browser):
    outcome = log_hours(vera, make_execution(vera))
    page = f"/result/{outcome.public_id}"
    form = {"metric_type": "time_saved", "time_unit": "hours", "seen": "1"}

    refused = said_on(browser, page, status=400, **form, value="-1")
    assert "El valor no puede ser negativo." in refused
    assert browser.post(page, {**form, "value": "4"}).status_code == 302
    corrected = said_on(browser, page)
    assert SPANISH["saved_said"] in corrected
    assert "3,5 h pasó a ser 4 h" in corrected
    stale = said_on(browser, page, status=409, **form, value="5")
    assert "entretanto en otra ventana" in stale
    silent = said_on(browser, f"{page}/void", status=400, reason=" ", seen="2")
    assert SPANISH["why_missing"] in silent
    browser.post(f"{page}/void", {"reason": "dos veces", "seen": "2"})
    voided = said_on(browser, page)
    assert SPANISH["taken_back_said"] in voided
    assert "dos veces" in voided
    assert Outcome.objects.get().is_void


def test_the_own_page_says_nothing_in_english(vera, browser):
    assert SPANISH["no_runs_title"] in said_on(browser, "/me/")
    log_hours(vera, make_execution(vera))

    said = said_on(browser, "/me/")

    assert "Eres: creación de contenidos, principiante." in said
    assert "Tiempo ahorrado" in said
    assert "3,5 h" in said
    assert "0 de 5" in said


def test_the_switch_keeps_the_language_and_comes_back_to_the_page(vera, browser):
    answer = browser.post("/workflows/language", {"language": "en", "next": "/me/"})

    assert (answer.status_code, answer["Location"]) == (302, "/me/")
    assert "My runs and results" in browser.get("/me/").content.decode()
    for elsewhere in ("https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)"):
        answer = browser.post("/workflows/language", {"language": "es", "next": elsewhere})
        assert answer["Location"] == "/workflows/"
    browser.post("/workflows/language", {"language": "xx", "next": "/me/"})
    assert Profile.objects.get(user=vera).language == "es"
    assert browser.get("/workflows/language").status_code == 405


def test_a_language_nobody_speaks_yet_reads_what_was_written(vera):
    assert Words("es").say_from_server("musician") == "musician"


def finish(person, name):
    execution = make_execution(person, name)
    save_progress(execution=execution, change=Change(steps_completed=execution.total_steps))
    complete_execution(execution=execution)


@pytest.mark.parametrize("language", ["en", "es"])
def test_with_nothing_left_the_catalogue_says_so_and_where_to_go_on(vera, browser, language):
    Profile.objects.filter(user=vera).update(language=language)
    finish(vera, "resume_generator")

    answer = browser.get("/workflows/")

    words = Words(language)
    page = answer.content.decode()
    said = visible(page.replace('lang="en"', ""))
    assert answer.context["picks"] == []
    assert words.say("all_done_title") in said
    # What a larger plan would bring, best first, each with its price and its reason.
    locked = [entry.workflow.name for entry in answer.context["locked"]]
    assert locked == ["whatsapp_bot", "prompt_selling"]
    assert words.say("price_a_month", plan="Pro", price=words.say_price(900, "USD")) in page
    assert f'<a lang="{language}" href="/workflows/whatsapp_bot/why">' in page
    assert page.count('action="/workflows/resume_generator/start"') == 2  # here and in the list
    assert words.say("again") in said
    assert browser.post("/workflows/resume_generator/start").status_code == 302


def test_with_everything_finished_the_ranking_stays_and_says_that_it_is_again(vera, browser):
    Profile.objects.filter(user=vera).update(plan="scale", language="en")
    for name in Workflow.objects.values_list("name", flat=True):
        finish(vera, name)

    answer = browser.get("/workflows/")

    assert [pick.is_again for pick in answer.context["picks"]] == [True, True, True]
    page = answer.content.decode()
    assert page.count("You finished this one.") == 3
    assert Words("en").say("all_done_title") not in page
