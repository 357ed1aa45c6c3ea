"""Secrets and personal words, planted through every part, then looked for where nobody may meet
them: logs, other people's pages, metrics, error bodies, tables."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Company, User
from accounts.services.invitations import invite
from accounts.tests.factories import make_key
from core.jobs.testing import drain
from core.logs import JsonFormatter
from messaging.tests.shop_world import Phone, make_shop
from sessions.services.chats import start_chat
from surveys.tests.builders import Visitor, make_survey
from tests.canaries import tables_with
from tests.tenants_world import World, addresses, body_of

pytestmark = pytest.mark.django_db

WORDS = {
    "said": "zq7said",
    "prompt": "zq7prompt",
    "email": "zq7mail@secret.test",
    "password": "zq7 password quite long",
    "message": "zq7message",
    "phone": "5215577788899",
    "attribute": "zq7attribute",
    "query": "zq7query",
}


class _Lines(logging.Handler):
    """Keeps every line as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Any:
    handler = _Lines()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def secrets(acme: Company, ana: User, lines: list[str]) -> dict[str, str]:
    """Walk through every part with words nobody else may meet; return the secrets it gave."""
    Client().post(
        "/account/signup/",
        {"full_name": "Zoe", "email": WORDS["email"], "password": WORDS["password"]},
    )
    Client().post("/account/login/", {"username": WORDS["email"], "password": "wrong zq7 password"})
    key = make_key(acme)[1]
    invitation = invite(company=acme, email="new@acme.test", role="member", actor=ana).plain
    visitor = Visitor(make_survey(acme))
    visitor.start(attributes={"plan": WORDS["attribute"]})
    visitor.talk((f"{WORDS['said']} on Monday the export took six minutes and lost the tags.",) * 2)
    visitor.done()
    chat = start_chat(owner=ana, address="192.0.2.1", system_prompt=WORDS["prompt"])
    phone = Phone(make_shop(acme), wa_id=WORDS["phone"], name="Luz")
    phone.says(f"hola {WORDS['message']}")
    drain()
    for path in ("/console/", "/health", "/survey/none", "/api/execution/none"):
        Client(raise_request_exception=False).get(f"{path}?token={WORDS['query']}")
    return {
        "company key": key,
        "invitation": invitation,
        "session token": visitor.started["session_token"],
        "receipt": visitor.started["receipt_token"],
        "chat token": chat.token_plain,
        "SECRET_KEY": settings.SECRET_KEY,
        "password": WORDS["password"],
    }


def test_no_secret_is_in_any_table(secrets: dict[str, str]) -> None:
    found = {name: tables_with(value) for name, value in secrets.items()}

    assert found == {name: [] for name in secrets}


def test_no_word_and_no_secret_is_in_a_log(secrets: dict[str, str], lines: list[str]) -> None:
    # Django's own record of each statement is a developer's tool, off but for DEBUG.
    written = [line for line in lines if '"logger":"django.db' not in line]
    wanted = {**WORDS, **secrets}
    found = {
        name: [line[:200] for line in written if value in line] for name, value in wanted.items()
    }

    assert len(written) > 20
    assert {name: hits for name, hits in found.items() if hits} == {}
    assert all(json.loads(line)["ts"] for line in written)


def test_nothing_of_it_is_on_the_pages_of_others(
    secrets: dict[str, str], world: World, carla: User, globex: Company
) -> None:
    wanted = [*WORDS.values(), *secrets.values()]
    clients = {"nobody": Client(raise_request_exception=False)}
    clients["carla"] = Client(raise_request_exception=False)
    clients["carla"].force_login(carla, backend="django.contrib.auth.backends.ModelBackend")
    found = []
    for who, client in clients.items():
        for path in [*addresses(world), "/metrics", "/no/such/page", "/api/no/such"]:
            body = body_of(client.get(path)).decode("utf-8", "replace")
            found += [(who, path, word) for word in wanted if word in body]

    assert found == []


def test_metrics_name_nobody(secrets: dict[str, str], settings: Any) -> None:
    settings.METRICS_TOKEN = "metrics"
    answer = Client().get("/metrics", headers={"authorization": "Bearer metrics"})

    text = answer.content.decode()
    assert answer.status_code == 200
    assert [word for word in (*WORDS.values(), *secrets.values()) if word in text] == []
    assert "@" not in text
    assert "session_" not in [line.partition("{")[2][:8] for line in text.splitlines()]


def test_an_error_repeats_nothing_that_was_sent(secrets: dict[str, str], acme: Company) -> None:
    client = Client(raise_request_exception=False)
    word = WORDS["said"]
    answers = [
        client.post("/survey/none/session/start", {"publishable_key": word}, "application/json"),
        client.post("/session", {"language": word}, "application/json"),
        client.post("/session/none/turns", {"text": word}, "application/json"),
        client.get(f"/survey/none?key={word}"),
        client.post("/account/login/", {"username": "x@y.test", "password": word}),
        client.get("/api/execution/none", headers={"authorization": f"Bearer sk_{word}"}),
    ]

    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    assert [number for number, one in enumerate(answers) if word in one.content.decode()] == []
