from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from core import health
from core.health import CheckResult, register_check


@pytest.fixture(autouse=True)
def _own_register(monkeypatch):
    monkeypatch.setattr(health, "_checks", dict(health._checks))
    health.forget_results()


@pytest.mark.django_db
def test_a_healthy_process_says_ok_with_its_checks(client):
    response = client.get("/health")

    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ok"
    assert {"database", "migrations", "cache", "storage"} <= set(body["checks"])
    assert body["checks"]["database"]["status"] == "pass"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_failing_check_is_a_503_that_repeats_no_inside(client):
    def broken():
        raise OSError("canary at host db.internal")

    register_check("worker", broken)

    response = client.get("/health")

    assert response.status_code == 503
    assert response.json()["status"] == "fail"
    assert response.json()["checks"]["worker"]["status"] == "fail"
    assert b"canary" not in response.content
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/ready").json() == {"status": "fail"}
    assert client.get("/health/live").json() == {"status": "ok"}


@pytest.mark.django_db
def test_what_is_not_needed_only_warns(client):
    register_check("livekit", lambda: CheckResult("fail", "Unreachable."), needed=False)

    body = client.get("/health").json()

    assert body["status"] == "ok"
    assert body["checks"]["livekit"]["status"] == "warn"
    assert body["checks"]["livekit"]["note"] == "Unreachable."


@pytest.mark.django_db
def test_many_probes_in_a_second_are_one_check():
    calls = []
    register_check("counted", lambda: calls.append(1))

    for _ in range(5):
        health.run_checks()

    assert len(calls) == 1


def test_liveness_asks_no_database(client):
    # Without the django_db mark a query fails this test.
    assert client.get("/health/live").status_code == 200


@pytest.mark.django_db
def test_missing_migrations_say_what_to_run(monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(
        health.MigrationExecutor, "migration_plan", lambda *args, **kwargs: [("core", False)]
    )

    found = health.run_checks()

    assert found["status"] == "fail"
    assert "migrate" in found["checks"]["migrations"]["note"]


@pytest.mark.django_db
def test_an_unwritable_folder_is_found(settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.MEDIA_ROOT = tmp_path / "file" / "media"

    assert health.run_checks()["checks"]["storage"]["status"] == "fail"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics"])
def test_only_reading_is_allowed(path):
    response = Client().post(path)

    assert response.status_code == 405
    assert json.loads(response.content)["code"] == "method_not_allowed"


class TestMetrics:
    def test_the_bearer_of_the_token_reads_them(self, client, settings):
        settings.METRICS_TOKEN = "a-metrics-token"
        client.get("/health/live")

        response = client.get("/metrics", headers={"Authorization": "Bearer a-metrics-token"})

        assert response.status_code == 200
        text = response.content.decode()
        assert 'parley_http_requests_total{method="GET",route="/health/live",status="2xx"}' in text
        assert "parley_http_request_seconds_bucket" in text

    @pytest.mark.parametrize(
        "header", ["", "Bearer wrong", "Bearer ", "a-metrics-tokenx", "Bearer é"]
    )
    def test_nobody_else_does(self, client, settings, header):
        settings.METRICS_TOKEN = "a-metrics-token"

        response = client.get("/metrics", headers={"Authorization": header} if header else {})

        assert response.status_code == 401
        assert b"parley_" not in response.content

    def test_the_token_in_the_query_is_not_looked_at(self, client, settings):
        settings.METRICS_TOKEN = "a-metrics-token"

        assert client.get("/metrics?token=a-metrics-token").status_code == 401

    def test_production_without_a_token_keeps_them_closed(self, client, settings):
        settings.METRICS_TOKEN = ""

        assert client.get("/metrics").status_code == 403

    def test_a_demo_shows_them_on_its_own_machine(self, client, settings):
        settings.METRICS_TOKEN = ""
        settings.PRODUCTION = False

        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", REMOTE_ADDR="203.0.113.7").status_code == 403
        assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403

    def test_labels_name_routes_and_never_paths_or_odd_methods(self, client, settings):
        settings.METRICS_TOKEN = "t"
        client.get("/api/canary-path")
        client.generic("CANARY", "/health/live")

        text = client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()

        assert "canary" not in text.lower()
        assert 'method="OTHER"' in text
        assert 'route="unmatched"' in text


class TestDocuments:
    def test_security_txt_names_the_contact(self, client, settings):
        settings.SECURITY_CONTACT = "security@parley.example"

        response = client.get("/.well-known/security.txt")

        assert response.status_code == 200
        lines = response.content.decode().splitlines()
        assert lines[0] == "Contact: mailto:security@parley.example"
        assert lines[1].startswith("Expires: 20")

    def test_without_a_contact_there_is_no_security_txt(self, client, settings):
        settings.SECURITY_CONTACT = ""

        assert client.get("/.well-known/security.txt").status_code == 404

    def test_the_description_of_the_sockets_is_served(self, client, settings, tmp_path):
        settings.ASYNCAPI_FILE = tmp_path / "asyncapi.yaml"
        assert client.get("/api/asyncapi.yaml").status_code == 404

        settings.ASYNCAPI_FILE.write_text("asyncapi: 3.0.0\n")
        assert client.get("/api/asyncapi.yaml").content == b"asyncapi: 3.0.0\n"

    def test_the_page_of_the_api_has_nothing_inline(self, client):
        response = client.get("/api/docs/")

        assert response.status_code == 200
        page = response.content.decode()
        assert "swagger-ui" in page
        assert re.findall(r'<a href="([^"]+)">', page) == [
            "/",
            "/api/schema/",
            "/api/asyncapi.yaml",
        ]
        assert "<style" not in page
        assert "<script>" not in page
        assert "style=" not in page
        assert "http://" not in page
        assert "https://" not in page

    def test_the_script_of_that_page_is_javascript(self, client):
        response = client.get("/api/docs/?script=")

        assert response["Content-Type"].startswith("application/javascript")

    def test_the_document_is_openapi_3_1_and_every_operation_documents_its_problems(self, client):
        response = client.get("/api/schema/?format=json")

        document = json.loads(response.content)
        assert document["openapi"].startswith("3.1")
        assert document["components"]["responses"]["Problem"]["content"].keys() == {
            "application/problem+json"
        }
        for operations in document["paths"].values():
            for name, operation in operations.items():
                if name in ("get", "post", "put", "patch", "delete"):
                    assert "default" in operation["responses"]

    def test_the_icon_is_found_by_browsers_that_guess(self, client):
        response = client.get("/favicon.ico")

        assert response.status_code == 302
        assert response["Location"] == "/static/img/favicon.svg"
