"""The workflows' pages in Spanish: executor, logger, catalogue, onboarding, result, own page."""

from __future__ import annotations

import json
import re
import string
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Profile
from core.errors import ParleyError
from workflows import units
from workflows.models import Outcome
from workflows.page_texts import (
    en,
    es,
    figures_en,
    figures_es,
    people_en,
    people_es,
    say_from_server,
)
from workflows.services.executions import abandon_execution, complete_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.storage import inspection
from workflows.tests.builders import image_bytes, make_execution, pdf_bytes

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = en.TEXTS | people_en.TEXTS | figures_en.TEXTS
SPANISH = es.TEXTS | people_es.TEXTS | figures_es.TEXTS
#: The same in both languages, or a name.
SAME = {"bytes", "step_count"}


@pytest.fixture
def browser(browser_of, vera):
    return browser_of(vera)


def reads(person, language):
    Profile.objects.filter(user=person).update(language=language)


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


class Spoken(HTMLParser):
    """What <main> says in Spanish: without what is marked English, scripts and tags."""

    VOID = frozenset({"input", "img", "meta", "link", "br", "hr"})

    def __init__(self):
        super().__init__()
        self.said = []
        self.silent = []  # whether each open element is silent

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        is_english = found.get("lang") == "en" or tag in ("script", "template", "style")
        silent = (self.silent[-1] if self.silent else tag != "main") or is_english
        silent = silent and tag != "main"
        if not silent:
            names = ("aria-label", "placeholder", "label", "title", "alt")
            self.said += [found[name] for name in names if found.get(name)]
        if tag not in self.VOID:
            self.silent.append(silent)

    def handle_endtag(self, tag):
        if tag not in self.VOID and self.silent:
            self.silent.pop()

    def handle_data(self, data):
        if self.silent and not self.silent[-1]:
            self.said.append(data)


def visible(page):
    reader = Spoken()
    reader.feed(re.sub(r"<use [^>]*/>", "", page))
    return " ".join(" ".join(reader.said).split())


def english_in(text):
    found = []
    for key, english in ENGLISH.items():
        if english == SPANISH[key] or len(english) < 4:
            continue
        pattern = re.sub(r"\\\{\w+\\\}", ".+?", re.escape(english))
        if re.search(rf"(?<!\w){pattern}(?!\w)", text):
            found.append(english)
    return found


def test_both_languages_have_the_same_texts_with_the_same_places():
    assert list(en.TEXTS) == list(es.TEXTS)
    assert list(people_en.TEXTS) == list(people_es.TEXTS)
    assert list(figures_en.TEXTS) == list(figures_es.TEXTS)
    assert len(ENGLISH) == len(en.TEXTS) + len(people_en.TEXTS) + len(figures_en.TEXTS)
    for key, text in ENGLISH.items():
        assert places(text) == places(SPANISH[key]), key
        assert text.strip(), key
        assert SPANISH[key].strip(), key
        assert text != SPANISH[key] or key in SAME, key


def test_every_text_is_used_and_every_text_used_exists():
    """A key nobody says is dead; one that is not there would break a page in one language only."""
    sources = [*(ROOT / "templates/workflows").glob("*.html")]
    sources += [
        *(ROOT / "static/js/workflows").glob("*.js"),
        *(ROOT / "workflows/views").glob("*.py"),
        ROOT / "workflows/reasons.py",
    ]
    text = "\n".join(path.read_text() for path in sources)
    used = set(re.findall(r"\bt\.(\w+)", text)) | set(re.findall(r"\{% say '(\w+)'", text))
    for call in re.findall(r"\bsay\(([^`]*?)[,)]", text):
        used |= set(re.findall(r'"(\w+)"', call)) & set(ENGLISH) or set(
            re.findall(r'^"(\w+)"', call)
        )
    assert used <= set(ENGLISH)
    made = re.compile(
        r"(state|device|metric|review|change|whose|near|far|everybody|own|who|level)_|open_(one|many)_t"
        r"|(workflows|log_result|few_and_borrowed|borrowed_alone)$"
    )
    assert [key for key in ENGLISH if key not in used and not made.match(key)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["in_progress", "completed", "abandoned"])
def test_the_executor_in_spanish_says_nothing_in_english(vera, browser, state):
    reads(vera, "es")
    execution = make_execution(vera)
    if state == "completed":
        save_progress(execution=execution, change=Change(steps_completed=5))
        complete_execution(execution=execution)
    elif state == "abandoned":
        abandon_execution(execution=execution, reason="")

    reads(vera, "en")
    in_english = browser.get(f"/executor/{execution.public_id}").content.decode()
    english = visible(in_english.replace('lang="en"', ""))
    reads(vera, "es")
    page = browser.get(f"/executor/{execution.public_id}").content.decode()

    said = visible(page)
    assert english_in(said) == []
    assert len(english_in(english)) > 20  # the list finds English where it is
    assert es.TEXTS[f"state_{state}"] in said
    assert "Paso 1 de 5" in said
    assert 'lang="es">Currículum con IA</h1>' in page
    handed = re.search(r'<script id="page-texts" type="application/json">(.+?)</script>', page)
    assert json.loads(handed[1])["texts"] == es.TEXTS


@pytest.mark.django_db
def test_the_logger_in_spanish_says_nothing_in_english_and_refuses_in_spanish(vera, browser):
    reads(vera, "es")
    execution = make_execution(vera)
    log_outcome(
        person=vera,
        execution=execution,
        measure=read_measure(metric_type="time_saved", value="3.5", currency="hours"),
        client_op_id="one",
    )

    page = browser.post(
        f"/outcome/{execution.public_id}",
        {"metric_type": "revenue", "value": "muchos", "currency": "EUR", "client_op_id": "two"},
    )

    assert page.status_code == 400
    said = visible(page.content.decode())
    assert english_in(said) == []
    assert "Escribe un número, por ejemplo 1250.50." in said
    assert "3,5 h" in said
    assert 'value="muchos"' in page.content.decode()
    assert Outcome.objects.count() == 1


@pytest.mark.django_db
def test_the_switch_of_the_executor_keeps_the_language_in_the_profile(vera, browser, carla):
    execution = make_execution(vera)
    page = f"/executor/{execution.public_id}"
    assert "Your notes" in browser.get(page).content.decode()

    answer = browser.post(f"{page}/language", {"language": "es"})

    assert (answer.status_code, answer["Location"]) == (302, page)
    assert Profile.objects.get(user=vera).language == "es"
    assert "Tus notas" in browser.get(page).content.decode()
    browser.post(f"{page}/language", {"language": "xx"})
    assert Profile.objects.get(user=vera).language == "es"
    other = make_execution(carla)
    foreign = browser.post(f"/executor/{other.public_id}/language", {"language": "en"})
    assert foreign.status_code == 404
    assert Profile.objects.get(user=vera).language == "es"


@pytest.mark.django_db
def test_the_switch_of_the_logger_keeps_what_is_typed_and_names_the_lost_file(vera, browser):
    execution = make_execution(vera)

    page = browser.post(
        f"/outcome/{execution.public_id}",
        {
            "language": "es",
            "metric_type": "custom",
            "value": "12,5",
            "label": "llamadas",
            "client_op_id": "one",
            "proof": SimpleUploadedFile("p.png", image_bytes(), "image/png"),
        },
    )

    text = page.content.decode()
    assert page.status_code == 200
    assert 'value="12,5"' in text
    assert 'value="llamadas"' in text
    assert "¿Cuánto?" in text
    assert es.TEXTS["choose_again"] in text
    assert not Outcome.objects.exists()


@pytest.mark.django_db
def test_who_has_no_profile_reads_what_the_browser_asks_for(vera, browser):
    execution = make_execution(vera)
    Profile.objects.filter(user=vera).delete()
    page = f"/executor/{execution.public_id}"

    spanish = browser.get(page, headers={"accept-language": "es-MX,es;q=0.9,en;q=0.5"})
    german = browser.get(page, headers={"accept-language": "de"})

    assert "Tus notas" in spanish.content.decode()
    assert "Your notes" in german.content.decode()


@pytest.mark.django_db
def test_signing_up_takes_the_language_of_the_browser(client):
    client.post(
        "/account/signup/",
        {"full_name": "Nuria", "email": "nuria@example.test", "password": "slow-otter-lamp-9"},
        headers={"accept-language": "es-ES,es;q=0.9"},
    )
    assert Profile.objects.get(user__email="nuria@example.test").language == "es"


def refusals():
    """Yield what refuses a value, a unit and a file, as the services do it."""
    usd, dinar = units.read_unit("revenue", "USD"), units.read_unit("revenue", "KWD")
    customers = units.read_unit("customers", "")
    for value, unit in [
        ("x", usd),
        ("-1", usd),
        ("9999999999999", usd),
        ("1.234", usd),
        ("1,250", dinar),
        ("1.5", customers),
    ]:
        yield lambda value=value, unit=unit: units.read_value(value, unit)
    for metric, unit in [
        ("revenue", "?"),
        ("time_saved", "weeks"),
        ("customers", "cats"),
        ("custom", ""),
        ("custom", "x" * 41),
        ("luck", ""),
    ]:
        yield lambda metric=metric, unit=unit: units.read_unit(metric, unit)
    png, pdf = image_bytes(), pdf_bytes()
    for name, content in [
        ("a.png", b""),
        ("", png),
        ("../a.png", png),
        ("x" * 300 + ".png", png),
        ("a.svg", b"<svg/>"),
        ("a.pdf", png),
        ("a.png", png + b"<script>alert(1)</script>"),
        ("a.pdf", pdf + b"x" * 5000),
        ("a.pdf", pdf_bytes(b"/JavaScript")),
        ("a.png", png[:60]),
        ("a.png", b"x" * (inspection.MAX_BYTES + 1)),
    ]:
        yield lambda name=name, content=content: inspection.prepare_proof(content, name)


def test_what_the_services_refuse_is_said_in_spanish():
    said = []
    for refuse in refusals():
        with pytest.raises(ParleyError) as caught:
            refuse()
        said.append((caught.value.detail, say_from_server(caught.value.detail, "es")))
    assert [detail for detail, spanish in said if spanish == detail] == []
    assert "1.234" not in dict(said)
    assert dict(said)["Write 1250 or 1.250: 1,250 could mean either."] == (
        "Escribe 1250 o 1.250: 1,250 podría ser cualquiera de los dos."
    )
    assert say_from_server("Anything else.", "es") == "Anything else."
