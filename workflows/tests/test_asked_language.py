"""Pages of workflows asked for in a language by their address (`?lang=`)."""

from __future__ import annotations

import re

import pytest

from accounts.models import Profile
from workflows.models import Execution, Outcome
from workflows.services.outcomes import log_outcome, read_measure
from workflows.tests.builders import make_execution, set_profile

pytestmark = pytest.mark.django_db

#: Pages that know the language of an address, and two words of each.
PAGES = {
    "/workflows/": ("All workflows", "Todos los flujos de trabajo"),
    "/onboarding/": ("Who are you?", "¿Quién eres?"),
    "/me/": ("My runs and results", "Mis intentos y resultados"),
    "/upgrade/": ("Your plan", "Tu plan"),
    "/workflows/resume_generator/why": ("The rules", "Las reglas"),
    "executor": ("Your notes", "Tus notas"),
    "outcome": ("What came of it?", "¿Qué has conseguido?"),
    "result": ("Save the correction", "Guardar la corrección"),
}
#: Addresses of what has no language: files, actions, switches, other parts of the product.
PLAIN = re.compile(r"^(/static|/account|/proof|/api|/demo|/wallet|/console|/$|/executor/\w+/video)")


@pytest.fixture
def addresses(vera):
    set_profile(vera, market="creator", skill_level="beginner")
    execution = make_execution(vera)
    measure = read_measure(metric_type="customers", value="2", currency="")
    outcome, _ = log_outcome(person=vera, execution=execution, measure=measure)
    return {
        "executor": f"/executor/{execution.public_id}",
        "outcome": f"/outcome/{execution.public_id}",
        "result": f"/result/{outcome.public_id}",
    }


@pytest.mark.parametrize("name", PAGES)
def test_the_address_goes_before_the_profile_and_nothing_is_kept(vera, browser_of, addresses, name):
    path, (english, spanish) = addresses.get(name, name), PAGES[name]
    browser = browser_of(vera)

    for own in ("en", "es"):
        Profile.objects.filter(user=vera).update(language=own)
        assert spanish in browser.get(f"{path}?lang=es").content.decode()
        assert english in browser.get(f"{path}?lang=en").content.decode()
        usual = browser.get(f"{path}?lang=xx").content.decode()
        assert (spanish if own == "es" else english) in usual
        assert Profile.objects.get(user=vera).language == own


@pytest.mark.parametrize("name", PAGES)
def test_links_of_a_page_that_was_asked_for_in_a_language_keep_it(
    vera, browser_of, addresses, name
):
    page = browser_of(vera).get(f"{addresses.get(name, name)}?lang=es").content.decode()
    main = re.search(r"<main.*</main>", page, re.S)[0]

    found = [
        address
        for address in re.findall(r'<a [^>]*?href="(/[^"#]*)"', main)
        if not PLAIN.match(address)
    ]
    assert found or name == "/upgrade/"
    assert [address for address in found if "?lang=es" not in address] == []
    bare = browser_of(vera).get(addresses.get(name, name)).content.decode()
    assert "lang=es" not in bare


def test_whoever_is_not_signed_in_comes_back_to_the_language_they_asked_for(client, vera):
    asked = client.get("/workflows/?lang=es")
    assert asked["Location"] == "/account/login/?next=/workflows/%3Flang%3Des"

    page = client.get(asked["Location"]).content.decode()
    assert "next=/workflows/%3Flang%3Des" in page  # to sign up goes the same way
    client.force_login(vera)
    came = client.get(asked["Location"], follow=True)
    assert came.redirect_chain[-1][0] == "/workflows/?lang=es"
    assert "Todos los flujos de trabajo" in came.content.decode()


def test_what_is_done_on_a_page_leads_on_in_its_language(vera, browser_of):
    browser = browser_of(vera)

    answered = browser.post(
        "/onboarding/?lang=es", {"market": "student", "skill_level": "advanced"}
    )
    page = browser.get(answered["Location"]).content.decode()
    start = re.search(r'action="(/workflows/resume_generator/start[^"]*)"', page)[1]
    started = browser.post(start)
    run = Execution.objects.get()
    logged = browser.post(
        f"/outcome/{run.public_id}?lang=es",
        {"metric_type": "customers", "value": "2", "client_op_id": "one"},
    )
    refused = browser.post("/workflows/prompt_selling/start?lang=es")

    assert answered["Location"] == "/workflows/?lang=es"
    assert started["Location"] == f"/executor/{run.public_id}?lang=es"
    outcome = Outcome.objects.get()
    assert logged["Location"] == f"/outcome/{run.public_id}?logged={outcome.public_id}&lang=es"
    assert refused["Location"] == "/upgrade/?lang=es"
    shown = browser.get(f"/outcome/{run.public_id}?lang=es")
    assert shown.context["logger_settings"]["query"] == "?lang=es"


def test_the_switch_goes_before_what_the_address_says(vera, browser_of, addresses):
    browser = browser_of(vera)

    page = browser.post(f"{addresses['outcome']}?lang=es", {"language": "en", "value": "7"})
    assert "What came of it?" in page.content.decode()
    for path in ("/workflows/", "/me/"):
        shown = browser.get(f"{path}?lang=es").content.decode()
        assert f'<input type="hidden" name="next" value="{path}">' in shown
