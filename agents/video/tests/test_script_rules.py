from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.video import script_rules
from agents.video.pipeline.types import Scene
from agents.video.script_rules import ScriptRefusedError, check_script
from agents.video.tests.conftest import SCENES

TITLE = {"kind": "title", "heading": "Hello", "narration": "Hello."}


def faults_of(**fields):
    with pytest.raises(ScriptRefusedError) as refused:
        check_script(**{"title": "A title", "scenes": [TITLE], **fields})
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def test_a_script_of_every_kind_is_kept_and_read_by_the_pipeline():
    checked = check_script(title="  What \n we heard ", scenes=SCENES, language="es-419")

    assert (checked.title, checked.language, checked.voice) == ("What we heard", "es-419", "")
    assert checked.scenes == SCENES
    assert [Scene.from_json(one).to_json() for one in checked.scenes] == SCENES


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": " "}, [("/title", "required")]),
        ({"title": "x" * 121}, [("/title", "max_length")]),
        ({"title": 5}, [("/title", "invalid"), ("/title", "required")][:1]),
        ({"scenes": []}, [("/scenes", "required")]),
        ({"scenes": None}, [("/scenes", "invalid")]),
        ({"scenes": "abc"}, [("/scenes", "invalid")]),
        ({"scenes": [TITLE] * 201}, [("/scenes", "max_length")]),
        ({"scenes": [5]}, [("/scenes/0", "invalid")]),
        ({"scenes": [{}]}, [("/scenes/0/kind", "invalid_choice")]),
        ({"scenes": [{**TITLE, "kind": "movie"}]}, [("/scenes/0/kind", "invalid_choice")]),
        ({"scenes": [{**TITLE, "extra": 1}]}, [("/scenes/0/extra", "unknown")]),
        ({"scenes": [{**TITLE, "narration": ""}]}, [("/scenes/0/narration", "required")]),
        ({"scenes": [{**TITLE, "narration": "x" * 5001}]}, [("/scenes/0/narration", "max_length")]),
        ({"scenes": [{**TITLE, "kind": "quote"}]}, [("/scenes/0/text", "required")]),
        ({"scenes": [{**TITLE, "kind": "figure"}]}, [("/scenes/0/text", "required")]),
        ({"scenes": [{**TITLE, "kind": "list"}]}, [("/scenes/0/items", "required")]),
        ({"scenes": [{**TITLE, "kind": "chart"}]}, [("/scenes/0/values", "required")]),
        ({"scenes": [{**TITLE, "items": ["a"] * 9}]}, [("/scenes/0/items", "max_length")]),
        ({"scenes": [{**TITLE, "values": [{"label": "a"}]}]}, [("/scenes/0/values/0", "invalid")]),
        (
            {"scenes": [{**TITLE, "values": [{"label": "a", "value": float("nan")}]}]},
            [("/scenes/0/values/0/value", "invalid")],
        ),
        (
            {"scenes": [{**TITLE, "values": [{"label": "a", "value": True}]}]},
            [("/scenes/0/values/0/value", "invalid")],
        ),
        ({"language": "english!"}, [("/language", "invalid")]),
        ({"voice": "../../etc/passwd"}, [("/voice", "invalid")]),
    ],
)
def test_each_fault_is_named_with_its_place(fields, expected):
    assert faults_of(**fields) == expected


def test_all_faults_come_at_once():
    assert faults_of(title="", scenes=[{**TITLE, "heading": ""}, {**TITLE, "narration": ""}]) == [
        ("/title", "required"),
        ("/scenes/0/heading", "required"),
        ("/scenes/1/narration", "required"),
    ]


def test_two_hundred_scenes_and_a_long_sentence_fit():
    scenes = [{**TITLE, "narration": "x" * 299} for _ in range(script_rules.MAX_SCENES)]
    assert len(check_script(title="Long", scenes=scenes).scenes) == 200
    check_script(title="One breath", scenes=[{**TITLE, "narration": "x" * 5000}])


def test_an_hour_is_the_most_a_voice_may_speak():
    scenes = [{**TITLE, "narration": "x" * 4000} for _ in range(16)]

    assert faults_of(scenes=scenes) == [("/scenes", "narration_too_long")]


def test_right_to_left_text_and_emoji_stay_and_hidden_text_goes():
    scene = {**TITLE, "heading": "שלום 👩‍👩‍👧", "narration": "مرحبا\u202e\u200b."}

    checked = check_script(title="مرحبا", scenes=[scene]).scenes[0]

    assert checked["heading"] == "שלום 👩‍👩‍👧"
    assert checked["narration"] == "مرحبا."


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "heading", "values", "items", "label", "value", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSONISH, JSONISH)
def test_whatever_is_sent_is_kept_or_refused_and_nothing_else(title, scenes):
    try:
        checked = check_script(title=title, scenes=scenes)
    except ScriptRefusedError:
        return
    assert check_script(title=checked.title, scenes=checked.scenes) == checked
