from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.video.models import AGENT_TRANSITIONS, AgentName, AgentStatus, SceneKind
from agents.video.pipeline import types
from agents.video.status import (
    AGENTS,
    STATUS_SCHEMA,
    STATUSES,
    InvalidStatusError,
    build_status,
    check_status,
    read_status,
)

VALIDATOR = jsonschema.Draft202012Validator(STATUS_SCHEMA)
BASE = {
    "agentnumber": "Agent2",
    "userID": "user_1",
    "sessionID": "video_1",
    "status": "processing",
    "timestamp": 1_700_000_000,
    "seq": 3,
    "run": "run_1",
}
EXAMPLES = [
    {**BASE, "status": "starting"},
    {**BASE, "progress": 12.5, "info": {"step": "drawing", "attempt": 1}},
    {**BASE, "status": "finished", "fileCount": 6, "progress": 100, "cost": 0},
    {**BASE, "status": "error", "error": "disk_full", "reason": "No space is left."},
    {
        **BASE,
        "agentnumber": "Orchestrator",
        "status": "finished",
        "videoUrl": "https://host/api/video-files/x",
        "cost": 0.0024,
    },
    {**BASE, "agentnumber": "Agent5", "status": "finished", "videoUrl": "http://127.0.0.1:1/x"},
]
WRONG = [
    {**BASE, "agentnumber": "Agent3"},
    {**BASE, "status": "done"},
    {**BASE, "timestamp": "2026-11-21T10:00:00Z"},
    {**BASE, "timestamp": True},
    {**BASE, "userID": "../x"},
    {**BASE, "sessionID": ""},
    {**BASE, "error": "x", "reason": "y"},
    {**BASE, "status": "error"},
    {**BASE, "status": "error", "error": "x"},
    {**BASE, "status": "error", "error": "x", "reason": "y", "videoUrl": "https://host/x"},
    {**BASE, "status": "finished"},
    {**BASE, "status": "finished", "fileCount": 1, "progress": 99},
    {**BASE, "status": "finished", "fileCount": 1, "videoUrl": "https://host/x"},
    {**BASE, "agentnumber": "Orchestrator", "status": "finished"},
    {**BASE, "agentnumber": "Orchestrator", "status": "processing", "videoUrl": "https://host/x"},
    {**BASE, "progress": 101},
    {**BASE, "progress": -1},
    {**BASE, "cost": -0.1},
    {**BASE, "fileCount": 1.5},
    {**BASE, "seq": 0},
    {**BASE, "info": {"deep": {}}},
    {**BASE, "extra": 1},
    {name: value for name, value in BASE.items() if name != "run"},
]


@pytest.mark.parametrize("message", EXAMPLES)
def test_a_message_as_published_is_taken(message):
    check_status(message)
    assert VALIDATOR.is_valid(message)


@pytest.mark.parametrize("message", WRONG)
def test_a_message_that_breaks_the_form_is_refused(message):
    with pytest.raises(InvalidStatusError):
        check_status(message)
    assert not VALIDATOR.is_valid(message)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=12)
IDS = st.one_of(st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z"), TEXT)
NUMBERS = st.one_of(st.integers(-2, 103), st.floats(-2, 103), st.booleans(), st.none())
URLS = st.one_of(st.just("https://host/path"), st.just("ftp://host/x"), TEXT)
MESSAGES = st.fixed_dictionaries(
    {
        "agentnumber": st.one_of(st.sampled_from(AGENTS), TEXT),
        "userID": IDS,
        "sessionID": IDS,
        "status": st.one_of(st.sampled_from(STATUSES), TEXT),
        "timestamp": st.one_of(st.integers(-1, 2**54), TEXT),
        "seq": st.one_of(st.integers(-1, 5), NUMBERS),
        "run": IDS,
    },
    optional={
        "error": TEXT,
        "reason": TEXT,
        "videoUrl": URLS,
        "progress": NUMBERS,
        "fileCount": NUMBERS,
        "cost": NUMBERS,
        "info": st.dictionaries(TEXT, st.one_of(TEXT, NUMBERS, st.just([])), max_size=22),
        "extra": st.none(),
    },
)


def schema_agrees(message):
    """The schema calls 3.0 an integer, as JSON does; a message of ours never holds one."""
    return any(isinstance(message.get(n), float) for n in ("timestamp", "seq", "fileCount"))


@given(MESSAGES)
def test_the_check_and_the_schema_never_disagree(message):
    try:
        check_status(message)
    except InvalidStatusError:
        assert schema_agrees(message) or not VALIDATOR.is_valid(message)
    else:
        assert VALIDATOR.is_valid(message)


BUILT = st.fixed_dictionaries(
    {"agent": st.sampled_from(AGENTS), "status": st.sampled_from(STATUSES)},
    optional={
        "error": st.text(max_size=300),
        "reason": st.text(max_size=700),
        "progress": st.floats(-50, 150),
        "file_count": st.integers(0, 500),
        "cost": st.floats(0, 100),
        "video_key": st.just("scaffold_test/u/s/agent5/attempt-1/video.mp4"),
    },
)


@given(BUILT)
def test_whatever_is_built_keeps_the_published_form(fields):
    ids = {"user_id": "user_1", "session_id": "video_1", "run_id": "run_1", "timestamp": 5}
    try:
        stored = build_status(**ids, **fields)
    except InvalidStatusError:
        # Only what contradicts itself is refused, never what is merely long or rounded.
        is_error = fields["status"] == "error"
        is_ready = fields["status"] == "finished" and fields["agent"] in ("Orchestrator", "Agent5")
        lacks_files = fields["status"] == "finished" and not is_ready and "file_count" not in fields
        wrong = [
            bool(fields.get("error")) != is_error,
            bool(fields.get("reason")) != is_error,
            bool(fields.get("video_key")) != is_ready,
            lacks_files,
        ]
        assert any(wrong)
        return
    sent = read_status(stored, seq=7, link_of=lambda key: f"https://host/{key}")
    assert VALIDATOR.is_valid(sent), json.dumps(sent)
    assert (sent["seq"], "video_key" in sent) == (7, False)
    assert "videoUrl" not in stored


def test_the_link_is_made_when_the_message_is_read():
    stored = build_status(
        agent="Agent5", user_id="u", session_id="s", run_id="r", status="finished", timestamp=1,
        video_key="a/b.mp4",
    )  # fmt: skip

    assert stored["video_key"] == "a/b.mp4"
    first = read_status(stored, seq=1, link_of=lambda key: f"https://host/{key}?1")
    second = read_status(stored, seq=1, link_of=lambda key: f"https://host/{key}?2")
    assert (first["videoUrl"], second["videoUrl"]) == (
        "https://host/a/b.mp4?1",
        "https://host/a/b.mp4?2",
    )


def test_rows_and_pipeline_speak_the_same_words():
    assert set(AgentName.values) == {one.value for one in types.AgentName} == set(AGENTS)
    assert set(AgentStatus.values) == {one.value for one in types.AgentStatus} == set(STATUSES)
    assert set(SceneKind.values) == {one.value for one in types.SceneKind}
    assert set(AGENT_TRANSITIONS) == set(AgentStatus)
