"""The published description of the status socket, held against the code."""

from __future__ import annotations

from pathlib import Path

import yaml
from django.conf import settings

from agents.video.consumers import StatusConsumer
from agents.video.models import AGENT_TRANSITIONS
from agents.video.status import STATUS_SCHEMA
from core.live import codes

DOCUMENT = yaml.safe_load(Path(settings.BASE_DIR, "docs/asyncapi.yaml").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
CHANNEL = DOCUMENT["channels"]["videoStatus"]


def names(operation):
    return {one["$ref"].rpartition("/")[2] for one in DOCUMENT["operations"][operation]["messages"]}


def test_the_message_is_published_as_it_is_checked():
    described = {"$schema", "$id", "title"}

    assert SCHEMAS["StatusMessage"] == {
        name: value for name, value in STATUS_SCHEMA.items() if name not in described
    }


def test_the_statuses_are_published_with_their_transitions():
    published = SCHEMAS["VideoAgentStatus"]["x-transitions"]

    assert {state: set(after) for state, after in published.items()} == {
        state.value: {one.value for one in after} for state, after in AGENT_TRANSITIONS.items()
    }


def test_the_channel_names_what_is_sent_what_is_taken_and_how_it_closes():
    assert CHANNEL["address"] == "/ws/status/{sessionId}"
    assert names("sendStatus") == {"status"}
    assert names("receiveStatusMessages") == set(StatusConsumer.message_shapes())
    assert CHANNEL["x-close-codes"] == codes.ALL
