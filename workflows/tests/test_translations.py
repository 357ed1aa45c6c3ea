"""Guides in more than one language: in the file, in versions, on the pages and over the API."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser

import pytest

from accounts.models import Profile
from workflows.catalogue_file import CATALOGUE_FILE, CatalogueRefusedError, read_catalogue
from workflows.models import WorkflowVersion
from workflows.services.catalogue import load_workflows
from workflows.services.executions import complete_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import STARTER, fresh, make_execution, starter_workflow
from workflows.tests.test_page_texts import visible

pytestmark = pytest.mark.django_db

PLACE = "workflows.resume_generator.translations"
SPANISH = "Currículum con IA"


@pytest.fixture
def catalogue(tmp_path):
    """Return a function that writes the shipped catalogue, its first guide changed, to a file."""
    shipped = json.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))

    def write(change):
        document = copy.deepcopy(shipped)
        change(document["workflows"][STARTER]["translations"])
        path = tmp_path / "workflows.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


def reads(person, language):
    Profile.objects.filter(user=person).update(language=language)


def english_page(browser, path):
    # What is marked English is heard too.
    return browser.get(path).content.decode().replace('lang="en"', "")


class Languages(HTMLParser):
    """The language each text of <main> says it is in."""

    VOID = frozenset({"input", "img", "meta", "link", "br", "hr", "use"})

    def __init__(self):
        super().__init__()
        self.open = []
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            outer = self.open[-1] if self.open else ("", "")
            self.open.append((tag, dict(attrs).get("lang") or outer[1]))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            self.open.pop()

    def handle_data(self, data):
        tag, language = self.open[-1] if self.open else ("", "")
        if tag not in ("script", "title", "style"):
            self.found.append((data, language))


def languages_of(text, page):
    reader = Languages()
    reader.feed(re.sub(r"<use [^>]*/>", "", page))
    return {language for data, language in reader.found if text in data}


def forget_translations():
    # Past the services: what a version says never changes otherwise.
    WorkflowVersion.objects.update(translations={})


def test_every_shipped_guide_is_written_in_spanish_step_by_step():
    for one in read_catalogue():
        spanish = one.translations["es"]
        assert spanish["title"] != one.title
        assert len(spanish["description"]) > 40
        for own, said in zip(one.steps, spanish["steps"], strict=True):
            assert said["number"] == own["number"]
            assert said["title"] != own["title"]
            # As much is said: a sentence left out would show.
            for field in ("description", "tips"):
                assert 0.8 < len(said[field]) / len(own[field]) < 1.6, (one.name, own["number"])


@pytest.mark.parametrize(
    ("change", "where", "why"),
    [
        (lambda t: t["es"]["steps"].pop(2), f"{PLACE}.es.steps", "step 3 is missing"),
        (
            lambda t: t["es"]["steps"].append({**t["es"]["steps"][4], "number": 6}),
            f"{PLACE}.es.steps[5].number",
            "must be one of 5",
        ),
        (lambda t: t["es"]["steps"].reverse(), f"{PLACE}.es.steps[0].number", "is 5, must be 1"),
        (
            lambda t: t["es"]["steps"][1].update(estimated_time="15 min"),
            f"{PLACE}.es.steps[1].estimated_time",
            "the workflow says '10 min'",
        ),
        (lambda t: t["es"]["steps"][3].update(tips=" "), f"{PLACE}.es.steps[3].tips", "match"),
        (lambda t: t["es"]["steps"][3].pop("title"), f"{PLACE}.es.steps[3]", "title"),
        (lambda t: t["es"].pop("description"), f"{PLACE}.es", "description"),
        (lambda t: t["es"].update(tier="pro"), f"{PLACE}.es", "tier"),
        (lambda t: t.update(en=t["es"]), PLACE, "en"),
        (lambda t: t.update(Spanish=t["es"]), PLACE, "Spanish"),
        (lambda t: t.clear(), PLACE, "non-empty"),
    ],
)
def test_a_broken_translation_is_refused_with_the_place_and_the_last_good_one_stays(
    catalogue, change, where, why
):
    before = list(WorkflowVersion.objects.order_by("pk").values())

    with pytest.raises(CatalogueRefusedError) as refused:
        load_workflows(path=catalogue(change))

    assert refused.value.faults[0].place == where
    assert why in refused.value.faults[0].reason
    assert list(WorkflowVersion.objects.order_by("pk").values()) == before
    assert starter_workflow().current_version.guide("es").title == SPANISH


def test_a_guide_without_translations_is_as_good_as_before(catalogue):
    path = catalogue(lambda translations: None)
    document = json.loads(path.read_text())
    del document["workflows"][STARTER]["translations"]
    path.write_text(json.dumps(document))

    load_workflows(path=path)

    version = starter_workflow().current_version
    assert version.guide("es") == version.guide("en")
    assert version.guide("es").language == "en"


def test_a_changed_translation_opens_a_version_and_a_run_keeps_its_own(catalogue, vera, browser_of):
    execution = make_execution(vera)

    report = load_workflows(path=catalogue(lambda t: t["es"].update(title="Tu currículum")))

    assert report.changed == [STARTER]
    assert starter_workflow().current_version.number == 2
    assert fresh(execution).version.guide("es").title == SPANISH
    assert make_execution(vera).version.guide("es").title == "Tu currículum"
    # Only those whose words changed hear of a revision.
    page = f"/executor/{execution.public_id}"
    assert "has been revised" not in visible(english_page(browser_of(vera), page))
    reads(vera, "es")
    assert "se ha revisado" in visible(browser_of(vera).get(page).content.decode())


def test_a_step_keeps_what_no_language_changes(vera):
    version = make_execution(vera).version
    for own, said in zip(version.steps, version.guide("es").steps, strict=True):
        assert said.keys() == own.keys()
        assert (said["number"], said["required"]) == (own["number"], own["required"])


@pytest.mark.parametrize("is_translated", [True, False])
def test_every_page_shows_the_guide_in_spanish_or_says_that_it_is_english(
    vera, browser_of, is_translated
):
    reads(vera, "es")
    if not is_translated:
        forget_translations()
    execution = make_execution(vera)
    measure = read_measure(metric_type="customers", value="2", currency="")
    outcome, _ = log_outcome(person=vera, execution=execution, measure=measure)
    language, title = ("es", SPANISH) if is_translated else ("en", "AI Resume Generator")
    other = "AI Resume Generator" if is_translated else SPANISH

    for path in (
        "/workflows/",
        f"/executor/{execution.public_id}",
        f"/outcome/{execution.public_id}",
        f"/result/{outcome.public_id}",
        "/me/",
    ):
        page = browser_of(vera).get(path).content.decode()
        assert languages_of(title, page) == {language}, path
        assert other not in page, path


def test_the_executor_shows_every_word_of_every_step_in_spanish(vera, browser_of):
    reads(vera, "es")
    execution = make_execution(vera)

    answer = browser_of(vera).get(f"/executor/{execution.public_id}")

    said = visible(answer.content.decode())
    for step in execution.version.translations["es"]["steps"]:
        for field in ("title", "description", "tips", "estimated_time"):
            assert step[field] in said
    settings = answer.context["executor_settings"]["execution"]
    assert (settings["language"], settings["workflow_title"]) == ("es", SPANISH)
    assert settings["step"]["title"] == "Reúne tus datos"
    assert [one["title"] for one in settings["steps"]] == [
        one["title"] for one in execution.version.translations["es"]["steps"]
    ]


def test_the_api_answers_in_the_language_of_the_address_the_profile_or_the_browser(vera, api_of):
    client = api_of(vera)
    execution = make_execution(vera)
    path = f"/api/execution/{execution.public_id}"
    english, spanish = ("en", "Gather your facts"), ("es", "Reúne tus datos")

    def step_of(answer):
        body = answer.json()
        return body["language"], body["step"]["title"]

    assert step_of(client.get(path)) == english
    assert step_of(client.get(f"{path}?lang=es")) == spanish
    reads(vera, "es")
    assert step_of(client.get(path)) == spanish
    assert step_of(client.get(path, headers={"accept-language": "en"})) == spanish
    assert step_of(client.get(f"{path}?lang=en")) == english
    assert step_of(client.get(f"{path}?lang=xx")) == spanish
    Profile.objects.filter(user=vera).delete()
    assert step_of(client.get(path, headers={"accept-language": "es-MX"})) == spanish
    assert step_of(client.get(path, headers={"accept-language": "de"})) == english


def test_progress_and_every_move_answer_with_the_step_in_spanish(vera, api_of):
    reads(vera, "es")
    client = api_of(vera)
    started = client.post("/api/execution", {"workflow_name": STARTER}, format="json").json()
    path = f"/api/execution/{started['execution_id']}"

    saved = client.put(f"{path}/progress", {"steps_completed": 1, "rev": 1}, format="json").json()
    stale = client.put(f"{path}/progress", {"steps_done": [], "rev": 1}, format="json").json()
    beat = client.post(f"{path}/heartbeat").json()
    paused = client.post(f"{path}/pause").json()

    assert started["steps"][0]["title"] == "Reúne tus datos"
    assert started["steps"][0].keys() == {
        *("number", "title", "description", "tips", "estimated_time", "required")
    }
    for one in (saved, stale["execution"], beat, paused):
        assert one["step"]["title"] == "Da instrucciones a la IA"


def test_the_catalogue_and_the_recommendations_of_the_api_are_in_spanish(vera, api_of):
    reads(vera, "es")
    client = api_of(vera)

    listed = client.get("/api/workflows").json()[0]
    found = client.get("/api/recommendations").json()
    figures = client.get(f"/api/workflows/{STARTER}/performance").json()

    assert (listed["title"], listed["language"]) == (SPANISH, "es")
    assert listed["steps"][4]["title"] == "Expórtalo y envíalo"
    best = found["recommendations"][0]
    assert best["title"] == figures["title"] == SPANISH
    assert best["reason"].startswith("No has dicho quién eres")
    assert (
        "Nobody"
        in client.get("/api/recommendations?lang=en").json()["recommendations"][0]["reason"]
    )


def test_a_finished_run_keeps_its_language_beside_the_newest_words(vera, api_of, catalogue):
    execution = make_execution(vera)
    save_progress(execution=execution, change=Change(steps_completed=5))
    complete_execution(execution=execution)
    load_workflows(path=catalogue(lambda t: t["es"].update(title="Tu currículum")))
    reads(vera, "es")

    body = api_of(vera).get(f"/api/execution/{execution.public_id}").json()

    assert (body["workflow_title"], body["workflow_version"]) == (SPANISH, 1)
    assert body["has_newer_version"] is True
