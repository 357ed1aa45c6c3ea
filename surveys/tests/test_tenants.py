"""Another company's ids read like ids that do not exist, on every route of the company side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Company, User
from surveys.api.company import CompanyView
from surveys.models import Survey
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import FIELDS, Visitor, make_survey
from surveys.urls import urlpatterns

pytestmark = pytest.mark.django_db

ROUTES = [
    ("get", "/survey/{survey}/manage"),
    ("patch", "/survey/{survey}/manage"),
    ("post", "/survey/{survey}/pause"),
    ("post", "/survey/{survey}/resume"),
    ("post", "/survey/{survey}/close"),
    ("post", "/survey/{survey}/duplicate"),
    ("get", "/survey/{survey}/insights"),
    ("get", "/survey/{survey}/sessions"),
    ("get", "/survey/{survey}/export.csv"),
    ("get", "/survey/{survey}/export.jsonl"),
    ("post", "/session/{session}/complete"),
]


def test_the_list_above_has_every_company_route() -> None:
    known = {path.replace("{survey}", "<str:survey_id>").lstrip("/") for _, path in ROUTES}
    found = {
        str(entry.pattern)
        for entry in urlpatterns
        if isinstance(getattr(getattr(entry, "callback", None), "cls", None), type)
        and issubclass(entry.callback.cls, CompanyView)
    }
    assert found - known == {"surveys", "survey/create"}


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("credential", ["key", "cookie"])
def test_a_foreign_id_is_not_found_and_nothing_happens(
    acme: Company,
    globex: Company,
    carla: User,
    api_of: Callable[..., APIClient],
    evaluator: FixedEvaluator,
    method: str,
    path: str,
    credential: str,
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.start()
    before = list(Survey.objects.values())
    client = api_of(globex if credential == "key" else carla)
    answer = getattr(client, method)(
        path.format(survey=survey.public_id, session=visitor.session_id),
        {"title": "Mine now"} if method == "patch" else None,
    )
    # A cookie opens no route of a conversation at all.
    expected = 401 if credential == "cookie" and path.startswith("/session") else 404
    assert answer.status_code == expected
    assert survey.publishable_key not in answer.content.decode()
    assert list(Survey.objects.values()) == before
    assert visitor.session.status == "ready"
    missing = getattr(client, method)(
        path.format(survey="survey_" + "0" * 26, session="session_" + "0" * 26)
    )
    assert missing.status_code == expected
    assert missing.json()["code"] == answer.json()["code"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_without_a_credential(
    acme: Company, evaluator: FixedEvaluator, method: str, path: str
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    answer = getattr(APIClient(), method)(
        path.format(survey=visitor.survey.public_id, session=visitor.session_id)
    )
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_a_foreign_survey_takes_no_answers_for_another(
    acme: Company, globex: Company, evaluator: FixedEvaluator
) -> None:
    mine, theirs = make_survey(acme), make_survey(globex)
    answer = APIClient().post(
        f"/survey/{mine.public_id}/session/start", {"publishable_key": theirs.publishable_key}
    )
    assert answer.status_code == 401


def test_a_body_cannot_name_another_company(
    acme: Company, globex: Company, api_of: Callable[..., APIClient]
) -> None:
    body: dict[str, Any] = {**FIELDS, "company": acme.public_id, "company_id": acme.pk}
    assert api_of(globex).post("/survey/create", body).status_code == 201
    assert Survey.objects.get().company == globex
