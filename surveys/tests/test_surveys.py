"""Creating, changing, pausing, closing and duplicating surveys, as a company does it over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Company, Role, User
from accounts.tests.factories import add_member, make_user
from core.models import AuditEvent
from surveys.models import AccountCode, LedgerAccount, Survey, SurveyStatus, SurveyVersion
from surveys.services.funding import fund_company
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import FIELDS, Visitor, make_survey

pytestmark = pytest.mark.django_db

ApiOf = Callable[..., APIClient]


def create(client: APIClient, **changed: Any) -> Any:
    return client.post("/survey/create", {**FIELDS, **changed})


def balance(code: AccountCode, survey: Survey) -> int:
    return LedgerAccount.objects.get(code=code, survey=survey).balance_minor


def test_a_company_key_creates_a_survey(acme: Company, api_of: ApiOf) -> None:
    fund_company(company=acme, amount_minor=100_000, currency="USD")
    answer = create(api_of(acme))
    assert answer.status_code == 201
    body = answer.json()
    survey = Survey.objects.get()
    version = SurveyVersion.objects.get()
    assert body["survey_id"] == survey.public_id
    assert body["publishable_key"] == survey.publishable_key
    assert body["publishable_key"].startswith("pk_")
    assert (body["status"], body["version"]) == ("active", 1)
    assert (body["payment_min"], body["payment_max"], body["budget"]) == (5.0, 20.0, 200.0)
    assert (body["currency"], body["languages"], body["max_minutes"]) == ("USD", ["en"], 10)
    assert body["accept_client_transcript"] is False
    assert [question["kind"] for question in body["questions"]] == ["open", "open"]
    assert body["questions"][0]["id"].startswith("q_")
    assert "Acme reads them without your name" in body["consent_text"]
    assert "coded fingerprint" in body["consent_text"]
    assert (version.payment_min_minor, version.payment_max_minor) == (500, 2000)
    assert balance(AccountCode.BUDGET, survey) == 20_000
    assert AuditEvent.objects.filter(action="survey.created", object_ref=survey.public_id).exists()


def test_the_seeds_example_file_is_accepted(acme: Company, api_of: ApiOf, settings: Any) -> None:
    import json

    example = json.loads((settings.BASE_DIR / "example_survey.json").read_text("utf-8"))
    answer = api_of(acme).post("/survey/create", example)
    assert answer.status_code == 201
    assert len(answer.json()["questions"]) == 4
    assert (answer.json()["payment_min"], answer.json()["payment_max"]) == (5.0, 20.0)


def test_a_person_in_the_console_creates_with_csrf_only(
    acme: Company, ana: User, beto: User
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(beto, backend="django.contrib.auth.backends.ModelBackend")
    refused = client.post("/survey/create", FIELDS, content_type="application/json")
    assert refused.status_code == 403
    assert Survey.objects.count() == 0
    client = Client()
    client.force_login(beto, backend="django.contrib.auth.backends.ModelBackend")
    created = client.post("/survey/create", FIELDS, content_type="application/json")
    assert created.status_code == 201
    assert Survey.objects.get().created_by == beto


def test_who_may_not_create_creates_nothing(acme: Company, vera: User, api_of: ApiOf) -> None:
    operator = make_user("olga@acme.test")
    add_member(acme, operator, Role.OPERATOR)
    attempts = [
        (APIClient(), 401),
        (api_of("sk_" + "x" * 43), 401),
        (api_of(vera), 403),
        (api_of(operator), 403),
    ]
    for client, status in attempts:
        assert create(client).status_code == status
    assert Survey.objects.count() == 0


def test_fields_that_are_not_its_business_are_ignored(acme: Company, api_of: ApiOf) -> None:
    answer = create(
        api_of(acme),
        company="company_x",
        publishable_key="pk_mine",
        survey_id="survey_x",
        created_by=1,
        version=9,
        score=100,
    )
    assert answer.status_code == 201
    survey = Survey.objects.get()
    assert survey.company == acme
    assert survey.publishable_key != "pk_mine"
    assert answer.json()["version"] == 1


def test_a_mistyped_field_is_named_and_creates_nothing(acme: Company, api_of: ApiOf) -> None:
    answer = create(api_of(acme), budgett=900, retention_day=3)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_survey")
    assert {error["pointer"]: error["detail"] for error in answer.json()["errors"]} == {
        "/budgett": "There is no such field. Did you mean budget?",
        "/retention_day": "There is no such field. Did you mean retention_days?",
    }
    assert not Survey.objects.exists()


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": 5}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"questions": []}, "/questions"),
        ({"questions": "What?"}, "/questions"),
        ({"questions": [5]}, "/questions/0"),
        ({"questions": [{"text": " "}]}, "/questions/0/text"),
        ({"questions": [{"text": "A?", "kind": "essay"}]}, "/questions/0/kind"),
        ({"questions": [{"text": "A?", "required": "yes"}]}, "/questions/0/required"),
        ({"questions": [{"text": "A?", "max_probes": 3}]}, "/questions/0/max_probes"),
        ({"questions": [{"text": "A?", "max_probes": True}]}, "/questions/0/max_probes"),
        ({"questions": [{"text": "A?", "kind": "choice"}]}, "/questions/0/choices"),
        (
            {"questions": [{"text": "A?", "kind": "choice", "choices": ["a", "a"]}]},
            "/questions/0/choices",
        ),
        ({"questions": [{"text": "A?", "choices": ["a", "b"]}]}, "/questions/0/choices"),
        ({"questions": [{"text": "A?", "required": False}]}, "/questions"),
        ({"questions": [{"text": "A?"}] * 31}, "/questions"),
        ({"payment_min": None}, "/payment_min"),
        ({"payment_min": -1}, "/payment_min"),
        ({"payment_min": "five"}, "/payment_min"),
        ({"payment_min": 5.001}, "/payment_min"),
        ({"payment_min": True}, "/payment_min"),
        ({"payment_min": 21}, "/payment_max"),
        ({"payment_max": 1e9}, "/payment_max"),
        ({"payment_max": [20]}, "/payment_max"),
        ({"currency": "XXX"}, "/currency"),
        ({"currency": 5}, "/currency"),
        ({"currency": "JPY", "payment_min": 5.5}, "/payment_min"),
        ({"budget": 19.99}, "/budget"),
        ({"languages": ["english!"]}, "/languages/0"),
        ({"languages": "en"}, "/languages"),
        ({"max_minutes": 0}, "/max_minutes"),
        ({"max_minutes": 61}, "/max_minutes"),
        ({"max_minutes": "10"}, "/max_minutes"),
        ({"max_responses": 0}, "/max_responses"),
        ({"targeting": {"percent": 0}}, "/targeting/percent"),
        ({"targeting": {"colour": "red"}}, "/targeting/colour"),
        ({"targeting": {"audience": "rich"}}, "/targeting/audience"),
        ({"targeting": {"attributes": {"plan": []}}}, "/targeting/attributes"),
        ({"targeting": {"url_contains": [5]}}, "/targeting/url_contains"),
        ({"targeting": []}, "/targeting"),
        ({"allowed_origins": ["shop.example"]}, "/allowed_origins/0"),
        ({"allowed_origins": ["https://*.example"]}, "/allowed_origins/0"),
        ({"allowed_origins": ["https://shop.example/path"]}, "/allowed_origins/0"),
        ({"allowed_origins": ["null"]}, "/allowed_origins/0"),
        ({"accept_client_transcript": "no"}, "/accept_client_transcript"),
        ({"retention_days": 0}, "/retention_days"),
        ({"status": "closed"}, "/status"),
        ({"consent_text": "x" * 4001}, "/consent_text"),
    ],
)
def test_each_wrong_field_is_named(
    acme: Company, api_of: ApiOf, changed: dict[str, Any], pointer: str
) -> None:
    answer = create(api_of(acme), **changed)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_survey")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert answer.json()["errors"][0]["detail"]
    assert Survey.objects.count() == 0


def test_missing_fields_are_named_together(acme: Company, api_of: ApiOf) -> None:
    answer = api_of(acme).post("/survey/create", {})
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/title",
        "/questions",
        "/payment_min",
        "/payment_max",
    }


def test_a_body_that_is_no_object_is_refused(acme: Company, api_of: ApiOf) -> None:
    for body in ([], "text", 5):
        answer = api_of(acme).post("/survey/create", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "body_not_an_object")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"title": "a", "title": "b"}', 400),
        (b'{"title": "\\u0000"}', 400),
        (b'{"title": "\\ud800"}', 400),
        (b'{"payment_min": NaN}', 400),
        (b"not json", 400),
        (b'"' + b"x" * 3_000_001 + b'"', 413),
    ],
)
def test_hostile_json_is_refused_politely(
    acme: Company, api_of: ApiOf, raw: bytes, status: int
) -> None:
    answer = api_of(acme).generic("POST", "/survey/create", raw, content_type="application/json")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert Survey.objects.count() == 0


def test_origins_are_stored_as_browsers_send_them(acme: Company, api_of: ApiOf) -> None:
    answer = create(
        api_of(acme),
        allowed_origins=["HTTPS://Shop.Example:443/", "https://shop.example", "http://a.test:8080"],
    )
    assert answer.json()["allowed_origins"] == ["https://shop.example", "http://a.test:8080"]


def test_questions_may_be_plain_texts(acme: Company, api_of: ApiOf) -> None:
    answer = create(api_of(acme), questions=["How was it?", "Why?"])
    assert [question["text"] for question in answer.json()["questions"]] == ["How was it?", "Why?"]


# --- changing --------------------------------------------------------------------------------


def test_what_is_judged_makes_a_new_version_and_running_sessions_keep_theirs(
    acme: Company, api_of: ApiOf, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    running = Visitor(survey)
    running.start()
    client = api_of(acme)
    questions = client.get(f"/survey/{survey.public_id}/manage").json()["questions"]
    changed = client.patch(
        f"/survey/{survey.public_id}/manage",
        {"payment_max": 10.0, "questions": [questions[1], {"text": "Anything else?"}]},
    )
    assert changed.status_code == 200
    assert changed.json()["version"] == 2
    # A question that stays keeps its id, so its answers go on adding up.
    assert changed.json()["questions"][0]["id"] == questions[1]["id"]
    assert changed.json()["questions"][1]["id"] not in {item["id"] for item in questions}
    running.talk()
    assert running.done()["payment_amount"] == 15.5
    later = Visitor(survey)
    assert later.start()["payment"]["max"] == 10.0
    assert later.response.version.number == 2


def test_what_is_not_judged_makes_none(acme: Company, api_of: ApiOf) -> None:
    survey = make_survey(acme)
    changed = api_of(acme).patch(
        f"/survey/{survey.public_id}/manage",
        {"allowed_origins": ["https://shop.example"], "max_responses": 5, "retention_days": 30},
    )
    assert changed.json()["version"] == 1
    survey.refresh_from_db()
    assert (survey.max_responses, survey.retention_days) == (5, 30)
    assert SurveyVersion.objects.count() == 1


def test_the_same_values_again_change_nothing(acme: Company, api_of: ApiOf) -> None:
    survey = make_survey(acme)
    client = api_of(acme)
    before = client.get(f"/survey/{survey.public_id}/manage").json()
    sent = {key: before[key] for key in ("title", "questions", "payment_min", "targeting")}
    after = client.patch(f"/survey/{survey.public_id}/manage", sent).json()
    assert after == before
    assert not AuditEvent.objects.filter(action="survey.changed").exists()


def test_a_budget_follows_its_survey(acme: Company, api_of: ApiOf) -> None:
    survey = make_survey(acme, budget=200.0)
    client = api_of(acme)
    path = f"/survey/{survey.public_id}/manage"
    client.patch(path, {"budget": 400.0})
    assert balance(AccountCode.BUDGET, survey) == 40_000
    client.patch(path, {"budget": 100.0})
    assert balance(AccountCode.BUDGET, survey) == 10_000


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"currency": "EUR"}, "/currency"),
        ({"status": "closed"}, "/status"),
        ({"payment_min": 30.0}, "/payment_max"),
        ({"title": ""}, "/title"),
    ],
)
def test_a_wrong_change_changes_nothing(
    acme: Company, api_of: ApiOf, change: dict[str, Any], pointer: str
) -> None:
    survey = make_survey(acme)
    client = api_of(acme)
    before = client.get(f"/survey/{survey.public_id}/manage").json()
    answer = client.patch(f"/survey/{survey.public_id}/manage", change)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert client.get(f"/survey/{survey.public_id}/manage").json() == before


# --- status ----------------------------------------------------------------------------------


def test_pause_resume_close(acme: Company, api_of: ApiOf) -> None:
    survey = make_survey(acme)
    client = api_of(acme)

    def act(action: str) -> tuple[int, str]:
        answer = client.post(f"/survey/{survey.public_id}/{action}")
        return answer.status_code, answer.json().get("status") or answer.json()["code"]

    assert act("pause") == (200, "paused")
    assert act("pause") == (200, "paused")
    Visitor(survey).start(expect=409)
    assert act("resume") == (200, "active")
    Visitor(survey).start()
    assert act("close") == (200, "closed")
    assert balance(AccountCode.BUDGET, survey) == 0
    # The running session's money stays promised.
    assert balance(AccountCode.RESERVED, survey) == 2000
    again = client.post(f"/survey/{survey.public_id}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "survey_status")
    changed = client.patch(f"/survey/{survey.public_id}/manage", {"title": "New"})
    assert (changed.status_code, changed.json()["code"]) == (409, "survey_closed")


def test_a_closed_surveys_running_session_is_still_paid(
    acme: Company, api_of: ApiOf, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    visitor.talk()
    api_of(acme).post(f"/survey/{visitor.survey.public_id}/close")
    assert visitor.done()["payment_status"] == "success"
    assert balance(AccountCode.RESERVED, visitor.survey) == 0


def test_a_copy_is_a_draft_without_answers_or_money(acme: Company, api_of: ApiOf) -> None:
    survey = make_survey(acme, allowed_origins=["https://shop.example"])
    copied = api_of(acme).post(f"/survey/{survey.public_id}/duplicate")
    assert copied.status_code == 201
    body = copied.json()
    assert (body["status"], body["title"]) == ("draft", "Product Experience Feedback (copy)")
    assert body["allowed_origins"] == ["https://shop.example"]
    assert body["publishable_key"] != survey.publishable_key
    original = {item["id"] for item in survey.current_version.questions}
    assert not original & {item["id"] for item in body["questions"]}
    copy = Survey.objects.get(public_id=body["survey_id"])
    assert not LedgerAccount.objects.filter(survey=copy, balance_minor__gt=0).exists()
    opened = api_of(acme).post(f"/survey/{copy.public_id}/resume")
    assert opened.json()["status"] == SurveyStatus.ACTIVE
    assert balance(AccountCode.BUDGET, copy) == 20_000


# --- lists and the widget's view -------------------------------------------------------------


def test_the_list_is_the_companys_own_newest_first_in_pages(
    acme: Company, globex: Company, api_of: ApiOf
) -> None:
    mine = [make_survey(acme, title=f"Survey {number}") for number in range(3)]
    make_survey(globex)
    client = api_of(acme)
    first = client.get("/surveys?limit=2").json()
    assert [row["title"] for row in first["results"]] == ["Survey 2", "Survey 1"]
    second = client.get(first["next"]).json()
    assert [row["title"] for row in second["results"]] == ["Survey 0"]
    assert second["next"] is None
    Visitor(mine[0]).start()
    rows = client.get("/surveys").json()["results"]
    assert [(row["started"], row["completed"]) for row in rows] == [(0, 0), (0, 0), (1, 0)]
    assert client.get("/surveys?status=draft").json()["results"] == []
    for query in ("status=x", "limit=0", "limit=201", "limit=x", "cursor=cD1ub3BlJnI9eA%3D%3D"):
        assert client.get(f"/surveys?{query}").status_code == 400, query


def test_the_list_costs_the_same_queries_for_any_number(
    acme: Company, api_of: ApiOf, django_assert_num_queries: Any
) -> None:
    client = api_of(acme)
    client.get("/surveys")
    for _ in range(4):
        make_survey(acme)
    # The key, its last use, the page.
    with django_assert_num_queries(3):
        client.get("/surveys")


def test_the_widget_sees_only_what_it_may_show(acme: Company) -> None:
    survey = make_survey(
        acme,
        objective="Secret objective",
        targeting={"percent": 50, "attributes": {"plan": ["pro"]}},
    )
    client = APIClient()
    answer = client.get(
        f"/survey/{survey.public_id}", HTTP_X_PUBLISHABLE_KEY=survey.publishable_key
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["payment"] == {"min": 5.0, "max": 20.0, "currency": "USD"}
    assert (body["company"], body["question_count"]) == ("Acme", 2)
    assert body["targeting"] == {"percent": 50}
    assert "Secret objective" not in str(body)
    assert "What were you trying" not in str(body)
    assert client.get(f"/survey/{survey.public_id}?key={survey.publishable_key}").json() == body
    assert client.get(f"/survey/{survey.public_id}").status_code == 401
    assert (body["voice_available"], body["voice_languages"]) == (False, [])


def test_the_widget_is_told_which_languages_can_be_spoken(
    acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "surveys.api.shapes.list_transports",
        lambda language: ("browser_audio", "typing") if language == "en" else ("typing",),
    )
    survey = make_survey(acme, languages=["es", "en"])
    path = f"/survey/{survey.public_id}?key={survey.publishable_key}"
    body = APIClient().get(path).json()
    assert (body["voice_available"], body["voice_languages"]) == (True, ["en"])


def test_the_widget_reports_two_steps_and_no_others(acme: Company) -> None:
    from surveys.selectors.surveys import funnel_of

    survey = make_survey(acme)
    client = APIClient()
    path = f"/survey/{survey.public_id}/funnel"
    headers = {"HTTP_X_PUBLISHABLE_KEY": survey.publishable_key}
    for step in ("shown", "shown", "consented"):
        assert client.post(path, {"step": step}, **headers).status_code == 204
    for step in ("paid", "done", "question:1", "", 5, None):
        assert client.post(path, {"step": step}, **headers).status_code == 400
    assert client.post(path, {"step": "shown"}).status_code == 401
    assert funnel_of(survey) == {"shown": 2, "consented": 1}
    for _ in range(60):
        last = client.post(path, {"step": "shown"}, **headers)
    assert last.status_code == 429
