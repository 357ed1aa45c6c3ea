"""Which pages of other sites may read the widget's routes, and no others."""

from __future__ import annotations

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.models import Company
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example"
EVIL = "https://evil.example"


def preflight(path: str, origin: str, method: str = "POST") -> str | None:
    answer = APIClient().options(
        path,
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD=method,
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization, content-type",
    )
    found: str | None = answer.headers.get("Access-Control-Allow-Origin")
    assert "Access-Control-Allow-Credentials" not in answer.headers
    return found


def test_a_listed_origin_may_and_another_may_not(acme: Company) -> None:
    visitor = Visitor(make_survey(acme, allowed_origins=[SHOP]))
    visitor.start()
    survey, session = visitor.survey.public_id, visitor.session_id
    for path in (
        f"/survey/{survey}",
        f"/survey/{survey}/session/start",
        f"/survey/{survey}/funnel",
        f"/session/{session}/turns",
        f"/session/{session}/events",
        f"/session/{session}/complete",
        f"/session/{session}/result",
        f"/session/{session}/appeal",
        f"/session/{session}/data",
        f"/session/{session}",
        f"/transcripts/{session}",
    ):
        assert preflight(path, SHOP) == SHOP, path
        for origin in (EVIL, "null", "https://shop.example.evil.test", "http://shop.example"):
            assert preflight(path, origin) is None, (path, origin)


def test_company_routes_are_never_open_to_other_sites(acme: Company) -> None:
    survey = make_survey(acme)
    for path in (
        "/survey/create",
        "/surveys",
        f"/survey/{survey.public_id}/manage",
        f"/survey/{survey.public_id}/insights",
        f"/survey/{survey.public_id}/sessions",
        f"/survey/{survey.public_id}/export.csv",
        f"/survey/{survey.public_id}/close",
        "/survey/survey_" + "0" * 26,
    ):
        assert preflight(path, SHOP) is None, path


@override_settings(CORS_ALLOWED_ORIGINS=["https://front.example"])
def test_a_configured_front_end_may_use_every_route(acme: Company) -> None:
    survey = make_survey(acme, allowed_origins=[SHOP])
    front = "https://front.example"
    assert preflight("/survey/create", front) == front
    assert preflight(f"/survey/{survey.public_id}/session/start", front) == front


def test_an_answer_names_the_origin_it_varies_by(acme: Company) -> None:
    survey = make_survey(acme, allowed_origins=[SHOP])
    answer = APIClient().get(
        f"/survey/{survey.public_id}?key={survey.publishable_key}", HTTP_ORIGIN=SHOP
    )
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "origin" in answer.headers["Vary"].lower()
    refused = APIClient().get(
        f"/survey/{survey.public_id}?key={survey.publishable_key}", HTTP_ORIGIN=EVIL
    )
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers
