"""The published description of the socket, held against the code and against what is sent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.conf import settings
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from core.live import codes
from core.live.consumers import in_thread
from sessions.consumers import TranscriptConsumer
from sessions.models import (
    ALLOWED_TRANSITIONS,
    FINISHED_REASONS,
    EndReason,
    PauseCause,
    SegmentRole,
    SessionKind,
    SessionMode,
    SessionStatus,
    Transport,
)
from sessions.services import endings
from sessions.tests.sockets import socket_of, wait_until_quiet

DOCUMENT = yaml.safe_load(Path(settings.BASE_DIR, "docs/asyncapi.yaml").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
REGISTRY = Registry().with_resource(
    "urn:asyncapi", Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
)


def schema_of(message_type):
    reference = DOCUMENT["components"]["messages"][message_type]["payload"]["$ref"]
    return SCHEMAS[reference.rpartition("/")[2]]


def message_types(operation):
    return {
        message["$ref"].rpartition("/")[2]
        for message in DOCUMENT["operations"][operation]["messages"]
    }


def problems_of(event):
    reference = DOCUMENT["components"]["messages"][event["type"]]["payload"]["$ref"]
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"urn:asyncapi{reference}"},
        registry=REGISTRY,
        format_checker=jsonschema.FormatChecker(),
    )
    return [error.message for error in validator.iter_errors(event)]


def test_clients_may_send_exactly_what_is_published():
    shapes = TranscriptConsumer.message_shapes()

    assert message_types("receiveMessages") == set(shapes)
    for message_type, shape in shapes.items():
        assert schema_of(message_type) == shape.schema(message_type), message_type


def test_every_published_message_belongs_to_the_channel():
    declared = set(DOCUMENT["channels"]["transcript"]["messages"])

    assert declared == message_types("sendEvents") | message_types("receiveMessages")
    everywhere = {name for one in DOCUMENT["channels"].values() for name in one["messages"]}
    assert everywhere == set(DOCUMENT["components"]["messages"])


@pytest.mark.parametrize(
    ("schema", "field", "choices"),
    [
        ("SessionStatus", None, SessionStatus),
        ("EndReason", None, EndReason),
        ("PauseCause", None, PauseCause),
        ("Segment", "role", SegmentRole),
        ("SnapshotEvent", "kind", SessionKind),
        ("SnapshotEvent", "mode", SessionMode),
        ("SnapshotEvent", "transport", Transport),
    ],
)
def test_enums_are_published_whole(schema, field, choices):
    found = SCHEMAS[schema]
    if schema == "SnapshotEvent":
        found = found["allOf"][1]
    if field:
        found = found["properties"][field]

    assert set(found["enum"]) == set(choices.values)


def test_the_states_are_published_with_their_transitions():
    published = SCHEMAS["SessionStatus"]["x-transitions"]

    assert {state: set(following) for state, following in published.items()} == {
        state.value: {following.value for following in after}
        for state, after in ALLOWED_TRANSITIONS.items()
    }
    assert set(SCHEMAS["EndReason"]["x-finished"]) == {reason.value for reason in FINISHED_REASONS}


def test_the_close_codes_are_published():
    assert DOCUMENT["channels"]["transcript"]["x-close-codes"] == codes.ALL


@pytest.mark.django_db(transaction=True)
async def test_everything_sent_is_as_published(interview, running_nothing):
    socket = socket_of(interview)
    await socket.open()
    await socket.receive_until("progress")
    await socket.send(type="say", text="By bus.", client_id="c1", typing_seconds=1)
    await socket.receive_until("agent_state", state="listening")
    await socket.send(type="say", text="By bus.", client_id="c1")
    await socket.receive_until("transcript", seq=None)
    await socket.send(type="say", text=" ", client_id="c2")
    await socket.receive_until("error")
    await socket.send(type="interrupt")
    await socket.receive_until("error", code="voice_only")
    await socket.send(type="pause")
    await socket.receive_until("session", status="paused")
    again = socket_of(interview, after=0)
    await again.open()
    await socket.send(type="resume")
    await socket.receive_until("session", status="active")
    await socket.send(type="ping")
    await socket.receive_until("pong")
    await in_thread(endings.end_session)(voice_session=interview.session, reason=EndReason.DONE)
    await socket.closed()
    await again.closed()

    sent = [*socket.seen, *again.seen]
    # Those of a voice are held against it in test_voice_socket.
    voice_only = {"speech", "audio_clear", "audio_end"}
    assert {event["type"] for event in sent} == message_types("sendEvents") - voice_only
    for event in sent:
        assert problems_of(event) == [], json.dumps(event)


def test_the_check_notices_a_field_that_is_not_published():
    event = {"seq": None, "type": "pong", "ts": "2026-11-21T09:00:00.000Z", "extra": 1}

    assert problems_of(event) != []


@pytest.fixture
async def running_nothing():
    """Leave no task of a socket behind."""
    before = asyncio.all_tasks()
    yield
    assert await wait_until_quiet(before) == set()
