"""The page with every number of a recommendation, the plans and paying for one, in Spanish."""

from __future__ import annotations

import re

import pytest

from accounts.models import Profile
from workflows import reasons
from workflows.models import PlanPurchase
from workflows.page_texts import ENGLISH, Words, figures_es
from workflows.ranking import Counts
from workflows.services.aggregation import aggregate_performance
from workflows.services.billing import choose_free_plan
from workflows.tests.builders import set_profile
from workflows.tests.test_page_texts import english_in, visible
from workflows.tests.test_recommendations import PROMPTS, RESUME, live

pytestmark = pytest.mark.django_db

SPANISH = Words("es")
WHY = f"/workflows/{PROMPTS}/why"


@pytest.fixture
def browser(browser_of, vera):
    set_profile(vera, market="freelancer", skill_level="beginner")
    Profile.objects.filter(user=vera).update(language="es")
    return browser_of(vera)


def said_on(answer, status=200):
    assert answer.status_code == status
    page = answer.content.decode()
    assert '<html lang="es"' in page
    said = visible(page)
    assert english_in(said) == []
    return said


def test_why_is_said_in_spanish_with_spanish_numbers(vera, browser):
    for number in range(6):
        live(f"maker{number}", PROMPTS, value="1250.50")
    aggregate_performance()

    said = said_on(browser.get(WHY))

    assert "Vende un paquete de prompts" in said
    assert "Personas como tú (por cuenta propia, principiante): 6 de 6 comienzos" in said
    assert "1.250,50 €" in said
    assert re.search(r"Personas como tú \(por cuenta propia, principiante\) 6 6 0 \d+,\d ", said)
    assert re.search(r"\d+ % de \d+ a \d+ ", said)
    assert "Otras personas del mercado «por cuenta propia»" in said
    # The same page in English, for the same person.
    english = browser.get(f"{WHY}?lang=en").content.decode()
    assert "Users like you (freelancer, beginner)" in english
    assert "€1,250.50" in english
    assert "The rules" in english


def test_why_says_what_is_not_known_yet(vera, browser):
    set_profile(vera)

    said = said_on(browser.get(f"/workflows/{RESUME}/why"))

    assert "Otras personas de tu mercado (sin indicar)" in said
    assert "Los valores se muestran a partir de 5 personas" in said
    assert "Todavía no se ha contado nada" in said


def test_plans_are_offered_paid_and_given_back_in_spanish(vera, browser):
    offered = said_on(browser.get("/upgrade/"))
    assert "Starter Tu plan Gratis" in offered
    assert "9,00 US$ al mes" in offered
    assert "Tus últimos 1.000 intentos y resultados en tu página" in offered
    chosen = browser.post("/upgrade/", {"plan": "pro"})
    paying = said_on(browser.get(chosen["Location"]))
    assert "Pagar Pro" in paying
    assert "9,00 US$ al mes, hasta que cambies de plan" in paying
    paid = said_on(browser.post(chosen["Location"], follow=True))
    assert "Ya tienes el plan Pro." in paid
    assert "Esto ya está pagado" in said_on(browser.get(chosen["Location"]))
    larger = browser.get("/upgrade/").content.decode()
    assert 'data-confirm="¿Pasar a Starter?"' in larger
    assert 'data-confirm-cancel="Cancelar"' in larger
    back = said_on(browser.post("/upgrade/", {"plan": "starter"}, follow=True))
    assert "Ya tienes el plan Starter. Lo que has empezado lo puedes terminar." in back
    assert "Esta compra ha terminado" in said_on(browser.get(chosen["Location"]))


def test_what_is_refused_about_plans_is_said_in_spanish(vera, browser):
    unknown = said_on(browser.post("/upgrade/", {"plan": "gold"}, follow=True))
    assert "Elige uno de los planes de abajo." in unknown
    locked = said_on(browser.post(f"/workflows/{PROMPTS}/start", follow=True))
    assert "viene con el plan Scale (29,00 US$ al mes)" in locked
    url = browser.post("/upgrade/", {"plan": "pro"})["Location"]
    browser.post(url)
    assert "Ya tienes el plan Pro." in said_on(
        browser.post("/upgrade/", {"plan": "pro"}, follow=True)
    )
    choose_free_plan(person=vera)
    assert PlanPurchase.objects.get().state == "ended"
    assert "Esta compra ha terminado. Elige un plan otra vez." in said_on(
        browser.post(url, follow=True)
    )


def test_numbers_are_written_as_the_language_writes_them():
    assert ENGLISH.say_number(1234567.891, 2) == "1,234,567.89"
    assert SPANISH.say_number(1234567.891, 2) == "1.234.567,89"
    assert SPANISH.say_value(125050, "revenue", "EUR") == "1.250,50\u00a0€"
    assert SPANISH.say_value(1250500, "time_saved", "hours") == "1.250,5 h"
    assert ENGLISH.say_value(1250500, "time_saved", "hours") == "1,250.5 hours"
    assert SPANISH.say_value(1, "customers", "customers") == "1 cliente"
    # Somebody's own label is theirs, whatever it reads like.
    assert SPANISH.say_value(3000, "custom", "hours", "hours") == "3 hours"
    grounds = reasons.Grounds(
        market_label="Student",
        skill_label="Beginner",
        cohort=Counts(1500, 2000),
        market=Counts(1500, 2000),
        overall=Counts(1500, 2000),
        score=0.75,
        low=0.7,
        high=0.8,
    )
    assert "1.500 de 2.000 comienzos" in reasons.say_reason(grounds, SPANISH)


def test_every_rule_of_the_page_is_told_in_spanish(browser):
    said = said_on(browser.get(WHY))
    for key, text in figures_es.TEXTS.items():
        if key.startswith("rule"):
            assert " ".join(text.split()) in said
