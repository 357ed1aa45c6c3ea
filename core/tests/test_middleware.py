from __future__ import annotations

import json
import logging

import pytest
from django.test import Client

from core.logs import JsonFormatter, request_id_var

pytestmark = [pytest.mark.urls("core.tests.urls")]


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return json.loads(response.content)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nothing/here", 404, "not_found"),
        ("/survey/unknown/route/x", 404, "not_found"),
        ("/api/test/plain/boom", 500, "internal_error"),
        ("/api/test/plain/denied", 403, "forbidden"),
        ("/api/test/plain/suspicious", 400, "bad_request"),
        ("/api/test/plain/conflict", 500, "internal_error"),
        ("/elsewhere/rest/boom", 500, "internal_error"),
        ("/elsewhere/rest/conflict", 409, "already_answered"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_errors_at_api_paths_are_problems_whoever_makes_them(
    browser, settings, debug, path, status, code
):
    settings.DEBUG = debug

    response = browser.get(path)

    assert response.status_code == status
    body = problem(response)
    assert body["code"] == code
    assert body["instance"] == path
    assert body["request_id"] == response["X-Request-ID"]
    assert b"canary" not in response.content
    assert b"Traceback" not in response.content


@pytest.mark.parametrize(
    ("path", "status"),
    [("/page/nothing", 404), ("/page/raises/boom", 500), ("/page/raises/denied", 403)],
)
def test_errors_of_pages_are_pages(browser, path, status):
    response = browser.get(path)

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert b"canary" not in response.content
    assert response["X-Request-ID"].encode() in response.content or status != 500


def test_an_unknown_host_is_a_400_at_api_paths(browser):
    response = browser.get("/api/test/echo", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert problem(response)["code"] == "bad_request"


def test_a_request_id_is_made_and_a_plain_one_is_kept(browser):
    made = browser.get("/health/live")["X-Request-ID"]
    kept = browser.get("/health/live", headers={"X-Request-ID": "trace-0123456789"})
    refused = browser.get("/health/live", headers={"X-Request-ID": 'x"\u00e9<script>'})

    assert len(made) == 24
    assert kept["X-Request-ID"] == "trace-0123456789"
    assert "<" not in refused["X-Request-ID"]
    assert request_id_var.get() == ""


def test_a_request_leaves_one_line_without_its_path_or_query(browser, caplog):
    with caplog.at_level(logging.INFO, logger="parley.access"):
        browser.get("/page/reset/canary-token/?key=canary-query", headers={"X-Request-ID": "r" * 8})

    (record,) = [r for r in caplog.records if r.name == "parley.access"]
    line = json.loads(JsonFormatter().format(record))
    assert line["at"] == "request.completed"
    assert line["route"] == "/page/reset/<str:token>/"
    assert line["status"] == 200
    assert line["method"] == "GET"
    assert line["duration_ms"] >= 0
    assert "canary" not in json.dumps(line)


def test_a_declared_body_above_the_limit_is_refused_unread(browser, settings):
    settings.MAX_BODY_BYTES = 100
    settings.BODY_LIMIT_OVERRIDES = {"/page/": 1000}

    small = browser.post("/page/body", b"x" * 1000, content_type="text/plain")
    large = browser.post("/page/body", b"x" * 1001, content_type="text/plain")
    general = browser.post("/api/test/echo", b"x" * 101, content_type="application/json")

    assert small.content == b"1000"
    assert large.status_code == 413
    assert general.status_code == 413
    assert problem(general)["code"] == "body_too_large"


@pytest.mark.django_db
def test_every_answer_carries_the_security_headers(browser):
    for path in ("/admin/login/", "/api/nothing", "/page/nothing", "/health"):
        response = browser.get(path)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"
        assert response["Referrer-Policy"] == "same-origin"
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "microphone=(self)" in response["Permissions-Policy"]
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_a_form_without_its_csrf_token_is_refused(settings):
    response = Client(enforce_csrf_checks=True).post("/page/body", {"a": "b"})

    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")
    assert "expired" in response.content.decode()


class TestCrossOrigin:
    def preflight(self, browser, origin):
        return browser.options(
            "/api/test/echo",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )

    def test_a_listed_origin_may_read(self, browser, settings):
        settings.CORS_ALLOWED_ORIGINS = ["http://localhost:5173"]

        response = self.preflight(browser, "http://localhost:5173")

        assert response["Access-Control-Allow-Origin"] == "http://localhost:5173"
        assert "Access-Control-Allow-Credentials" not in response
        assert "idempotency-key" in response["Access-Control-Allow-Headers"]
        assert "origin" in response["Vary"].lower()

    @pytest.mark.parametrize(
        "origin",
        [
            "http://localhost:5174",
            "https://localhost:5173",
            "http://localhost:5173.evil.example",
            "null",
            "http://evil.example",
        ],
    )
    def test_another_origin_may_not(self, browser, settings, origin):
        settings.CORS_ALLOWED_ORIGINS = ["http://localhost:5173"]

        assert "Access-Control-Allow-Origin" not in self.preflight(browser, origin)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/survey/survey_%00", 404, "application/problem+json"),
        ("/transcripts/session_%00", 404, "application/problem+json"),
        ("/surveys?cursor=a%00b", 400, "application/problem+json"),
        ("/history?status=%00", 400, "text/html; charset=utf-8"),
    ],
)
def test_a_nul_in_an_address_is_refused_before_any_query(
    client, path, status, kind, django_assert_num_queries
):
    with django_assert_num_queries(0):
        answer = client.get(path)

    assert (answer.status_code, answer["Content-Type"]) == (status, kind)
