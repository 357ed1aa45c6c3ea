from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core import clock
from core.models import IdempotencyRecord

pytestmark = [pytest.mark.urls("core.tests.urls")]


def assert_problem(response, status, code):
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert body["status"] == status
    assert body["code"] == code
    assert body["title"]
    assert body["detail"]
    assert body["type"]
    assert body["instance"].startswith("/")
    assert body["request_id"] == response["X-Request-ID"]
    return body


def send(api, raw, path="/api/test/echo", content_type="application/json", **headers):
    return api.generic("POST", path, raw, content_type=content_type, headers=headers)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "é"]}, [], "text", 7])
def test_json_is_read_as_it_was_sent(api, value):
    response = send(api, json.dumps(value))

    assert response.status_code == 200
    assert response.json() == {"read": value}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "json_invalid"),
        (b"NaN", "json_invalid"),
        (b'{"a":1,"a":2}', "json_duplicate_key"),
        (b'{"a":"\\u0000"}', "json_unstorable_text"),
        (b'{"a":"\\ud800"}', "json_unstorable_text"),
        (b"\xff", "json_not_utf8"),
        (b"9" * 5000, "json_number_out_of_range"),
        (b"[" * 100_000 + b"]" * 100_000, "json_too_deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "json_too_deep"),
    ],
)
def test_broken_json_is_a_400_that_says_why(api, raw, code):
    assert_problem(send(api, raw), 400, code)


def test_three_megabytes_are_too_much(api):
    response = send(api, b'"' + b"x" * 3_000_000 + b'"')

    body = assert_problem(response, 413, "body_too_large")
    assert "3000000" in body["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "application/xml"]
)
def test_only_json_is_taken(api, content_type):
    assert_problem(send(api, b"title=x", content_type=content_type), 415, "unsupported_media_type")


def test_every_fault_of_a_body_is_listed_with_its_place(api):
    response = api.post(
        "/api/test/things",
        {"title": "far too long a title", "count": "7", "questions": [{"text": "ok"}, {"text": 5}]},
    )

    body = assert_problem(response, 400, "invalid_input")
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == [
        ("/title", "max_length"),
        ("/count", "invalid"),
        ("/questions/1/text", "invalid"),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("title", True),
        ("title", None),
        ("title", ["x"]),
        ("title", ""),
        ("title", "\u200b"),
        ("title", "   "),
        ("count", 1.0),
        ("count", "1"),
        ("count", True),
        ("count", 101),
        ("active", "true"),
        ("active", 1),
        ("amount", True),
        ("amount", "x"),
        ("amount", -1),
        ("amount", [1]),
        ("amount", "NaN"),
    ],
)
def test_a_value_of_another_type_is_refused_not_converted(api, field, value):
    response = api.post("/api/test/things", {"title": "ok", field: value})

    body = assert_problem(response, 400, "invalid_input")
    assert [e["pointer"] for e in body["errors"]] == [f"/{field}"]


def test_values_of_the_right_type_are_taken(api):
    response = api.post(
        "/api/test/things",
        {"title": " he\u200bllo ", "count": 3, "active": False, "amount": 15.5},
    )

    assert response.json() == {"title": "hello", "count": 3, "active": False, "amount": 15.5}


def test_a_body_that_is_no_object_is_a_400(api):
    body = assert_problem(send(api, b"[1]", path="/api/test/things"), 400, "invalid_input")

    assert body["errors"][0]["pointer"] == "/"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("conflict", 409, "already_answered"),
        ("limited", 429, "rate_limited"),
        ("unavailable", 503, "llm_down"),
        ("denied", 403, "forbidden"),
        ("suspicious", 400, "bad_request"),
        ("database", 503, "database_unavailable"),
        ("throttled", 429, "rate_limited"),
        ("boom", 500, "internal_error"),
    ],
)
def test_an_error_of_a_rest_view_is_a_problem_that_repeats_no_inside(api, kind, status, code):
    response = api.get(f"/api/test/raises/{kind}")

    assert_problem(response, status, code)
    assert b"canary" not in response.content


def test_a_problem_carries_further_members_and_the_time_to_wait(api):
    assert api.get("/api/test/raises/conflict").json()["survey"] == "s"
    assert api.get("/api/test/raises/limited")["Retry-After"] == "7"
    assert api.get("/api/test/raises/unavailable")["Retry-After"] == "3"
    assert api.get("/api/test/raises/throttled")["Retry-After"] == "6"


def test_somebody_unknown_is_a_401_with_the_scheme_to_use(api):
    response = api.get("/api/test/members")

    assert_problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_wrong_method_is_a_405_with_the_right_ones(api):
    response = api.get("/api/test/echo")

    assert_problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/problem+json", "application/xml", "nonsense"]
)
def test_whoever_asks_for_something_else_still_gets_json(api, accept):
    response = send(api, b"{}", Accept=accept)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.django_db
def test_a_repeat_with_the_same_key_is_replayed(api):
    from core.tests.urls import Once

    before = Once.calls
    key = {"Idempotency-Key": '"order-1"'}
    first = send(api, b'{"title": "a"}', path="/api/test/once", **key)
    second = send(api, b'{"title": "a"}', path="/api/test/once", **key)
    other = send(api, b'{"title": "b"}', path="/api/test/once", **key)

    assert Once.calls == before + 1
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert_problem(other, 422, "idempotency_key_reused")


def make_rows(count):
    start = clock.now()
    for number in range(count):
        IdempotencyRecord.objects.create(
            tenant="t",
            key_digest=str(number),
            method="POST",
            path=f"/{number}",
            body_sha256="",
            locked_until=start,
            created_at=start + timedelta(seconds=number // 3),
        )


@pytest.mark.django_db
def test_pages_go_from_newest_to_oldest_and_miss_nothing(api):
    make_rows(10)
    seen, url, pages = [], "/api/test/pages?limit=4", 0
    while url:
        body = api.get(url).json()
        seen += [row["path"] for row in body["results"]]
        url = body["next"]
        pages += 1

    assert pages == 3
    assert len(seen) == len(set(seen)) == 10
    assert seen[0] == "/9"
    assert set(seen[-3:]) == {"/0", "/1", "/2"}


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.5", "٣", "99999"])
def test_a_page_size_out_of_range_is_refused(api, limit):
    assert_problem(api.get(f"/api/test/pages?limit={limit}"), 400, "limit_invalid")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "cD1hYmM=",
        "cD0yMDI2LTEzLTQ1",
        "cD0lMDA%3D",
        "bz0xMDAmcD14",
    ],
)
def test_a_forged_cursor_is_refused(api, cursor):
    make_rows(3)

    assert_problem(api.get(f"/api/test/pages?cursor={cursor}"), 400, "cursor_invalid")


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["", "bz05OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_names_no_row_harms_nothing(api, cursor):
    make_rows(3)

    assert api.get(f"/api/test/pages?cursor={cursor}").status_code == 200
