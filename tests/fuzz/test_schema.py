"""Requests made from the OpenAPI document: no 500, and every answer as the document says.

A quick, repeatable form runs with every test run; `make test-services` makes more requests.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as openapi_checks

from accounts.models import Company, User
from accounts.tests.factories import make_key
from core import ratelimit
from surveys.tests.builders import Visitor, make_survey
from tests.tenants_world import CANARY, World, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
"""Requests an operation, credential and kind of identifier."""
CHECKS = (
    not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
)
CSRF = "a" * 32
#: They wait for a model, a room server or a provider, which no test has.
UNSERVED = {503}


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the test's connection open over requests, and count none of them."""
    monkeypatch.setattr(ratelimit, "hit", lambda **kwargs: None)
    wrapper = type(connections["default"])
    monkeypatch.setattr(wrapper, "close_if_unusable_or_obsolete", lambda self: None)


@pytest.fixture
def world(ana: User, acme: Company, beto: User) -> World:
    return make_world(ana, acme, beto)


def signed_in(user: User) -> dict[str, Any]:
    """Return how a page of this person calls: the cookies by themselves, since the client that
    stands between takes a Cookie header for its own and drops it."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    login = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {
        "headers": {"X-CSRFToken": CSRF},
        "cookies": {settings.SESSION_COOKIE_NAME: login, settings.CSRF_COOKIE_NAME: CSRF},
    }


def bearer(token: str) -> dict[str, Any]:
    """Return how a program calls with a token."""
    return {"headers": {"Authorization": f"Bearer {token}"}}


def _operations() -> list[Any]:
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    return [found.ok() for found in schema.get_all_operations()]


def _ask(operation: Any, credential: dict[str, Any], own: dict[str, str] | None) -> list[str]:
    """Make requests of one operation; return what was wrong with the answers."""
    faults: list[str] = []

    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        for name in case.path_parameters or {}:
            if own is not None and name in own:
                case.path_parameters[name] = own[name]
        answer = case.call(**credential)
        if answer.status_code in UNSERVED:
            return
        if answer.status_code >= 400 and "json" in answer.headers["content-type"][0]:
            body = answer.json()
            if body.get("status") != answer.status_code or not body.get("code"):
                faults.append(f"{operation.label}: {answer.status_code} is no problem")
        try:
            case.validate_response(answer, checks=list(CHECKS))
        except AssertionError as error:
            faults.append(f"{operation.label}: {answer.status_code} {str(error)[:400]}")
        except BaseExceptionGroup as group:
            faults.extend(
                f"{operation.label}: {answer.status_code} {str(one)[:400]}"
                for one in group.exceptions
            )

    run()
    return faults


def test_every_answer_is_as_the_document_says(world: World, ana: User, acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    own = {**world.arguments, "session_id": visitor.session_id, "name": "resume_generator"}
    credentials = {
        "a person": signed_in(ana),
        "a company": bearer(make_key(acme)[1]),
        "a visitor": bearer(visitor.started["session_token"]),
        "nobody": {},
    }
    operations = _operations()
    faults = {
        fault
        for operation in operations
        # Erases the account the others are asked with.
        if operation.definition.raw["operationId"] != "account_erase"
        for credential in credentials.values()
        for named in ((own, None) if "{" in operation.path else (None,))
        for fault in _ask(operation, credential, named)
    }

    assert sorted(faults) == []
    assert len(operations) > 60


def test_another_tenant_never_gets_what_is_anas(world: World, carla: User, globex: Company) -> None:
    visitor = Visitor(make_survey(globex))
    visitor.start()
    strangers = (
        signed_in(carla),
        bearer(make_key(globex)[1]),
        bearer(visitor.started["session_token"]),
    )
    leaks = set()
    for operation in _operations():
        if "{" not in operation.path or "/performance" in operation.path:
            continue

        @hypothesis_settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            for name in case.path_parameters:
                case.path_parameters[name] = world.arguments.get(name, "1")
            for credential in strangers:
                answer = case.call(**credential)
                if answer.status_code < 300 or CANARY.encode() in answer.content:
                    leaks.add(f"{case.operation.label}: {answer.status_code}")

        run()

    assert leaks == set()
