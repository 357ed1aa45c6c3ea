"""Nobody reaches another company's rows: every route of the product, crossed with every stranger.

The routes come from the URL resolver, so a new one is in this test the moment it exists; one whose
arguments are not known here fails until its owner's identifier is added to ``Ana's world``.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import Company, User
from accounts.tests.factories import make_key
from surveys.tests.builders import OTHER_ANSWERS, Visitor, make_survey
from tests.tenants_world import CANARY, METHODS, World, make_world, routes

pytestmark = pytest.mark.django_db

REFUSED = {400, 401, 403, 404, 405, 409, 410, 415, 422}
#: Pages and answers anybody may read by name: they hold no canary.
PUBLIC = {
    "survey_hosted",
    "widget_module",
    "account_password_reset_confirm",
    "order_pay",
    # The catalogue is everybody's; its figures are of cohorts, never of a person.
    "workflow_start",
    "workflow_reason",
    "api_workflow_performance",
}
#: Whoever holds the link of an order may pay it, so it is only looked at here.
PAYABLE = {"order_pay"}


@pytest.fixture
def world(ana: User, acme: Company, beto: User) -> World:
    """Ana's company with a finished, held and appealed answer, a key and an open invitation."""
    return make_world(ana, acme, beto)


def _rows_of_ana() -> dict[tuple[str, Any], dict[str, Any]]:
    """Return every row there is, but for counters and clocks of use."""
    ignored = {"last_used_at", "last_login"}
    rows: dict[tuple[str, Any], dict[str, Any]] = {}
    for label in (
        "accounts",
        "webhooks",
        "video",
        "voice_sessions",
        "surveys",
        "workflows",
        "messaging",
    ):
        model: type[Model]
        for model in apps.get_app_config(label).get_models():
            for values in model._default_manager.values():
                kept = {name: value for name, value in values.items() if name not in ignored}
                rows[model._meta.label, values[model._meta.pk.name]] = kept
    return rows


def _strangers(carla: User, globex: Company, vera: User) -> dict[str, Client]:
    other = Visitor(make_survey(globex))
    other.answer_all(OTHER_ANSWERS)
    running = Visitor(make_survey(globex))
    running.start()
    clients: dict[str, Client] = {"nobody": APIClient(raise_request_exception=False)}
    for name, person in (("carla", carla), ("vera", vera)):
        clients[name] = Client(raise_request_exception=False)
        clients[name].force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    credentials = {
        "carla's key": make_key(globex)[1],
        "a session of carla's": running.started["session_token"],
        "a receipt of carla's": other.started["receipt_token"],
    }
    for name, token in credentials.items():
        clients[name] = APIClient(raise_request_exception=False)
        clients[name].credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return clients


def test_a_stranger_reads_and_changes_nothing_of_another_company(
    world: World, carla: User, globex: Company, vera: User
) -> None:
    before = _rows_of_ana()
    strangers = _strangers(carla, globex, vera)

    faults, crossed = [], 0
    for route, pattern in routes():
        arguments = world.arguments_of(route, pattern)
        if arguments is None:
            continue
        path = reverse(route, kwargs=arguments)
        for who, client in strangers.items():
            for method in METHODS if route not in PAYABLE else ("get",):
                answer = getattr(client, method)(path, content_type="application/json")
                crossed += 1
                body = b"" if answer.streaming else answer.content
                refused = answer.status_code in REFUSED or _goes_to_login(answer)
                if CANARY.encode() in body or not (refused or route in PUBLIC):
                    faults.append(f"{method.upper()} {path} as {who}: {answer.status_code}")

    assert faults == []
    assert crossed > 300
    after = _rows_of_ana()
    changed = [key for key, values in before.items() if after.get(key) != values]
    assert changed == []


def test_lists_of_a_stranger_hold_nothing_of_another_company(
    world: World, carla: User, globex: Company, vera: User
) -> None:
    strangers = _strangers(carla, globex, vera)

    leaks = []
    for route, pattern in routes():
        if world.arguments_of(route, pattern) is not None or not route:
            continue
        path = reverse(route)
        for who, client in strangers.items():
            answer = client.get(path)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if CANARY.encode() in body or answer.status_code == 500:
                leaks.append(f"{path} as {who}: {answer.status_code}")

    assert leaks == []


def test_the_admin_is_closed_to_everybody_without_staff_rights(
    world: World, ana: User, carla: User, browser_of: Any
) -> None:
    for person in (ana, carla, None):
        answer = browser_of(person).get("/admin/surveys/survey/")

        assert answer.status_code == 302
        assert "/admin/login/" in answer["Location"]


def _goes_to_login(answer: Any) -> bool:
    return answer.status_code in (301, 302) and answer["Location"].startswith(
        ("/account/login/", "/account/company/new/", "/account/password/reset/")
    )
