"""Bodies no honest client sends, at every route that takes one: a clear 4xx, never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Company, User
from accounts.tests.factories import make_key
from core import ratelimit
from core.errors_http import PROBLEM_TYPE
from surveys.tests.builders import Visitor, make_survey
from tests.tenants_world import World, addresses, body_of, writes

pytestmark = pytest.mark.django_db

MEGABYTE = 1_000_000
NAMES = ("text", "title", "client_id", "email", "questions", "value", "rating", "password")
BODIES: dict[str, bytes] = {
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "100,000 deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a name twice": b'{"text":"a","text":"b","client_id":"1","client_id":"2"}',
    "NUL": b'{"text":"a\\u0000b","client_id":"c","title":"\\u0000"}',
    "a lone surrogate": b'{"text":"\\ud800","client_id":"\\udfff","title":"\\ud800"}',
    "bad UTF-8": b'{"text":"\xff\xfe","client_id":"c"}',
    "NaN": b'{"score":NaN,"value":Infinity}',
    "5000 digits": b'{"value":' + b"9" * 5000 + b"}",
    "a list": b"[1,2,3]",
    "a word": b'"text"',
    "nothing": b"",
    "no JSON": b"<xml>&lol;</xml>",
    "wrong kinds": json.dumps({name: {"$gt": ""} for name in NAMES}).encode(),
    "3 MB": b'{"text":"' + b"a" * (3 * MEGABYTE) + b'"}',
}
# Each walk is seven hundred requests: here those that went furthest into the product, the others
# with the slow tests.
QUICK = {"100,000 deep objects", "NUL", "wrong kinds", "a form with NUL", "numbers"}
FORMS = {
    "a form with NUL": b"title=%00&text=%00&email=%00&name=%00&next=%00",
    "a form with bad UTF-8": b"title=%ff%fe&text=%ff&email=%ff&name=%ff",
    "3000 fields": "&".join(f"f{number}=1" for number in range(3000)).encode(),
}
QUERIES = {
    "numbers": "?page=-1&cursor=%ff&limit=99999999999999999999&after=NaN&q=%00",
    "dates": "?before=" + "9" * 400 + "&since=0000-99-99&state=%27%20OR%201%3D1--&sort=__class__",
    "lengths": "?cursor=" + "A" * 5000 + "&page_size=1e9&status[]=a&live=maybe&after=-1&date=x",
}
ENDS_THE_LOGIN = {"/account/logout/"}


def _all_but_the_quick_slow(kinds: Iterable[str]) -> list[Any]:
    return [
        pytest.param(kind, id=kind, marks=() if kind in QUICK else pytest.mark.slow)
        for kind in kinds
    ]


def _clients(ana: User, acme: Company) -> dict[str, Any]:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    token, key = APIClient(raise_request_exception=False), APIClient(raise_request_exception=False)
    token.credentials(HTTP_AUTHORIZATION=f"Bearer {visitor.started['session_token']}")
    key.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(acme)[1]}")
    cookie = Client(raise_request_exception=False)
    cookie.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    return {"token": (token, visitor.session_id), "key": (key, ""), "cookie": (cookie, "")}


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every body reach its parser: thousands of requests come from one address here."""
    monkeypatch.setattr(ratelimit, "hit", lambda **kwargs: None)


def _is_told_well(path: str, answer: Any) -> bool:
    """Tell whether an error at an API path is a problem with its status, code and what to do."""
    if not path.startswith(("/api/", "/survey/", "/session/")) or path == "/api/docs/":
        return True
    if answer["Content-Type"] != PROBLEM_TYPE:
        return False
    try:
        body = json.loads(answer.content)
    except ValueError:
        return False
    return bool(body["status"] == answer.status_code and body["code"] and body["detail"])


@pytest.mark.parametrize("kind", _all_but_the_quick_slow(BODIES))
def test_no_body_makes_a_server_error(kind: str, world: World, ana: User, acme: Company) -> None:
    faults, refused = [], 0
    for who, (client, own_session) in _clients(ana, acme).items():
        for method, path in writes(world):
            if path in ENDS_THE_LOGIN:
                continue
            if own_session:
                path = path.replace(world.arguments["session_id"], own_session)
            answer = getattr(client, method)(
                path, data=BODIES[kind], content_type="application/json"
            )
            status = answer.status_code
            refused += 400 <= status < 500
            if status >= 500 and status != 503:
                faults.append(f"{method} {path} as {who}: {status}")
            elif status >= 400 and not _is_told_well(path, answer):
                faults.append(f"{method} {path} as {who}: {status} {answer.content[:60]!r}")

    assert faults == []
    assert refused > 150


@pytest.mark.parametrize("kind", _all_but_the_quick_slow(FORMS))
def test_no_form_makes_a_server_error(kind: str, world: World, ana: User, acme: Company) -> None:
    client, _ = _clients(ana, acme)["cookie"]
    faults = []
    for method, path in writes(world):
        if method != "post" or path in ENDS_THE_LOGIN:
            continue
        answer = client.post(
            path, data=FORMS[kind], content_type="application/x-www-form-urlencoded"
        )
        if answer.status_code >= 500 and answer.status_code != 503:
            faults.append(f"{path}: {answer.status_code}")

    assert faults == []


@pytest.mark.parametrize("kind", _all_but_the_quick_slow(QUERIES))
def test_no_query_makes_a_server_error(kind: str, world: World, ana: User, acme: Company) -> None:
    faults = []
    for who, (client, own_session) in _clients(ana, acme).items():
        for path in addresses(world):
            if own_session:
                path = path.replace(world.arguments["session_id"], own_session)
            answer = client.get(path + QUERIES[kind])
            body_of(answer)
            if answer.status_code >= 500 and answer.status_code != 503:
                faults.append(f"{path} as {who}: {answer.status_code}")

    assert faults == []
