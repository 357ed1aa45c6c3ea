from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agents.llm.client import LLMBadAnswerError, LLMUnavailableError
from agents.tests.models import ScriptedClient
from agents.video import drafting
from agents.video.drafting import Distribution, Findings, Theme
from agents.video.pipeline.types import Scene
from agents.video.script_rules import check_script

FINDINGS = Findings(
    title="Why customers leave",
    people=214,
    themes=(
        Theme("cold food", 88, 88 / 214, ("It was cold when it came.",)),
        Theme("waiting for the rider", 133, 133 / 214, ("Nobody told me why it took 2 hours",)),
        Theme("nothing much", 1, 0.004),
    ),
    distributions=(
        Distribution("Would you order again?", (("yes", 90.0), ("no", 124.0))),
        Distribution("Never answered", (("yes", 0.0),)),
    ),
    key_points=("Most waited too long.", "Cold food comes second."),
    source_note="Made from interviews",
)


def test_findings_become_scenes_that_say_what_was_found():
    draft = drafting.compose_script(FINDINGS)

    assert [scene.kind.value for scene in draft.scenes] == [
        *("title", "figure", "chart", "quote", "quote", "chart", "list", "closing"),
    ]
    title, figure, chart, first_quote, _, answers, points, closing = draft.scenes
    assert (title.heading, title.text) == ("Why customers leave", "What 214 people told us")
    assert (figure.text, figure.items) == ("62 %", ("133 of 214 people",))
    assert figure.narration == "62 percent of them named this: waiting for the rider."
    assert [(value.label, value.value) for value in chart.values] == [
        ("waiting for the rider", 62),
        ("cold food", 41),
    ]
    assert first_quote.text == "Nobody told me why it took 2 hours"
    assert first_quote.narration.endswith("said: Nobody told me why it took 2 hours.")
    assert answers.heading == "Would you order again?"
    assert "Most often the answer was no: 124 answers." in answers.narration
    assert points.items == ("Most waited too long.", "Cold food comes second.")
    assert closing.text == "Made from interviews"
    assert (draft.language, draft.source) == ("en", "builtin")


def test_spanish_findings_are_told_in_spanish():
    draft = drafting.compose_script(replace(FINDINGS, language="es-419"))

    assert draft.language == "es"
    assert draft.scenes[1].narration.startswith("El 62 por ciento")


@pytest.mark.parametrize(
    "findings",
    [
        FINDINGS,
        Findings(title="", people=0),
        Findings(
            title="word " * 80,
            people=10**6,
            language="fr",
            themes=tuple(Theme("label " * 60, 5, 1.7, ("quote " * 900,)) for _ in range(30)),
            distributions=tuple(
                Distribution("question " * 60, tuple((f"choice {n} " * 30, 5.0) for n in range(20)))
                for _ in range(9)
            ),
            key_points=("point " * 100,) * 20,
            source_note="note " * 500,
        ),
    ],
    ids=["usual", "empty", "endless"],
)
def test_every_draft_is_a_script_the_studio_takes(findings):
    draft = drafting.compose_script(findings)

    checked = check_script(
        title=draft.title,
        scenes=[scene.to_json() for scene in draft.scenes],
        language=draft.language,
    )
    assert tuple(Scene.from_json(scene) for scene in checked.scenes) == draft.scenes


def answer_for(draft, **changed):
    scenes = [
        {"number": n, "heading": scene.heading, "narration": f"Simply put: {scene.narration}"}
        for n, scene in enumerate(draft.scenes, 1)
    ]
    for number, fields in changed.items():
        scenes[int(number[1:]) - 1].update(fields)
    return {"scenes": scenes}


def word(draft, *answers):
    client = ScriptedClient(*answers)
    worded = drafting.word_script(draft, FINDINGS, client=client, deadline_seconds=5)
    return worded, client


def test_a_model_words_the_scenes_and_changes_no_figure():
    draft = drafting.compose_script(FINDINGS)

    worded, client = word(draft, answer_for(draft, n1={"heading": "A better heading"}))

    assert worded.source == "scripted-1"
    assert worded.scenes[0].heading == "A better heading"
    assert all(scene.narration.startswith("Simply put: ") for scene in worded.scenes)
    kept = [(scene.kind, scene.text, scene.items, scene.values) for scene in worded.scenes]
    assert kept == [(scene.kind, scene.text, scene.items, scene.values) for scene in draft.scenes]
    material = json.loads(client.calls[0]["user"])
    assert material["scenes"][3]["text"] == "Nobody told me why it took 2 hours"
    assert "Nobody told me" not in client.calls[0]["system"]


@pytest.mark.parametrize(
    "fields",
    [
        {"narration": "A full 97 percent of them left."},
        {"heading": "Down by 12 percent"},
        {"narration": ""},
        {"narration": "x" * 2000},
        {"narration": "See <b>this</b>."},
        {"narration": "More at https://evil.example"},
    ],
)
def test_words_that_cannot_be_trusted_leave_a_scene_as_it_was(fields):
    draft = drafting.compose_script(FINDINGS)

    worded, _ = word(draft, answer_for(draft, n2=fields))

    assert worded.scenes[1] == draft.scenes[1]
    assert worded.scenes[2].narration.startswith("Simply put: ")


def test_a_quote_is_spoken_letter_by_letter_or_in_the_built_in_words():
    draft = drafting.compose_script(FINDINGS)

    bent = {"narration": "One of them said: nobody ever told me anything."}
    worded, _ = word(draft, answer_for(draft, n4=bent))

    assert worded.scenes[3] == draft.scenes[3]


@pytest.mark.parametrize("error", [LLMUnavailableError("no"), LLMBadAnswerError("no")])
def test_without_a_usable_answer_the_built_in_script_stands(error):
    draft = drafting.compose_script(FINDINGS)

    assert word(draft, error)[0] == draft
    assert word(draft, {"scenes": []})[0] == draft


def test_a_language_only_the_model_speaks_is_spoken_whole_or_not_at_all():
    french = replace(FINDINGS, language="fr")
    draft = drafting.compose_script(french)

    def ask(answer):
        client = ScriptedClient(answer)
        return drafting.word_script(draft, french, client=client, deadline_seconds=5)

    assert ask(answer_for(draft)).language == "fr"
    assert ask(answer_for(draft, n2={"narration": ""})) == draft
    assert draft.language == "en"


def test_no_model_is_asked_without_one_or_beyond_the_allowance(settings, monkeypatch):
    settings.LLM_ENABLED = False
    assert drafting.draft_script(FINDINGS).source == "builtin"

    settings.LLM_ENABLED = True
    draft = drafting.compose_script(FINDINGS)
    client = ScriptedClient(answer_for(draft))
    monkeypatch.setattr(drafting, "get_llm_client", lambda: client)
    assert drafting.draft_script(FINDINGS, may_call_model=lambda: False) == draft
    assert client.calls == []
    assert drafting.draft_script(FINDINGS).source == "scripted-1"
